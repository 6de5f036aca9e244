"use strict";
// Military Grid Reference System of a place in degrees (WGS 84), to ten metres; empty beyond 80 S and 84 N.
// Transverse Mercator by the series of Krüger (1912), third order: within a millimetre in a zone.
const mgrsOf = (longitude, latitude) => {
  if (!(latitude >= -80 && latitude <= 84)) return "";
  const band = "CDEFGHJKLMNPQRSTUVWXX"[Math.floor((latitude + 80) / 8)];
  let zone = Math.min(Math.floor((longitude + 180) / 6), 59) + 1;
  if (band === "V" && zone === 31 && longitude >= 3) zone = 32;
  if (band === "X" && longitude >= 0 && longitude < 42) zone = [31, 33, 35, 37][Math.floor((longitude + 3) / 12)];

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
  const easting = 500000 + 0.9996 * radius * (eta + wave(Math.cos, Math.sinh));
  const northing = (latitude < 0 ? 1e7 : 0) + 0.9996 * radius * (xi + wave(Math.sin, Math.cosh));

  const column = "ABCDEFGHJKLMNPQRSTUVWXYZ"[((zone - 1) % 3) * 8 + Math.floor(easting / 1e5) - 1];
  const row = "ABCDEFGHJKLMNPQRSTUV"[(Math.floor(northing / 1e5) + (zone % 2 ? 0 : 5)) % 20];
  const digits = (metres) => String(Math.floor((metres % 1e5) / 10)).padStart(4, "0");
  return `${zone}${band} ${column}${row} ${digits(easting)} ${digits(northing)}`;
};
