"""Sentences about the records that came in since a champion was trained."""

import pandas as pd

from training.evidence import FOUND, SEARCHED, Ledger
from training.retraining.new_records import News, counts_by_kind
from training.settings import TrainConfig
from training.validation import MOVED_MUCH


def news_notes(news: News) -> tuple[str, ...]:
    """The numbers of records that are new, recorded late, or gone since the champion was trained."""
    lines = [f"new records since {news.since}: {_counted(news.new)}"]
    if len(news.late):
        lines.append(
            f"recorded by {news.since} and not known to the champion: {_counted(news.late)}. The challenger "
            "learns from them, and nobody is judged by them"
        )
    if news.gone:
        lines.append(f"{len(news.gone):,} records that the champion learned from are gone or were changed")
    return tuple(lines)


def _counted(frame: pd.DataFrame) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts_by_kind(frame).items()) or "none"


def label_shift(ledger: Ledger, config: TrainConfig, news: News) -> tuple[str, ...]:
    """Share of found cells in the newest results compared with the share before."""
    if news.since >= config.as_of:
        return ()
    then, fresh = ledger.at(news.since), ledger.between(news.since, config.as_of)
    rates = []
    for evidence in (then, fresh):
        found, searched = (int((evidence.state[evidence.labelled] == state).sum()) for state in (FOUND, SEARCHED))
        rates.append(f"{found / (found + searched):.1%} of {found + searched:,}" if found + searched else "none")
    return (f"label shift: found {rates[1]} labelled cells in the newest results, {rates[0]} before",)


def drift_sentence(psi: list[tuple[str, float]]) -> str:
    """Input drift in one sentence, only reported: it shows that the land differs and not that a model is worse.

    >>> drift_sentence([("road_distance_m", 0.31), ("slope_deg", 0.02)])
    'input drift: 1 of 2 features moved much (population stability index over 0.25): road_distance_m 0.31'
    """
    moved = [f"{name} {value:.2f}" for name, value in psi if value > MOVED_MUCH]
    text = f"input drift: {len(moved)} of {len(psi)} features moved much (population stability index over {MOVED_MUCH})"
    return text + (f": {', '.join(moved[:10])}" if moved else "")
