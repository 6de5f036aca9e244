"""Pictures of an explanation, drawn by shap, as PNG bytes; blue for low values and red for high, never green."""

import sys
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from training.reporting.explanation import Explanation
from training.reporting.figures import DPI, FONT, INK, MODEL_COLOUR, PAPER, SOFT, WIDTH_IN, png_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_FEATURES = 12
DEPENDENCES = 6
AXIS = "log-odds: right raised, left lowered"
LABEL_WIDTH = 34


def families_picture(explained: Explanation) -> bytes:
    """Mean size of the contributions of each family, as bars."""
    sums = explained.families.sums(explained.contributions)
    names = [name.replace("_", " ") for name in explained.families.names]
    shown = min(len(names), MOST_FEATURES)
    with _drawn(0.9 + 0.3 * shown) as (figure, shap):
        axes = figure.subplots()
        values = shap.Explanation(sums, feature_names=names)
        shap.plots.bar(values.abs.mean(0), max_display=shown, ax=axes, show=False)
        labels = [text.get_text().replace("other features", "other families") for text in axes.get_yticklabels()]
        axes.set_yticks(axes.get_yticks(), labels)
        for bar in axes.patches:
            bar.set_color(MODEL_COLOUR)
        for text in axes.texts:
            text.set(color=INK, fontsize=8)
        return _finished(figure, axes, "mean size on the log-odds")


def features_picture(explained: Explanation) -> bytes:
    """A swarm of cells for each leading feature: its contribution, coloured by its value."""
    shown = min(len(explained.names), MOST_FEATURES)
    with _drawn(1.3 + 0.38 * shown) as (figure, shap):
        axes = figure.subplots()
        order = _leading(explained)[:shown]
        values = shap.Explanation(
            explained.contributions[:, order],
            data=explained.values[:, order],
            feature_names=[_named(explained, explained.names[place]) for place in order],
        )
        shap.plots.beeswarm(
            values, max_display=shown, ax=axes, plot_size=None, show=False, s=5, color_bar_label="value of the feature"
        )
        bar = figure.axes[-1]
        bar.set_ylabel(bar.get_ylabel(), fontsize=8)
        bar.tick_params(labelsize=8)
        return _finished(figure, axes, AXIS)


def dependences_picture(explained: Explanation) -> bytes:
    """Contribution against value of each leading feature, coloured by the feature that it works with most."""
    order = _leading(explained)[:DEPENDENCES]
    rows = -(-len(order) // 2)
    with _drawn(0.3 + 2.1 * rows) as (figure, shap):
        values = shap.Explanation(
            explained.contributions, data=explained.values.astype(np.float64), feature_names=list(explained.names)
        )
        panels = figure.subplots(rows, 2, squeeze=False).ravel()
        for axes, place in zip(panels, order, strict=False):
            partner = _partner(explained, place)
            colour = MODEL_COLOUR if partner is None else values[:, partner]
            shap.plots.scatter(
                values[:, int(place)], color=colour, ax=axes, show=False, hist=False, dot_size=4, x_jitter=0, ylabel=""
            )
            axes.set_xlabel(_named(explained, explained.names[place], unit=True), fontsize=7)
            axes.set_ylabel("")
            axes.tick_params(labelsize=6.5)
            axes.locator_params(axis="x", nbins=3)
            axes.axhline(0, color=SOFT, linewidth=0.6)
        for axes in panels[len(order) :]:
            axes.set_axis_off()
        # The colour bars are the axes that shap added.
        for bar in (axes for axes in figure.axes if axes not in panels):
            bar.tick_params(labelsize=6)
            bar.set_ylabel(_named(explained, bar.get_ylabel()), fontsize=6.5)
        figure.supylabel("log-odds: up raised, down lowered", fontsize=8)
        return png_of(figure)


def _partner(explained: Explanation, place: int) -> int | None:
    """The feature that forms the strongest pair with this one; None where no pair is known."""
    name = explained.names[place]
    for pair in explained.pairs:
        if name in (pair.first, pair.second):
            other = pair.second if pair.first == name else pair.first
            return explained.names.index(other)
    return None


def _leading(explained: Explanation) -> list[int]:
    sizes = np.abs(explained.contributions).mean(axis=0)
    return [int(place) for place in np.argsort(-sizes, kind="stable") if sizes[place] > 0]


def _named(explained: Explanation, name: str, *, unit: bool = False) -> str:
    label, measure = explained.texts.get(name, name), explained.units.get(name, "")
    return textwrap.fill(f"{label}, {measure}" if unit and measure else label, LABEL_WIDTH)


@contextmanager
def _drawn(height_in: float) -> "Iterator[tuple[Figure, Any]]":
    """A figure and shap, whose plots draw from numpy's global generator: it is seeded here and restored afterwards."""
    import matplotlib as mpl

    if "matplotlib.pyplot" not in sys.modules:
        # shap imports pyplot, which would look for a display.
        mpl.use("agg")
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    with warnings.catch_warnings(), mpl.rc_context(FONT):
        # Warnings of a plot (a column of one value, no room for a label) do not concern readers of the report.
        warnings.simplefilter("ignore")
        import shap
        from matplotlib import pyplot as plt

        # shap draws into pyplot's current figure, so this figure belongs to pyplot until it is closed.
        figure = plt.figure(figsize=(WIDTH_IN, height_in), dpi=DPI, layout="constrained", facecolor=PAPER)
        try:
            yield figure, shap
        finally:
            plt.close(figure)
            np.random.set_state(state)  # noqa: NPY002


def _finished(figure: "Figure", axes: Any, label: str) -> bytes:
    axes.set_xlabel(label, fontsize=9)
    axes.tick_params(labelsize=8)
    for text in axes.get_yticklabels():
        text.set_color(INK)
    return png_of(figure)
