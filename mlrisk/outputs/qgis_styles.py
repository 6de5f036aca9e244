"""QGIS styles as QML text: the classes, words and colours of the map for the layers beside it."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field

from mlrisk.risk_map import Scale


@dataclass(frozen=True)
class Entry:
    """One line of a legend: the value, its words and its colour (#rrggbb)."""

    value: int
    text: str
    colour: str


@dataclass(frozen=True, kw_only=True)
class VectorStyle:
    """How QGIS draws one layer; `kind` is fill, line or marker, `classes_of` the field that the entries classify."""

    kind: str
    colour: str
    width: float = 0.4
    fill: str = ""
    hatch: str = ""
    dash: bool = False
    classes_of: str = ""
    entries: tuple[Entry, ...] = ()
    label: str = ""
    aliases: dict[str, str] = field(default_factory=dict)


def vector_qml(style: VectorStyle) -> str:
    """QML of a vector layer, classified where the style names a field, labelled where it names one."""
    root = ET.Element("qgis", {"version": "3.22", "styleCategories": "AllStyleCategories"})
    kind = "categorizedSymbol" if style.entries else "singleSymbol"
    renderer = ET.SubElement(root, "renderer-v2", {"type": kind, "symbollevels": "0", "forceraster": "0"})
    symbols = ET.Element("symbols")
    if style.entries:
        renderer.set("attr", style.classes_of)
        categories = ET.SubElement(renderer, "categories")
        for number, entry in enumerate(style.entries):
            ET.SubElement(
                categories,
                "category",
                {"symbol": str(number), "value": str(entry.value), "label": entry.text, "render": "true"},
            )
            _fill(_symbol(symbols, "fill", number), entry.colour, "", 0.0)
    else:
        _draw(_symbol(symbols, style.kind, 0), style)
    renderer.append(symbols)
    if style.label:
        _labels(root, style.label)
    aliases = ET.SubElement(root, "aliases")
    for index, (name, alias) in enumerate(style.aliases.items()):
        ET.SubElement(aliases, "alias", {"field": name, "name": alias, "index": str(index)})
    return _text(root)


def classes_qml(entries: Sequence[Entry], band: int = 1) -> str:
    """QML of a raster band of class codes."""
    root, renderer = _raster("paletted", band)
    palette = ET.SubElement(renderer, "colorPalette")
    for entry in entries:
        attributes = {"value": str(entry.value), "color": entry.colour, "label": entry.text, "alpha": "255"}
        ET.SubElement(palette, "paletteEntry", attributes)
    return _text(root)


def scale_qml(scale: Scale, band: int) -> str:
    """QML of a raster band of a quantity, in the bins of `scale`."""
    root, renderer = _raster("singlebandpseudocolor", band)
    shader = ET.SubElement(
        ET.SubElement(renderer, "rastershader"), "colorrampshader", {"colorRampType": "DISCRETE", "clip": "0"}
    )
    for edge, label, colour in zip((*scale.edges, "inf"), scale.labels, scale.colours, strict=True):
        attributes = {"value": str(edge), "color": colour, "label": label, "alpha": "255"}
        ET.SubElement(shader, "item", attributes)
    return _text(root)


def _raster(kind: str, band: int) -> tuple[ET.Element, ET.Element]:
    root = ET.Element("qgis", {"version": "3.22", "styleCategories": "AllStyleCategories"})
    attributes = {"type": kind, "band": str(band), "opacity": "1", "alphaBand": "-1", "nodataColor": ""}
    return root, ET.SubElement(ET.SubElement(root, "pipe"), "rasterrenderer", attributes)


def _symbol(symbols: ET.Element, kind: str, number: int) -> ET.Element:
    return ET.SubElement(symbols, "symbol", {"type": kind, "name": str(number), "alpha": "1", "clip_to_extent": "1"})


def _draw(symbol: ET.Element, style: VectorStyle) -> None:
    if style.kind == "fill":
        _fill(symbol, style.fill, style.colour, style.width)
        if style.hatch:
            _hatch(symbol, style.hatch)
    elif style.kind == "line":
        line = {"line_color": _rgb(style.colour), "line_width": str(style.width), "line_style": "solid"}
        if style.dash:
            line["line_style"] = "dash"
        _layer(symbol, "SimpleLine", line)
    else:
        marker = {"color": _rgb(style.colour), "outline_color": _rgb("#ffffff"), "name": "circle"}
        _layer(symbol, "SimpleMarker", {**marker, "size": "2", "outline_width": "0.2"})


def _fill(symbol: ET.Element, fill: str, outline: str, width: float) -> None:
    options = {
        "color": _rgb(fill) if fill else "0,0,0,0",
        "style": "solid" if fill else "no",
        "outline_color": _rgb(outline) if outline else "0,0,0,0",
        "outline_style": "solid" if outline else "no",
        "outline_width": str(width),
    }
    _layer(symbol, "SimpleFill", options)


def _hatch(symbol: ET.Element, colour: str) -> None:
    line = {"line_color": _rgb(colour), "line_width": "0.4", "line_style": "solid"}
    _layer(symbol, "LinePatternFill", {"angle": "45", "distance": "2", "color": _rgb(colour), **line})
    pattern = ET.SubElement(symbol[-1], "symbol", {"type": "line", "name": f"@{symbol.get('name')}@1", "alpha": "1"})
    _layer(pattern, "SimpleLine", line)


def _layer(symbol: ET.Element, kind: str, options: dict[str, str]) -> None:
    layer = ET.SubElement(symbol, "layer", {"class": kind, "enabled": "1", "pass": "0", "locked": "0"})
    bag = ET.SubElement(layer, "Option", {"type": "Map"})
    for name, value in options.items():
        ET.SubElement(bag, "Option", {"type": "QString", "name": name, "value": value})


def _labels(root: ET.Element, field_name: str) -> None:
    settings = ET.SubElement(ET.SubElement(root, "labeling", {"type": "simple"}), "settings", {"calloutType": "simple"})
    text = {"fieldName": field_name, "isExpression": "0", "fontSize": "9", "textColor": "31,36,48,255"}
    buffer = {"bufferDraw": "1", "bufferSize": "0.8", "bufferColor": "255,255,255,255"}
    ET.SubElement(ET.SubElement(settings, "text-style", text), "text-buffer", buffer)
    ET.SubElement(settings, "placement", {"placement": "1", "priority": "8"})
    # Land under a polygon is no obstacle: a rank must be readable on its task, whatever lies below.
    ET.SubElement(settings, "rendering", {"drawLabels": "1", "displayAll": "1", "obstacle": "0"})


def _rgb(colour: str) -> str:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"{red},{green},{blue},255"


def _text(root: ET.Element) -> str:
    ET.indent(root)
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(root, encoding="unicode")
