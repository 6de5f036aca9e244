"""QGIS styles as QML text: the classes, words and colours of the map for the layers beside it."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field

from mlrisk.risk_map import Scale


@dataclass(frozen=True)
class Entry:
    """One entry of a legend: the value, its words and its colour (#rrggbb)."""

    value: int
    text: str
    colour: str


@dataclass(frozen=True, kw_only=True)
class VectorStyle:
    """How QGIS draws one layer; `kind` is fill, line or marker, `classes_of` the field that the entries classify.

    `rules` replace the single symbol for all features. `label` is an expression and `from_scale` the denominator of the
    scale from which the layer is drawn, 0 for every scale. `halo` is a colour around an outline, and features of a rule
    `above` are drawn after the others. `tip` is the HTML of
    the map tip, `groups` the parts of the form by their names and `values` the words of codes, both by field.
    """

    kind: str
    colour: str
    width: float = 0.4
    fill: str = ""
    hatch: str = ""
    dash: bool = False
    halo: str = ""
    size: float = 2.0
    classes_of: str = ""
    entries: tuple[Entry, ...] = ()
    rules: tuple["Rule", ...] = ()
    label: str = ""
    label_size: float = 9.0
    label_priority: int = 5
    above: bool = False
    from_scale: int = 0
    tip: str = ""
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Features that an expression selects (all if it is empty), their drawing and their name in the legend.

    `named_from` is the denominator of the scale from which they are labelled, if it differs from that of drawing.
    """

    where: str
    text: str
    drawn: VectorStyle
    named_from: int = 0


def vector_qml(style: VectorStyle) -> str:
    """QML of a vector layer, classified where the style names a field, labelled where it names one."""
    return _text(vector_root(style))


def vector_root(style: VectorStyle) -> ET.Element:
    """The root of the QML of a vector layer, whose children a project takes unchanged."""
    root = ET.Element("qgis", {"version": "3.22", "styleCategories": "AllStyleCategories"})
    if style.from_scale:
        root.attrib |= {"hasScaleBasedVisibilityFlag": "1", "minScale": str(style.from_scale), "maxScale": "0"}
    kind = "RuleRenderer" if style.rules else "categorizedSymbol" if style.entries else "singleSymbol"
    levels = str(int(any(rule.drawn.above for rule in style.rules)))
    renderer = ET.SubElement(root, "renderer-v2", {"type": kind, "symbollevels": levels, "forceraster": "0"})
    symbols = ET.Element("symbols")
    if style.rules:
        rules = ET.SubElement(renderer, "rules", {"key": "drawn"})
        for number, rule in enumerate(style.rules):
            own = {"symbol": str(number), "label": rule.text}
            ET.SubElement(rules, "rule", _rule(rule, f"drawn {number}", rule.drawn.from_scale) | own)
            symbol = _symbol(symbols, rule.drawn.kind, number)
            _draw(symbol, rule.drawn)
            for layer in symbol.iter("layer"):
                layer.set("pass", str(int(rule.drawn.above)))
    elif style.entries:
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
    _labels(root, style)
    _form(root, style)
    return root


def _rule(rule: Rule, key: str, from_scale: int) -> dict[str, str]:
    """The attributes that rules of drawing and of labelling share."""
    near = {"scalemaxdenom": str(from_scale)} if from_scale else {}
    return {"key": key, **({"filter": rule.where} if rule.where else {}), **near}


def classes_qml(entries: Sequence[Entry], band: int = 1) -> str:
    """QML of a raster band of class codes."""
    return _text(classes_root(entries, band))


def classes_root(entries: Sequence[Entry], band: int = 1) -> ET.Element:
    """The root of the QML of a raster band of class codes."""
    root, renderer = _raster("paletted", band)
    palette = ET.SubElement(renderer, "colorPalette")
    for entry in entries:
        attributes = {"value": str(entry.value), "color": entry.colour, "label": entry.text, "alpha": "255"}
        ET.SubElement(palette, "paletteEntry", attributes)
    return root


def scale_qml(scale: Scale, band: int) -> str:
    """QML of a raster band of a quantity, in the bins of `scale`."""
    return _text(scale_root(scale, band))


def scale_root(scale: Scale, band: int) -> ET.Element:
    """The root of the QML of a raster band of a quantity, in the bins of `scale`."""
    root, renderer = _raster("singlebandpseudocolor", band)
    shader = ET.SubElement(
        ET.SubElement(renderer, "rastershader"), "colorrampshader", {"colorRampType": "DISCRETE", "clip": "0"}
    )
    for edge, label, colour in zip((*scale.edges, "inf"), scale.labels, scale.colours, strict=True):
        attributes = {"value": str(edge), "color": colour, "label": label, "alpha": "255"}
        ET.SubElement(shader, "item", attributes)
    return root


def _raster(kind: str, band: int) -> tuple[ET.Element, ET.Element]:
    root = ET.Element("qgis", {"version": "3.22", "styleCategories": "AllStyleCategories"})
    attributes = {"type": kind, "band": str(band), "opacity": "1", "alphaBand": "-1", "nodataColor": ""}
    return root, ET.SubElement(ET.SubElement(root, "pipe"), "rasterrenderer", attributes)


def _symbol(symbols: ET.Element, kind: str, number: int) -> ET.Element:
    return ET.SubElement(symbols, "symbol", {"type": kind, "name": str(number), "alpha": "1", "clip_to_extent": "1"})


def _draw(symbol: ET.Element, style: VectorStyle) -> None:
    if style.kind == "fill":
        if style.halo:
            _fill(symbol, "", style.halo, style.width + 0.8)
        _fill(symbol, style.fill, style.colour, style.width, "dash" if style.dash else "solid")
        if style.hatch:
            _hatch(symbol, style.hatch)
    elif style.kind == "line":
        line = {"line_color": _rgb(style.colour), "line_width": str(style.width), "line_style": "solid"}
        if style.dash:
            line["line_style"] = "dash"
        _layer(symbol, "SimpleLine", line)
    else:
        marker = {"color": _rgb(style.colour), "outline_color": _rgb("#ffffff"), "name": "circle"}
        _layer(symbol, "SimpleMarker", {**marker, "size": str(style.size), "outline_width": "0.2"})


def _fill(symbol: ET.Element, fill: str, outline: str, width: float, line: str = "solid") -> None:
    options = {
        "color": _rgb(fill) if fill else "0,0,0,0",
        "style": "solid" if fill else "no",
        "outline_color": _rgb(outline) if outline else "0,0,0,0",
        "outline_style": line if outline else "no",
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


def _labels(root: ET.Element, style: VectorStyle) -> None:
    """Labels by the rules that define them, else for every feature if the style has an expression for a label."""
    named = [(number, rule) for number, rule in enumerate(style.rules) if rule.drawn.label]
    if named:
        labeling = ET.SubElement(root, "labeling", {"type": "rule-based"})
        rules = ET.SubElement(labeling, "rules", {"key": "named"})
        for number, rule in named:
            own = _rule(rule, f"named {number}", rule.named_from or rule.drawn.from_scale)
            _label(ET.SubElement(rules, "rule", own | {"description": rule.text}), rule.drawn)
    elif style.label:
        _label(ET.SubElement(root, "labeling", {"type": "simple"}), style)
    root.set("labelsEnabled", str(int(bool(named or style.label))))


def _label(parent: ET.Element, style: VectorStyle) -> None:
    settings = ET.SubElement(parent, "settings", {"calloutType": "simple"})
    text = {
        "fieldName": style.label,
        "isExpression": "1",
        "fontSize": str(style.label_size),
        "fontSizeUnit": "Point",
        "fontWeight": "63",
    }
    text["textColor"] = "31,36,48,255"
    buffer = {"bufferDraw": "1", "bufferSize": "0.8", "bufferColor": "255,255,255,255"}
    ET.SubElement(ET.SubElement(settings, "text-style", text), "text-buffer", buffer)
    # Labels lie over the middle of areas and beside the mark of places. A name without room is left out.
    placement = {"fill": {"placement": "1", "quadOffset": "4"}, "marker": {"placement": "6"}}.get(style.kind, {})
    ET.SubElement(settings, "placement", {"priority": str(style.label_priority), **placement})
    # Land under a polygon is no obstacle: a number must be readable on its task, whatever lies below.
    ET.SubElement(settings, "rendering", {"drawLabels": "1", "displayAll": "0", "obstacle": "0"})


def _form(root: ET.Element, style: VectorStyle) -> None:
    """Presentation of one feature: words of codes, names of columns, the form in groups, the map tip."""
    fields = ET.SubElement(root, "fieldConfiguration")
    for name, words in style.values.items():
        widget = ET.SubElement(ET.SubElement(fields, "field", {"name": name}), "editWidget", {"type": "ValueMap"})
        options = ET.SubElement(ET.SubElement(widget, "config"), "Option", {"type": "Map"})
        choices = ET.SubElement(options, "Option", {"type": "List", "name": "map"})
        for code, word in words.items():
            choice = ET.SubElement(choices, "Option", {"type": "Map"})
            ET.SubElement(choice, "Option", {"type": "QString", "name": word, "value": code})
    aliases = ET.SubElement(root, "aliases")
    for index, (name, alias) in enumerate(style.aliases.items()):
        ET.SubElement(aliases, "alias", {"field": name, "name": alias, "index": str(index)})
    if style.groups:
        ET.SubElement(root, "editorlayout").text = "tablayout"
        form = ET.SubElement(root, "attributeEditorForm")
        for title, names in style.groups.items():
            shown = {"name": title, "groupBox": "1", "columnCount": "1", "showLabel": "1"}
            group = ET.SubElement(form, "attributeEditorContainer", shown)
            for name in names:
                ET.SubElement(group, "attributeEditorField", {"name": name, "showLabel": "1"})
    if style.tip:
        ET.SubElement(root, "mapTip").text = style.tip


def _rgb(colour: str) -> str:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"{red},{green},{blue},255"


def _text(root: ET.Element) -> str:
    ET.indent(root)
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(root, encoding="unicode")
