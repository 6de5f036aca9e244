"""The first screen of the change report: what a planner asks after a retraining, in sentences."""

from collections.abc import Mapping

import pandas as pd

from mlrisk.followup.map_changes import WHY, Changes
from training.retraining import FIRST, HELD, PROMOTED, REFUSED, UNCHANGED, WAITING, Decision

# A change of the model that moves more of the cells than this must bring something.
MANY_MOVED = 0.1
CHANGED_MODEL = WHY[2]
DECISIONS: Mapping[str, str] = {
    FIRST: "This is the first map: there was no model before.",
    UNCHANGED: "Nothing new was recorded: the same model ranks.",
    PROMOTED: "A new model is in use.",
    REFUSED: "The former model stays: the new one did not pass its tests.",
    HELD: "The former model stays: too few results came in to test a new one.",
    WAITING: "The former model stays until a person signs for the new one.",
}


def first_sentences(decision: Decision, changes: Changes | None) -> list[str]:
    """The decision, what moved in the plan, where the ranking moved, and how the earlier map did."""
    first = moved_for_no_gain(decision, changes) or DECISIONS.get(decision.kind, decision.kind)
    if changes is None:
        return [first, "There is no earlier map of this grid in the output folder: nothing can be compared."]
    return [first, _plan(changes), _cells(changes), *_districts(changes.districts), *_found(changes.expected)]


def moved_for_no_gain(decision: Decision, changes: Changes | None) -> str:
    """A sentence if a new model moved many cells and no test shows a gain; empty otherwise."""
    if changes is None or decision.kind != PROMOTED or decision.before in (None, decision.champion):
        return ""
    share = changes.reasons.get(CHANGED_MODEL, 0) / max(changes.cells, 1)
    if share < MANY_MOVED or gains(decision):
        return ""
    return (
        f"The new model moves {share:.0%} of the cells and brings no measured gain: look at the plan before it is used."
    )


def gains(decision: Decision) -> bool:
    """Whether a test shows that the new model finds more: the whole likely range of the change lies above zero."""
    return any(check.judged and check.figures.get("change_low", 0.0) > 0 for check in decision.checks)


def _plan(changes: Changes) -> str:
    if changes.plan is None:
        tasks = changes.tasks
        return f"Of all tasks {tasks.kept:,} stayed, {len(tasks.came):,} came and {len(tasks.went):,} left."
    plan = changes.plan
    return f"In the plan {plan.kept:,} tasks stayed, {len(plan.came):,} came and {len(plan.went):,} left."


def _cells(changes: Changes) -> str:
    moved = len(changes.moved)
    if not moved:
        return "No cell moved by more than one twentieth of the ranked land."
    reason, count = max(changes.reasons.items(), key=lambda pair: pair[1])
    return (
        f"{moved:,} of {changes.cells:,} cells moved by more than one twentieth of the ranked land; "
        f"the main reason: {reason} ({count:,} cells)."
    )


def _districts(districts: pd.DataFrame) -> list[str]:
    step = districts["first_10_now"] - districts["first_10_before"]
    sentences = []
    for verb, place in (("down", step.idxmin()), ("up", step.idxmax())):
        row = districts.loc[place]
        if (row["first_10_now"] < row["first_10_before"]) if verb == "down" else step[place] > 0:
            sentences.append(
                f"{row['district']} moved {verb} most: {row['first_10_now']:,} of its cells are among the first 10 %, "
                f"{row['first_10_before']:,} before."
            )
    return sentences


def _found(expected: pd.DataFrame) -> list[str]:
    if not len(expected):
        return []
    row = expected.iloc[0]
    expected = f"{row['expected']:.0f} ({row['expected_low']:.0f} to {row['expected_high']:.0f})"
    surveyed = f"Since the earlier map {row['cells']:,} cells were surveyed"
    return [f"{surveyed}: it expected EO in {expected} of them, and {row['found']:.0f} had it."]
