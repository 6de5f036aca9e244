"""Cells that were held out and judged: their tables for the report, pooled over the folds of a protocol."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from features.base import Flags, Floats, Integers
from training.validation.block_bootstrap import bounds, figures_on_draws, gains, pooled_score, probability_intervals
from training.validation.metrics import judge
from training.validation.probability_metrics import probability_figures

RANDOM = "random order"
MISSED_COLUMNS = "cell_id", "easting_m", "northing_m", "fold", "surveyed_before", "best_rule", "best_rule_before"
# The recipe on land that was shifted against its labels: whatever it scores above chance is not skill.
PLACEBO = "placebo"


@dataclass(frozen=True, eq=False, kw_only=True)
class HeldOut:
    """The judged cells of one protocol, arrays (n,); each cell was ranked by a model that had not seen its fold.

    `area` is the searched share of the cell, `fold` numbers `fold_names`, `block` the block of land for the bootstrap.
    `probability` is NaN where none was stated. `rules` are the scores of the baselines, larger first.
    """

    cell_id: Integers
    easting_m: Floats
    northing_m: Floats
    score: Floats
    positive: Flags
    area: Floats
    fold: Integers
    fold_names: tuple[str, ...]
    block: Integers
    probability: Floats
    rules: Mapping[str, Floats] = field(default_factory=dict)

    def rankings(self, model: str) -> dict[str, Floats]:
        """Scores of each ranking, comparable over folds: the model, every baseline, and a random order as one tie."""
        named = {model: self.score, **self.rules, RANDOM: np.zeros(len(self.score))}
        return {name: pooled_score(score, self.fold, self.area) for name, score in named.items()}


def pooled_table(
    protocol: str, held_out: HeldOut, model: str, seed: int, draws: int = 200, cell_ha: float | None = None
) -> pd.DataFrame:
    """One row for each ranking: its figures and the model's gain over it, with bounds (NaN for the model itself)."""
    rankings = held_out.rankings(model)
    judged = {
        name: figures_on_draws(score, held_out.positive, held_out.block, seed, draws, held_out.area)
        for name, score in rankings.items()
    }
    rows = []
    for name, score in rankings.items():
        row: dict[str, object] = {"protocol": protocol, "folds": len(held_out.fold_names), "ranking": name}
        row |= judge(score, held_out.positive, held_out.area, cell_ha)
        row |= bounds(judged[name].drawn)
        if name != model:
            row |= gains(judged[model], judged[name])
        rows.append(row)
    return pd.DataFrame(rows)


def missed_table(held_out: HeldOut, model: str) -> pd.DataFrame:
    """Found cells that the model's ranking put into the lower half of the land, worst first.

    `surveyed_before` is the share of its fold's land that would be surveyed before the cell; the baseline that ranks
    the cell highest follows with its share.
    """
    rankings = held_out.rankings(model)
    before = {name: -score for name, score in rankings.items()}
    low = np.flatnonzero(held_out.positive & (before[model] > 0.5))
    low = low[np.argsort(-before[model][low], kind="stable")]
    rules = [name for name in held_out.rules if name in before and name not in (PLACEBO, RANDOM)]
    places = np.column_stack([before[name][low] for name in rules]) if rules else np.zeros((len(low), 0))
    best = places.argmin(axis=1) if rules else np.zeros(len(low), dtype=np.int64)
    return pd.DataFrame(
        {
            "cell_id": held_out.cell_id[low],
            "easting_m": held_out.easting_m[low],
            "northing_m": held_out.northing_m[low],
            "fold": [held_out.fold_names[number] for number in held_out.fold[low]],
            "surveyed_before": before[model][low],
            "best_rule": [rules[number] for number in best] if rules else [""] * len(low),
            "best_rule_before": places[np.arange(len(low)), best] if rules else np.full(len(low), np.nan),
        }
    )


def probability_table(held_out: HeldOut, seed: int, draws: int = 200) -> pd.DataFrame:
    """Stated and observed frequency and figures of the probability, for all folds (with bounds) and for each fold."""
    everything = np.ones(len(held_out.fold), dtype=bool)
    rows = []
    for name, rows_of in [("all", everything)] + [
        (fold, held_out.fold == number) for number, fold in enumerate(held_out.fold_names)
    ]:
        chosen = rows_of & np.isfinite(held_out.probability)
        if not chosen.any():
            continue
        stated, found, area = held_out.probability[chosen], held_out.positive[chosen], held_out.area[chosen]
        row = {
            "fold": name,
            "cells": int(chosen.sum()),
            "found": int(found.sum()),
            "stated": float(np.average(stated, weights=area)),
            "observed": float(np.average(found, weights=area)),
            **probability_figures(stated, found, area),
            **probability_intervals(stated, found, held_out.block[chosen], seed, draws, area),
        }
        rows.append(row)
    return pd.DataFrame(rows)
