"""Who held each place at which date: distance to the lines between sides that this draws, side, confidence, changes."""

from collections.abc import Sequence

import numpy as np

from features.as_of import BANDWIDTHS_M, Snapshot, Votes, control_votes, pairs_of, sides_of
from features.base import Columns, FeatureInfo, Grid, column_names
from features.geometry import Layer, distance_m

FAMILY = "control_points"
SOURCE = ("control_points",)
HOW = "12 nearest places vote with exp(-d2 / 2h2), h {h} m; borders of a 500 m lattice whose neighbours differ"

FEATURES = (
    *(
        FeatureInfo(
            name=f"control_line_{h}m_distance_m",
            unit="m",
            family=FAMILY,
            trend=-1,
            text="distance to a line between sides at any date",
            sources=SOURCE,
            formula=HOW.format(h=h),
        )
        for h in BANDWIDTHS_M
    ),
    *(
        FeatureInfo(
            name=f"control_line_last_{h}m_distance_m",
            unit="m",
            family=FAMILY,
            trend=-1,
            text="distance to the last line between sides",
            sources=SOURCE,
            formula=f"{HOW.format(h=h)}, last date known",
        )
        for h in BANDWIDTHS_M
    ),
    *(
        FeatureInfo(
            name=f"control_confidence_{h}m",
            unit="share",
            family=FAMILY,
            trend=-1,
            text="how sure the vote of the places is of the holder",
            sources=SOURCE,
            formula=f"least share of the winner at any date, h {h} m",
        )
        for h in BANDWIDTHS_M
    ),
    FeatureInfo(
        name="control_changes",
        unit="1",
        family=FAMILY,
        trend=0,
        text="how often the land changed hands",
        sources=SOURCE,
        formula=f"dates at which the winner is another than before, h {BANDWIDTHS_M[0]} m",
    ),
)


def build(tile: Grid, snapshot: Snapshot) -> Columns:
    """Lines, sides and votes of the control points known at `as_of`; no columns if they name no holder.

    The line between two sides has a column only if both are named; distances end at 50 km.
    """
    votes = _votes(snapshot)
    if votes is None:
        return {}
    columns: Columns = {name: distance_m(tile, layer) for name, layer in snapshot.cached(_lines).items()}
    row, column = votes.at(tile)
    for h in BANDWIDTHS_M:
        columns[f"control_confidence_{h}m"] = votes.confidence[h][row, column]
    holder = votes.holder[BANDWIDTHS_M[0]][:, row, column]
    columns["control_changes"] = (holder[1:] != holder[:-1]).sum(axis=0).astype(np.float64)
    for number, slug in enumerate(_slugs(votes.sides)):
        columns[f"places_held_by_{slug}"] = (holder[-1] == number).astype(np.float64)
    return columns


def described(snapshot: Snapshot) -> tuple[FeatureInfo, ...]:
    """Descriptions of the columns that depend on the data: one for each side, and two for each pair of sides.

    The text becomes part of reasons, which must not name a side of the war; the formula names it.
    """
    if "control_points" not in snapshot.sources.vectors:
        return ()
    # Votes cost seconds, and names ask for the sides alone.
    sides = snapshot.cached(sides_of)
    infos = [
        FeatureInfo(
            name=f"places_held_by_{slug}",
            unit="0 or 1",
            family=FAMILY,
            trend=0,
            text="land among places that one side held",
            sources=SOURCE,
            formula=f"{side} wins the vote at the last date, h {BANDWIDTHS_M[0]} m",
        )
        for side, slug in zip(sides, _slugs(sides), strict=True)
    ]
    for one, other in pairs_of(sides):
        between = f"between {sides[one]} and {sides[other]}"
        text = "distance to a line between two of the sides"
        infos += [
            FeatureInfo(
                name=_between(sides, one, other, h),
                unit="m",
                family=FAMILY,
                trend=-1,
                text=text,
                sources=SOURCE,
                formula=f"{HOW.format(h=h)}; {between}",
            )
            for h in BANDWIDTHS_M
        ]
    return tuple(infos)


def _votes(snapshot: Snapshot) -> Votes | None:
    return snapshot.cached(control_votes) if "control_points" in snapshot.sources.vectors else None


def _lines(snapshot: Snapshot) -> dict[str, Layer]:
    """The lines by the name of the distance to them."""
    votes = snapshot.cached(control_votes)
    if votes is None:
        return {}
    lines: dict[str, Layer] = {}
    for h in BANDWIDTHS_M:
        lines[f"control_line_{h}m_distance_m"] = votes.lines(h)
        lines[f"control_line_last_{h}m_distance_m"] = votes.lines(h, last=True)
        for pair in pairs_of(votes.sides):
            lines[_between(votes.sides, *pair, h)] = votes.lines(h, pair)
    return lines


def _slugs(sides: Sequence[str]) -> list[str]:
    slugs = column_names(list(sides))
    return [slugs[side] for side in sides]


def _between(sides: Sequence[str], one: int, other: int, h: int) -> str:
    slugs = _slugs(sides)
    return f"control_line_{h}m_{slugs[one]}_{slugs[other]}_distance_m"
