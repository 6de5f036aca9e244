"""Power of the gate by number of records: its checks on simulated results, in seconds and without a country."""

import argparse
from datetime import date

import numpy as np
from scipy.stats import norm

from training.retraining.contest import NEWEST, Arena
from training.retraining.gate import check_memory, check_recall, check_skill
from training.retraining.memory import SINCE_ANCHOR, Memory
from training.settings import RetrainingSettings

SIDE_CELLS, DISTRICTS, CELL_M = 60, 3, 500.0
FIRST_DAY = np.datetime64("2024-01-01")


class OneArena:
    """A contest of the newest results alone."""

    def __init__(self, arena: Arena) -> None:
        self.arenas = (arena,)

    def arena(self, name: str) -> Arena | None:
        """The arena of a name."""
        return next((one for one in self.arenas if one.name == name), None)


def results(
    rng: np.random.Generator,
    cells: int,
    challenger: float,
    turned: np.ndarray,
    strength: float = 1.0,
    less: float = 0.0,
) -> tuple[Arena, np.ndarray]:
    """Results on cells drawn at random in nine districts, a third of them found; those of `turned` are reversed.

    `less` lowers what is found below what is stated, as on land that was chosen by the statement: 1.2 is about two
    log-odds. `strength` 1 gives the champion a ROC AUC of about 0.82 on such land, 0.6 one of 0.74, `challenger`
    likewise.
    """
    place = rng.integers(0, SIDE_CELLS, (cells, 2))
    truth = rng.normal(size=cells)
    positive = (truth + rng.normal(size=cells) > 0.6 + less) ^ turned
    theirs = strength * truth + 0.3 * rng.normal(size=cells)
    ours = challenger * truth + 0.3 * rng.normal(size=cells)
    stated = norm.cdf((theirs - 0.6) / np.hypot(1.0, 0.3))
    part = place * DISTRICTS // SIDE_CELLS
    district = np.array([f"district {east}{north}" for east, north in part], dtype=object)
    arena = Arena(
        name=NEWEST, cell=np.arange(cells), champion=theirs, challenger=ours, stated_champion=stated,
        stated_challenger=stated, positive=positive, area=np.ones(cells), centres_m=CELL_M * (place + 0.5),
        block_m=10_000.0, cell_size_m=CELL_M, fold=np.zeros(cells, dtype=np.int64), district=district,
        origin=np.full(cells, "", dtype=object),
    )  # fmt: skip
    return arena, district


def memory_after(arena: Arena, months: int, a_month: int) -> Memory:
    """The results of the first months."""
    some = months * a_month
    kept = {name: value[:some] if isinstance(value, np.ndarray) else value for name, value in vars(arena).items()} | {
        "name": SINCE_ANCHOR
    }
    days = FIRST_DAY + 30 * (np.arange(some) // a_month)
    return Memory(arena=Arena(**kept), known_from=days.astype("datetime64[D]"), since=date(2023, 12, 31), number="1")


def refused_month(
    seed: int, a_month: int, from_month: int | None, *, one_district: bool, strength: float, less: float = 0.0
) -> int | None:
    """The first of twelve months in which the memory refuses, if results are reversed from a month on."""
    rng = np.random.default_rng(seed)
    month = np.arange(12 * a_month) // a_month + 1
    wrong = np.zeros(len(month), dtype=bool) if from_month is None else month >= from_month
    if one_district:
        _, district = results(np.random.default_rng(seed), len(month), 1.0, np.zeros(len(month), dtype=bool), strength)
        wrong &= district == "district 11"
    arena, _ = results(rng, len(month), 1.0, wrong, strength, less)
    for last in range(1, 13):
        if not check_memory(memory_after(arena, last, a_month), RetrainingSettings())[0].passed:
            return last
    return None


def ignorant_refused(seed: int, cells: int, challenger: float, strength: float) -> bool:
    """Whether a challenger on new cells is refused by skill or recall."""
    rng = np.random.default_rng(seed)
    arena, _ = results(rng, cells, challenger, np.zeros(cells, dtype=bool), strength)
    contest, settings = OneArena(arena), RetrainingSettings()
    checks = [*check_skill(contest, settings), *check_recall(contest, settings)]  # type: ignore[arg-type]
    return any(not check.passed for check in checks)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    asked = parser.parse_args()
    print("challenger that knows nothing, and one as good as the champion: share refused")
    for strength in (1.0, 0.6):
        for cells in (30, 60, 120, 240):
            shares = [
                np.mean([ignorant_refused(seed, cells, c, strength) for seed in range(asked.rounds)])
                for c in (0.0, strength)
            ]
            print(
                f"  champion {strength:g}, {cells} cells: nothing {shares[0]:.2f}, as good {shares[1]:.2f}", flush=True
            )
    print("months until refused, results turned round from month 4 (13: never); honest ones beside it")
    for strength, less in ((1.0, 0.0), (0.6, 0.0), (0.6, 1.2)):
        for a_month in (10, 20, 40):
            for one in (False, True):
                _months(asked.rounds // 5, a_month, one_district=one, strength=strength, less=less)


def _months(rounds: int, a_month: int, *, one_district: bool, strength: float, less: float) -> None:
    both = [
        [
            refused_month(seed, a_month, month, one_district=one_district, strength=strength, less=less)
            for seed in range(rounds)
        ]
        for month in (4, None)
    ]
    by7 = np.mean([month is not None and 4 <= month <= 7 for month in both[0]])
    honest = np.mean([month is not None for month in both[1]])
    where = "one district" if one_district else "all"
    print(
        f"  champion {strength:g}, found less by {less:g}, {a_month} a month, {where}: by month 7 {by7:.2f}, "
        f"months {sorted(month or 13 for month in both[0])}, honest refused {honest:.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
