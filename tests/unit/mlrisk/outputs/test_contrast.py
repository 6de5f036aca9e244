"""Every text that is drawn on land can be read over every class: a contrast of at least 4.5 (WCAG 2, level AA)."""

import re
from importlib.resources import files

import pytest
from bokeh.models import Text
from bokeh.plotting import figure

from mlrisk.outputs import task_sheet_map
from mlrisk.outputs.map_page_labels import add_labels, add_pins
from mlrisk.outputs.map_page_themes import OTHER_COLOUR
from mlrisk.outputs.qgis_layers import layer_style
from mlrisk.outputs.qgis_styles import vector_root
from mlrisk.risk_map import CLASSES, CONTAMINATION_SCALE, DECLARED_COLOUR, EVIDENCE_COLOURS, casualty_scale
from tests.support.sample_package import sample_package

ENOUGH = 4.5
PACKAGE = sample_package()
OF_LAND = {
    *(cls.colour for cls in CLASSES), *CONTAMINATION_SCALE.colours, *EVIDENCE_COLOURS.values(), DECLARED_COLOUR,
    OTHER_COLOUR,
    *casualty_scale(PACKAGE.risk["casualties_per_year"]).colours, "#000000", "#ffffff",
}  # fmt: skip
WHITE = (255.0, 255.0, 255.0)


def rgb(colour: str) -> tuple[float, ...]:
    return tuple(float(int(colour[start : start + 2], 16)) for start in (1, 3, 5))


def luminance(colour: tuple[float, ...]) -> float:
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in (one / 255 for one in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """The ratio of WCAG 2: 21 for black on white."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def over(colour: tuple[float, ...], share: float, below: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(share * top + (1 - share) * under for top, under in zip(colour, below, strict=True))


def test_the_ratio_is_that_of_the_standard():
    assert contrast(rgb("#000000"), WHITE) == pytest.approx(21)
    assert contrast(rgb("#777777"), WHITE) == pytest.approx(4.48, abs=0.01)


def test_every_name_of_the_page_has_a_halo_that_no_class_shines_through():
    plot = figure()
    add_labels(plot, PACKAGE)
    texts = [part for part in plot.renderers if isinstance(part.glyph, Text)]
    halos = {id(part.data_source): part.glyph for part in texts if part.glyph.text_outline_color is not None}
    assert len(texts) == 2 * len(halos) >= 4
    for part in texts:
        halo = halos[id(part.data_source)]
        # Bokeh's outline is drawn half inside the letters: that half lies below the text of the second renderer.
        assert halo.text_outline_width >= 3
        for land in OF_LAND:
            ground = over(rgb(halo.text_outline_color), halo.text_alpha, rgb(land))
            assert contrast(rgb(part.glyph.text_color), ground) >= ENOUGH


def test_the_number_of_a_pin_lies_on_the_disc_of_the_pin():
    plot = figure()
    add_pins(plot)
    disc, number = (part.glyph for part in plot.renderers)
    for land in OF_LAND:
        ground = over(rgb(disc.fill_color), disc.fill_alpha, rgb(land))
        assert contrast(rgb(number.text_color), ground) >= ENOUGH


def test_scale_bar_and_north_are_readable_over_every_class():
    style = files("mlrisk.outputs").joinpath("assets/page.css").read_text("utf-8")
    (share,) = re.findall(r"\.on-map \{[^}]*background: rgb\(255 255 255 / (\d+)%\)", style)
    (ink,) = re.findall(r"--ink: (#[0-9a-f]{6})", style)
    assert min(contrast(rgb(ink), over(WHITE, int(share) / 100, rgb(land))) for land in OF_LAND) >= ENOUGH


def test_texts_of_the_page_are_readable_on_its_papers():
    style = files("mlrisk.outputs").joinpath("assets/page.css").read_text("utf-8")
    named = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", style))
    for text in ("ink", "soft", "alarm", "chosen"):
        for ground in ("paper", "card"):
            assert contrast(rgb(named[text]), rgb(named[ground])) >= ENOUGH, (text, ground)
    warning = re.findall(r"\.warning \{[^}]*background: (#[0-9a-f]{6}); color: (#[0-9a-f]{6})", style)
    assert contrast(*(rgb(colour) for colour in warning[0])) >= ENOUGH


def test_every_label_in_qgis_has_a_halo():
    layers = {"survey_tasks": PACKAGE.tasks, **{name: PACKAGE.layers[name] for name in ("settlements", "districts")}}
    for name, frame in layers.items():
        styles = vector_root(layer_style(name, frame)).findall(".//text-style")
        assert styles
        for style in styles:
            halo = style.find("text-buffer")
            assert halo is not None
            assert halo.get("bufferDraw") == "1"
            text, ground = (
                tuple(map(float, one.split(","))) for one in (style.get("textColor"), halo.get("bufferColor"))
            )
            assert ground[3] == 255
            assert contrast(text[:3], ground[:3]) >= ENOUGH


def test_numbers_on_printed_maps_stand_on_a_plate():
    for label in (task_sheet_map.PLATE, task_sheet_map.BACK):
        for land in OF_LAND:
            ground = over(rgb(label["facecolor"]), label.get("alpha", 1.0), rgb(land))
            assert contrast(rgb(task_sheet_map.INK), ground) >= ENOUGH
