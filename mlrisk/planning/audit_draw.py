"""Random audit cells: the only check of the map that does not depend on the map."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.base import Flags, Floats, Integers, by_parts, columns_by_parts, new_array


def audit_draw(
    frame: Flags, cell_id: Integers, days: Floats, capacity: Floats, seed: int, least_cells: int = 0
) -> tuple[Flags, Floats, NDArray[np.int8]]:
    """The cells of the random audit (n,), their inclusion probability (0 outside the frame), and their kind of team.

    `days` (K, n) are team-days of one survey, inf where a kind cannot work, `capacity` (K,) the team-days for audit.
    Each cell of the frame is assigned to its quickest kind of team with days to spend, and is drawn independently
    (Poisson sampling) with one probability for each kind, such that its days are spent in expectation. Every cell has a
    permanent random number: the draw does not depend on the order of rows, and more days only add cells. If fewer than
    `least_cells` are drawn in expectation, every probability is raised alike until they are that many.
    """

    def quickest(rows: slice) -> dict[str, NDArray[Any]]:
        usable = np.where(capacity[:, None] > 0, days[:, rows], np.inf)
        kind = usable.argmin(axis=0) if len(usable) else np.zeros(usable.shape[1], dtype=np.int64)
        return {"kind": kind.astype(np.int8), "cost": usable.min(axis=0, initial=np.inf)}

    quick = columns_by_parts(len(frame), quickest)
    kind, cost = quick["kind"], quick["cost"]
    chance = new_array(len(frame), np.float64)
    for number in range(len(capacity)):
        of_kind = frame & (kind == number) & np.isfinite(cost)
        if of_kind.any():
            chance[of_kind] = min(1.0, float(capacity[number] / cost[of_kind].sum()))
    expected = float(chance.sum())
    if 0 < expected < least_cells:
        np.minimum(1.0, chance * (least_cells / expected), out=chance)
    drawn = by_parts(len(frame), lambda rows: permanent_random(cell_id[rows], seed) < chance[rows])
    return drawn, chance, kind


def season_seed(seed: int, season: str) -> int:
    """The seed of a season's audit: the same for every ranking of a season, and another one for the next season.

    >>> season_seed(0, "2025") == season_seed(0, "2025"), season_seed(0, "2025") == season_seed(0, "2026")
    (True, False)
    """
    return int.from_bytes(hashlib.sha256(f"{seed} {season}".encode()).digest()[:4], "big")


def permanent_random(cell_id: Integers, seed: int) -> Floats:
    """A number in [0, 1) for each cell that depends on its id and the seed alone (SplitMix64, Steele et al. 2014).

    >>> numbers = permanent_random(np.arange(100_000), 3)
    >>> bool(abs(numbers.mean() - 0.5) < 0.01), bool(numbers.max() < 1)
    (True, True)
    """
    start = (int(seed) * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) % 2**64
    mixed = cell_id.astype(np.uint64) + np.uint64(start)
    with np.errstate(over="ignore"):
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53
