"""Themes of the map page: pictures of codes, each with words and colours for its legend."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.base import Floats, by_parts
from mlrisk.outputs.cell_rasters import coarsen, coarsening, on_grid
from mlrisk.risk_map import (
    CLASSES,
    CONTAMINATION_SCALE,
    DECLARED_COLOUR,
    DECLARED_TEXT,
    EVIDENCE_CODES,
    EVIDENCE_COLOURS,
    EVIDENCE_TEXTS,
    MOST_URGENT_FIRST,
    NO_BASIS,
    OUTSIDE,
    RELEASED,
    Package,
    Scale,
    casualty_scale,
    numbers_of,
)
from training.evidence import WORKS

# A million pixels fill a screen and keep the page of a large country below 10 MB.
MOST_PIXELS = 1_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class Theme:
    """One picture: `codes` is uint8, row 0 in the north, 0 outside the area; code n has labels[n - 1], colours[n - 1].

    `hatched` is the code that is drawn hatched, 0 for none. A pixel shows the most urgent of its cells. If `of_lists`,
    the page paints land of other lists of work than the chosen one in OTHER_COLOUR.
    """

    key: str
    title: str
    unit: str
    codes: NDArray[np.uint8]
    labels: tuple[str, ...]
    colours: tuple[str, ...]
    hatched: int = 0
    of_lists: bool = True


# Land of another list of work than the shown one; its code is one above those of the theme.
OTHER_TEXT, OTHER_COLOUR = "on another list of work", "#b9ae9d"


def work_picture(package: Package, factor: int) -> NDArray[np.uint8]:
    """The lists of work of each pixel as bits (1, 2, 4), rows from the north; 0 without work and outside."""
    bits = on_grid(package.grid, work_bits(package), 0)
    picture = np.zeros(coarsen(bits, factor, (OUTSIDE,)).shape, dtype=np.uint8)
    for bit in (1, 2, 4):
        picture |= coarsen((bits & bit).astype(np.uint8), factor, (bit, OUTSIDE))
    return picture


def work_bits(package: Package) -> NDArray[np.uint8]:
    """For each cell 1, 2 or 4 by the list of work that it is on, 0 where there is no work, (n_cells,)."""
    bit = {work: 1 << place for place, work in enumerate(WORKS)}
    return numbers_of(package.risk["work"], bit)


def make_themes(package: Package, most_pixels: int = MOST_PIXELS) -> tuple[tuple[Theme, ...], int]:
    """The themes, and how many cells lie along the side of a pixel."""
    factor = coarsening(package.grid.shape, most_pixels)
    classes = package.classes.astype(np.uint8)
    themes = (
        Theme(
            key="priority",
            title="Survey priority",
            unit="share of the ranked area of the list",
            codes=_picture(package, classes, factor, MOST_URGENT_FIRST),
            labels=tuple(cls.text for cls in CLASSES),
            colours=tuple(cls.colour for cls in CLASSES),
            hatched=NO_BASIS,
        ),
        *_probabilities(package, classes, factor),
        *_casualties(package, classes, factor),
        _evidence(package, factor),
    )
    return themes, factor


def _probabilities(package: Package, classes: NDArray[np.uint8], factor: int) -> tuple[Theme, ...]:
    """Themes of the probability and its range; none if rules of the field rank, which only give an order."""
    values, low, high = (
        package.risk[f"contamination{end}"].to_numpy(dtype=np.float64) for end in ("", "_low", "_high")
    )
    if not np.isfinite(values).any():
        return ()
    width = by_parts(len(values), lambda rows: high[rows] - low[rows])
    return (
        _quantity(package, classes, factor, "contamination", CONTAMINATION_SCALE, values),
        _quantity(package, classes, factor, "interval", CONTAMINATION_SCALE, width),
    )


def _casualties(package: Package, classes: NDArray[np.uint8], factor: int) -> tuple[Theme, ...]:
    """The casualty theme; none if no accident was known to learn from: an empty map would look like no danger."""
    values = package.risk["casualties_per_year"].to_numpy(dtype=np.float64)
    if not np.isfinite(values).any():
        return ()
    return (_quantity(package, classes, factor, "casualties", casualty_scale(values), values),)


TITLES = {
    "contamination": ("Probability of EO", "probability that survey would find explosive ordnance (EO) in the cell"),
    "interval": ("How unsure", "upper minus lower end of the likely range (90 %) of the probability of EO"),
    "casualties": ("Victims per year", "people killed and injured, per cell and year"),
}


def _quantity(
    package: Package, classes: NDArray[np.uint8], factor: int, key: str, scale: Scale, values: Floats
) -> Theme:
    """The theme of a quantity in the bins of its scale; unranked land shows the reason instead of a number."""
    bins = len(scale.labels)
    no_basis, released = bins + 1, bins + 2
    codes = by_parts(len(values), lambda rows: scale.codes(values[rows]))
    codes[classes == NO_BASIS] = no_basis
    codes[classes == RELEASED] = released
    order = (*range(bins, 1, -1), no_basis, 1, released, OUTSIDE)
    special = [cls for cls in CLASSES if cls.code in (NO_BASIS, RELEASED)]
    title, unit = TITLES[key]
    return Theme(
        key=key,
        title=title,
        unit=unit,
        codes=_picture(package, codes, factor, order),
        labels=(*scale.labels, *(cls.text for cls in special)),
        colours=(*scale.colours, *(cls.colour for cls in special)),
        hatched=no_basis,
    )


def _evidence(package: Package, factor: int) -> Theme:
    """The theme of what is known; land that only the config declares searched has a class of its own."""
    risk = package.risk
    codes = numbers_of(risk["evidence"], EVIDENCE_CODES) + np.uint8(1)
    found, unknown, searched = (EVIDENCE_CODES[name] + 1 for name in ("found", "unknown", "searched"))
    names = sorted(EVIDENCE_CODES, key=EVIDENCE_CODES.__getitem__)
    labels, colours = [EVIDENCE_TEXTS[name] for name in names], [EVIDENCE_COLOURS[name] for name in names]
    declared = len(names) + 1
    of_config = risk["status"].eq("declared").to_numpy() & (codes == searched)
    if of_config.any():
        codes[of_config] = declared
        labels.append(DECLARED_TEXT)
        colours.append(DECLARED_COLOUR)
    return Theme(
        key="evidence",
        title="What is known",
        unit="by the records up to the date of the data",
        codes=_picture(package, codes, factor, (found, unknown, declared, searched, OUTSIDE)),
        labels=tuple(labels),
        colours=tuple(colours),
        # Evidence is shown on all lists of work.
        of_lists=False,
    )


def _picture(
    package: Package, codes: NDArray[np.uint8], factor: int, most_urgent_first: tuple[int, ...]
) -> NDArray[np.uint8]:
    return coarsen(on_grid(package.grid, codes, OUTSIDE), factor, most_urgent_first)
