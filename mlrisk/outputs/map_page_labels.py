"""Labels of the page's map: pins, and names with the zoom from which each has room."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource

from features.base import Floats
from mlrisk.outputs.map_page_overlays import layer_of
from mlrisk.risk_map import Package
from mlrisk.risk_map.language import language

# Number of pixels in which a phone shows the whole area; each further step of zoom doubles it.
NARROWEST_PX, STEPS = 300, 8
HEIGHT_PX, CHARACTER_PX = 15, 6.6
MOST_NAMES = {"settlements": 500, "districts": 200}
LONGEST = 32
FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
INK, QUIET, HALO = "#1f2430", "#5d564b", "#ffffff"


@dataclass(frozen=True, kw_only=True)
class Label:
    """A text at a place of the map, which extends `left_px` and `right_px` from there, with its symbol."""

    key: str
    text: str
    easting_m: float
    northing_m: float
    left_px: float
    right_px: float


def name_labels(package: Package, key: str) -> list[Label]:
    """The names of settlements (right of their mark) or districts (in their middle), the most populous first."""
    frame = layer_of(package, key)
    if frame is None or "name" not in frame.columns:
        return []
    named = frame[frame["name"].notna() & frame.geometry.notna()]
    if "population" in named.columns:
        named = named.sort_values("population", ascending=False, kind="stable")
    named = named.head(MOST_NAMES[key])
    places = shapely.get_coordinates(shapely.point_on_surface(np.asarray(named.geometry.values, dtype=object)))
    labels = []
    for name, (easting, northing) in zip(named["name"], places.round(1), strict=True):
        text = str(name)[:LONGEST]
        width = CHARACTER_PX * len(text)
        if key == "districts":
            labels.append(
                Label(
                    key=key,
                    text=language(package.languages[0]).upper(text),
                    easting_m=easting,
                    northing_m=northing,
                    left_px=0.6 * width,
                    right_px=0.6 * width,
                )
            )
        else:
            labels.append(
                Label(key=key, text=text, easting_m=easting, northing_m=northing, left_px=5, right_px=8 + width)
            )
    return labels


def limits(labels: Sequence[Label], whole_m: float) -> Floats:
    """The greatest metres per pixel at which each label is drawn, shape (n_labels,).

    Earlier labels come first: from the zoom at which a phone shows `whole_m` metres, in steps of two, each label is
    drawn as soon as it touches no other. If places coincide, the later one is drawn at the last step.
    """
    place = np.array([(label.easting_m, label.northing_m) for label in labels]).reshape(-1, 2)
    reach = np.array([(label.left_px, label.right_px) for label in labels]).reshape(-1, 2)
    steps = whole_m / NARROWEST_PX / 2.0 ** np.arange(STEPS)
    found = np.full(len(labels), steps[-1])
    drawn = np.zeros(len(labels), dtype=bool)
    for metres in steps:
        west, east = place[:, 0] - reach[:, 0] * metres, place[:, 0] + reach[:, 1] * metres
        for number in np.flatnonzero(~drawn):
            beside = (west < east[number]) & (east > west[number])
            level = np.abs(place[:, 1] - place[number, 1]) < HEIGHT_PX * metres
            if not (drawn & beside & level).any():
                drawn[number], found[number] = True, metres
    return found


def add_labels(plot: Any, package: Package) -> None:
    """Add names, each tagged with the greatest metres per pixel at which it is drawn.

    Texts are drawn on a canvas, which no browser reads as HTML.
    """
    labels = [*name_labels(package, "settlements"), *name_labels(package, "districts")]
    west, _, east, _ = package.grid.bounds
    most = limits(labels, east - west)
    for key in ("districts", "settlements"):
        for limit in np.unique(most):
            group = [label for label, own in zip(labels, most, strict=True) if (label.key, own) == (key, limit)]
            if group:
                _add_group(plot, key, group, float(limit))


def _add_group(plot: Any, key: str, labels: list[Label], limit: float) -> None:
    source = ColumnDataSource(
        {
            "x": [label.easting_m for label in labels],
            "y": [label.northing_m for label in labels],
            "text": [label.text for label in labels],
        }
    )
    name, beside = f"layer/{key}", key == "settlements"
    drawn = []
    if beside:
        mark = {"marker": "square", "size": 6, "fill_color": INK, "line_color": "#ffffff"}
        drawn.append(plot.scatter("x", "y", source=source, name=name, **mark))
    # A halo keeps the contrast of a name the same over every class; Bokeh draws an outline over the letters.
    for outline in (HALO, None):
        text = plot.text(
            "x",
            "y",
            text="text",
            source=source,
            x_offset=7 if beside else 0,
            text_align="left" if beside else "center",
            text_baseline="middle",
            text_font=value(FONT),
            text_font_size="11px",
            text_color=QUIET if key == "districts" else INK,
            text_outline_color=outline,
            text_outline_width=3.5,
            name=name,
        )
        drawn.append(text)
    for renderer in drawn:
        renderer.tags = [round(limit, 3)]


def add_pins(plot: Any) -> None:
    """Add numbered pins of tasks on top of all names; the page decides which pins have room at a zoom."""
    source = ColumnDataSource({"x": [], "y": [], "text": [], "size": [], "line": []})
    mark = {"size": "size", "fill_color": HALO, "line_color": "line", "line_width": 1.6}
    plot.scatter("x", "y", source=source, name="pins", **mark)
    font = {"text_font": value(FONT), "text_font_size": "11px", "text_font_style": "bold", "text_color": INK}
    plot.text("x", "y", text="text", source=source, text_align="center", text_baseline="middle", name="pins", **font)
