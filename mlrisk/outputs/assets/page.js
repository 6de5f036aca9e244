"use strict";
// The map is a Bokeh document without code of its own; this script finds its parts by name and links them to the page.
(async () => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  await Bokeh.embed.embed_item(data.figure, "map");
  const plot = Bokeh.documents[0].get_model_by_name("map");
  const renderers = (name) => plot.renderers.filter((renderer) => renderer.name === name);
  const { tasks } = data;
  const asked = readAddress();
  const rows = [...document.querySelectorAll("#tasks tbody tr")];
  let theme = "priority";
  // The list of work that is shown, the tasks on it, the pins drawn, and the chosen task by its place in `tasks`.
  let work = 0;
  let listed = [];
  let pins = [];
  let chosen;

  // Every fixed text comes in all languages of the map; `language` is the place of the one that is shown.
  let language = 0;
  const say = (text, ...values) => data.texts[text][language].replace(/\{(\d)\}/g, (_, place) => values[place]);

  // Equal scale on both axes, whatever the shape of the window.
  let size = { width: plot.inner_width, height: plot.inner_height };
  let whole = true;
  const show = (easting, northing, metres) => {
    whole = false;
    size = { width: plot.inner_width, height: plot.inner_height };
    plot.x_range.setv({ start: easting - (size.width * metres) / 2, end: easting + (size.width * metres) / 2 });
    plot.y_range.setv({ start: northing - (size.height * metres) / 2, end: northing + (size.height * metres) / 2 });
    detail(false);
  };
  const view = () => {
    const { x_range: x, y_range: y } = plot;
    return { easting: (x.start + x.end) / 2, northing: (y.start + y.end) / 2, metres: (x.end - x.start) / size.width };
  };
  const fit = ([west, south, east, north], margin) => {
    const metres = Math.max((east - west) / plot.inner_width, (north - south) / plot.inner_height) * margin;
    show((west + east) / 2, (south + north) / 2, metres);
  };
  const fitAll = () => { fit(data.bounds, 1.04); whole = true; };
  const zoom = (factor) => { const at = view(); show(at.easting, at.northing, at.metres * factor); };
  const move = (right, up) => {
    const at = view();
    show(at.easting + right * 80 * at.metres, at.northing + up * 80 * at.metres, at.metres);
  };
  const resized = () => {
    // Numbers of six digits run into each other on a phone.
    plot.below[0].ticker.desired_num_ticks = plot.inner_width < 420 ? 3 : 5;
    if (!window.matchMedia("print").matches) fitPaper(byId("map"));
    const at = view();
    if (whole) fitAll();
    else show(at.easting, at.northing, at.metres);
  };
  plot.properties.inner_width.change.connect(resized);
  plot.properties.inner_height.change.connect(resized);
  plot.on_event("rangesupdate", () => { whole = false; detail(false); });

  const actions = { in: () => zoom(0.5), out: () => zoom(2), all: fitAll };
  document.querySelectorAll("[data-zoom]").forEach((button) => {
    button.addEventListener("click", () => actions[button.dataset.zoom]());
  });
  const keys = {
    Enter: () => { const at = view(); describePlace(at.easting, at.northing); },
    "+": actions.in, "=": actions.in, "-": actions.out, "0": actions.all,
    ArrowLeft: () => move(-1, 0), ArrowRight: () => move(1, 0), ArrowUp: () => move(0, 1), ArrowDown: () => move(0, -1),
  };
  byId("map").addEventListener("keydown", (event) => {
    if (keys[event.key]) { keys[event.key](); event.preventDefault(); }
  });

  // Layers and themes.
  document.querySelectorAll("[data-layer]").forEach((box) => {
    box.addEventListener("change", () => detail(true));
  });
  const THICK = new Set(["front_lines", "settlements", "plan_came", "plan_left"]);
  // What a zoom shows: labels that find room, and thin lines where cells are only a few pixels wide.
  let shown = "";
  const detail = (anyway) => {
    const { metres } = view();
    const coarse = metres > 0.4 * data.cell_m;
    const level = Math.round(4 * Math.log2(metres));
    drawPins(metres);
    drawScale(byId("scale"), metres);
    if (!anyway && shown === level) return;
    shown = level;
    document.querySelectorAll("[data-layer]").forEach((box) => {
      renderers(`layer/${box.dataset.layer}`).forEach((part) => {
        const [tag] = part.tags;
        // A fifth of leeway, for windows are of any width.
        const fits = tag === "casing" ? !coarse : tag === undefined || metres <= 1.2 * tag;
        part.visible = box.checked && fits;
        const width = data.widths[box.dataset.layer];
        if (tag === undefined && part.glyph.line_width && width && !THICK.has(box.dataset.layer)) {
          part.glyph.line_width = { value: coarse ? Math.max(0.3, width / 3) : width };
        }
      });
    });
    // Outlines of tasks take the width that their cells have room for; the chosen one stays plain to see.
    const pixels = data.cell_m / metres;
    renderers("layer/tasks").forEach((part, number) => {
      part.glyph.line_width = { value: Math.min([3.2, 1.4][number], Math.max([0.8, 0.5][number], pixels * [0.5, 0.25][number])) };
    });
  };
  const rings = (places) => ({ xs: places.map((place) => tasks[place].rings[0]), ys: places.map((place) => tasks[place].rings[1]) });
  const outline = (name, places) => { renderers(name)[0].data_source.data = rings(places); };
  // Names that a pin would cover give way to it; the marks of places stay.
  const names = ["settlements", "districts"].flatMap((key) => {
    const sources = new Set(renderers(`layer/${key}`).filter((part) => part.glyph.text).map((part) => part.data_source));
    return [...sources].map((source) => ({ source, all: [...source.get("text")], beside: key === "settlements" }));
  });
  let order = [];
  const drawPins = (metres) => {
    const on = document.querySelector("[data-layer=tasks]").checked;
    const { x_range: x, y_range: y } = plot;
    const window = { west: x.start, east: x.end, south: y.start, north: y.end };
    const first = chosen === undefined ? order : [chosen, ...order.filter((place) => place !== chosen)];
    pins = on ? pinsWithRoom(tasks, first, metres, window, mostPins(size.width * size.height)) : [];
    const text = pins.map((place) => String(tasks[place].number ?? "·"));
    renderers("pins")[0].data_source.data = {
      x: pins.map((place) => tasks[place].x), y: pins.map((place) => tasks[place].y), text,
      size: text.map(pinSize),
      line: pins.map((place) => (place === chosen ? "#0b57d0" : "#1f2430")),
    };
    const circles = pins.map((place, at) => [tasks[place].x, tasks[place].y, pinSize(text[at]) / 2]);
    names.forEach(({ source, all, beside }) => {
      const [eastings, northings] = [source.get("x"), source.get("y")];
      const free = all.map((name, at) => (isCovered(name, eastings[at], northings[at], beside, circles, metres) ? "" : name));
      if (free.some((name, at) => name !== source.get("text")[at])) source.data = { ...source.data, text: free };
    });
  };
  // Land on another list of work is painted as such; the pictures as they came are kept.
  const pictures = Object.fromEntries(Object.keys(data.themes).map((key) => {
    const source = renderers(`theme/${key}`)[0].data_source;
    return [key, { source, codes: source.get("image")[0].slice() }];
  }));
  const bits = new Uint8Array(pictures.priority.codes.length);
  for (let run = 0, at = 0; run < data.runs.length; run += 2) {
    bits.fill(data.runs[run], at, at + data.runs[run + 1]);
    at += data.runs[run + 1];
  }
  const paintLists = () => {
    for (const [key, { source, codes }] of Object.entries(pictures)) {
      if (!data.of_lists[key]) continue;
      const image = source.get("image")[0];
      const other = data.themes[key].length;
      for (let at = 0; at < codes.length; at += 1) image[at] = bits[at] && !(bits[at] & (1 << work)) ? other : codes[at];
      source.change.emit();
    }
  };
  const list = (number) => {
    work = number;
    listed = tasks.map((_, place) => place).filter((place) => tasks[place].work === work);
    order = listed.filter((place) => tasks[place].number !== null);
    document.querySelectorAll("[data-work]").forEach((part) => { part.hidden = Number(part.dataset.work) !== work; });
    document.querySelectorAll("[name=work]").forEach((radio) => { radio.checked = Number(radio.value) === work; });
    paintLists();
    outline("layer/tasks", listed);
    if (chosen !== undefined && tasks[chosen].work !== work) choose(undefined);
    outline("hover", []);
    sift();
    detail(true);
    address();
  };
  // A task is addressed by its number, one without a number by its id.
  const address = () => {
    const task = chosen === undefined ? {} : tasks[chosen];
    const name = task.number === null ? `id${task.task_id}` : task.number;
    writeAddress({ task: name, theme: theme === "priority" ? undefined : theme, work: work || undefined });
  };
  const paint = (key) => {
    theme = key;
    Object.keys(data.themes).forEach((name) => renderers(`theme/${name}`).forEach((part) => { part.visible = name === key; }));
    // Evidence is what is known, not a ranking: it needs no hatch.
    renderers("hatch").forEach((part) => { part.visible = key !== "evidence"; });
    document.querySelectorAll("[data-legend]").forEach((part) => { part.hidden = part.dataset.legend !== key; });
  };
  document.querySelectorAll("[name=theme]").forEach((radio) => {
    radio.addEventListener("change", () => { paint(radio.value); address(); });
    if (radio.checked) paint(radio.value);
  });

  // A chosen task: in the panel, on the map and in the table.
  const fact = (name, value) => {
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    text.textContent = value;
    byId("panel-facts").append(term, text);
  };
  // Bars from the middle: what raised the score to the right, what lowered it to the left.
  const picture = (parts) => {
    const most = Math.max(...parts.map(([, value]) => Math.abs(value)), 1e-9);
    for (const id of ["panel-parts-title", "panel-parts-note"]) byId(id).hidden = parts.length === 0;
    byId("panel-parts").replaceChildren(...parts.flatMap(([family, value]) => {
      const [name, bar, part] = ["span", "i", "b"].map((tag) => document.createElement(tag));
      name.textContent = `${data.families[family][language]} ${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(2).replace(".", data.decimals[language])}`;
      part.className = value > 0 ? "raised" : "lowered";
      part.style.width = `${(50 * Math.abs(value)) / most}%`;
      bar.append(part);
      return [name, bar];
    }));
  };
  // What the panel tells of, to be told anew in another language.
  let told = () => {};
  const describe = (task) => {
    told = () => describe(task);
    pin([], []);
    byId("panel-title").textContent = task.name[language];
    byId("panel-hint").textContent = [task.place && say("near {0}", task.place), task.district].filter(Boolean).join(", ");
    byId("panel-facts").replaceChildren();
    fact(say("Plan"), task.plan[language]);
    if (task.when) fact(say("Week"), task.when[language]);
    fact(say("Kind of work"), data.works[task.work][language]);
    fact(say("Rank"), task.rank);
    fact(say("Area"), task.area[language]);
    fact(say("Cells likely to hold EO"), task.finds === null ? task.finds_text[language] : say("about {0} of {1}", task.finds_text[language], task.cells));
    fact(say("Average probability of EO"), task.contamination[language]);
    if (task.interval) fact(say("Likely range (90 %)"), task.interval[language]);
    fact(say("Victims per year"), task.casualties_text[language]);
    if (task.known) fact(say("Already known"), task.known[language]);
    if (task.change) fact(say("What would change its rank"), task.change[language]);
    if (task.outside) fact(say("Basis"), task.outside[language]);
    if (task.access) fact(say("Access"), task.access);
    fact("MGRS", task.mgrs);
    fact("WGS 84", task.wgs84);
    fact(say("Grid"), metresText(task.x, task.y));
    fact(say("Task"), task.task_id);
    byId("panel-why").hidden = task.reasons[language].length === 0;
    byId("panel-reasons").replaceChildren(...task.reasons[language].map((reason) => {
      const item = document.createElement("li");
      item.textContent = reason;
      return item;
    }));
    picture(task.parts);
  };
  const choose = (place) => {
    chosen = place;
    outline("chosen", place === undefined ? [] : [place]);
    rows.forEach((row) => row.classList.toggle("chosen", Number(row.dataset.task) === place));
    if (place !== undefined) describe(tasks[place]);
    drawPins(view().metres);
    address();
  };
  // The table lies below the map, and on a narrow screen the panel too: a click without an effect in view looks like none.
  const reveal = () => {
    const title = byId("panel-title").getBoundingClientRect();
    const map = document.querySelector(".map-frame");
    if (title.top < 0 || title.bottom + 100 > window.innerHeight || map.getBoundingClientRect().bottom < 100) {
      map.scrollIntoView({ block: "start" });
    }
  };
  const goTo = (place) => {
    if (tasks[place].work !== work) list(tasks[place].work);
    choose(place);
    fit(tasks[place].bounds, 5);
  };
  rows.forEach((row) => row.addEventListener("click", () => {
    goTo(Number(row.dataset.task));
    reveal();
  }));

  // The table: sort by a column, keep the rows that hold the text.
  const headings = [...document.querySelectorAll("#tasks thead th")];
  headings.forEach((heading, column) => heading.querySelector("button").addEventListener("click", () => {
    const up = heading.getAttribute("aria-sort") !== "ascending";
    headings.forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = (row) => row.cells[column].dataset.value;
    const text = (row) => row.cells[column].textContent;
    const order = (a, b) => (key(a) === undefined ? text(a).localeCompare(text(b)) : key(a) - key(b));
    rows.sort((a, b) => (up ? order(a, b) : order(b, a)));
    document.querySelector("#tasks tbody").append(...rows);
  }));
  // Keep the rows of the list that the filters ask for; what is counted and saved is what is shown.
  const filters = [...document.querySelectorAll("[data-filter]")];
  const texts = tasks.map((task) => plain(`${task.district} ${task.place} ${task.reasons.flat().join(" ")} ${task.mgrs}`));
  const shownTasks = () => rows.filter((row) => !row.hidden).map((row) => tasks[Number(row.dataset.task)]);
  const sift = () => {
    const wanted = plain(byId("filter").value.trim());
    const value = Object.fromEntries(filters.map((part) => [part.dataset.filter, part.value]));
    rows.forEach((row) => {
      const place = Number(row.dataset.task);
      const task = tasks[place];
      row.hidden = !(task.work === work && texts[place].includes(wanted) && fitting(task, value));
    });
    count();
  };
  // The week after the one of today; the first before the season begins.
  const weekOf = (value) => (value !== "next" ? Number(value)
    : Math.max(1, Math.floor((Date.now() - Date.parse(data.first_monday)) / (7 * 86400000)) + 2));
  // Whether a task is what the filters ask for; it is in every week on which it is worked.
  const fitting = (task, { district, teams, week, purpose, planned }) => (!district || task.district === district)
    && (!teams || task.teams.split(" + ").includes(teams)) && (!purpose || task.purpose === purpose)
    && (!week || (task.week !== null && task.week <= weekOf(week) && weekOf(week) <= task.last_week))
    && (!planned || (task.estimate ? task.estimate.days > 0 : task.planned) === (planned === "yes"));
  // Teams that do another kind of work than the list that is shown: theirs is shown.
  const turnTo = () => {
    const value = Object.fromEntries(filters.map((part) => [part.dataset.filter, part.value]));
    const fit = tasks.filter((task) => fitting(task, value));
    if (!fit.length || fit.some((task) => task.work === work)) sift();
    else list(fit[0].work);
  };
  const number = (value) => {
    const [whole, part] = String(Number(value.toPrecision(3))).split(".");
    return part ? `${whole}${data.decimals[language]}${part}` : whole;
  };
  const count = () => {
    const found = shownTasks();
    const value = (task, key) => (task.estimate ? { days: task.estimate.days, finds: (task.finds || 0) * (1 - task.estimate.left) }[key] : task[key] || 0);
    const sum = (key) => number(found.reduce((total, task) => total + value(task, key), 0));
    const counted = !found.length || found.some((task) => task.finds !== null);
    byId("counted").textContent = !counted ? say("{0} of {1}", found.length, listed.length) : say("{0} of {1} tasks: {2} team-days, about {3} cells with EO", found.length, listed.length, sum("days"), sum("finds"));
  };
  byId("filter").addEventListener("input", sift);
  // Other teams than those of the plan: the list of planned tasks follows, as an estimate.
  const inputs = [...document.querySelectorAll("[data-kind]")];
  const estimated = (on) => {
    const kinds = data.what_if.kinds.map((kind, place) => ({ ...kind, place }));
    inputs.forEach((input) => { kinds[input.dataset.kind][input.dataset.of] = Math.max(0, Number(input.value) || 0); });
    const jobs = data.what_if.tasks.map((job, order) => ({ ...job, order }));
    const found = on ? estimate(jobs, kinds, data.what_if) : [];
    const byTask = new Map(jobs.map((job, place) => [job.task_id, found[place]]));
    tasks.forEach((task) => { task.estimate = byTask.get(task.task_id); });
    document.body.classList.toggle("estimated-on", on);
    rows.forEach((row) => {
      const task = tasks[Number(row.dataset.task)];
      const [teams, days] = row.querySelectorAll("[data-estimate]");
      row.classList.toggle("estimated", on);
      [teams, days].forEach((cell) => { cell.firstElementChild.hidden = on; cell.lastElementChild.textContent = ""; });
      if (!task.estimate || !(task.estimate.days > 0)) return;
      teams.lastElementChild.textContent = task.estimate.kinds.map((place) => data.what_if.kinds[place].texts[language]).join(" + ");
      days.lastElementChild.textContent = number(Math.round(2 * task.estimate.days) / 2);
    });
    const taken = [...byTask.values()].filter((one) => one && one.days > 0);
    const sum = (key) => number(tasks.reduce((total, task) => total + (task.estimate ? { days: task.estimate.days, finds: (task.finds || 0) * (1 - task.estimate.left) }[key] : 0), 0));
    const before = tasks.filter((task) => task.planned).length;
    const told = tasks.some((task) => task.finds !== null)
      ? say("Estimate, not the plan: {0} tasks, {1} team-days, about {2} cells with EO. The plan: {3} tasks.", taken.length, sum("days"), sum("finds"), before)
      : say("Estimate, not the plan: {0} tasks, {1} team-days. The plan: {2} tasks.", taken.length, sum("days"), before);
    byId("estimated").textContent = on ? told : "";
    const planned = document.querySelector("[data-filter=planned]");
    planned.value = on ? "yes" : "";
    sift();
  };
  if (data.what_if) {
    inputs.forEach((input) => input.addEventListener("input", () => estimated(true)));
    byId("as-planned").addEventListener("click", () => {
      inputs.forEach((input) => { input.value = input.defaultValue; });
      estimated(false);
    });
  }
  filters.forEach((part) => part.addEventListener("change", turnTo));

  // A file of what is shown, made here: no server takes part.
  document.querySelectorAll("[data-export]").forEach((button) => button.addEventListener("click", () => {
    const kind = button.dataset.export;
    const [write, type] = EXPORTS[kind];
    const saved = shownTasks().map((task) => ({
      ...task,
      point: lonlat(task.x, task.y),
      outlines: ringsOf(task).map(([eastings, northings]) => eastings.map((easting, at) => lonlat(easting, northings[at]))),
      work: data.works[task.work][language],
      purpose: data.purposes[task.purpose][language],
      teams: task.teams_text[language],
      known: task.known ? task.known[language] : "",
      reasons: task.reasons[language],
      label: task.number === null ? task.name[language] : `${task.number} ${task.place || task.district}`.trim(),
      text: [task.plan[language], `MGRS ${task.mgrs}`, ...task.reasons[language], data.note[language]].join("\n"),
    }));
    const about = { title: `${say("Survey tasks")}, ${data.country}`, note: data.note[language] };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([write(saved, about)], { type }));
    link.download = `tasks_shown.${kind}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }));

  // The place under the pointer, in both coordinate systems and in words.
  const lonlat = (easting, northing) => {
    const [west, south, east, north] = data.bounds;
    const { columns, rows: lines, longitude, latitude } = data.lonlat;
    const x = ((easting - west) / (east - west)) * (columns - 1);
    const y = ((northing - south) / (north - south)) * (lines - 1);
    const node = (at, most) => Math.max(0, Math.min(Math.floor(at), most - 2));
    const [i, j] = [node(x, columns), node(y, lines)];
    const at = (values) => {
      const [a, b] = [values[j * columns + i], values[j * columns + i + 1]];
      const [c, d] = [values[(j + 1) * columns + i], values[(j + 1) * columns + i + 1]];
      const low = a + (b - a) * (x - i);
      return low + (c + (d - c) * (x - i) - low) * (y - j);
    };
    return [at(longitude), at(latitude)];
  };
  const inside = (easting, northing) => {
    const [west, south, east, north] = data.bounds;
    return easting >= west && easting <= east && northing >= south && northing <= north;
  };
  // The way back, by Newton's method: beyond the map the lattice goes on as at its edge.
  const gridOf = (longitude, latitude) => {
    const [west, south, east, north] = data.bounds;
    let [x, y] = [(west + east) / 2, (south + north) / 2];
    for (let step = 0; step < 20; step += 1) {
      const here = lonlat(x, y);
      const [a, c] = lonlat(x + 100, y).map((value, axis) => (value - here[axis]) / 100);
      const [b, d] = lonlat(x, y + 100).map((value, axis) => (value - here[axis]) / 100);
      const [u, v] = [longitude - here[0], latitude - here[1]];
      x += (d * u - b * v) / (a * d - b * c);
      y += (a * v - c * u) / (a * d - b * c);
    }
    return [x, y];
  };
  const label = (key, easting, northing) => {
    const renderer = renderers(`theme/${key}`)[0];
    const [height, width] = renderer.data_source.get("image")[0].shape;
    const image = pictures[key].codes;
    const { x, y, dw, dh } = renderer.glyph;
    const column = Math.floor(((easting - x.value) / dw.value) * width);
    const row = Math.floor(((northing - y.value) / dh.value) * height);
    if (column < 0 || row < 0 || column >= width || row >= height) return "";
    const told = data.themes[key][image[row * width + column] - 1];
    return told === undefined ? say("outside the area") : told[language];
  };
  let under;
  const tip = byId("tip");
  const hover = (place, sx, sy) => {
    if (place !== under) outline("hover", place === undefined ? [] : [place]);
    under = place;
    tip.hidden = place === undefined;
    if (place === undefined) return;
    const task = tasks[place];
    tip.textContent = [task.name[language], task.place || task.district].filter(Boolean).join(", ");
    tip.style.left = `${sx + 14}px`;
    tip.style.top = `${sy + 14}px`;
  };
  const at = (x, y) => taskAt(tasks, pins, document.querySelector("[data-layer=tasks]").checked ? listed : [], x, y, view().metres);
  plot.on_event("mousemove", ({ x, y, sx, sy }) => {
    if (line.length) return;
    hover(at(x, y), sx, sy);
    byId("map").style.cursor = under === undefined ? "" : "pointer";
    if (!inside(x, y)) { byId("status").textContent = say("outside the map"); return; }
    const place = lonlat(x, y);
    const words = theme === "priority" ? label("priority", x, y) : `${label("priority", x, y)}  ·  ${label(theme, x, y)}`;
    const grid = metresText(x, y);
    byId("status").textContent = `${place[1].toFixed(5)}, ${place[0].toFixed(5)} (WGS 84)  ·  MGRS ${mgrsOf(...place)}  ·  ${grid}  ·  ${words}`;
  });
  plot.on_event("mouseleave", () => hover(undefined));

  const grouped = (value) => Math.round(value).toLocaleString("en").replaceAll(",", data.thousands[language]);
  const metresText = (x, y) => `${grouped(x)} E  ${grouped(y)} N`;

  // A place in full: what each map says of it, in the panel; on a phone nothing else tells it.
  const pin = (x, y) => { renderers("place")[0].data_source.data = { x, y }; };
  const describePlace = (x, y, name = "") => {
    choose(undefined);
    told = () => describePlace(x, y, name);
    pin([x], [y]);
    byId("panel-title").textContent = name || say("Place");
    byId("panel-hint").textContent = inside(x, y) ? "" : say("outside the map");
    byId("panel-facts").replaceChildren();
    byId("panel-why").hidden = true;
    byId("panel-reasons").replaceChildren();
    picture([]);
    if (!inside(x, y)) return;
    Object.keys(data.themes).forEach((key) => fact(data.named[key][language], label(key, x, y)));
    const place = lonlat(x, y);
    fact("MGRS", mgrsOf(...place));
    fact("WGS 84", `${place[1].toFixed(5)}, ${place[0].toFixed(5)}`);
    fact(say("Grid"), metresText(x, y));
  };
  // While measuring, each tap adds a point to the line.
  let line = [];
  byId("measure").addEventListener("click", () => {
    const on = byId("measure").getAttribute("aria-pressed") !== "true";
    byId("measure").setAttribute("aria-pressed", String(on));
    line = [];
    pin([], []);
  });
  const measure = (x, y) => {
    line.push([x, y]);
    pin(line.map(([east]) => east), line.map(([, north]) => north));
    const { length, bearing } = measured(line);
    byId("status").textContent = say("{0}, bearing {1}° from grid north", lengthText(length), String(bearing).padStart(3, "0"));
  };
  const tapped = ({ x, y }) => {
    if (byId("measure").getAttribute("aria-pressed") === "true") { measure(x, y); return; }
    const place = at(x, y);
    if (place === undefined) describePlace(x, y);
    else { choose(place); reveal(); }
  };
  plot.on_event("tap", tapped);
  // Bokeh takes the second of two quick clicks, wherever it is, for one of these and tells of no tap.
  plot.on_event("doubletap", tapped);

  // Search: a rank, coordinates or a name.
  byId("places").replaceChildren(...data.places.map(([name]) => Object.assign(document.createElement("option"), { value: name })));
  const seek = (typed) => {
    // A number is that on the pins; "rank 12" is the rank on the list that is shown.
    const asked = typed.match(new RegExp(`^\\s*(${plain(say("Rank"))}|rank|#|№|no\\.?)?[:\\s]*(\\d{1,6})\\s*$`, "i"));
    const byRank = asked && asked[1] && !/^(#|№|no)/i.test(asked[1]);
    const wanted = asked ? Number(asked[2]) : 0;
    const here = asked ? listed.find((place) => tasks[place][byRank ? "rank" : "number"] === wanted) : undefined;
    const index = here ?? (asked && !byRank ? tasks.findIndex((task) => task.number === wanted) : -1);
    if (index >= 0) { goTo(index); return true; }
    const named = namedPlace(typed, data.places);
    const at = named ? { metres: named.slice(1) } : coordinatesOf(typed);
    if (at === null || typed.trim() === "") return false;
    const [x, y] = at.metres || gridOf(...at.degrees);
    describePlace(x, y, named ? named[0] : "");
    if (inside(x, y)) show(x, y, (40 * data.cell_m) / plot.inner_width);
    return inside(x, y);
  };
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = byId("place").value;
    byId("found").textContent = seek(typed) ? "" : say("Not found on this map: {0}", typed);
  });

  // The language of the page.
  const buttons = [...document.querySelectorAll("[data-language]")];
  const speak = (place) => {
    language = place;
    document.documentElement.lang = data.languages[place];
    document.title = data.titles[place];
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(Number(button.dataset.language) === place)));
    for (const name of ["aria-label", "placeholder"]) {
      document.querySelectorAll(`[data-say-${name}]`).forEach((part) => {
        part.setAttribute(name, JSON.parse(part.getAttribute(`data-say-${name}`))[place]);
      });
    }
    const crs = plot.below[0].axis_label.match(/\(.*\)$/)[0];
    plot.below[0].axis_label = `${say("Easting, m")} ${crs}`;
    plot.left[0].axis_label = say("Northing, m");
    // Bokeh groups digits by commas alone: where a comma is the decimal sign, they are not grouped.
    [plot.below[0], plot.left[0]].forEach((axis) => { axis.formatter.format = data.thousands[place] === "," ? "0,0" : "0"; });
    document.querySelectorAll("[data-texts]").forEach((part) => { part.textContent = JSON.parse(part.dataset.texts)[place]; });
    count();
    told();
  };
  buttons.forEach((button) => button.addEventListener("click", () => speak(Number(button.dataset.language))));
  if (data.languages[0] !== "en") speak(0);

  document.querySelectorAll("[name=work]").forEach((radio) => radio.addEventListener("change", () => list(Number(radio.value))));
  const fade = () => {
    const share = byId("opacity").value / 100;
    document.documentElement.style.setProperty("--land", share);
    Object.keys(data.themes).flatMap((key) => renderers(`theme/${key}`)).forEach((part) => { part.glyph.global_alpha = share; });
  };
  byId("opacity").addEventListener("input", fade);
  fade();
  // A finger that moves up or down scrolls the page; two fingers zoom the map.
  if (window.matchMedia("(pointer: coarse)").matches) {
    Bokeh.index.get_by_id(plot.id).canvas_view.events_el.style.touchAction = "pan-y";
  }
  fitAll();
  resized();
  list(Number(asked.work) || 0);
  const wanted = asked.theme && document.querySelector(`[name=theme][value="${CSS.escape(asked.theme)}"]`);
  if (wanted) { wanted.checked = true; paint(asked.theme); }
  const named = tasks.findIndex((task) => String(task.number) === asked.task || `id${task.task_id}` === asked.task);
  if (named >= 0) goTo(named);
  document.body.dataset.state = "ready";
  performance.mark("ready");
})();
