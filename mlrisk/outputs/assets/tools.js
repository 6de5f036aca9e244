"use strict";
// What stands on the map beside the land: its scale, grid north, a measure; and the address of what is shown.

// A round number of metres that is at most `most`: 1, 2 or 5 of a power of ten.
const roundMetres = (most) => {
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((step) => step * power).find((step) => step <= most);
};
const lengthText = (metres) => (metres < 1000 ? `${Math.round(metres)} m` : `${Number((metres / 1000).toPrecision(3))} km`);

const drawScale = (element, metres) => {
  const length = roundMetres(140 * metres);
  element.style.width = `${length / metres}px`;
  element.textContent = lengthText(length);
};

// Length in metres and the bearing of the last part, in degrees from grid north, of a line of [easting, northing].
const measured = (points) => {
  let length = 0;
  let bearing = 0;
  for (let at = 1; at < points.length; at += 1) {
    const east = points[at][0] - points[at - 1][0];
    const north = points[at][1] - points[at - 1][1];
    length += Math.hypot(east, north);
    bearing = Math.round((Math.atan2(east, north) * 180) / Math.PI + 360) % 360;
  }
  return { length, bearing };
};

// The part of the address behind #, such as task=12&theme=evidence: a colleague who gets it sees the same.
const readAddress = () => Object.fromEntries(new URLSearchParams(window.location.hash.slice(1)));
const writeAddress = (shown) => {
  const text = new URLSearchParams(Object.entries(shown).filter(([, value]) => value !== undefined && value !== null)).toString();
  window.history.replaceState(null, "", `#${text}`);
};

// A page of A4 across has this room beside the legend and below the heading, in px.
const PAPER = { width: 750, height: 460 };
const fitPaper = (map) => {
  const { width, height } = map.getBoundingClientRect();
  const scale = Math.min(PAPER.width / width, PAPER.height / height, 1);
  const sizes = { "--map-width": `${width}px`, "--map-height": `${height}px`, "--print-scale": scale, "--print-height": `${height * scale}px` };
  Object.entries(sizes).forEach(([name, value]) => document.documentElement.style.setProperty(name, value));
};
