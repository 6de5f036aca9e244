"use strict";
// Files of the tasks that the table shows, as text. `tasks` come with `outlines`: rings of [longitude, latitude].
const XML_SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
// XML 1.0 has no control characters.
// eslint-disable-next-line no-control-regex
const xml = (text) => String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "").replace(/[&<>"]/g, (sign) => XML_SIGNS[sign]);
const degrees = (value) => value.toFixed(6);

// A cell that starts like a formula runs as one in a spreadsheet.
const csvCell = (value) => {
  const text = value === null || value === undefined ? "" : String(value);
  const plainText = typeof value === "string" && /^[\s\p{C}]*[=+\-@]|^[\t\r\n]/u.test(text.normalize("NFKC")) ? `'${text}` : text;
  return /[",\r\n]/.test(plainText) ? `"${plainText.replaceAll('"', '""')}"` : plainText;
};
const csvOf = (tasks, { note }) => {
  const head = [
    "number", "work", "rank", "place", "district", "purpose", "teams", "team_days", "expected_finds", "known",
    "longitude", "latitude", "mgrs", "reason_1",
  ];
  const rows = tasks.map((task) => [
    task.number, task.work, task.rank, task.place, task.district, task.purpose, task.teams, task.days, task.finds,
    task.known, task.point[0], task.point[1], task.mgrs, task.reasons[0] || "",
  ]);
  const lines = [[note], head, ...rows].map((row) => row.map(csvCell).join(","));
  // The byte order mark tells Excel that the file is UTF-8.
  return `\ufeff${lines.join("\r\n")}\r\n`;
};

const gpxOf = (tasks, { title, note }) => {
  const points = tasks.map((task) => `<wpt lat="${degrees(task.point[1])}" lon="${degrees(task.point[0])}">`
    + `<name>${xml(task.label)}</name><desc>${xml(task.text)}</desc></wpt>`);
  const tracks = tasks.map((task) => `<trk><name>${xml(task.label)}</name>${task.outlines.map((ring) => `<trkseg>${ring
    .map(([east, north]) => `<trkpt lat="${degrees(north)}" lon="${degrees(east)}"/>`).join("")}</trkseg>`).join("")}</trk>`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1" creator="mlrisk">`
    + `<metadata><name>${xml(title)}</name><desc>${xml(note)}</desc></metadata>\n${[...points, ...tracks].join("\n")}\n</gpx>\n`;
};

const kmlOf = (tasks, { title, note }) => {
  const marks = tasks.map((task) => {
    const rings = task.outlines.map((ring) => `<LineString><tessellate>1</tessellate><coordinates>${ring
      .map(([east, north]) => `${degrees(east)},${degrees(north)}`).join(" ")}</coordinates></LineString>`).join("");
    const point = `<Point><coordinates>${degrees(task.point[0])},${degrees(task.point[1])}</coordinates></Point>`;
    return `<Placemark><name>${xml(task.label)}</name><description>${xml(xml(task.text))}</description>`
      + `<MultiGeometry>${point}${rings}</MultiGeometry></Placemark>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>${xml(title)}</name>`
    + `<description>${xml(xml(note))}</description>\n${marks.join("\n")}\n</Document></kml>\n`;
};
const EXPORTS = { csv: [csvOf, "text/csv"], gpx: [gpxOf, "application/gpx+xml"], kml: [kmlOf, "application/vnd.google-earth.kml+xml"] };
