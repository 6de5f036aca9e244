"use strict";
// Transverse Mercator of WGS 84 in a UTM zone by the series of Krüger (1912), third order: within a millimetre there.
// Metres from the middle of the zone plus 500 km, and from the equator, negative in the south.
const utmOf = (longitude, latitude, zone) => {
  const n = 1 / 298.257223563 / (2 - 1 / 298.257223563);
  const radius = (6378137 / (1 + n)) * (1 + n ** 2 / 4 + n ** 4 / 64);
  const series = [
    n / 2 - (2 * n ** 2) / 3 + (5 * n ** 3) / 16, (13 * n ** 2) / 48 - (3 * n ** 3) / 5, (61 * n ** 3) / 240,
  ];
  const radians = Math.PI / 180;
  const east = (longitude - (zone * 6 - 183)) * radians;
  const sine = Math.sin(latitude * radians);
  const k = (2 * Math.sqrt(n)) / (1 + n);
  const t = Math.sinh(Math.atanh(sine) - k * Math.atanh(k * sine));
  const xi = Math.atan2(t, Math.cos(east));
  const eta = Math.asinh(Math.sin(east) / Math.hypot(t, Math.cos(east)));
  const wave = (of, other) => series.reduce((sum, a, i) => sum + a * of(2 * (i + 1) * xi) * other(2 * (i + 1) * eta), 0);
  return [
    500000 + 0.9996 * radius * (eta + wave(Math.cos, Math.sinh)), 0.9996 * radius * (xi + wave(Math.sin, Math.cosh)),
  ];
};
const BANDS = "CDEFGHJKLMNPQRSTUVWXX";
const COLUMNS = "ABCDEFGHJKLMNPQRSTUVWXYZ";
const ROWS = "ABCDEFGHJKLMNPQRSTUV";

// Military Grid Reference System of a place in degrees (WGS 84), to ten metres; empty beyond 80 S and 84 N.
const mgrsOf = (longitude, latitude) => {
  if (!(latitude >= -80 && latitude <= 84)) return "";
  const band = BANDS[Math.floor((latitude + 80) / 8)];
  let zone = Math.min(Math.floor((longitude + 180) / 6), 59) + 1;
  if (band === "V" && zone === 31 && longitude >= 3) zone = 32;
  if (band === "X" && longitude >= 0 && longitude < 42) zone = [31, 33, 35, 37][Math.floor((longitude + 3) / 12)];

  const [easting, above] = utmOf(longitude, latitude, zone);
  const northing = above + (latitude < 0 ? 1e7 : 0);
  const column = COLUMNS[((zone - 1) % 3) * 8 + Math.floor(easting / 1e5) - 1];
  const row = ROWS[(Math.floor(northing / 1e5) + (zone % 2 ? 0 : 5)) % 20];
  const digits = (metres) => String(Math.floor((metres % 1e5) / 10)).padStart(4, "0");
  return `${zone}${band} ${column}${row} ${digits(easting)} ${digits(northing)}`;
};

// Longitude and latitude in the middle of an MGRS square of any precision; null for a text that is none.
const lonlatOfMgrs = (typed) => {
  const found = typed.toUpperCase().replace(/\s+/g, "").match(/^(\d{1,2})([C-HJ-NP-X])([A-HJ-NP-Z])([A-HJ-NP-V])(\d*)$/);
  if (!found || found[5].length % 2 || found[5].length > 10) return null;
  const zone = Number(found[1]);
  const column = COLUMNS.indexOf(found[3]) - ((zone - 1) % 3) * 8;
  if (zone < 1 || zone > 60 || column < 0 || column > 7) return null;
  const places = found[5].length / 2;
  const size = 10 ** (5 - places);
  const within = (digits) => Number(digits) * size + size / 2;
  const easting = (column + 1) * 1e5 + within(found[5].slice(0, places));
  // Rows come round every 2,000 km: the band says which.
  const foot = BANDS.indexOf(found[2]) * 8 - 80;
  const lowest = utmOf(zone * 6 - 183, foot, zone)[1] + (foot < 0 ? 1e7 : 0) - 5e4;
  let northing = ((ROWS.indexOf(found[4]) + (zone % 2 ? 20 : 15)) % 20) * 1e5 + within(found[5].slice(places));
  northing += 2e6 * Math.ceil((lowest - northing) / 2e6);
  const above = northing - (foot < 0 ? 1e7 : 0);
  let [longitude, latitude] = [zone * 6 - 183, foot + 4];
  for (let step = 0; step < 40; step += 1) {
    const [east, north] = utmOf(longitude, latitude, zone);
    longitude += (easting - east) / (111320 * Math.cos((latitude * Math.PI) / 180));
    latitude += (above - north) / 111000;
  }
  return [longitude, latitude];
};
