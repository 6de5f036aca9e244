"""The holder of the land at each date, by a vote of surrounding places of known holder, and lines between sides."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from features.as_of.snapshot import Snapshot
from features.base import Flags, Floats, Grid, InputError, Integers, dates_of, places_m, words
from features.geometry import Layer, layer_of

# Twelve places vote, near ones with the greatest weight; with a bandwidth of 1.5 km the line follows each village, with
# 4 km it runs between groups of villages.
VOTERS = 12
BANDWIDTHS_M = (1500, 4000)
# Most sides of a war: more holders are municipalities or owners, and a column for each pair would name places.
MOST_SIDES = 6
MOST_DATES = 24
# Nodes lie at (k + 0.5) steps from the CRS origin, so that the lines depend on no tile and on no grid.
STEP_M, MOST_NODES = 500.0, 1_000_000
# Records nearer to each other than this, in metres, belong to one place.
SAME_PLACE_M = 1.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Votes:
    """Votes on a lattice of `step_m`, whose southwestern node lies at `west`, `south` (half steps of the CRS).

    `sides` are the holders in the order of their names. By bandwidth, `holder` (n_dates, rows, columns) has the side at
    each date and `confidence` (rows, columns) the least share of the vote that the winner had at any date.
    """

    sides: tuple[str, ...]
    step_m: float
    west: float
    south: float
    holder: dict[int, NDArray[np.int8]]
    confidence: dict[int, Floats]

    def at(self, tile: Grid) -> tuple[Integers, Integers]:
        """Row and column of the node nearest to each cell of a tile; beyond the lattice the node at its edge."""
        rows, columns = next(iter(self.confidence.values())).shape
        row = np.clip(np.floor((tile.northings_m - self.south) / self.step_m + 0.5).astype(np.int64), 0, rows - 1)
        column = np.clip(np.floor((tile.eastings_m - self.west) / self.step_m + 0.5).astype(np.int64), 0, columns - 1)
        return row[:, None], column[None, :]

    def lines(self, bandwidth_m: int, sides: tuple[int, int] | None = None, last: bool = False) -> Layer:
        """The lines between all sides, or between two of them, at every date or only at the last one.

        They are the borders of the squares around two neighbouring nodes whose holders differ.
        """
        holder = self.holder[bandwidth_m][-1:] if last else self.holder[bandwidth_m]
        between_columns, between_rows = holder[:, :, 1:] != holder[:, :, :-1], holder[:, 1:] != holder[:, :-1]
        if sides is not None:
            between_columns &= _are(holder[:, :, 1:], holder[:, :, :-1], sides)
            between_rows &= _are(holder[:, 1:], holder[:, :-1], sides)
        half = self.step_m / 2
        parts = []
        for crossed, upright in ((between_columns.any(axis=0), True), (between_rows.any(axis=0), False)):
            row, column = np.nonzero(crossed)
            east, north = self.west + column * self.step_m, self.south + row * self.step_m
            middle = np.column_stack([east + half, north] if upright else [east, north + half])
            along = np.array([0.0, half] if upright else [half, 0.0])
            parts.append(np.stack([middle - along, middle + along], axis=1))
        return layer_of(np.asarray(shapely.linestrings(np.concatenate(parts)), dtype=object))


def _are(one: NDArray[np.int8], other: NDArray[np.int8], sides: tuple[int, int]) -> Flags:
    a, b = sides
    return np.asarray(((one == a) & (other == b)) | ((one == b) & (other == a)))


def sides_of(snapshot: Snapshot) -> tuple[str, ...]:
    """The names of the holders of control points known at `as_of`, in order. Raises InputError for too many sides."""
    names = words(snapshot.table("control_points"), "holder")
    sides = tuple(str(name) for name in np.unique(names[names != ""]))
    if len(sides) > MOST_SIDES:
        raise InputError(
            f"sources.control_points has {len(sides)} different holders: at most {MOST_SIDES}; take the sides of the "
            "war by where: ..., or join small ones by values: {holder: {...}}"
        )
    return sides


def control_votes(snapshot: Snapshot) -> Votes | None:
    """The votes of the control points known at `as_of`; None without a holder. Raises InputError for too many sides.

    At each date a place has the holder of its latest row: a table may list every place at every date, or a place only
    when it changed hands. Rows without a date are valid from the beginning.
    """
    sides = snapshot.cached(sides_of)
    if not sides:
        return None
    table = snapshot.table("control_points")
    names = words(table, "holder")
    kept = names != ""
    points, side = places_m(table)[kept], np.searchsorted(np.array(sides), names[kept])
    dates = dates_of(table, "date")[kept].astype("datetime64[D]")
    place = np.unique(np.round(points / SAME_PLACE_M), axis=0, return_inverse=True)[1].reshape(-1)
    step_m, west, south, shape = _lattice(points)
    nodes = np.stack(
        np.meshgrid(west + step_m * np.arange(shape[1]), south + step_m * np.arange(shape[0])), axis=-1
    ).reshape(-1, 2)
    holder: dict[int, list[NDArray[np.int8]]] = {bandwidth_m: [] for bandwidth_m in BANDWIDTHS_M}
    least = {bandwidth_m: np.ones(shape) for bandwidth_m in BANDWIDTHS_M}
    for day in _dates(dates):
        rows = _holding(place, dates, day)
        apart, voter = cKDTree(points[rows]).query(nodes, k=min(VOTERS, len(rows)))
        apart, voter = apart.reshape(len(nodes), -1), voter.reshape(len(nodes), -1)
        for bandwidth_m in BANDWIDTHS_M:
            winner, share = winners(apart, side[rows][voter], bandwidth_m, len(sides))
            holder[bandwidth_m].append(winner.reshape(shape))
            least[bandwidth_m] = np.minimum(least[bandwidth_m], share.reshape(shape))
    stacked = {bandwidth_m: np.stack(found) for bandwidth_m, found in holder.items()}
    return Votes(sides=sides, step_m=step_m, west=west, south=south, holder=stacked, confidence=least)


def winners(apart_m: Floats, side: Integers, bandwidth_m: float, n_sides: int) -> tuple[NDArray[np.int8], Floats]:
    """The side with the greatest sum of exp(-d2 / 2 h2) over the voters (n, k) of each node, and its share of the sum.

    >>> winner, share = winners(np.array([[0.0, 1000.0, 1000.0]]), np.array([[0, 1, 1]]), 1500, 2)
    >>> winner.tolist(), share.round(3).tolist()
    ([1], [0.616])
    """
    # Relative to the nearest place, so that land far from all places has a holder too.
    exponent = (apart_m**2 - apart_m[:, :1] ** 2) / (2 * bandwidth_m**2)
    weight = np.exp(-exponent)
    votes = np.stack([np.where(side == number, weight, 0.0).sum(axis=1) for number in range(n_sides)])
    winner = votes.argmax(axis=0)
    return winner.astype(np.int8), np.asarray(votes.max(axis=0) / votes.sum(axis=0))


def pairs_of(sides: Sequence[str]) -> list[tuple[int, int]]:
    """The pairs of sides, in the order of their names."""
    return list(combinations(range(len(sides)), 2))


def _dates(dates: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """The dates of rows with a holder; if they are more than MOST_DATES, the last one of each of equal parts."""
    days = np.unique(dates[~np.isnat(dates)])
    if not len(days):
        return np.array(["NaT"], dtype="datetime64[D]")
    if len(days) > MOST_DATES:
        days = days[np.unique(np.linspace(0, len(days) - 1, MOST_DATES).round().astype(int))]
    return days


def _holding(place: Integers, dates: NDArray[np.datetime64], day: np.datetime64) -> Integers:
    """The row with the holder of each place at a day: the latest one up to that day; undated rows count as earliest."""
    rows = np.flatnonzero(np.isnat(dates) | (dates <= day) | np.isnat(day))
    since = np.where(np.isnat(dates[rows]), np.datetime64("0001-01-01", "D"), dates[rows]).astype(np.int64)
    rows = rows[np.lexsort((since, place[rows]))]
    return np.asarray(rows[np.append(place[rows][1:] != place[rows][:-1], True)])


def _lattice(points: Floats) -> tuple[float, float, float, tuple[int, int]]:
    """Step, southwestern node and shape of a lattice over the places, of at most MOST_NODES nodes."""
    step_m = STEP_M
    while True:
        low, high = np.floor(points.min(axis=0) / step_m) - 1, np.floor(points.max(axis=0) / step_m) + 1
        columns, rows = (high - low + 1).astype(int)
        if rows * columns <= MOST_NODES:
            west, south = (low + 0.5) * step_m
            return step_m, float(west), float(south), (int(rows), int(columns))
        step_m *= 2
