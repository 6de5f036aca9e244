"""map.html: one page that opens without a network, with the map, the tasks and their limits."""

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
from numpy.typing import NDArray

from features.base import NOT_EVIDENCE
from mlrisk.outputs.map_page_figure import lonlat_nodes, map_item
from mlrisk.outputs.map_page_glance import first_screen
from mlrisk.outputs.map_page_overlays import OVERLAYS, layer_of, named_places
from mlrisk.outputs.map_page_tasks import first_monday, task_choices, task_records, what_if, work_lists
from mlrisk.outputs.map_page_themes import OTHER_COLOUR, OTHER_TEXT, Theme, make_themes, work_picture
from mlrisk.outputs.map_page_words import PageWords
from mlrisk.outputs.task_words import PURPOSE_TEXTS, WORK_TEXTS, PlanScope
from mlrisk.outputs.wording import HOW_TO_READ, notes_lines
from mlrisk.risk_map import Package
from training.reporting import ranking_words

# Scripts that the page runs besides Bokeh, in this order.
SCRIPTS = ("mgrs.js", "search.js", "export.js", "tasks.js", "tools.js", "what_if.js", "page.js")
SCRIPT_TEXTS = (
    "Area", "Average probability of EO", "Cells likely to hold EO", "Victims per year", "Plan", "Grid", "Task",
    "Likely range (90 %)", "Already known", "Basis", "about {0} of {1}", "Rank", "Place", "District", "Kind of work",
    "Access", "near {0}", "outside the map", "outside the area", "Easting, m", "Northing, m", "{0} of {1}",
    "Not found on this map: {0}", "{0} of {1} tasks: {2} team-days, about {3} cells with EO", "Survey tasks",
    "No.", "Purpose", "Teams", "Team-days", "Week", "What would change its rank",
    "Estimate, not the plan: {0} tasks, {1} team-days, about {2} cells with EO. The plan: {3} tasks.",
    "Estimate, not the plan: {0} tasks, {1} team-days. The plan: {2} tasks.",
    "Measure", "{0}, bearing {1}° from grid north",
)  # fmt: skip
PLANNED_CHOICES = {"": "all", "yes": "planned", "no": "not planned"}
FAMILY_TEXTS = {
    "control": "who held the land",
    "front_lines": "former front lines",
    "incidents": "accidents",
    "incident_pattern": "accidents in a line",
    "access": "travel from villages",
}
RECALLS = ("recall_1", "recall_5", "recall_10", "recall_20")
METRICS = ("roc_auc", "pr_auc", *RECALLS)


def write_html(package: Package, folder: Path) -> list[Path]:
    """Write map.html; the same package gives the same bytes."""
    themes, factor = make_themes(package)
    path = folder / "map.html"
    path.write_text(_page(package, themes, factor, PageWords(package.languages)), encoding="utf-8", newline="\n")
    return [path]


def _page(package: Package, themes: tuple[Theme, ...], factor: int, words: PageWords) -> str:
    tasks = task_records(package, words)
    scope, choices, teams = PlanScope.of(package), task_choices(tasks, words), what_if(package, words)
    bokeh = "\n".join(Resources(mode="inline", components=["bokeh"], log_level="warn").js_raw)
    script = "\n".join(_asset(name) for name in SCRIPTS)
    template = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        _asset("page.html")
    )
    return template.render(
        bokeh=bokeh,
        script=script,
        style=_asset("page.css"),
        t=words.html,
        of_data=words.of_data,
        spans=words.spans,
        label=partial(_label, words),
        languages=words.languages,
        # Only these two scripts run, whatever text the data hold.
        script_hashes=" ".join(f"'sha256-{_digest(text)}'" for text in (bokeh, script)),
        data=_json(_data(package, themes, factor, tasks, words)),
        themes=themes,
        overlays=[style for style in OVERLAYS if layer_of(package, style.key) is not None],
        notes=package.notes,
        not_evidence=NOT_EVIDENCE,
        how_to_read=HOW_TO_READ[1:],
        tasks=tasks,
        n_tasks=len(package.tasks),
        screen=first_screen(package, words),
        lists=work_lists(package, tasks, words),
        choices=choices,
        words_of={name: dict(pairs) for name, pairs in choices.items()},
        all_texts=json.dumps(words.entries("all"), ensure_ascii=False),
        all_texts_first=words.entries("all")[0],
        planned_choices=[(value, words.entries(text)) for value, text in PLANNED_CHOICES.items()],
        has_plan=scope.planned,
        kinds=[] if teams is None else teams["kinds"],
        relief=package.relief is not None,
        other=(OTHER_TEXT, OTHER_COLOUR),
        counts=_counts(package, factor),
        validation=_validation(package.metrics),
        protocols=PROTOCOLS,
        ranking_words=ranking_words,
    )


def _data(
    package: Package, themes: tuple[Theme, ...], factor: int, tasks: list[dict[str, Any]], words: PageWords
) -> dict[str, Any]:
    """The data that the script of the page reads."""
    return {
        "figure": map_item(package, themes, factor),
        "runs": _runs(work_picture(package, factor)),
        "bounds": package.grid.bounds,
        "lonlat": lonlat_nodes(package),
        "tasks": tasks,
        "places": named_places(package),
        "widths": {style.key: style.width for style in OVERLAYS},
        "cell_m": package.grid.cell_size_m,
        "named": {theme.key: words.entries(theme.title) for theme in themes},
        "themes": {theme.key: [words.entries(text) for text in (*theme.labels, OTHER_TEXT)] for theme in themes},
        "of_lists": {theme.key: theme.of_lists for theme in themes},
        "works": [words.entries(text) for text in WORK_TEXTS.values()],
        "first_monday": None if (monday := first_monday(tasks)) is None else monday.isoformat(),
        "has_plan": PlanScope.of(package).planned,
        "what_if": what_if(package, words),
        "purposes": {name: words.entries(text) for name, text in PURPOSE_TEXTS.items()},
        "note": [" ".join(notes_lines(package.notes, language)) for language in words.languages],
        "country": package.notes.country,
        "decimals": [language.decimal for language in words.languages],
        "thousands": [language.thousands for language in words.languages],
        "languages": [language.code for language in words.languages],
        "texts": words.table(SCRIPT_TEXTS),
        "families": {
            name: words.entries(FAMILY_TEXTS.get(name, name.replace("_", " ")))
            for task in tasks
            for name, _ in task["parts"]
        },
        "titles": _titles(package, words),
    }


def _titles(package: Package, words: PageWords) -> list[str]:
    texts, notes = words.entries("Survey priority map, {country}, {date}"), package.notes
    pairs = zip(texts, words.languages, strict=True)
    return [text.format(country=notes.country, date=language.day(notes.as_of)) for text, language in pairs]


def _label(words: PageWords, english: str, attribute: str = "aria-label") -> markupsafe.Markup:
    """An attribute with a text that the script translates into the language of the page."""
    texts = json.dumps(words.entries(english), ensure_ascii=False)
    return markupsafe.Markup('{}="{}" data-say-{}="{}"').format(attribute, words.entries(english)[0], attribute, texts)


def _asset(name: str) -> str:
    return (files("mlrisk.outputs") / "assets" / name).read_text(encoding="utf-8").replace("\r\n", "\n")


def _runs(picture: NDArray[np.uint8]) -> list[int]:
    """A picture as value and length of each run of equal pixels, row by row from the south, as Bokeh holds pictures.

    >>> _runs(np.array([[1, 1], [2, 2]], dtype=np.uint8))
    [2, 2, 1, 2]
    """
    flat = np.flipud(picture).ravel()
    starts = np.flatnonzero(np.diff(flat.astype(np.int16), prepend=-1))
    lengths = np.diff(starts, append=flat.size)
    return [int(number) for pair in zip(flat[starts], lengths, strict=True) for number in pair]


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _json(value: Any) -> str:
    """JSON for a script element: no text in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _counts(package: Package, factor: int) -> dict[str, str]:
    cell_m = package.grid.cell_size_m
    return {"cell_size_m": f"{cell_m:g}", "pixel_m": f"{cell_m * factor:g}" if factor > 1 else ""}


PROTOCOLS = {
    "as_of": "tested on results recorded after the date of the model",
    "leave_region_out": "tested on regions that the model had not seen",
    "knndm": "tested on blocks as far from the training data as the land to be ranked",
    "random": "tested on random cells; flatters the model, shown for the gap only",
}


def _validation(metrics: pd.DataFrame) -> list[dict[str, Any]]:
    """One row for each protocol and ranking: the mean over folds with its interval or, without one, the range."""
    rows = []
    # Rows of means are not folds: counting them would narrow the range.
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
