"""Baselines of the casualty model: a constant rate x exposure, decayed kernels, and two distances."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from features.base import Flags, Floats
from training.casualty.history import Moment, UnitPeriods
from training.validation import deviance

CONSTANT, KERNELS = "constant rate x exposure", "decayed kernels"
# A kernel alone expects no accident where none happened, so this share of it is spread evenly over the land.
FLOOR = 0.05


@dataclass(frozen=True, eq=False)
class Forecast:
    """A pattern over the units (n_units,), whether it can also state a number of accidents."""

    pattern: Floats
    counts: bool


Baseline = Callable[[UnitPeriods, Moment, Flags], Forecast | None]


def constant_rate(rows: UnitPeriods, _now: Moment, _learned: Flags) -> Forecast | None:
    """One rate for all person-years."""
    last = rows.period == rows.period.max()
    return Forecast(rows.person_years[last], counts=True)


def decayed_kernels(rows: UnitPeriods, now: Moment, learned: Flags) -> Forecast | None:
    """The kernel of accidents with the bandwidth and half-life that would have forecast the last years best."""
    names = [name for name in now.pattern_names if name.startswith("accidents ")]
    chosen = learned[rows.unit] & (rows.period >= rows.period.max() - 1)
    observed, even = rows.accidents[chosen], float(1 / chosen.sum())

    def of(pattern: Floats, part: float) -> Floats:
        total = float(pattern.sum())
        return (1 - FLOOR) * pattern / total + FLOOR * part if total > 0 else np.full(len(pattern), part)

    judged = {
        name: deviance(observed, of(rows.patterns[chosen, rows.pattern_names.index(name)], even) * observed.sum())
        for name in names
        if name in rows.pattern_names
    }
    if not judged or not observed.sum():
        return None
    best = min(judged, key=lambda name: judged[name])
    pattern = now.patterns[:, now.pattern_names.index(best)]
    return Forecast(of(pattern, 1 / len(pattern)), counts=True)


def nearest(feature: str) -> Baseline:
    """Rank by distance, the nearest first; it states no counts."""

    def ranking(_rows: UnitPeriods, now: Moment, _learned: Flags) -> Forecast | None:
        if feature not in now.features:
            return None
        return Forecast(-now.values[:, now.features.index(feature)].astype(np.float64), counts=False)

    return ranking


BASELINES: Mapping[str, Baseline] = {
    CONSTANT: constant_rate,
    KERNELS: decayed_kernels,
    "distance to an accident": nearest("incident_distance_m"),
    "distance to a settlement": nearest("settlement_distance_m"),
}
