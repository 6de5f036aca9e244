"""The interactive map of the page as a Bokeh document without code: the page's own script drives it by name."""

import base64
import re
from typing import Any

import numpy as np
import shapely
from affine import Affine
from bokeh.core.types import ID
from bokeh.embed import json_item
from bokeh.models import BasicTicker, ColumnDataSource, LinearColorMapper, NumeralTickFormatter, Range1d
from bokeh.plotting import figure

from features.base import Floats
from mlrisk.outputs.cell_rasters import grey_png, polygons_of
from mlrisk.outputs.map_page_labels import FONT, INK, QUIET, add_labels, add_pins
from mlrisk.outputs.map_page_overlays import (
    HATCHED,
    MOST_VERTICES,
    OVERLAYS,
    OverlayStyle,
    broken_line,
    layer_of,
    polygon_rings,
    thinned,
)
from mlrisk.outputs.map_page_themes import OTHER_COLOUR, Theme
from mlrisk.risk_map import Package, Relief

CHOSEN = "#0b57d0"


def map_item(package: Package, themes: tuple[Theme, ...], factor: int) -> dict[str, Any]:
    """The map as the value that `Bokeh.embed.embed_item` takes; the same package gives the same value.

    Renderers are named theme/KEY, hatch, layer/KEY, layer/tasks, hover, chosen, pins and place; the first theme is
    shown. The page's script puts the tasks of the chosen list into their renderers.
    """
    plot = _figure(package)
    if package.relief is not None:
        _add_relief(plot, package.relief)
    transform = package.grid.transform @ Affine.scale(factor)
    for number, theme in enumerate(themes):
        _add_theme(plot, theme, transform, shown=number == 0)
    _add_hatch(plot, themes[0], transform)
    for style in OVERLAYS:
        _add_overlay(plot, package, style)
    _add_tasks(plot)
    add_labels(plot, package)
    add_pins(plot)
    _add_place(plot)
    return _stable_ids(dict(json_item(plot, ID("map"))))


def _figure(package: Package) -> Any:
    west, south, east, north = package.grid.bounds
    plot = figure(
        name="map",
        sizing_mode="stretch_both",
        x_range=Range1d(start=west, end=east),
        y_range=Range1d(start=south, end=north),
        tools="pan,wheel_zoom",
        active_scroll="wheel_zoom",
        toolbar_location=None,
        output_backend="canvas",
        x_axis_label=f"Easting, m ({package.grid.crs.to_string()})",
        y_axis_label="Northing, m",
        background_fill_color="#f7f5f0",
        border_fill_color="#ffffff",
        outline_line_color="#cfc9bd",
        min_border_right=14,
        min_border_top=10,
    )
    for axis in plot.axis:
        axis.formatter = NumeralTickFormatter(format="0,0")
        axis.ticker = BasicTicker(desired_num_ticks=5, num_minor_ticks=0)
        axis.axis_label_text_font = axis.major_label_text_font = FONT
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size = axis.major_label_text_font_size = "12px"
        axis.axis_label_text_color = axis.major_label_text_color = QUIET
        axis.axis_line_color = axis.major_tick_line_color = "#cfc9bd"
    plot.yaxis.major_label_orientation = "vertical"
    plot.grid.grid_line_color = "#dcd7cc"
    plot.grid.level = "overlay"
    plot.grid.grid_line_alpha = 0.5
    return plot


def _add_relief(plot: Any, relief: Relief) -> None:
    """Hillshade under the themes, as one grey picture."""
    west, south, east, north = relief.bounds
    url = f"data:image/png;base64,{base64.b64encode(grey_png(relief.shade)).decode()}"
    plot.image_url(
        url=[url],
        x=west,
        y=north,
        w=east - west,
        h=north - south,
        anchor="top_left",
        name="layer/relief",
        level="image",
    )


def _add_theme(plot: Any, theme: Theme, transform: Affine, *, shown: bool) -> None:
    rows, columns = theme.codes.shape
    palette = ["#00000000", *theme.colours, OTHER_COLOUR]
    plot.image(
        image=[np.flipud(theme.codes)],
        x=transform.c,
        y=transform.f + rows * transform.e,
        dw=columns * transform.a,
        dh=-rows * transform.e,
        color_mapper=LinearColorMapper(palette=palette, low=-0.5, high=len(palette) - 0.5),
        name=f"theme/{theme.key}",
        visible=shown,
        level="image",
    )


def _add_hatch(plot: Any, theme: Theme, transform: Affine) -> None:
    """Lines over land with no basis to rank, of the same width on screen at every zoom."""
    rings = [polygon_rings(shape) for shape in polygons_of(theme.codes == theme.hatched, transform, MOST_VERTICES)]
    plot.multi_polygons(
        xs=[east for east, _ in rings],
        ys=[north for _, north in rings],
        fill_alpha=0,
        # Bokeh 3.9 draws no hatch on a shape that has neither fill nor line.
        line_color="#ffffff",
        line_alpha=0.7,
        line_width=0.8,
        hatch_pattern="/",
        hatch_color="#ffffff",
        hatch_alpha=0.75,
        hatch_scale=9,
        hatch_weight=1.2,
        name="hatch",
    )


def _add_overlay(plot: Any, package: Package, style: OverlayStyle) -> None:
    frame = layer_of(package, style.key)
    if frame is None:
        return
    shapes = thinned(package, frame)
    kind = shapely.get_dimensions(shapes)
    line = {"line_color": style.colour, "line_width": style.width, "line_dash": style.dash}
    name, shown = f"layer/{style.key}", style.shown
    if (kind == 2).any():
        rings = [polygon_rings(shape) for shape in shapes[kind == 2]]
        hatch = {"hatch_pattern": "x", "hatch_color": style.colour, "hatch_alpha": 0.3, "hatch_scale": 11}
        plot.multi_polygons(
            xs=[east for east, _ in rings],
            ys=[north for _, north in rings],
            fill_color=style.colour,
            fill_alpha=style.fill_alpha,
            name=name,
            visible=shown,
            **line,
            **(hatch if style.key in HATCHED else {}),
        )
    if (kind == 1).any():
        eastings, northings = broken_line(shapes[kind == 1])
        # A white casing keeps a line readable over every class.
        casing = {"line_color": "#ffffff", "line_width": style.width + 1.8, "line_alpha": 0.7}
        plot.line(eastings, northings, name=name, **casing).tags = ["casing"]
        plot.line(eastings, northings, name=name, visible=shown, **line)
    # Named settlements are drawn with their names.
    if (kind == 0).any() and not (style.key == "settlements" and "name" in frame.columns):
        places = shapely.get_coordinates(shapes[kind == 0]).round(1)
        marker = "triangle" if style.key.startswith("hazards") else "square"
        plot.scatter(
            places[:, 0],
            places[:, 1],
            marker=marker,
            size=6,
            fill_color=style.colour,
            line_color="#ffffff",
            name=name,
            visible=shown,
        )


def _add_tasks(plot: Any) -> None:
    """Add outlines of tasks: all of the list, the one under the pointer, the chosen one. The page adds the data.

    They have no fill, because the colours of the classes must stay those of the legend.
    """
    styles = (("layer/tasks", "#ffffff", 3.2, 0.6), ("layer/tasks", INK, 1.4, 1.0), ("hover", CHOSEN, 2.5, 1.0),
              ("chosen", "#ffffff", 6.0, 0.9), ("chosen", CHOSEN, 3.5, 1.0))  # fmt: skip
    sources = {name: ColumnDataSource({"xs": [], "ys": []}) for name in ("layer/tasks", "hover", "chosen")}
    for name, colour, width, alpha in styles:
        line = {"line_color": colour, "line_width": width, "line_alpha": alpha}
        plot.multi_polygons("xs", "ys", source=sources[name], fill_alpha=0, name=name, **line)


def _add_place(plot: Any) -> None:
    """The cross on the place that was searched or tapped; the page moves it."""
    source = ColumnDataSource({"x": [], "y": []})
    for colour, width in (("#ffffff", 6), (CHOSEN, 3)):
        plot.scatter(
            "x", "y", source=source, marker="cross", size=26, line_color=colour, line_width=width, name="place"
        )


def lonlat_nodes(package: Package) -> dict[str, Any]:
    """Longitudes and latitudes on a lattice over the grid: the page has no projection and interpolates between them.

    Nodes at most 4 km apart (up to 97 a side) keep the error of bilinear interpolation at about a metre.
    """
    import pyproj

    west, south, east, north = package.grid.bounds
    columns, rows = (int(np.clip(np.ceil(size / 4000), 2, 96)) + 1 for size in (east - west, north - south))
    eastings, northings = np.meshgrid(np.linspace(west, east, columns), np.linspace(south, north, rows))
    to_wgs84 = pyproj.Transformer.from_crs(package.grid.crs, "EPSG:4326", always_xy=True)
    longitude, latitude = to_wgs84.transform(eastings, northings)
    return {"columns": columns, "rows": rows, "longitude": _flat(longitude), "latitude": _flat(latitude)}


def _flat(values: Floats) -> list[float]:
    return [float(value) for value in np.round(values, 6).ravel()]


def _stable_ids(item: dict[str, Any]) -> dict[str, Any]:
    """Bokeh numbers its models over the life of the process; this renumbers them from one in each page."""
    numbers: dict[str, str] = {}

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: _number(entry, numbers) if key in ("id", "root_id") else renamed(entry)
                for key, entry in value.items()
            }
        return [renamed(entry) for entry in value] if isinstance(value, list) else value

    fresh: dict[str, Any] = renamed(item)
    return fresh


def _number(name: Any, numbers: dict[str, str]) -> Any:
    if isinstance(name, str) and re.fullmatch(r"p\d+", name):
        return numbers.setdefault(name, f"m{len(numbers) + 1}")
    return name
