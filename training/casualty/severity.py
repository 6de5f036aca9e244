"""Severity: the share of casualties who die, by the class of device, in each unit."""

import re

import numpy as np
from numpy.typing import NDArray

from features.as_of import MINE_WORDS, UXO_WORDS
from features.base import Floats, Integers
from features.geometry import points_density
from training.casualty.accidents import Accidents
from training.casualty.units import Units

CLASSES = ("mine", "uxo", "unknown")
# Weight, in casualties, of the prior from all devices in the estimate for one class or one place.
PRIOR_CASUALTIES = 20.0
PRIOR_ACCIDENTS = 5.0
# Used if nothing is recorded at all: domain.md, 70 of 388 victims in Azerbaijan died.
USUAL_SHARE = 0.18


def device_class(devices: NDArray[np.str_]) -> Integers:
    """Number in CLASSES of each device category."""
    spoken = {text: set(re.split(r"[^a-z]+", text)) for text in set(devices.tolist())}
    number = {text: 0 if terms & MINE_WORDS else 1 if terms & UXO_WORDS else 2 for text, terms in spoken.items()}
    return np.array([number[text] for text in devices.tolist()], dtype=np.int64)


def killed_by_class(accidents: Accidents) -> Floats:
    """Share of the casualties who died, (len(CLASSES),), shrunk towards that of all devices if few are known."""
    stated = np.isfinite(accidents.killed) & (accidents.casualties > 0)
    killed, hurt = accidents.killed[stated], accidents.casualties[stated]
    overall = float(killed.sum() / hurt.sum()) if hurt.sum() else USUAL_SHARE
    kind = device_class(accidents.device[stated])
    died = np.bincount(kind, weights=killed, minlength=len(CLASSES))
    of = np.bincount(kind, weights=hurt, minlength=len(CLASSES))
    return np.asarray((died + PRIOR_CASUALTIES * overall) / (of + PRIOR_CASUALTIES))


def killed_share(units: Units, accidents: Accidents, bandwidth_m: float) -> Floats:
    """Share of the casualties of each unit who are expected to die, (n_units,), by the devices of accidents around."""
    if not len(accidents):
        return np.full(units.n_units, USUAL_SHARE)
    kind, by_class = device_class(accidents.device), killed_by_class(accidents)
    near = np.stack([_near(units, accidents.places_m[kind == number], bandwidth_m) for number in range(len(CLASSES))])
    overall = np.bincount(kind, minlength=len(CLASSES)) / len(kind)
    mix = (near + PRIOR_ACCIDENTS * overall[:, None]) / (near.sum(axis=0) + PRIOR_ACCIDENTS)
    return np.asarray(by_class @ mix)


def _near(units: Units, places_m: Floats, bandwidth_m: float) -> Floats:
    """Accidents within about two bandwidths of each unit: the kernel divided by its peak, averaged over cells."""
    cells = units.cells
    if not len(places_m):
        return np.zeros(units.n_units)
    density = points_density(cells, places_m, np.ones(len(places_m)), bandwidth_m)[cells.mask].astype(np.float64)
    peak = 1e6 / (2 * np.pi * bandwidth_m**2)
    return units.total(density / peak) / units.total(np.ones(len(density)))
