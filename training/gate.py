"""The gate: what a challenger has to hold before it ranks. Each check is one function and one line in CHECKS."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from models.calibration import calibration_error, cross_calibrated
from training.config import RetrainingSettings
from training.contest import NEWEST, REGIONS, Arena, Contest, districts_of
from training.drift import MOVED_MUCH
from training.intervals import FEWEST_BLOCKS, judged_on_draws, pooled_score
from training.order import Flags, Floats, Index
from training.origins import CHANCE, PEOPLE, STRENGTH

DRAWS = 200
MANY_BLOCKS = 15
LEAST = 1e-3


@dataclass(frozen=True)
class Check:
    """What one check found: whether it holds, and a sentence with the figures; `judged` is False where it could not."""

    name: str
    passed: bool
    text: str
    judged: bool = True


@dataclass(frozen=True)
class Loss:
    """Champion minus challenger in one figure: as it is, its 90 % interval, and the draws (empty with few blocks)."""

    champion: float
    challenger: float
    draws: Floats

    @property
    def loss(self) -> float:
        """By how much the challenger is worse; negative where it is better."""
        return self.champion - self.challenger

    def share_beyond(self, margin: float) -> float:
        """Share of the draws in which the loss exceeds a margin; all or none where there were too few blocks."""
        known = self.draws[np.isfinite(self.draws)]
        return float((known > margin).mean()) if len(known) else float(self.loss > margin)

    def told(self) -> str:
        """The two figures, and the bounds of the change where there are any."""
        known = self.draws[np.isfinite(self.draws)]
        text = f"champion {self.champion:.3f}, challenger {self.challenger:.3f}"
        if not len(known):
            return text
        low, high = np.quantile(-known, [0.05, 0.95])
        return f"{text}, change {-self.loss:+.3f} ({low:+.3f} to {high:+.3f})"


def loss_of(arena: Arena, figure: str, rows: Flags | None = None, seed: int = 0) -> Loss:
    """Loss in a figure of `ranking_figures` over the cells of an arena, or some of them; both on the same draws."""
    chosen = np.ones(len(arena.cell), dtype=bool) if rows is None else rows
    judged = [
        judged_on_draws(
            pooled_score(score[chosen], arena.fold[chosen], arena.area[chosen]), arena.positive[chosen],
            blocks_of(arena, chosen), seed, DRAWS, arena.area[chosen],
        )
        for score in (arena.champion, arena.challenger)
    ]  # fmt: skip
    draws = judged[0].drawn[figure] - judged[1].drawn[figure]
    return Loss(judged[0].figures[figure], judged[1].figures[figure], draws)


def blocks_of(arena: Arena, rows: Flags) -> Index:
    """Number of the block of land of each chosen cell: as large as training's where that leaves MANY_BLOCKS of them.

    A district is smaller than a country: its blocks are halved until there are enough to draw from, down to two cells.
    """
    side = arena.block_m
    block = _squares(arena, rows, side)
    while len(np.unique(block)) < MANY_BLOCKS and side / 2 >= 2 * arena.cell_size_m:
        side /= 2
        block = _squares(arena, rows, side)
    return block


def _squares(arena: Arena, rows: Flags, side_m: float) -> Index:
    squares = np.floor(arena.centres_m[rows] / side_m).astype(np.int64)
    return np.asarray(np.unique(squares, axis=0, return_inverse=True)[1].reshape(-1), dtype=np.int64)


def check_recall(contest: Contest, settings: RetrainingSettings) -> list[Check]:
    """Recall at the budgeted area is not worse, on the newest results and on held-out regions."""
    figure = f"recall_{settings.budget_percent}"
    checks = []
    for arena in contest.arenas:
        if not _judgeable(arena, np.ones(len(arena.cell), dtype=bool), settings):
            told = (
                f"{arena.name} hold {int(arena.positive.sum())} found of {len(arena.cell):,} cells: too few to judge by"
            )
            checks.append(Check(f"recall, {arena.name}", True, told, judged=False))
            continue
        loss = loss_of(arena, figure)
        beyond = loss.share_beyond(settings.margin)
        told = (
            f"recall at {settings.budget_percent} % of area on {arena.name}, {int(arena.positive.sum()):,} found of "
            f"{len(arena.cell):,} cells: {loss.told()}; worse by more than {settings.margin:g} in {beyond:.0%} of draws"
        )
        checks.append(Check(f"recall, {arena.name}", beyond <= settings.doubt, told))
    return checks or [Check("recall", True, "nothing new could be judged: no newer result on land that was unknown",
                            judged=False)]  # fmt: skip


def check_districts(contest: Contest, settings: RetrainingSettings) -> list[Check]:
    """No district is worse by more than a margin: ROC AUC, for in a district a few per cent of area are few cells."""
    checks = []
    for arena in contest.arenas:
        worse, judged = [], 0
        for name, rows in districts_of(arena):
            if not _judgeable(arena, rows, settings):
                continue
            judged += 1
            loss = loss_of(arena, "roc_auc", rows)
            if loss.share_beyond(settings.district_margin) > settings.district_doubt:
                worse.append(f"{name} ({loss.told()})")
        told = f"{judged} district(s) judged on {arena.name}, margin {settings.district_margin:g} of ROC AUC: "
        told += f"worse in {'; '.join(worse)}" if worse else "none worse"
        checks.append(Check(f"districts, {arena.name}", not worse, told, judged > 0))
    return checks


def check_independent(contest: Contest, settings: RetrainingSettings) -> list[Check]:
    """The same recall on results that no ranking asked for: those flatter whoever asked.

    Judged where enough of the newest results are marked as reported by people or drawn by chance.
    """
    arena = contest.arena(NEWEST)
    if arena is None:
        return []
    counts = {name or "nobody says": int((arena.origin == name).sum()) for name in STRENGTH}
    told = "newest results by who chose the land: " + ", ".join(f"{name} {n:,}" for name, n in counts.items() if n)
    rows = np.isin(arena.origin, (PEOPLE, CHANCE))
    if not _judgeable(arena, rows, settings):
        return [Check("independent results", True, told, judged=False)]
    loss = loss_of(arena, f"recall_{settings.budget_percent}", rows)
    beyond = loss.share_beyond(settings.margin)
    told += f"; recall at {settings.budget_percent} % of area by people and chance: {loss.told()}"
    return [Check("independent results", beyond <= settings.doubt, told)]


def check_contradiction(contest: Contest, settings: RetrainingSettings) -> list[Check]:
    """No district's newest results turn what was known upside down: such records are looked at before they teach.

    Two signs: found and searched land stand the wrong way round in the champion's order (the whole interval of its ROC
    AUC lies under one half), or the share found lies off the stated one by `most_shift` log-odds more than it does in
    the other districts: what is off everywhere is a matter of calibration.
    """
    arena = contest.arena(NEWEST)
    if arena is None:
        return []
    judged = [(n, rows) for n, rows in districts_of(arena) if int(rows.sum()) >= 2 * settings.least_found]
    odd = []
    for name, rows in judged:
        others = ~rows if (~rows).sum() >= 2 * settings.least_found else None
        apart = _shift(arena, rows) - (_shift(arena, others) if others is not None else 0.0)
        if others is not None and abs(apart) > settings.most_shift:
            found, stated = _found_and_stated(arena, rows)
            odd.append(
                f"{name}: {found:.0%} of the land found where {stated:.0%} was stated, {apart:+.1f} log-odds beside "
                "the other districts"
            )
        elif _judgeable(arena, rows, settings) and (high := _highest_auc(arena, rows)) < 0.5:
            odd.append(
                f"{name}: found land ranks below searched land (ROC AUC of the champion at most {high:.2f}, of "
                f"{int(arena.positive[rows].sum())} found and {int((~arena.positive[rows]).sum())} searched cells)"
            )
    told = f"results of {len(judged)} district(s) against what was known: "
    text = told + ("; ".join(odd) + ". Look at these records" if odd else "none turns it round")
    return [Check("contradiction", not odd, text, bool(judged))]


def check_calibration(contest: Contest, settings: RetrainingSettings) -> list[Check]:
    """The challenger's scores make probabilities that hold on land held out, or are no further off than the champion's.

    Each region's curve is fitted on the other regions, for both alike. What either states of the newest results is
    told beside it and decides nothing: survey goes where scores are high, and there the best of them disappoint.
    """
    arena = contest.arena(REGIONS)
    errors = [np.nan, np.nan] if arena is None else [_error(arena, s) for s in (arena.champion, arena.challenger)]
    if not np.isfinite(errors).all():
        return [Check("calibration", True, "no two regions could be held out: not judged", judged=False)]
    limit = max(settings.most_calibration_error, errors[0] + settings.calibration_margin)
    told = f"calibration error on {REGIONS}: champion {errors[0]:.3f}, challenger {errors[1]:.3f}, limit {limit:.3f}"
    newest = contest.arena(NEWEST)
    if newest is not None:
        shares = [float(np.average(s, weights=newest.area)) for s in (newest.stated_champion, newest.stated_challenger)]
        found = float(np.average(newest.positive, weights=newest.area))
        told += f"; {NEWEST}: found {found:.1%}, stated {shares[0]:.1%} and {shares[1]:.1%}"
    return [Check("calibration", errors[1] <= limit, told)]


def check_domain(contest: Contest, settings: RetrainingSettings) -> list[Check]:
    """Not much land falls out of the area of applicability."""
    lost = contest.domain_champion - contest.domain_challenger
    told = (
        f"land in the domain: champion {contest.domain_champion:.1%}, challenger {contest.domain_challenger:.1%}, "
        f"at most {settings.most_domain_loss:.0%} may be lost"
    )
    return [Check("domain", lost <= settings.most_domain_loss, told)]


def check_sources(contest: Contest, _: RetrainingSettings) -> list[Check]:
    """No source that the champion learned from has vanished: that is decided by a person, not by a timer."""
    gone = ", ".join(contest.missing) or "none"
    return [Check("sources", not contest.missing, f"features that vanished: {gone}; new: {len(contest.new)}")]


CHECKS: dict[str, Callable[[Contest, RetrainingSettings], list[Check]]] = {
    "contradiction": check_contradiction,
    "recall": check_recall,
    "independent": check_independent,
    "districts": check_districts,
    "calibration": check_calibration,
    "domain": check_domain,
    "sources": check_sources,
}


def judged_by_gate(contest: Contest, settings: RetrainingSettings) -> tuple[Check, ...]:
    """Every check of the gate; a challenger passes when all of them hold."""
    return tuple(check for one in CHECKS.values() for check in one(contest, settings))


def drift_told(psi: list[tuple[str, float]]) -> str:
    """Input drift in one sentence: reported, for it says that the land differs and not that a model is worse.

    >>> drift_told([("road_distance_m", 0.31), ("slope_deg", 0.02)])
    'input drift: 1 of 2 features moved much (population stability index over 0.25): road_distance_m 0.31'
    """
    moved = [f"{name} {value:.2f}" for name, value in psi if value > MOVED_MUCH]
    told = f"input drift: {len(moved)} of {len(psi)} features moved much (population stability index over {MOVED_MUCH})"
    return told + (f": {', '.join(moved[:10])}" if moved else "")


def _judgeable(arena: Arena, rows: Flags, settings: RetrainingSettings) -> bool:
    found = int(arena.positive[rows].sum())
    return min(found, int(rows.sum()) - found) >= settings.least_found


def _highest_auc(arena: Arena, rows: Flags) -> float:
    """Upper bound (95 %) of the champion's ROC AUC; without enough blocks that of Hanley and McNeil (1982)."""
    positive = arena.positive[rows]
    block = blocks_of(arena, rows)
    judged = judged_on_draws(arena.champion[rows], positive, block, 0, DRAWS, arena.area[rows])
    auc = judged.figures["roc_auc"]
    if len(np.unique(block)) >= FEWEST_BLOCKS:
        drawn = judged.drawn["roc_auc"]
        return float(np.quantile(drawn[np.isfinite(drawn)], 0.95))
    n, m = int(positive.sum()), int((~positive).sum())
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = (auc * (1 - auc) + (n - 1) * (q1 - auc**2) + (m - 1) * (q2 - auc**2)) / (n * m)
    return float(auc + 1.645 * np.sqrt(max(variance, 0.0)))


def _error(arena: Arena, score: Floats) -> float:
    """Calibration error of scores whose curve comes from the other folds; NaN where there is no other."""
    stated = cross_calibrated(score, arena.positive, arena.area, arena.fold)
    known = np.isfinite(stated)
    return calibration_error(stated[known], arena.positive[known], arena.area[known])


def _found_and_stated(arena: Arena, rows: Flags) -> tuple[float, float]:
    """Share of some cells that was found, and that the champion stated."""
    area = arena.area[rows]
    # Half a cell on either side (Jeffreys 1946): of ten cells without a find the share is not known to be nothing.
    found = (float(arena.positive[rows] @ area) + 0.5) / (float(area.sum()) + 1)
    return found, min(max(float(np.average(arena.stated_champion[rows], weights=area)), LEAST), 1 - LEAST)


def _shift(arena: Arena, rows: Flags) -> float:
    """Log-odds of the share found beyond those of the stated one."""
    found, stated = _found_and_stated(arena, rows)
    return float(logit(found) - logit(stated))
