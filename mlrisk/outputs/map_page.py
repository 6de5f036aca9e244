"""map.html: one page that opens without a network, with the map, the tasks and what they do not say."""

import base64
import hashlib
import json
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import markupsafe
import numpy as np
import pandas as pd
from bokeh.resources import Resources

from features.base import NOT_EVIDENCE
from mlrisk.outputs.map_page_figure import lonlat_nodes, map_item
from mlrisk.outputs.map_page_overlays import OVERLAYS, layer_of, named_places
from mlrisk.outputs.map_page_themes import Theme, make_themes
from mlrisk.outputs.map_page_words import PageWords
from mlrisk.outputs.tasks_by_rank import tasks_by_rank
from mlrisk.outputs.wording import HOW_TO_READ, plan_text
from mlrisk.risk_map import EVIDENCE_CODES, Package

# A page with more rows is slow to sort on an office laptop; the CSV and XLSX files hold every task.
MOST_TASKS = 2_000
# What the page runs besides Bokeh, in this order.
SCRIPTS = ("mgrs.js", "search.js", "page.js")
SCRIPT_TEXTS = (
    "Rank {0}", "Area", "Contamination, mean", "Expected to hold EO", "Casualties per year", "Plan", "Grid", "Task",
    "Its interval", "Evidence in its cells", "Out of domain",
    "outside the map", "outside the area", "Easting, m", "Northing, m", "Place",
    "Not found on this map: {0}",
)  # fmt: skip
RECALLS = ("recall_1", "recall_5", "recall_10", "recall_20")
METRICS = ("roc_auc", "pr_auc", *RECALLS)


def write_html(package: Package, folder: Path) -> list[Path]:
    """Write map.html; the same package gives the same bytes."""
    themes, factor = make_themes(package)
    path = folder / "map.html"
    path.write_text(_page(package, themes, factor, PageWords(package.languages)), encoding="utf-8", newline="\n")
    return [path]


def _page(package: Package, themes: tuple[Theme, ...], factor: int, words: PageWords) -> str:
    tasks = _tasks(package, words)
    bokeh = "\n".join(Resources(mode="inline", components=["bokeh"], log_level="warn").js_raw)
    script = "\n".join(_asset(name) for name in SCRIPTS)
    data = {
        "figure": map_item(package, themes, factor, tasks),
        "bounds": package.grid.bounds,
        "lonlat": lonlat_nodes(package),
        "tasks": tasks,
        "places": named_places(package),
        "widths": {style.key: style.width for style in OVERLAYS},
        "cell_m": package.grid.cell_size_m,
        "named": {theme.key: words.told(theme.title) for theme in themes},
        "themes": {theme.key: [words.told(text) for text in theme.labels] for theme in themes},
        "languages": [language.code for language in words.languages],
        "texts": words.table(SCRIPT_TEXTS),
        "families": {name: words.told(name.replace("_", " ")) for task in tasks for name, _ in task["parts"]},
        "titles": words.told("Survey priority map, {country}, {date}", **_title(package)),
    }
    template = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        _asset("page.html")
    )
    return template.render(
        bokeh=bokeh,
        script=script,
        style=_asset("page.css"),
        t=words.html,
        spans=words.spans,
        label=partial(_label, words),
        languages=words.languages,
        # Only these two scripts run, whatever text the data hold.
        script_hashes=" ".join(f"'sha256-{_digest(text)}'" for text in (bokeh, script)),
        data=_json(data),
        themes=themes,
        overlays=[style for style in OVERLAYS if layer_of(package, style.key) is not None],
        notes=package.notes,
        not_evidence=NOT_EVIDENCE,
        how_to_read=HOW_TO_READ[1:],
        tasks=tasks,
        n_tasks=len(package.tasks),
        counts=_counts(package, factor),
        validation=_validation(package.metrics),
        protocols=PROTOCOLS,
    )


def _title(package: Package) -> dict[str, object]:
    return {"country": package.notes.country, "date": package.notes.as_of}


def _label(words: PageWords, english: str, attribute: str = "aria-label") -> markupsafe.Markup:
    """An attribute with a text that the script puts into the language of the page."""
    told = json.dumps(words.told(english), ensure_ascii=False)
    return markupsafe.Markup('{}="{}" data-say-{}="{}"').format(attribute, words.told(english)[0], attribute, told)


def _asset(name: str) -> str:
    return (files("mlrisk.outputs") / "assets" / name).read_text(encoding="utf-8").replace("\r\n", "\n")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _json(value: Any) -> str:
    """JSON for a script element: no text in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _tasks(package: Package, words: PageWords) -> list[dict[str, Any]]:
    """What the page says of each task, in words, by rank."""
    by_rank = tasks_by_rank(package).head(MOST_TASKS)
    bounds = by_rank.geometry.bounds.to_numpy().tolist()
    rows = by_rank.drop(columns=by_rank.geometry.name).to_dict("records")
    known = _evidence(package)
    return [_task(row, box, known.get(int(row["task_id"]), {}), words) for row, box in zip(rows, bounds, strict=True)]


def _evidence(package: Package) -> dict[int, dict[str, int]]:
    """How many cells of each task are found, searched and unknown; without those that no cell says it is in."""
    cells = package.risk[package.risk["task_id"].notna()]
    counts = pd.crosstab(cells["task_id"], cells["evidence"])
    return {int(task): {name: int(row.get(name, 0)) for name in EVIDENCE_CODES} for task, row in counts.iterrows()}


def _told_if_known(row: dict[Any, Any], evidence: dict[str, int], words: PageWords) -> dict[str, Any]:
    """What not every package knows of a task: interval, evidence, share without basis; None where it does not."""
    low, high = row.get("contamination_low", np.nan), row.get("contamination_high", np.nan)
    outside = row.get("out_of_domain_share", 0.0)
    counts = "found {found}, searched {searched}, unknown {unknown}"
    return {
        "interval_text": words.told(f"{100 * low:.1f} % to {100 * high:.1f} %") if np.isfinite(low + high) else None,
        "evidence_text": words.told(counts, **evidence) if evidence else None,
        "outside_text": f"{100 * outside:.0f} %" if outside > 0 else None,
    }


def _task(row: dict[Any, Any], bounds: list[float], evidence: dict[str, int], words: PageWords) -> dict[str, Any]:
    reasons = [_reasons(row, "" if place == 0 else f"_{told.code}") for place, told in enumerate(words.languages)]
    position = f"{row['latitude']:.5f}, {row['longitude']:.5f}"
    return {
        "rank": int(row["rank"]),
        "task_id": int(row["task_id"]),
        "district": str(row["district"]),
        "area_ha": f"{row['area_m2'] / 10_000:,.1f}",
        "area_m2": float(row["area_m2"]),
        "contamination": float(row["contamination"]),
        **_told_if_known(row, evidence, words),
        "contamination_text": f"{row['contamination']:.1%}".replace("%", " %"),
        "finds": float(row["expected_finds"]),
        "finds_text": words.told("{some} of {all} cells", some=f"{row['expected_finds']:.1f}", all=int(row["cells"])),
        "casualties": float(row["casualties_per_year"]) if np.isfinite(row["casualties_per_year"]) else -1.0,
        "casualties_text": words.told(_significant(float(row["casualties_per_year"]))),
        "plan_text": [plan_text(row, told.say) for told in words.languages],
        "reasons": reasons,
        "first_reason": [(texts or [""])[0] for texts in reasons],
        "parts": list(json.loads(row.get("contributions") or "{}").items()),
        "wgs84": position,
        "mgrs": row["mgrs"],
        "grid": f"{row['easting_m']:,.0f} E  {row['northing_m']:,.0f} N",
        "easting_m": float(row["easting_m"]),
        "northing_m": float(row["northing_m"]),
        "bounds": bounds,
    }


def _reasons(row: dict[Any, Any], ending: str) -> list[str]:
    """The reasons of a task in one language; those of the first language where it has none in this one."""
    told = [str(row[f"reason_{number}{ending}"]) for number in (1, 2, 3) if row.get(f"reason_{number}{ending}")]
    return told or (_reasons(row, "") if ending else [])


def _significant(value: float) -> str:
    """Two significant digits without exponent: 0.0042, 0.31, 12; a missing value is said to be unknown."""
    if not np.isfinite(value):
        return "unknown"
    return np.format_float_positional(float(f"{value:.1e}"), trim="-")


def _counts(package: Package, factor: int) -> dict[str, str]:
    rank = package.risk["rank"]
    km2 = package.grid.cell_size_m**2 / 1e6
    return {
        "cell_size_m": f"{package.grid.cell_size_m:g}",
        "pixel_m": f"{package.grid.cell_size_m * factor:g}" if factor > 1 else "",
        "area_km2": f"{len(package.risk) * km2:,.0f}",
        "ranked_km2": f"{int(rank.notna().sum()) * km2:,.0f}",
        "no_basis_km2": f"{int((rank.isna() & ~package.risk['released']).sum()) * km2:,.0f}",
        "released_km2": f"{int(package.risk['released'].sum()) * km2:,.0f}",
    }


PROTOCOLS = {
    "as_of": "tested on results recorded after the date of the model",
    "leave_region_out": "tested on regions that the model had not seen",
    "knndm": "tested on blocks as far from the training data as the land to be ranked",
    "random": "tested on random cells; flatters the model, shown for the gap only",
}


def _validation(metrics: pd.DataFrame) -> list[dict[str, Any]]:
    """One row a protocol and ranking: mean over the folds, with its interval where one was drawn, else the range."""
    rows = []
    # Training adds rows of means; they are no fold, and counting them would narrow what the reader sees.
    folds = metrics[metrics["fold"] != "mean"]
    for (protocol, ranking), group in folds.groupby(["protocol", "ranking"], sort=False):
        values = {name: _spread(group, name) for name in METRICS if name in group.columns}
        rows.append(
            {
                "protocol": str(protocol),
                "ranking": str(ranking),
                "folds": int(group["fold"].nunique()),
                "base_rate": _percent(float(group["base_rate"].mean())),
                **values,
            }
        )
    first = {protocol: place for place, protocol in reversed(list(enumerate(row["protocol"] for row in rows)))}
    return sorted(rows, key=lambda row: first[row["protocol"]])


def _spread(group: pd.DataFrame, name: str) -> tuple[str, str]:
    known = group[name].astype(float).dropna()
    if known.empty:
        return "unknown", ""
    if f"{name}_low" in group.columns:
        low, high = group[f"{name}_low"].mean(), group[f"{name}_high"].mean()
        return f"{known.mean():.2f}", f"90 %: {low:.2f} to {high:.2f}"
    spread = f"{known.min():.2f} to {known.max():.2f}" if len(known) > 1 else ""
    return f"{known.mean():.2f}", spread


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if np.isfinite(share) else "unknown"
