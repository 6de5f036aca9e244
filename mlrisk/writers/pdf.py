"""survey_sheets.pdf: an overview and one sheet for each of the first tasks, to take along without a screen."""

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

from mlrisk.package import NOT_EVIDENCE, Package
from mlrisk.writers.sheet_map import around, class_codes, draw_map, draw_tasks, printable
from mlrisk.writers.task_table import tasks_by_rank
from mlrisk.writers.words import HOW_TO_READ, models_text, notes_lines, plan_text

A4 = (8.27, 11.69)
INK, QUIET, ALARM = "#1f2430", "#6b6459", "#7a1022"
ROWS = 20
MOST_LETTERS = 380
# Dollar signs in a name are no mathematics; text stays text when copied from the file.
STYLE: Any = {"text.parse_math": False, "pdf.fonttype": 42, "font.family": "DejaVu Sans", "hatch.linewidth": 0.5}


def write_pdf(package: Package, folder: Path) -> list[Path]:
    """Write survey_sheets.pdf with `package.sheets` tasks; the same package gives the same bytes."""
    path = folder / "survey_sheets.pdf"
    about = {
        "Title": f"Survey tasks, {package.notes.country}, knowledge as of {package.notes.as_of.isoformat()}",
        "Subject": NOT_EVIDENCE,
        "Keywords": " ".join(notes_lines(package.notes)),
        "Creator": "mlrisk",
        "Producer": "mlrisk",
        # The date of knowledge: the same package gives the same bytes.
        "CreationDate": datetime.combine(package.notes.as_of, time(), tzinfo=UTC),
    }
    with warnings.catch_warnings(), mpl.rc_context(STYLE), PdfPages(path, metadata=about) as book:
        # A script that the font lacks is drawn as boxes; the other files have the letters.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        for page in pages(package):
            book.savefig(page)
    return [path]


def pages(package: Package) -> Iterator[Figure]:
    """The overview, then a sheet for each of the first tasks, as figures of A4."""
    tasks, codes = tasks_by_rank(package), class_codes(package)
    yield _overview(package, tasks, codes)
    for _, task in tasks.head(package.sheets).iterrows():
        yield _sheet(package, tasks, task, codes)


def _overview(package: Package, tasks: gpd.GeoDataFrame, codes: NDArray[np.uint8]) -> Figure:
    figure = _page(package, f"Survey priority, {package.notes.country}", "Where to send the next survey team first")
    axes = figure.add_axes((0.09, 0.44, 0.58, 0.44), anchor="N")
    west, south, east, north = package.grid.bounds
    margin = 0.02 * max(east - west, north - south)
    box = (west - margin, south - margin, east + margin, north + margin)
    entries = draw_map(axes, package, codes, box)
    _legend(figure, [*entries, *draw_tasks(axes, tasks, box, numbered=ROWS)], 0.69, 0.885)
    _paragraphs(figure, 0.69, 0.60, "What this map does not say", [*HOW_TO_READ[1:]], 42, size=5.8)
    lines = [f"{'Rank':>5}  {'MGRS':<20}{'ha':>9}{'Contam.':>9}{'Casualties/yr':>15}  District"]
    lines += [
        f"{task['rank']:>5}  {task['mgrs']:<20}{task['area_m2'] / 1e4:>9,.0f}{task['contamination']:>9.3f}"
        f"{_number(task['casualties_per_year']):>15}  {str(task['district'])[:34]}"
        for _, task in tasks.head(ROWS).iterrows()
    ]
    _write(
        figure,
        0.09,
        0.405,
        f"The first {min(ROWS, len(tasks))} of {len(tasks)} tasks",
        size=9,
        weight="bold",
        color=INK,
    )
    _write(figure, 0.09, 0.39, "\n".join(lines), size=6.2, family="DejaVu Sans Mono", va="top", linespacing=1.35)
    return figure


def _sheet(package: Package, tasks: gpd.GeoDataFrame, task: Any, codes: NDArray[np.uint8]) -> Figure:
    figure = _page(package, f"Survey task of rank {task['rank']}", str(task["district"]) or package.notes.country)
    shape, left, height = (0.58, 0.40), 0.09, 0.48
    axes = figure.add_axes((left, height, *shape))
    box = around(package, task["geometry"].bounds, shape[0] * A4[0] / (shape[1] * A4[1]))
    entries = draw_map(axes, package, codes, box)
    _legend(figure, [*entries, *draw_tasks(axes, tasks, box, chosen=int(task["rank"]))], 0.69, 0.885)
    cells = _cells_in(package, task["geometry"])
    _paragraphs(figure, 0.09, 0.44, "Where", _where(package, task), 44)
    _paragraphs(figure, 0.09, 0.31, "How much", _how_much(task, cells), 44)
    reasons = [str(task[name]) for name in ("reason_1", "reason_2", "reason_3") if task[name]]
    _paragraphs(figure, 0.52, 0.44, "Why here", reasons or ["no reason is told for this task"], 52)
    _paragraphs(figure, 0.52, 0.26, "What is unknown", _unknown(package, task, cells), 52)
    return figure


def _cells_in(package: Package, shape: Any) -> Any:
    """The rows of the risk map whose centres lie in the task."""
    west, south, east, north = shape.bounds
    risk = package.risk
    near = risk[risk["easting_m"].between(west, east) & risk["northing_m"].between(south, north)]
    return near[shapely.contains_xy(shape, near["easting_m"].to_numpy(), near["northing_m"].to_numpy())]


def _where(package: Package, task: Any) -> list[str]:
    return [
        f"MGRS {task['mgrs']}",
        f"WGS 84 latitude {task['latitude']:.5f}, longitude {task['longitude']:.5f}",
        f"{package.grid.crs.to_string()} {task['easting_m']:,.0f} E, {task['northing_m']:,.0f} N",
        f"{task['area_m2'] / 1e4:,.1f} ha in {task['cells']} cells of {package.grid.cell_size_m:g} m",
        f"task {task['task_id']}; not for planning routes",
    ]


def _how_much(task: Any, cells: Any) -> list[str]:
    low, high = cells["contamination_low"].mean(), cells["contamination_high"].mean()
    casualties = task["casualties_per_year"]
    return [
        f"probability that survey finds explosive ordnance in a cell: {task['contamination']:.1%} on average",
        f"its interval: {low:.1%} to {high:.1%}",
        f"explosive ordnance expected in {task['expected_finds']:.1f} of {task['cells']} cells",
        f"casualties per year if nothing is done: {_number(casualties)}",
        f"plan: {plan_text(task)}",
    ]


def _unknown(package: Package, task: Any, cells: Any) -> list[str]:
    counts = cells["evidence"].value_counts()
    outside = int((~cells["in_domain"]).sum())
    told = ", ".join(f"{name} {counts.get(name, 0)}" for name in ("found", "searched", "unknown"))
    return [
        f"evidence in its cells: {told}",
        *([f"no basis to rank in {outside} cells"] if outside else []),
        *(["casualties: no accident is known to learn from"] if not np.isfinite(task["casualties_per_year"]) else []),
        *(
            textwrap.shorten(f"{what}: {'; '.join(texts)}", MOST_LETTERS, placeholder=" ... (summary.json has all)")
            for what, texts in (("not included", package.notes.not_included), ("warnings", package.notes.warnings))
            if texts
        ),
    ]


def _write(figure: Figure, left: float, top: float, text: str, **style: Any) -> None:
    figure.text(left, top, printable(text), **style)


def _page(package: Package, title: str, below: str) -> Figure:
    """A page with its title, dates, the warning above and below, and the models."""
    notes = package.notes
    figure = Figure(figsize=A4)
    _write(figure, 0.09, 0.955, title, size=15, weight="bold", color=INK, va="center")
    _write(figure, 0.09, 0.928, below, size=9, color=QUIET, va="center")
    dates = f"{notes.country}\nknowledge as of {notes.as_of.isoformat()}\npolicy: {notes.policy}"
    _write(figure, 0.93, 0.955, dates, size=7, ha="right", va="center", color=INK)
    _write(figure, 0.09, 0.903, NOT_EVIDENCE, size=8.5, weight="bold", color=ALARM, va="center")
    _write(figure, 0.09, 0.035, NOT_EVIDENCE, size=7, weight="bold", color=ALARM)
    _write(figure, 0.09, 0.02, f"Models: {models_text(notes)}", size=6, color=QUIET)
    return figure


def _legend(figure: Figure, entries: list[Any], left: float, top: float) -> None:
    for entry in entries:
        entry.set_label(textwrap.fill(entry.get_label(), 30))
    figure.legend(handles=entries, loc="upper left", bbox_to_anchor=(left, top), fontsize=6, frameon=False,
                  title="Legend", title_fontproperties={"size": 8, "weight": "bold"}, alignment="left")  # fmt: skip


def _paragraphs(
    figure: Figure, left: float, top: float, title: str, lines: list[str], width: int, size: float = 7.6
) -> None:
    """A heading and its lines, each wrapped at `width` letters."""
    _write(figure, left, top, title, size=9, weight="bold", color=INK, va="bottom")
    text = "\n".join(textwrap.fill(line, width, subsequent_indent="   ", initial_indent="•  ") for line in lines)
    _write(figure, left, top - 0.005, text, size=size, color=INK, va="top", linespacing=1.3)


def _number(value: float) -> str:
    """Two significant digits, or that it is unknown."""
    return f"{float(f'{value:.1e}'):g}" if np.isfinite(value) else "unknown"
