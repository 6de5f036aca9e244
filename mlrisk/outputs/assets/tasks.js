"use strict";
// Which task a person means: the nearest pin within reach, else the smallest outline around the place.
const REACH_PX = 12;
// Pins stand this far apart, so that the reach of one never touches the reach of another.
const APART_PX = 2 * REACH_PX + 2;

const insideRing = (east, north, [eastings, northings]) => {
  let inside = false;
  for (let i = 0, j = eastings.length - 1; i < eastings.length; j = i, i += 1) {
    const crosses = northings[i] > north !== northings[j] > north;
    const at = ((eastings[j] - eastings[i]) * (north - northings[i])) / (northings[j] - northings[i]) + eastings[i];
    if (crosses && east < at) inside = !inside;
  }
  return inside;
};

// The rings of a task in a flat list: [eastings, northings] each. A hole turns the answer of insideRing back.
const ringsOf = (task) => task.rings[0].flatMap((polygon, number) => polygon.map((ring, place) => [ring, task.rings[1][number][place]]));

const insideTask = (task, east, north) => {
  const [west, south, eastEnd, northEnd] = task.bounds;
  if (east < west || east > eastEnd || north < south || north > northEnd) return false;
  return ringsOf(task).filter((ring) => insideRing(east, north, ring)).length % 2 === 1;
};

// Pins that find room, the first of `order` first: places in `tasks`.
const pinsWithRoom = (tasks, order, metres, { west, south, east, north }, most) => {
  const drawn = [];
  const apart = APART_PX * metres;
  for (const place of order) {
    const { x, y } = tasks[place];
    if (drawn.length >= most) break;
    if (x < west || x > east || y < south || y > north) continue;
    if (drawn.every((other) => Math.hypot(tasks[other].x - x, tasks[other].y - y) >= apart)) drawn.push(place);
  }
  return drawn;
};

// A small map shows fewer pins, so that its land is seen between them.
const MOST_PINS = 40;
const PX2_A_PIN = 6400;
const mostPins = (px2) => Math.min(MOST_PINS, Math.max(1, Math.round(px2 / PX2_A_PIN)));

const pinSize = (sign) => 19 + 5 * (sign.length - 1);

// Whether a name, beside its place or around it, lies under one of the circles (easting, northing, radius in pixels).
const LETTER_PX = 6.2;
const HALF_LINE_PX = 6;
const isCovered = (name, easting, northing, beside, circles, metres) => {
  const width = LETTER_PX * name.length;
  const from = beside ? 7 : -width / 2;
  return circles.some(([east, north, radius]) => {
    const right = (east - easting) / metres;
    return Math.abs(north - northing) / metres < radius + HALF_LINE_PX && right > from - radius && right < from + width + radius;
  });
};

// The place in `tasks` of the task at a point of the map, undefined where there is none.
const taskAt = (tasks, pins, listed, east, north, metres) => {
  const far = (place) => Math.hypot(tasks[place].x - east, tasks[place].y - north) / metres;
  const nearest = pins.reduce((best, place) => (best === undefined || far(place) < far(best) ? place : best), undefined);
  if (nearest !== undefined && far(nearest) <= REACH_PX) return nearest;
  const around = listed.filter((place) => insideTask(tasks[place], east, north));
  return around.sort((a, b) => tasks[a].cells - tasks[b].cells)[0];
};
