"use strict";
// The map is a Bokeh document without code of its own; this script finds its parts by name and links them to the page.
(async () => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  await Bokeh.embed.embed_item(data.figure, "map");
  const plot = Bokeh.documents[0].get_model_by_name("map");
  const renderers = (name) => plot.renderers.filter((renderer) => renderer.name === name);
  const chosen = renderers("layer/tasks")[0].data_source.selected;
  const rows = [...document.querySelectorAll("#tasks tbody tr")];
  let theme = "priority";

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
  const THICK = new Set(["tasks", "front_lines", "settlements"]);
  // What a zoom shows: labels that find room, and thin lines where cells are only a few pixels wide.
  let shown = "";
  const detail = (anyway) => {
    const { metres } = view();
    const coarse = metres > 0.4 * data.cell_m;
    const level = Math.round(4 * Math.log2(metres));
    if (!anyway && shown === level) return;
    shown = level;
    document.querySelectorAll("[data-layer]").forEach((box) => {
      renderers(`layer/${box.dataset.layer}`).forEach((part) => {
        const [tag] = part.tags;
        // A fifth of leeway, for windows are of any width.
        const fits = tag === "casing" ? !coarse : tag === undefined || metres <= 1.2 * tag;
        part.visible = box.checked && fits;
        if (tag === undefined && part.glyph.line_width && !THICK.has(box.dataset.layer)) {
          part.glyph.line_width = { value: coarse ? 0.5 : data.widths[box.dataset.layer] };
        }
      });
    });
  };
  fitAll();
  detail(true);
  const paint = (key) => {
    theme = key;
    Object.keys(data.themes).forEach((name) => renderers(`theme/${name}`).forEach((part) => { part.visible = name === key; }));
    // Evidence is what is known, not a ranking: it needs no hatch.
    renderers("hatch").forEach((part) => { part.visible = key !== "evidence"; });
    document.querySelectorAll("[data-legend]").forEach((part) => { part.hidden = part.dataset.legend !== key; });
  };
  document.querySelectorAll("[name=theme]").forEach((radio) => {
    radio.addEventListener("change", () => paint(radio.value));
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
      name.textContent = `${data.families[family][language]} ${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(2)}`;
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
    byId("panel-title").textContent = say("Rank {0}", task.rank);
    byId("panel-hint").textContent = task.district;
    byId("panel-facts").replaceChildren();
    fact(say("Area"), `${task.area_ha} ha`);
    fact(say("Contamination, mean"), task.contamination_text);
    if (task.interval_text) fact(say("Its interval"), task.interval_text[language]);
    fact(say("Expected to hold EO"), task.finds_text[language]);
    fact(say("Casualties per year"), task.casualties_text[language]);
    if (task.evidence_text) fact(say("Evidence in its cells"), task.evidence_text[language]);
    if (task.outside_text) fact(say("Out of domain"), task.outside_text);
    fact(say("Plan"), task.plan_text[language]);
    fact("MGRS", task.mgrs);
    fact("WGS 84", task.wgs84);
    fact(say("Grid"), task.grid);
    fact(say("Task"), task.task_id);
    byId("panel-why").hidden = task.reasons[language].length === 0;
    byId("panel-reasons").replaceChildren(...task.reasons[language].map((reason) => {
      const item = document.createElement("li");
      item.textContent = reason;
      return item;
    }));
    picture(task.parts);
  };
  const mark = () => {
    const index = chosen.indices[0];
    rows.forEach((row) => row.classList.toggle("chosen", Number(row.dataset.task) === index));
    if (index !== undefined) describe(data.tasks[index]);
  };
  const choose = (index) => {
    chosen.indices = [index];
    fit(data.tasks[index].bounds, 5);
  };
  chosen.properties.indices.change.connect(mark);
  rows.forEach((row) => row.addEventListener("click", () => {
    choose(Number(row.dataset.task));
    // The table lies below the map: a click that nobody sees the effect of looks like none.
    document.querySelector(".map-box").scrollIntoView({ block: "nearest" });
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
  byId("filter").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLocaleLowerCase();
    rows.forEach((row) => {
      const task = data.tasks[Number(row.dataset.task)];
      row.hidden = !`${task.district} ${task.reasons.flat().join(" ")}`.toLocaleLowerCase().includes(wanted);
    });
  });

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
    const image = renderer.data_source.get("image")[0];
    const { x, y, dw, dh } = renderer.glyph;
    const [height, width] = image.shape;
    const column = Math.floor(((easting - x.value) / dw.value) * width);
    const row = Math.floor(((northing - y.value) / dh.value) * height);
    if (column < 0 || row < 0 || column >= width || row >= height) return "";
    const told = data.themes[key][image[row * width + column] - 1];
    return told === undefined ? say("outside the area") : told[language];
  };
  plot.on_event("mousemove", ({ x, y }) => {
    if (!inside(x, y)) { byId("status").textContent = say("outside the map"); return; }
    const place = lonlat(x, y);
    const words = theme === "priority" ? label("priority", x, y) : `${label("priority", x, y)}  ·  ${label(theme, x, y)}`;
    const grid = metresText(x, y);
    byId("status").textContent = `${place[1].toFixed(5)}, ${place[0].toFixed(5)} (WGS 84)  ·  MGRS ${mgrsOf(...place)}  ·  ${grid}  ·  ${words}`;
  });

  const metresText = (x, y) => `${Math.round(x).toLocaleString("en")} E  ${Math.round(y).toLocaleString("en")} N`;

  // A place in full: what each map says of it, in the panel; on a phone nothing else tells it.
  const pin = (x, y) => { renderers("place")[0].data_source.data = { x, y }; };
  const describePlace = (x, y, name = "") => {
    chosen.indices = [];
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
  // Bokeh selects before or after it tells of the tap: both are over when the browser is next idle.
  plot.on_event("tap", ({ x, y }) => setTimeout(() => { if (!chosen.indices.length) describePlace(x, y); }));

  // Search: a rank, coordinates or a name.
  byId("places").replaceChildren(...data.places.map(([name]) => Object.assign(document.createElement("option"), { value: name })));
  const seek = (typed) => {
    const rank = typed.match(/^\s*#?(\d{1,6})\s*$/);
    const index = rank ? data.tasks.findIndex((task) => task.rank === Number(rank[1])) : -1;
    if (index >= 0) { choose(index); return true; }
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
    told();
  };
  buttons.forEach((button) => button.addEventListener("click", () => speak(Number(button.dataset.language))));
  if (data.languages[0] !== "en") speak(0);

  document.body.dataset.state = "ready";
  performance.mark("ready");
})();
