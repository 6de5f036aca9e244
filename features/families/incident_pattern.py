"""The pattern of incidents on the map: chains, ridges, neighbours, and how closely they follow front line and people.

Incidents trace the front where the drawn line is missing. A chain or a k-th neighbour could reveal the label of a cell,
so there is no column at all if incidents make labels.
"""

from functools import partial

import numpy as np
import shapely
from numpy.typing import NDArray

from features.as_of import BANDWIDTHS_M, Snapshot, control_votes, events_of
from features.base import Columns, FeatureInfo, Floats, Grid, InputError, numbers, places_m
from features.families.front_lines import closest
from features.geometry import (
    LEAST_DENSITY,
    STEP_M,
    Layer,
    count_within,
    distance_m,
    gabriel_chains,
    neighbour_distances_m,
    point_densities,
    ridge_strengths,
    tree_chains,
)

FAMILY = "incident_pattern"
_info = partial(FeatureInfo, family=FAMILY)
NEIGHBOURS = {3: "third", 5: "fifth", 10: "tenth", 20: "twentieth"}
TREE_EDGE_KM, GABRIEL_EDGE_KM = 10, 5
RIDGE_KM = (3, 6)
PEOPLE_KM = (2, 5, 10)
LINE_KM = 8
# Beyond this the distance to a line carries no information.
FARTHEST_LINE_M = 30_000.0
# Added to both terms of a ratio: a trace of an incident, and a hamlet of 30 people in 25 km2.
LEAST_PEOPLE = 1.2
# If no incident is near, the mean tends to the value of Bosnia (the median of 1,442 incidents is 4.3 km).
USUAL_LINE_M, LEAST_WEIGHT = 4300.0, 4e-5
ROOM_M = 300.0
# A disc of twice the bandwidth spreads as far along each axis as the Gaussian, and ends within the distance to which
# sources keep records.
DISC_KM = 40

SOURCE, WITH_LINE, WITH_PEOPLE = ("incidents",), ("incidents", "front_lines"), ("incidents", "settlements")
WITH_CONTROL = ("incidents", "control_points")
# The inferred line with which incidents are compared: the one that follows each place, at any date.
CONTROL_LINE_M = BANDWIDTHS_M[0]
KERNEL = "Gaussian kernels widened by location_error_m"


def _infos_of_line(
    line: str, or_chain: str, prefix: str, text: str, sources: tuple[str, ...]
) -> tuple[FeatureInfo, ...]:
    """Descriptions of the four columns on how closely incidents follow a line, which may be drawn or inferred."""
    name = f"{prefix}_distance"
    return (
        _info(
            name=or_chain,
            unit="m",
            trend=-1,
            text=f"distance to {text} or a chain of incidents",
            sources=sources,
            formula=f"lesser of {line}_distance_m and incident_chain_distance_m",
        ),
        _info(
            name=f"{name}_mean_{LINE_KM}km_m",
            unit="m",
            trend=0,
            text=f"how far from {text} incidents lie here",
            sources=sources,
            formula=f"Gaussian mean of incidents' distances to the line, at most 30 km; {USUAL_LINE_M:.0f} without any",
        ),
        _info(
            name=f"{name}_difference_{LINE_KM}km_m",
            unit="m",
            trend=0,
            text=f"distance to {text} beyond that of incidents here",
            sources=sources,
            formula="own distance, at most 30 km, less mean",
        ),
        _info(
            name=f"{name}_ratio_{LINE_KM}km",
            unit="1",
            trend=0,
            text=f"distance to {text} compared with that of incidents here",
            sources=sources,
            formula=f"own distance, at most 30 km, over mean + {ROOM_M:.0f} m",
        ),
    )


FEATURES = (
    *(
        _info(
            name=f"incident_knn_{k}_distance_m",
            unit="m",
            trend=-1,
            text=f"distance to the {ordinal} nearest incident",
            sources=SOURCE,
            formula="exact, at most 50 km",
        )
        for k, ordinal in NEIGHBOURS.items()
    ),
    _info(
        name="incident_chain_distance_m",
        unit="m",
        trend=-1,
        text="distance to a chain of incidents",
        sources=SOURCE,
        formula=f"exact, edges up to {TREE_EDGE_KM} km of the minimum spanning tree of places "
        f"rounded to {STEP_M:.0f} m",
    ),
    _info(
        name="incident_gabriel_distance_m",
        unit="m",
        trend=-1,
        text="distance to a link between neighbouring incidents",
        sources=SOURCE,
        formula=f"exact, edges up to {GABRIEL_EDGE_KM} km of the Gabriel graph (1969) of places "
        f"rounded to {STEP_M:.0f} m",
    ),
    *(
        _info(
            name=f"incident_ridge_{km}km",
            unit="1",
            trend=0,
            text=f"how much incidents line up around {km} km",
            sources=SOURCE,
            formula="-s^2 times the least eigenvalue of the density's Hessian, over the density (Lindeberg 1998)",
        )
        for km in RIDGE_KM
    ),
    *(
        _info(
            name=f"incident_ridge_{km}km_per_km2",
            unit="1/km2",
            trend=1,
            text=f"crest of incidents around {km} km",
            sources=SOURCE,
            formula="-s^2 times the least eigenvalue of the density's Hessian (Lindeberg 1998)",
        )
        for km in RIDGE_KM
    ),
    _info(
        name="incident_ratio_2_10km",
        unit="ln",
        trend=1,
        text="incidents around 2 km compared with 10 km",
        sources=SOURCE,
        formula=f"ln of the ratio of {KERNEL}",
    ),
    _info(
        name="incident_ratio_5_20km",
        unit="ln",
        trend=1,
        text="incidents around 5 km compared with 20 km",
        sources=SOURCE,
        formula=f"ln of Gaussian kernel over mean density within {DISC_KM} km (standard deviation 20 km)",
    ),
    *(
        _info(
            name=f"incidents_per_head_{km}km",
            unit="ln 1/people",
            trend=1,
            text=f"incidents for each person around {km} km",
            sources=WITH_PEOPLE,
            formula=f"ln of the ratio of {KERNEL}, {LEAST_PEOPLE} people/km2 added",
        )
        for km in PEOPLE_KM
    ),
    *_infos_of_line("front_line", "line_or_chain_distance_m", "incident_line", "the front line", WITH_LINE),
    *_infos_of_line(
        "control_line",
        "control_line_or_chain_distance_m",
        "incident_control_line",
        "a line between sides",
        WITH_CONTROL,
    ),
)


def build(tile: Grid, snapshot: Snapshot) -> Columns:
    """Features of all incidents known at `as_of`, dated or not; none where incidents make labels."""
    vectors = snapshot.sources.vectors
    if "incidents" not in vectors or "incidents" in snapshot.context.own_event_sources:
        return {}
    events = snapshot.cached(events_of, "incidents")
    columns: Columns = dict(
        zip(
            (f"incident_knn_{k}_distance_m" for k in NEIGHBOURS),
            neighbour_distances_m(tile, events.places, tuple(NEIGHBOURS)),
            strict=True,
        )
    )
    columns["incident_chain_distance_m"] = distance_m(tile, snapshot.cached(_tree))
    columns["incident_gabriel_distance_m"] = distance_m(tile, snapshot.cached(_gabriel))
    for km in RIDGE_KM:
        share, crest = ridge_strengths(tile, events.places, events.error_m, km * 1000.0)
        columns |= {f"incident_ridge_{km}km": share, f"incident_ridge_{km}km_per_km2": crest}
    columns |= _ratios(tile, snapshot)
    if "front_lines" in vectors:
        line_m, theirs_m = snapshot.cached_for_tile(closest, tile).distance_m, snapshot.cached(_front_line_distances_m)
        beside = _beside_the_line(tile, snapshot, line_m, theirs_m, "incident_line")
        columns |= {"line_or_chain_distance_m": np.minimum(line_m, columns["incident_chain_distance_m"])} | beside
    votes = snapshot.cached(control_votes) if "control_points" in vectors else None
    if votes is not None:
        between_m, theirs_m = distance_m(tile, snapshot.cached(_control_line)), snapshot.cached(_control_distances_m)
        columns["control_line_or_chain_distance_m"] = np.minimum(between_m, columns["incident_chain_distance_m"])
        columns |= _beside_the_line(tile, snapshot, between_m, theirs_m, "incident_control_line")
    return columns


def _tree(snapshot: Snapshot) -> Layer:
    return tree_chains(snapshot.cached(events_of, "incidents").places, TREE_EDGE_KM * 1000.0)


def _gabriel(snapshot: Snapshot) -> Layer:
    return gabriel_chains(snapshot.cached(events_of, "incidents").places, GABRIEL_EDGE_KM * 1000.0)


def _ratios(tile: Grid, snapshot: Snapshot) -> dict[str, Floats]:
    """Logarithms of the ratios of densities to those of a wider reach, and to people if settlements have any."""
    events = snapshot.cached(events_of, "incidents")
    ones = np.ones((events.count, 1))
    around = {km: point_densities(tile, events.places, ones, km * 1000.0, events.error_m)[0] for km in (2, 5, 10)}
    disc = count_within(tile, events.places, DISC_KM * 1000.0) / (np.pi * DISC_KM**2)
    ratios = {
        "incident_ratio_2_10km": _log_ratio(around[2], around[10], LEAST_DENSITY),
        "incident_ratio_5_20km": _log_ratio(around[5], disc, LEAST_DENSITY),
    }
    if "settlements" in snapshot.sources.vectors:
        places, people = snapshot.cached(_people)
        for km in PEOPLE_KM if len(people) else ():
            living = point_densities(tile, places, people[:, None], km * 1000.0)[0]
            ratios[f"incidents_per_head_{km}km"] = _log_ratio(around[km], living, LEAST_PEOPLE)
    return ratios


def _log_ratio(incidents: Floats, below: Floats, least_below: float) -> Floats:
    """ln((incidents + LEAST_DENSITY) / (below + least_below)), with no more arrays than it needs."""
    ratio = incidents + LEAST_DENSITY
    ratio /= below + least_below
    return np.asarray(np.log(ratio, out=ratio))


def _people(snapshot: Snapshot) -> tuple[Floats, Floats]:
    """Places (n, 2) and people (n,) of the settlements that have any."""
    table = snapshot.table("settlements")
    people = numbers(table, "population", 0.0)
    return places_m(table)[people > 0], people[people > 0]


def _beside_the_line(
    tile: Grid, snapshot: Snapshot, line_m: NDArray[np.floating], theirs_m: Floats, prefix: str
) -> Columns:
    """Columns from the distances to a line of the cells of a tile and of the incidents around them (`theirs_m`)."""
    own_m = np.minimum(line_m, FARTHEST_LINE_M)
    events = snapshot.cached(events_of, "incidents")
    weights = np.column_stack([theirs_m, np.ones(events.count)])
    total, weight = point_densities(tile, events.places, weights, LINE_KM * 1000.0, events.error_m)
    mean = (total + LEAST_WEIGHT * USUAL_LINE_M) / (weight + LEAST_WEIGHT)
    return {
        f"{prefix}_distance_mean_{LINE_KM}km_m": mean,
        f"{prefix}_distance_difference_{LINE_KM}km_m": own_m - mean,
        f"{prefix}_distance_ratio_{LINE_KM}km": own_m / (mean + ROOM_M),
    }


def _front_line_distances_m(snapshot: Snapshot) -> Floats:
    return _distances_m(snapshot, np.asarray(snapshot.table("front_lines").geometry.array))


def _control_line(snapshot: Snapshot) -> Layer:
    votes = snapshot.cached(control_votes)
    if votes is None:
        raise InputError("sources.control_points names no holder")
    return votes.lines(CONTROL_LINE_M)


def _control_distances_m(snapshot: Snapshot) -> Floats:
    line = snapshot.cached(_control_line)
    return _distances_m(snapshot, np.asarray(shapely.linestrings(np.stack([line.start, line.end], axis=1))))


def _distances_m(snapshot: Snapshot, lines: NDArray[np.object_]) -> Floats:
    """Distance (n,) of every incident from the nearest of some lines, at most FARTHEST_LINE_M."""
    places = snapshot.cached(events_of, "incidents").places
    found = np.full(len(places), FARTHEST_LINE_M)
    if len(lines) and len(places):
        tree = shapely.STRtree(lines)
        (incident, _), apart = tree.query_nearest(shapely.points(places), all_matches=False, return_distance=True)
        found[incident] = np.minimum(apart, FARTHEST_LINE_M)
    return found
