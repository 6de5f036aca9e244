"use strict";
// What a person types to find a place: MGRS, degrees (WGS 84) or metres of the grid; null where it is none of them.
const NUMBER = "(-?\\d+(?:\\.\\d+)?)\\s*(?:°\\s*(?:(\\d+(?:\\.\\d+)?)\\s*['′]\\s*)?(?:(\\d+(?:\\.\\d+)?)\\s*[\"″]\\s*)?)?";
const coordinatesOf = (typed) => {
  const degrees = lonlatOfMgrs(typed);
  if (degrees) return { degrees };
  // 4,410,250 is a number with thousands; a comma is a decimal point where no point is.
  let text = typed.toUpperCase().replaceAll("−", "-").replace(/(\d),(?=\d{3}(?!\d))/g, "$1");
  if (!text.includes(".")) text = text.replace(/(\d),(?=\d)/g, "$1.");
  const one = new RegExp(`([NSEW])\\s*${NUMBER}|${NUMBER}\\s*([NSEW])?`, "g");
  const parts = [...text.matchAll(one)].map((part) => {
    const [whole, minutes, seconds] = part[2] === undefined ? part.slice(5, 8) : part.slice(2, 5);
    const letter = part[1] || part[8] || "";
    const size = Math.abs(Number(whole)) + Number(minutes || 0) / 60 + Number(seconds || 0) / 3600;
    return { letter, value: whole.startsWith("-") !== "SW".includes(letter || "-") ? -size : size };
  });
  if (parts.length !== 2 || /[^\s,;/]/.test(text.replace(one, ""))) return null;
  const geographic = parts.every(({ value }) => Math.abs(value) <= 180);
  // Latitude is said first, and easting.
  const turned = parts[0].letter ? "NS".includes(parts[0].letter) : geographic;
  const [east, north] = turned ? [parts[1], parts[0]] : parts;
  if ("NS".includes(east.letter || "-") || "EW".includes(north.letter || "-")) return null;
  return { [geographic ? "degrees" : "metres"]: [east.value, north.value] };
};

// Letters as a keyboard without them writes them, in small: Ağdam is found by agdam.
const plain = (text) => text.toLocaleLowerCase("en").normalize("NFD").replace(/\p{M}/gu, "")
  .replace(/[əıđ]/g, (letter) => ({ ə: "e", ı: "i", đ: "d" })[letter]);

// The first place whose name is the text, begins with it or holds it: [name, easting, northing], or undefined.
const namedPlace = (typed, places) => {
  const wanted = plain(typed.trim());
  const names = places.map(([name]) => plain(name));
  const tests = [(name) => name === wanted, (name) => name.startsWith(wanted), (name) => name.includes(wanted)];
  const place = wanted === "" ? -1 : tests.map((test) => names.findIndex(test)).find((found) => found >= 0) ?? -1;
  return places[place];
};
