"use strict";
// A rough plan for other teams than those of the plan: the same rule, without shares of districts and of learning tasks.
// A survey is divided into this many parts, as in mlrisk.planning.allocation.
const PARTS = 4;

const ordersOf = (kinds) => (kinds.length < 2 ? [kinds]
  : kinds.flatMap((first) => ordersOf(kinds.filter((kind) => kind !== first)).map((rest) => [first, ...rest])));

// The parts of surveys of one kind of team, the most worth a day first; those of tasks with open finds before all others.
// A team goes to a task for a least time: the first parts, which it takes, come together.
const partsOf = (jobs, kind, left, { wholeTasks, mostPasses, leastDays }) => {
  const part = 1 - (1 - kind.detection) ** (1 / PARTS);
  const number = wholeTasks ? 1 : PARTS * mostPasses;
  const parts = jobs.flatMap((job, task) => {
    const whole = job.days[kind.place];
    if (job.fixed || !whole || !(job.value * left[task] > 0)) return [];
    const days = wholeTasks ? whole : whole / PARTS;
    const together = Math.min(Math.max(Math.ceil(leastDays / days - 1e-9), 1), number);
    return Array.from({ length: number - together + 1 }, (_, at) => {
      const [place, size] = at ? [at + together - 1, 1] : [0, together];
      const found = (1 - part) ** place * (1 - (1 - part) ** size);
      return { task, begins: !at, days: days * size, first: job.urgent && place < PARTS, gain: (job.value * left[task] * found) / (days * size) };
    });
  });
  const order = wholeTasks ? (a, b) => jobs[a.task].order - jobs[b.task].order : (a, b) => b.gain - a.gain;
  return parts.sort((a, b) => Number(b.first) - Number(a.first) || order(a, b));
};

// Days of each task by each kind, and the share of what lies in it that would not be found.
const spendOn = (jobs, kinds, rule) => {
  const left = jobs.map(() => 1);
  const days = jobs.map((job) => (job.fixed ? [...job.fixed] : job.days.map(() => 0)));
  for (const kind of kinds) {
    let rest = kind.number * kind.days * kind.usable - jobs.reduce((sum, job) => sum + (job.fixed ? job.fixed[kind.place] : 0), 0);
    const spent = jobs.map(() => 0);
    const begun = new Set();
    let tooFew = false;
    for (const { task, days: cost, begins } of partsOf(jobs, kind, left, rule)) {
      if (tooFew && (begins || !begun.has(task))) continue;
      const taken = Math.min(cost, Math.max(rest, 0));
      // Days that are too few to begin a task go on with those that were begun.
      tooFew ||= begins && taken < cost && taken < rule.leastDays - 1e-9;
      if (tooFew && begins) continue;
      begun.add(task);
      days[task][kind.place] += taken;
      spent[task] += taken;
      rest -= taken;
    }
    const part = 1 - (1 - kind.detection) ** (1 / PARTS);
    jobs.forEach((job, task) => {
      const parts = spent[task] > 0 ? (PARTS * spent[task]) / job.days[kind.place] : 0;
      const whole = Math.floor(parts + 1e-9);
      left[task] *= (1 - part) ** whole * (1 - part * Math.min(Math.max(parts - whole, 0), 1));
    });
  }
  return { days, left };
};

// The order of the kinds that finds most is kept.
const estimate = (jobs, kinds, rule) => {
  const working = kinds.filter((kind) => kind.number * kind.days > 0);
  const orders = working.length <= 4 ? ordersOf(working) : [working];
  const worth = ({ left }) => jobs.reduce((sum, job, task) => sum + job.value * (1 - left[task]), 0);
  const best = orders.map((order) => spendOn(jobs, order, rule)).reduce((a, b) => (worth(b) > worth(a) * (1 + 1e-12) ? b : a));
  return jobs.map((job, task) => {
    const days = best.days[task].map((one) => (one < rule.leastDays - 1e-9 && !job.fixed ? 0 : one));
    const total = days.reduce((sum, one) => sum + one, 0);
    return { days: total, kinds: days.flatMap((one, place) => (one > 0 ? [place] : [])), left: total > 0 ? best.left[task] : 1 };
  });
};
