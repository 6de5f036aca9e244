"""The gate: checks that a challenger has to pass before it ranks, each one function and one line in CHECKS."""

import logging
from collections.abc import Callable

import numpy as np

from features.base import Flags, Floats, Integers
from models.calibration import cross_calibrated
from training.evidence import CHANCE, PEOPLE, STRENGTH
from training.retraining.casualty_contest import worse_by
from training.retraining.check import Check, not_judged
from training.retraining.contest import NEWEST, REGIONS, Arena, Contest, districts_of
from training.retraining.contradiction import found_and_stated_shares, log_reversal_factor, shift
from training.retraining.loss import DRAWS, loss_of, many_blocks
from training.retraining.memory import Memory, reversal_evidence
from training.settings import RetrainingSettings
from training.validation import calibration_error, deviance

LOGGER = logging.getLogger(__name__)
MEMORY = "memory"
# Of fewer equal regions one is most of the land: a curve learned on the others says nothing of its level.
FEWEST_REGIONS = 2


def check_recall(contest: Contest, settings: RetrainingSettings) -> list[Check]:
    """Recall at the budgeted area is not worse, on the newest results and on held-out regions."""
    figure = f"recall_{settings.budget_percent}"
    checks = []
    for arena in contest.arenas:
        if not _judgeable(arena, np.ones(len(arena.cell), dtype=bool), settings):
            text = (
                f"{arena.name} hold {int(arena.positive.sum())} found of {len(arena.cell):,} cells: too few to judge by"
            )
            checks.append(not_judged(f"recall, {arena.name}", text, found=int(arena.positive.sum())))
            continue
        loss = loss_of(arena, figure)
        beyond = loss.share_beyond(settings.margin)
        text = (
            f"recall at {settings.budget_percent} % of area on {arena.name}, {int(arena.positive.sum()):,} found of "
            f"{len(arena.cell):,} cells: {loss.sentence()}; "
            f"worse by more than {settings.margin:g} in {beyond:.0%} of draws"
        )
        figures = {**loss.figures(), "share_beyond": beyond}
        checks.append(Check(name=f"recall, {arena.name}", passed=beyond <= settings.doubt, text=text, figures=figures))
    return checks or [not_judged("recall", "nothing new could be judged: no newer result on land that was unknown")]


def check_skill(contest: Contest, settings: RetrainingSettings) -> list[Check]:
    """ROC AUC on all newest results: with few of them recall at a share of the area has too little power."""
    arena = contest.arena(NEWEST)
    if arena is None or not _judgeable(arena, np.ones(len(arena.cell), dtype=bool), settings):
        return []
    loss = loss_of(arena, "roc_auc")
    beyond = loss.share_beyond(settings.auc_margin)
    text = (
        f"ROC AUC on {NEWEST}, {int(arena.positive.sum()):,} found of {len(arena.cell):,} cells: {loss.sentence()}; "
        f"worse by more than {settings.auc_margin:g} in {beyond:.0%} of draws"
    )
    return [Check(name="skill", passed=beyond <= settings.auc_doubt, text=text, figures={"worse_share": beyond})]


def check_memory(memory: Memory | None, settings: RetrainingSettings) -> list[Check]:
    """All results since the anchor, over all rounds whatever their outcome, do not fit better when reversed."""
    groups = [] if memory is None else reversal_evidence(memory)
    if memory is None or not groups:
        return [not_judged(MEMORY, "no result since the anchor on land that was unknown then: nothing to add up")]
    districts = max(1, len(groups) - 1)
    odd = [one for one in groups if one.log_e > np.log(settings.most_e * (districts if one.district else 1))]
    whole = groups[0]
    text = (
        f"{whole.cells:,} results since {memory.since} (anchor: version {memory.number}): e-value of results turned "
        f"round {_e_text(whole.log_e)}, at most {settings.most_e:g}"
    )
    text += "".join(f"; {one.district or 'the country'}: {_e_text(one.log_e)} from {one.start} on" for one in odd)
    figures = {"cells": float(whole.cells), "log_e": whole.log_e}
    tested = whole.cells >= 2 * settings.least_found
    if not odd and not tested:
        return [not_judged(MEMORY, f"{text}; too few to test by", **figures)]
    return [Check(name=MEMORY, passed=not odd, text=text, figures=figures)]


def _e_text(log_e: float) -> str:
    if abs(log_e) < 12:
        return f"{np.exp(log_e):.2g}"
    return f"{'over' if log_e > 0 else 'under'} 1e{int(log_e / np.log(10)):+d}"


def untested(checks: tuple[Check, ...]) -> bool:
    """Whether none of the newest results could be tested: then a pass means nothing."""
    return not any(check.judged for check in checks if check.name in (f"recall, {NEWEST}", MEMORY))


def check_districts(contest: Contest, settings: RetrainingSettings) -> list[Check]:
    """No district is worse by more than a margin; by ROC AUC, since a few per cent of a district are few cells."""
    checks = []
    for arena in contest.arenas:
        worse, judged = [], 0
        for name, rows in districts_of(arena):
            if not _judgeable(arena, rows, settings):
                continue
            judged += 1
            loss = loss_of(arena, "roc_auc", rows)
            if loss.share_beyond(settings.district_margin) > settings.district_doubt:
                worse.append(f"{name} ({loss.sentence()})")
        text = f"{judged} district(s) judged on {arena.name}, margin {settings.district_margin:g} of ROC AUC: "
        text += f"worse in {'; '.join(worse)}" if worse else "none worse"
        figures = {"districts": judged, "worse": len(worse)}
        checks.append(
            Check(name=f"districts, {arena.name}", passed=not worse, text=text, figures=figures, judged=judged > 0)
        )
    return checks


def check_independent(contest: Contest, settings: RetrainingSettings) -> list[Check]:
    """The same recall on results that no ranking requested, because requested results flatter the ranking.

    Judged where enough of the newest results are marked as reported by people or drawn by chance.
    """
    arena = contest.arena(NEWEST)
    if arena is None:
        return []
    counts = {name or "nobody says": int((arena.origin == name).sum()) for name in STRENGTH}
    text = "newest results by who chose the land: " + ", ".join(f"{name} {n:,}" for name, n in counts.items() if n)
    rows = np.isin(arena.origin, (PEOPLE, CHANCE))
    if not _judgeable(arena, rows, settings):
        return [not_judged("independent results", text, **counts)]
    loss = loss_of(arena, f"recall_{settings.budget_percent}", rows)
    beyond = loss.share_beyond(settings.margin)
    text += f"; recall at {settings.budget_percent} % of area by people and chance: {loss.sentence()}"
    figures = {**counts, **loss.figures(), "share_beyond": beyond}
    return [Check(name="independent results", passed=beyond <= settings.doubt, text=text, figures=figures)]


def check_contradiction(contest: Contest, settings: RetrainingSettings) -> list[Check]:
    """No district's newest results reverse earlier knowledge: such records are inspected before models learn from them.

    There are two signs: the results would fit the champion's probabilities many times better with found and searched
    exchanged, or the share found exceeds the stated one by `most_shift` log-odds, both absolutely and relative to the
    other districts. That less is found than was stated is common in survey and no reason to refuse: the challenger
    learns from it.
    """
    arena = contest.arena(NEWEST)
    if arena is None:
        return []
    fresh = ~np.isin(arena.cell, contest.looked_at)
    here = [(name, rows & fresh) for name, rows in districts_of(arena)]
    judged = [(name, rows) for name, rows in here if int(rows.sum()) >= 2 * settings.least_found]
    odd = []
    for name, rows in judged:
        others = ~rows if int((~rows).sum()) >= 2 * settings.least_found else None
        found, stated = found_and_stated_shares(arena, rows)
        share = f"{name}: {found:.0%} of {int(rows.sum())} cells found where {stated:.0%} was stated"
        apart = shift(arena, rows) - max(0.0, shift(arena, others) if others is not None else 0.0)
        times = float(np.exp(min(log_reversal_factor(arena, rows, others), 20.0)))
        if times > settings.most_turned:
            odd.append(f"{share}, which fits {times:,.0f} times better with found and searched turned round")
        elif apart > settings.most_shift:
            odd.append(f"{share}, {apart:+.1f} log-odds")
    text = f"results of {len(judged)} district(s) against what was known: "
    text += "; ".join(odd) + ". Look at these records" if odd else "none turns it round"
    figures = {"districts": len(judged), "turned": len(odd)}
    return [Check(name="contradiction", passed=not odd, text=text, figures=figures, judged=bool(judged))]


def effective_number(sizes: Integers) -> float:
    """Number of equal parts that are as unequal together as parts of these sizes (Laakso and Taagepera 1979).

    >>> round(effective_number(np.array([192, 38, 35])), 2)
    1.78
    """
    return float(sizes.sum() ** 2 / (sizes.astype(np.float64) ** 2).sum())


def check_calibration(contest: Contest, settings: RetrainingSettings) -> list[Check]:
    """The challenger's scores give calibrated probabilities on held-out land, or are no worse than the champion's.

    Each region's curve is fitted on the other regions, for both alike; where one region holds most of the land, the few
    others say nothing of its level, and nothing is judged. The calibration of both on the newest results is reported
    and decides nothing: survey goes where scores are high, and the highest scores tend to be too high.
    """
    arena = contest.arena(REGIONS)
    errors = [np.nan, np.nan] if arena is None else [_error(arena, s) for s in (arena.champion, arena.challenger)]
    if arena is None or not np.isfinite(errors).all():
        return [not_judged("calibration", "no two regions could be held out: not judged")]
    regions = effective_number(np.bincount(arena.fold))
    if regions < FEWEST_REGIONS:
        text = f"the held-out land is that of {regions:.1f} equal regions, at least {FEWEST_REGIONS} are needed"
        return [not_judged("calibration", text, regions=regions)]
    limit = max(settings.most_calibration_error, errors[0] + settings.calibration_margin)
    text = f"calibration error on {REGIONS}: champion {errors[0]:.3f}, challenger {errors[1]:.3f}, limit {limit:.3f}"
    newest = contest.arena(NEWEST)
    if newest is not None:
        shares = [float(np.average(s, weights=newest.area)) for s in (newest.stated_champion, newest.stated_challenger)]
        found = float(np.average(newest.positive, weights=newest.area))
        text += f"; {NEWEST}: found {found:.1%}, stated {shares[0]:.1%} and {shares[1]:.1%}"
    figures = {"champion": errors[0], "challenger": errors[1], "limit": limit}
    return [Check(name="calibration", passed=errors[1] <= limit, text=text, figures=figures)]


def check_casualty(contest: Contest, settings: RetrainingSettings) -> list[Check]:
    """The casualty challenger predicts the newest accidents no worse: Poisson deviance, over blocks of land."""
    arena = contest.casualty
    accidents = 0.0 if arena is None else float(arena.observed.sum())
    if arena is None or accidents < settings.least_found:
        text = f"{accidents:.0f} dated accidents since the champion's date where regions can be held out: too few"
        return [not_judged("casualty risk", text, accidents=accidents)]
    worse = worse_by(arena, many_blocks(arena.centres_m, arena.block_m, arena.side_m), DRAWS)
    both = [deviance(arena.observed, one) for one in (arena.champion, arena.challenger)]
    beyond = float((worse > settings.casualty_margin).mean())
    low, high = np.quantile(worse, [0.05, 0.95])
    text = (
        f"Poisson deviance on {accidents:.0f} newest accidents in {len(arena.observed):,} units: champion "
        f"{both[0]:.4f}, challenger {both[1]:.4f}, change {both[1] / both[0] - 1:+.1%} ({low:+.1%} to {high:+.1%}); "
        f"worse by more than {settings.casualty_margin:.0%} in {beyond:.0%} of draws"
    )
    figures = {"accidents": accidents, "champion": both[0], "challenger": both[1], "share_beyond": beyond}
    return [Check(name="casualty risk", passed=beyond <= settings.doubt, text=text, figures=figures)]


def check_domain(contest: Contest, settings: RetrainingSettings) -> list[Check]:
    """Not much land falls out of the area of applicability."""
    lost = contest.domain_champion - contest.domain_challenger
    text = (
        f"land in the domain: champion {contest.domain_champion:.1%}, challenger {contest.domain_challenger:.1%}, "
        f"at most {settings.most_domain_loss:.0%} may be lost"
    )
    figures = {"champion": contest.domain_champion, "challenger": contest.domain_challenger}
    return [Check(name="domain", passed=lost <= settings.most_domain_loss, text=text, figures=figures)]


def check_sources(contest: Contest, _: RetrainingSettings) -> list[Check]:
    """No source from which the champion learned has vanished, which a person must decide and not a timer."""
    gone = ", ".join(contest.missing) or "none"
    text = f"features that vanished: {gone}; new: {len(contest.new)}"
    figures = {"vanished": len(contest.missing), "new": len(contest.new)}
    return [Check(name="sources", passed=not contest.missing, text=text, figures=figures)]


CHECKS: dict[str, Callable[[Contest, RetrainingSettings], list[Check]]] = {
    "contradiction": check_contradiction,
    "recall": check_recall,
    "skill": check_skill,
    "independent": check_independent,
    "districts": check_districts,
    "calibration": check_calibration,
    "casualty": check_casualty,
    "domain": check_domain,
    "sources": check_sources,
}


def judged_by_gate(contest: Contest, settings: RetrainingSettings, memory: Memory | None = None) -> tuple[Check, ...]:
    """Every check of the gate; a challenger passes when all of them hold."""
    checks = (*check_memory(memory, settings), *(check for one in CHECKS.values() for check in one(contest, settings)))
    for check in checks:
        LOGGER.info("gate: %s %s: %s", check.name, check.verdict, check.text)
    return checks


def _judgeable(arena: Arena, rows: Flags, settings: RetrainingSettings) -> bool:
    found = int(arena.positive[rows].sum())
    return min(found, int(rows.sum()) - found) >= settings.least_found


def _error(arena: Arena, score: Floats) -> float:
    """Calibration error of scores whose curve comes from the other folds; NaN if there are no others."""
    stated = cross_calibrated(score, arena.positive, arena.area, arena.fold)
    known = np.isfinite(stated)
    return calibration_error(stated[known], arena.positive[known], arena.area[known])
