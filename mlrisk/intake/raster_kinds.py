"""Rasters recognised by their values and not by names: elevation, people, land cover."""

import numpy as np

from mlrisk.intake.finding import Finding
from mlrisk.intake.looking import Look
from mlrisk.intake.rasters import RasterFacts

# ESA WorldCover: legend of 10 m and its no-data 0.
WORLD_COVER = frozenset({0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100})
MOST_CLASSES = 48
HEIGHTS_M = (-500.0, 9000.0)
# Least range of elevation in metres: a vegetation index has a range of two, and a flatter country needs no elevation.
LEAST_RELIEF_M = 5.0
LOW_COUNTRY_M = 150.0
# Neighbouring pixels are correlated in relief, much less so in population.
SMOOTH_RELIEF = 0.6
# Most land is empty, and a few pixels hold most people: the mean lies far above the median.
EMPTY_SHARE = 0.3
SKEW = 2.0


def of_raster(look: Look) -> tuple[Finding, ...]:
    """Findings of a raster; empty if its values are of no known kind."""
    facts = look.raster
    if facts is None or not len(facts.values):
        return ()
    for recognise in (_picture, _land_cover, _population, _elevation):
        if found := recognise(look, facts):
            return (found,)
    return ()


def _picture(look: Look, facts: RasterFacts) -> Finding | None:
    if facts.bands not in (3, 4) or facts.dtype != "uint8":
        return None
    return Finding(look=look, source="", what=f"a picture of {facts.bands} colours, which no source takes")


def _land_cover(look: Look, facts: RasterFacts) -> Finding | None:
    classes = np.unique(facts.values)
    if not facts.whole_numbers or len(classes) > MOST_CLASSES or classes.min() < 0 or classes.max() > 255:
        return None
    if len(classes) > 1 and WORLD_COVER.issuperset(classes.tolist()) and classes.max() >= 20:
        return Finding(look=look, source="land_use", what="land cover, classes of ESA WorldCover", score=2)
    if facts.dtype != "uint8" or len(classes) < 3:
        return None
    doubt = f"taken as classes of land use ({len(classes)} different values): check that they are no counts"
    return Finding(look=look, source="land_use", what="a raster of classes", doubts=(doubt,), score=1)


def _population(look: Look, facts: RasterFacts) -> Finding | None:
    """Counts of people: never below zero, mostly near zero, and in a few pixels far above the median."""
    values = facts.values
    if values.min() < 0 or values.max() <= 0:
        return None
    few = float((values < 1).mean())
    skewed = values.mean() > SKEW * max(float(np.median(values)), 1e-9)
    broken = not facts.whole_numbers
    if not (skewed and (few > EMPTY_SHARE or broken)) and not (broken and few > EMPTY_SHARE):
        return None
    name = "GHSL" if not facts.crs.is_geographic else "WorldPop"
    spec = {"columns": {"population": "1"}, "resampling": "sum"}
    doubt = "taken as people in a pixel; if it counts people per km2, write resampling: mean"
    return Finding(
        look=look, source="covariates", what=f"population, as {name} lays it out", spec=spec, doubts=(doubt,)
    )


def _elevation(look: Look, facts: RasterFacts) -> Finding | None:
    low, high = float(facts.values.min()), float(facts.values.max())
    if low < HEIGHTS_M[0] or high > HEIGHTS_M[1] or high - low < LEAST_RELIEF_M or not facts.smoothness > SMOOTH_RELIEF:
        return None
    doubts: tuple[str, ...] = ()
    if facts.pixel_m > 150:
        doubts = (f"pixels of {facts.pixel_m:.0f} m show no slope of a cell: SRTM and Copernicus have 30 m",)
    if high < LOW_COUNTRY_M:
        doubts = (*doubts, f"values end at {high:.0f}: heights of a low country, or slopes, or another measure")
    what = f"elevation, {low:.0f} to {high:.0f} m"
    return Finding(look=look, source="dem", what=what, doubts=doubts, score=-facts.pixel_m)
