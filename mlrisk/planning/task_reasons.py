"""Reasons of tasks: parts of the order besides contamination, the purpose of a task, and last the common reasons."""

import re
from collections import Counter
from collections.abc import Sequence

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from features.base import Floats, Integers
from mlrisk.planning.budget import AUDIT, EXPLORE
from mlrisk.risk_map import Language, language, quantity

KEPT = 3
# A reason that this share of the tasks has does not distinguish them.
EVERYWHERE = 0.9
# Policies whose order counts victims, and those whose order counts the days of work.
BY_VICTIMS, BY_DAYS = ("casualty", "harm_per_day"), ("harm_per_day", "search")
EXPOSED = "people are {more} exposed here than in {share} of the tasks"
WORK = "{more} work a hectare than in {share} of the tasks (team-days: {days})"
SENTENCES = {
    "exposed": (EXPOSED.replace("{more}", "more"), EXPOSED.replace("{more}", "less")),
    # Less work counts for a task.
    "work": (WORK.replace("{more}", "less"), WORK.replace("{more}", "more")),
}
UNSURE = "Learning task: the estimate is very unsure here"
NOTHING_LIKE_IT = "Learning task: nothing comparable is known; survey here teaches most"
CHECK = "Check task, drawn at random (1 in {one_in}), to measure what the map misses"
DIGITS = re.compile(r"[\d.,]+")


def with_task_reasons(tasks: gpd.GeoDataFrame, days: Floats, policy: str, codes: Sequence[str]) -> gpd.GeoDataFrame:
    """`tasks` with three reasons each in the languages `codes`, the first of which has columns without its code.

    `days` (T,) are the team-days of a whole task by the quickest kind that can do it, inf where none can. Learning and
    check tasks state first that they promise no finds. Reasons for a task come before those against it, and strong ones
    before weak ones; at most half of the tasks begin with the same reason if they have others.
    """
    columns = {code: _columns(code if place else "") for place, code in enumerate(codes)}
    columns = {code: names for code, names in columns.items() if names[0] in tasks}
    if tasks.empty or not columns:
        return tasks
    spoken = {code: language(code) for code in columns}
    own = {code: tasks[names].to_numpy(dtype=object) for code, names in columns.items()}
    first = next(iter(columns))
    weight = _model_weights(tasks, own[first], spoken[first])
    texts = {code: [own[code]] for code in columns}
    for kind, values in _parts(tasks, days, policy).items():
        size, share = _against_others(values, tasks["work"].to_numpy(dtype=object))
        sign = -1.0 if kind == "work" else 1.0
        weight = np.column_stack([weight, sign * size])
        for code, words in spoken.items():
            lines = [
                _compared(kind, sign * s, part, day, words) for s, part, day in zip(size, share, days, strict=True)
            ]
            texts[code].append(np.array(lines, dtype=object)[:, None])
    weight = np.column_stack([weight, np.where(_purposes(tasks, spoken[first]) != "", np.inf, np.nan)])
    for code, words in spoken.items():
        texts[code].append(_purposes(tasks, words)[:, None])
    whole = {code: np.concatenate(parts, axis=1) for code, parts in texts.items()}
    order = _varied(_chosen(weight), whole[first])
    padded = {code: np.column_stack([table, np.full(len(table), "", dtype=object)]) for code, table in whole.items()}
    picked = {code: np.take_along_axis(table, order, axis=1) for code, table in padded.items()}
    return tasks.assign(
        **{name: picked[code][:, place] for code, names in columns.items() for place, name in enumerate(names)}
    )


def _columns(ending: str) -> list[str]:
    return [f"reason_{number}{'_' if ending else ''}{ending}" for number in range(1, KEPT + 1)]


def _model_weights(tasks: gpd.GeoDataFrame, texts: NDArray[np.object_], words: Language) -> Floats:
    """How far each reason of the model moved the order, (T, 3): the first as the contamination of the task does.

    Further ones come after those of the policy; they are negative if they count against a task, NaN if missing.
    """
    size, _ = _against_others(tasks["contamination"].to_numpy(), tasks["work"].to_numpy(dtype=object))
    weight = np.column_stack([np.fmax(size, 0.02), np.full(len(tasks), 0.01), np.full(len(tasks), 0.005)])
    against = words.lowered.partition("{")[0]
    lowered = np.array([[text.startswith(against) for text in row] for row in texts.astype(str)])
    return np.where(texts.astype(str) == "", np.nan, np.where(lowered, -0.01, weight))


def _parts(tasks: gpd.GeoDataFrame, days: Floats, policy: str) -> dict[str, Floats]:
    """Parts of the order besides contamination: victims for each contaminated cell, days for each cell."""
    cells = tasks["cells"].to_numpy(dtype=np.float64)
    parts = {}
    if policy in BY_VICTIMS:
        contaminated = np.maximum(tasks["contamination"].to_numpy() * cells, 1e-12)
        parts["exposed"] = tasks["casualties_per_year"].to_numpy() / contaminated
    if policy in BY_DAYS:
        parts["work"] = np.where(np.isfinite(days), days / cells, np.nan)
    based = tasks["out_of_domain_share"].to_numpy() < 1
    return {name: np.where(based, values, np.nan) for name, values in parts.items()}


def _against_others(values: Floats, work: NDArray[np.object_]) -> tuple[Floats, Floats]:
    """Log of each value over the median of its kind of work, and the share of those on the other side of it, (T,).

    NaN where a value is missing or in the middle.
    """
    size, share = np.full(len(values), np.nan), np.full(len(values), np.nan)
    for name in set(work):
        rows = np.flatnonzero((work == name) & np.isfinite(values) & (values > 0))
        if not len(rows):
            continue
        some = values[rows]
        size[rows] = np.log(some / np.median(some))
        ordered = np.sort(some)
        below = np.searchsorted(ordered, some, side="left") / len(rows)
        above = 1 - np.searchsorted(ordered, some, side="right") / len(rows)
        share[rows] = np.where(size[rows] > 0, below, above)
    stated = share >= 0.5
    return np.where(stated, size, np.nan), np.where(stated, share, np.nan)


def _compared(kind: str, weight: float, share: float, days: float, words: Language) -> str:
    if not np.isfinite(weight):
        return ""
    sentence = SENTENCES[kind][0 if weight > 0 else 1]
    part = words.figures(f"{min(99, round(100 * share))} %")
    text = words.say(sentence).format(share=part, days=words.figures(quantity(days, "")))
    return (words.raised if weight > 0 else words.lowered).format(reason=text)


def _purposes(tasks: gpd.GeoDataFrame, words: Language) -> NDArray[np.object_]:
    """The purpose of learning and check tasks in words, empty for others, (T,)."""
    purpose = tasks["purpose"].to_numpy(dtype=object)
    outside = tasks["out_of_domain_share"].to_numpy() > 0.5
    texts = np.full(len(tasks), "", dtype=object)
    texts[purpose == EXPLORE] = words.say(UNSURE)
    texts[(purpose == EXPLORE) & outside] = words.say(NOTHING_LIKE_IT)
    drawn = np.flatnonzero(purpose == AUDIT)
    chance = tasks["inclusion_prob"].to_numpy(dtype=np.float64)[drawn]
    texts[drawn] = [words.say(CHECK.format(one_in=f"{float(f'{1 / value:.2g}'):,.0f}")) for value in chance]
    return texts


def _chosen(weight: Floats) -> Integers:
    """The columns of the reasons of each task, (T, KEPT); an index after the last column means no reason.

    Two reasons for it, one against it, then the others.
    """
    none = weight.shape[1]
    chosen = np.full((len(weight), KEPT), none)
    for row, own in enumerate(weight):
        ordered = [int(place) for place in np.argsort(-np.abs(own), kind="stable") if not np.isnan(own[place])]
        raised = [place for place in ordered if own[place] > 0]
        lowered = [place for place in ordered if own[place] < 0]
        kept = (raised[:2] + lowered[:1] + raised[2:] + lowered[1:])[:KEPT]
        kept.sort(key=lambda place: (own[place] < 0, ordered.index(place)))
        chosen[row, : len(kept)] = kept
    return chosen


def _varied(order: Integers, texts: NDArray[np.object_]) -> Integers:
    """The order in which at most half of the tasks begin with the same words, apart from numbers, if they have others.

    A reason that nine in ten tasks have is first nowhere; of another one the tasks that come last give way.
    """
    order, none = order.copy(), texts.shape[1]
    padded = np.column_stack([texts, np.full(len(texts), "", dtype=object)])
    words = np.array([[DIGITS.sub("#", str(text)) for text in row] for row in padded], dtype=object)
    held = [[place for place in row if place != none] for row in order.tolist()]
    begins = Counter(words[row, own[0]] for row, own in enumerate(held) if own)
    has = Counter(text for row, own in enumerate(held) for text in {words[row, place] for place in own})
    most = {text: 0 if number >= EVERYWHERE * len(held) else len(held) // 2 for text, number in has.items()}
    for row, own in reversed(list(enumerate(held))):
        if not own or begins[words[row, own[0]]] <= most[words[row, own[0]]]:
            continue
        other = next((place for place in own[1:] if begins[words[row, place]] < most[words[row, place]]), None)
        if other is not None:
            begins[words[row, own[0]]] -= 1
            begins[words[row, other]] += 1
            order[row, : len(own)] = [other, *(place for place in own if place != other)]
    return order
