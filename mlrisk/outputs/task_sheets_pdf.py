"""survey_sheets.pdf: an overview and one sheet for each of the first tasks, for use without a screen."""

import textwrap
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import shapely
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from numpy.typing import NDArray

from features.base import NOT_EVIDENCE
from mlrisk.outputs.map_page_tasks import KNOWN, nearest_places
from mlrisk.outputs.task_sheet_map import around, class_codes, draw_map, draw_tasks, printable
from mlrisk.outputs.task_words import (
    PlanScope,
    plan_text,
    share,
    size_text,
    task_name,
    task_number,
    work_text,
)
from mlrisk.outputs.task_words import figure as figure_text
from mlrisk.outputs.tasks_by_rank import in_plan_order, tasks_by_rank
from mlrisk.outputs.wording import HOW_TO_READ, Say, models_text, notes_lines, policy_text, speaker
from mlrisk.risk_map import EVIDENCE_CODES, Package
from mlrisk.risk_map.language import language

A4 = (8.27, 11.69)
INK, QUIET, ALARM = "#1f2430", "#6b6459", "#7a1022"
ROWS = 20
MOST_LETTERS = 380
ALL_TOLD = "(summary.json has all)"
# Dollar signs in a name are not formulas, and text can be copied from the file as text.
STYLE: Any = {"text.parse_math": False, "pdf.fonttype": 42, "font.family": "DejaVu Sans", "hatch.linewidth": 0.5}


def write_pdf(package: Package, folder: Path) -> list[Path]:
    """Write survey_sheets.pdf with `package.sheets` tasks; the same package gives the same bytes."""
    path = folder / "survey_sheets.pdf"
    about = {
        "Title": f"Survey tasks, {package.notes.country}, data up to {package.notes.as_of.isoformat()}",
        "Subject": NOT_EVIDENCE,
        "Keywords": " ".join(notes_lines(package.notes)),
        "Creator": "mlrisk",
        "Producer": "mlrisk",
        # The date of knowledge: the same package gives the same bytes.
        "CreationDate": datetime.combine(package.notes.as_of, time(), tzinfo=UTC),
    }
    with warnings.catch_warnings(), mpl.rc_context(STYLE), PdfPages(path, metadata=about) as book:
        # Letters that the font lacks are drawn as boxes; the other files have them.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        for page in pages(package):
            book.savefig(page)
    return [path]


def pages(package: Package) -> Iterator[Figure]:
    """The overview, then a sheet for each of the first tasks in the order of the plan, as figures of A4."""
    tasks, codes, scope = in_plan_order(tasks_by_rank(package)), class_codes(package), PlanScope.of(package)
    numbers = [task_number(row, scope) for row in tasks.to_dict("records")]
    tasks = tasks.assign(place=nearest_places(package, tasks), number=numbers)
    sheets = tasks.head(package.sheets)
    yield _numbered(_overview(package, tasks, codes), 1, len(sheets) + 1)
    for page, (_, task) in enumerate(sheets.iterrows(), start=2):
        yield _numbered(_sheet(package, tasks, task, codes, scope), page, len(sheets) + 1)


def _numbered(figure: Figure, page: int, pages: int) -> Figure:
    _write(figure, 0.93, 0.02, f"{page} / {pages}", size=8, color=INK, ha="right")
    return figure


def _overview(package: Package, tasks: gpd.GeoDataFrame, codes: NDArray[np.uint8]) -> Figure:
    say = speaker(package)
    title = say("Survey priority, {country}").format(country=package.notes.country)
    figure = _page(package, title, say("Where to send the next survey team first"))
    axes = figure.add_axes((0.09, 0.44, 0.58, 0.44), anchor="N")
    west, south, east, north = package.grid.bounds
    margin = 0.02 * max(east - west, north - south)
    box = (west - margin, south - margin, east + margin, north + margin)
    entries = draw_map(axes, package, codes, box, say)
    _legend(figure, [*entries, *draw_tasks(axes, tasks, box, say, numbered=ROWS)], 0.69, 0.885, say)
    _paragraphs(figure, 0.69, 0.60, say("What this map does not say"), [say(text) for text in HOW_TO_READ[1:]], 42, 5.8)
    head = [say(name) for name in ("No.", "Rank", "ha", "EO", "Victims/yr", "District")]
    lines = [f"{head[0]:>5}{head[1]:>6}  {'MGRS':<20}{head[2]:>9}{head[3]:>9}{head[4]:>15}  {head[5]}"]
    lines += [
        f"{_or_dash(task['number']):>5}{task['rank']:>6}  {task['mgrs']:<20}"
        f"{say(figure_text(task['area_m2'] / 1e4)):>9}"
        f"{say(share(task['contamination'])):>9}{say(figure_text(task['casualties_per_year'], 2)):>15}"
        f"  {str(task['district'])[:34]}"
        for _, task in tasks.head(ROWS).iterrows()
    ]
    _write(
        figure,
        0.09,
        0.405,
        say("The first {some} of {all} tasks").format(some=min(ROWS, len(tasks)), all=len(tasks)),
        size=9,
        weight="bold",
        color=INK,
    )
    _write(figure, 0.09, 0.39, "\n".join(lines), size=6.2, family="DejaVu Sans Mono", va="top", linespacing=1.35)
    return figure


def _sheet(package: Package, tasks: gpd.GeoDataFrame, task: Any, codes: NDArray[np.uint8], scope: PlanScope) -> Figure:
    say = speaker(package)
    where = ", ".join(text for text in (task["place"], str(task["district"])) if text)
    figure = _page(package, task_name(task, scope, say), where or package.notes.country)
    shape, left, height = (0.58, 0.40), 0.09, 0.48
    axes = figure.add_axes((left, height, *shape))
    box = around(package, task["geometry"].bounds, shape[0] * A4[0] / (shape[1] * A4[1]))
    entries = draw_map(axes, package, codes, box, say)
    _legend(figure, [*entries, *draw_tasks(axes, tasks, box, say, chosen=int(task["task_id"]))], 0.69, 0.885, say)
    cells = _cells_in(package, task["geometry"])
    _paragraphs(figure, 0.09, 0.44, say("Where"), _where(package, task, say), 44)
    _paragraphs(figure, 0.09, 0.31, say("How much"), _how_much(task, cells, scope, say), 44)
    reasons = [str(task[name]) for name in ("reason_1", "reason_2", "reason_3") if task[name]]
    _paragraphs(figure, 0.52, 0.44, say("Why here"), reasons or [say("no reason is given for this task")], 52)
    _paragraphs(figure, 0.52, 0.26, say("What is unknown"), _unknown(package, cells, say), 52)
    return figure


def _cells_in(package: Package, shape: Any) -> Any:
    """The rows of the risk map whose centres lie in the task."""
    west, south, east, north = shape.bounds
    risk = package.risk
    near = risk[risk["easting_m"].between(west, east) & risk["northing_m"].between(south, north)]
    return near[shapely.contains_xy(shape, near["easting_m"].to_numpy(), near["northing_m"].to_numpy())]


def _where(package: Package, task: Any, say: Say) -> list[str]:
    size = say("{size}, cells of {metres} m")
    east, north = (say(f"{task[name]:,.0f}") for name in ("easting_m", "northing_m"))
    return [
        f"MGRS {task['mgrs']}",
        say("WGS 84 latitude {north}, longitude {east}").format(
            north=f"{task['latitude']:.5f}", east=f"{task['longitude']:.5f}"
        ),
        f"{package.grid.crs.to_string()} {east} E, {north} N",
        size.format(size=size_text(task, say), metres=f"{package.grid.cell_size_m:g}"),
        say("task {number}; not for planning routes").format(number=task["task_id"]),
    ]


def _how_much(task: Any, cells: Any, scope: PlanScope, say: Say) -> list[str]:
    based = np.isfinite(task["contamination"])
    low, high = (cells[f"contamination_{end}"].mean() if based else np.nan for end in ("low", "high"))
    found = say("probability that survey finds explosive ordnance in a cell: {share} on average")
    finds = say("explosive ordnance expected in {some} of {all} cells")
    return [
        f"{say('Plan')}: {plan_text(task, scope, say)}",
        f"{say('Rank')}: {task['rank']} ({work_text(task['work'], say)})",
        found.format(share=say(share(task["contamination"]))),
        say("likely range (90 %): {low} to {high}").format(low=say(share(low)), high=say(share(high))),
        finds.format(some=say(figure_text(task["expected_finds"], 2)), all=task["cells"]),
        say("victims per year if nothing is done: {number}").format(
            number=say(figure_text(task["casualties_per_year"], 2))
        ),
    ]


def _unknown(package: Package, cells: Any, say: Say) -> list[str]:
    counts = cells["evidence"].value_counts()
    outside = int((~cells["in_domain"]).sum())
    known = {name: int(counts.get(name, 0)) for name in EVIDENCE_CODES}
    learned = package.risk["casualties_per_year"].notna().any()
    return [
        f"{say('Already known')}: {say(KNOWN).format(**known)}",
        *([say("no basis to rank in {cells} cells").format(cells=outside)] if outside else []),
        *([] if learned else [say("victims: no accident is known to learn from")]),
        *(
            textwrap.shorten(
                say(what).format(what="; ".join(say(text) for text in texts)),
                MOST_LETTERS,
                placeholder=f" ... {say(ALL_TOLD)}",
            )
            for what, texts in (
                ("Not available: {what}", package.notes.not_included),
                ("Warning: {what}", package.notes.warnings),
            )
            if texts
        ),
    ]


def _write(figure: Figure, left: float, top: float, text: str, **style: Any) -> None:
    figure.text(left, top, printable(text), **style)


def _page(package: Package, title: str, below: str) -> Figure:
    """A page with its title, dates, the warning above and below, and the models."""
    notes, say = package.notes, speaker(package)
    warning = say(NOT_EVIDENCE)
    figure = Figure(figsize=A4)
    _write(figure, 0.09, 0.955, title, size=15, weight="bold", color=INK, va="center")
    _write(figure, 0.09, 0.928, below, size=9, color=QUIET, va="center")
    day = language(package.languages[0]).day(notes.as_of)
    dates = f"{notes.country}\n{say('Data up to')} {day}\n{say('Ranked by')}: {policy_text(notes.policy, say)}"
    _write(figure, 0.93, 0.955, dates, size=7, ha="right", va="center", color=INK)
    _write(figure, 0.09, 0.903, warning, size=8.5, weight="bold", color=ALARM, va="center")
    _write(figure, 0.09, 0.035, warning, size=7, weight="bold", color=ALARM)
    _write(figure, 0.09, 0.02, say("Models: {models}.").format(models=models_text(notes)), size=6, color=QUIET)
    return figure


def _legend(figure: Figure, entries: list[Any], left: float, top: float, say: Say) -> None:
    for entry in entries:
        entry.set_label(textwrap.fill(entry.get_label(), 30))
    bold = {"size": 8, "weight": "bold"}
    figure.legend(
        handles=entries, loc="upper left", bbox_to_anchor=(left, top), fontsize=6, frameon=False, title=say("Legend"),
        title_fontproperties=bold, alignment="left",
    )  # fmt: skip


def _paragraphs(
    figure: Figure, left: float, top: float, title: str, lines: list[str], width: int, size: float = 7.6
) -> None:
    """A heading and its lines, each wrapped at `width` letters."""
    _write(figure, left, top, title, size=9, weight="bold", color=INK, va="bottom")
    text = "\n".join(textwrap.fill(line, width, subsequent_indent="   ", initial_indent="•  ") for line in lines)
    _write(figure, left, top - 0.005, text, size=size, color=INK, va="top", linespacing=1.3)


def _or_dash(number: float | None) -> str:
    return "-" if number is None or np.isnan(number) else str(int(number))
