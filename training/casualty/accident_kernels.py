"""Kernels of accidents over the units: two bandwidths, with half-lives of one and three years and without decay."""

import numpy as np

from features.as_of import Events, Snapshot, events_of, own_points
from features.base import Floats, decay, words
from features.geometry import event_densities
from training.casualty.units import Units
from training.settings import CasualtySettings


def kernel_names(settings: CasualtySettings, dated: bool) -> list[str]:
    """Names of the kernels, in the order of `accident_kernels`; undated accidents do not decay."""
    lives = (*settings.kernel_half_lives_years, None) if dated else (None,)
    return [
        f"accidents {bandwidth:g} m" + ("" if years is None else f" {years:g} y")
        for bandwidth in settings.kernel_bandwidths_m
        for years in lives
    ]


def accident_kernels(units: Units, snapshot: Snapshot, settings: CasualtySettings, dated: bool) -> Floats:
    """Sum of the decayed kernels over the cells of each unit, (n_units, k); zero if no accident was known.

    Gaussian kernels widened by location_error_m, as in features.families.incidents; accidents of deminers never count.
    The context of `snapshot` says which records a cell leaves out.
    """
    names = kernel_names(settings, dated)
    if "incidents" not in snapshot.sources.vectors or not len(snapshot.table("incidents")):
        return np.zeros((units.n_units, len(names)))
    events = snapshot.cached(events_of, "incidents")
    weights = _weights(events, settings, dated)
    own = own_points(units.cells, snapshot, "incidents")
    columns = []
    for bandwidth in settings.kernel_bandwidths_m:
        density = event_densities(units.cells, events.places, weights, bandwidth, events.error_m, own)
        columns += [units.total(one[units.cells.mask].astype(np.float64)) for one in density]
    return np.column_stack(columns)


def _weights(events: Events, settings: CasualtySettings, dated: bool) -> Floats:
    civil = (words(events.table, "accident_class") != "demining").astype(np.float64)
    lives = settings.kernel_half_lives_years if dated else ()
    return np.column_stack([*(civil * decay(events.age_years, years) for years in lives), civil])
