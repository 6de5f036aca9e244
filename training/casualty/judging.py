"""Validation of the casualty model and its baselines on held-out years and regions."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from features.base import Flags, Floats, Integers, years_before
from models.casualty import growth
from training.casualty.baselines import BASELINES, CONSTANT, KERNELS
from training.casualty.fitting import expected_casualties, fit_casualty
from training.casualty.history import History, Moment, UnitPeriods
from training.contamination import cell_blocks
from training.evidence import cell_regions
from training.settings import TrainConfig
from training.validation import Labels, area_figures, deviance, leave_region_out, skill, tenths

MODEL = "mlrisk"
# A year with fewer accidents before it is not forecast.
FEWEST_BEFORE = 20


@dataclass(frozen=True, eq=False)
class CasualtyJudgement:
    """`table` has one row for each protocol, fold and ranking; `tenths` and `years` are of forecast years alone.

    `warnings` name years whose totals were far off.
    """

    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    tenths: pd.DataFrame = field(default_factory=pd.DataFrame)
    years: pd.DataFrame = field(default_factory=pd.DataFrame)
    warnings: tuple[str, ...] = ()

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by name, for the report."""
        return {"figures": self.table, "years": self.years, "tenths": self.tenths}


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """Outcome and forecasts of a fold by ranking, on the judged units; NaN for forecasts without counts."""

    protocol: str
    fold: str
    area_km2: Floats
    observed: Floats
    expected: dict[str, Floats]
    scores: dict[str, Floats]

    def rows(self) -> Iterator[dict[str, object]]:
        """Figures of every ranking."""
        observed = self.observed
        for name, score in self.scores.items():
            row: dict[str, object] = {"protocol": self.protocol, "fold": self.fold, "ranking": name}
            row |= {"units": len(observed), "observed": float(observed.sum())}
            if name in self.expected and observed.sum():
                expected = self.expected[name]
                row |= {"expected": float(expected.sum()), "deviance": deviance(observed, expected)}
                for other, label in ((CONSTANT, "constant"), (KERNELS, "kernels")):
                    if other in self.expected:
                        base = self.expected[other]
                        row[f"skill_over_{label}"] = skill(observed, expected, base)
                        # Scaled to the observed total, so that only places are judged, not numbers.
                        row[f"where_skill_over_{label}"] = skill(
                            observed, expected * _to(observed, expected), base * _to(observed, base)
                        )
            row |= area_figures(score, observed, self.area_km2)
            yield row


def judge_casualty(config: TrainConfig, history: History) -> CasualtyJudgement:
    """Judge every forecast year and every held-out region; empty if there is nothing to judge by."""
    years = list(forecast_years(config, history))
    outcomes = [*years, *held_out_regions(config, history)]
    rows = [row for outcome in outcomes for row in outcome.rows()]
    if not years:
        return CasualtyJudgement(pd.DataFrame(rows))
    expected = np.concatenate([one.expected[MODEL] for one in years])
    observed = np.concatenate([one.observed for one in years])
    totals = pd.DataFrame(
        [
            {"after": one.fold, "expected": one.expected[MODEL].sum(), "observed": one.observed.sum()}
            for one in years
        ]
    )  # fmt: skip
    return CasualtyJudgement(pd.DataFrame(rows), tenths(expected, observed), totals, _far_off(totals))


def forecast_years(config: TrainConfig, history: History) -> Iterator[Outcome]:
    """The last years, each forecast from the records known at its start and judged by those known at as_of."""
    if not history.dated:
        return
    known = history.accidents.known(config.as_of)
    known = known.chosen(known.dated & ~known.deminer)
    for back in range(config.casualty.judged_years, 0, -1):
        start, end = years_before(config.as_of, back), years_before(config.as_of, back - 1)
        happened = known.chosen(known.between(start, end))
        observed = history.accidents_by_unit(happened, np.ones(len(happened))) / known.complete(
            start, end, config.as_of
        )
        outcome = forecast(config, history, start, observed, 1)
        if outcome is not None:
            yield outcome


def forecast(config: TrainConfig, history: History, start: date, observed: Floats, years: int) -> Outcome | None:
    """Forecasts, made at the end of the day `start`, of the accidents of so many years after it, by ranking.

    None if too little was known by then.
    """
    rows = history.rows(start)
    if rows is None or rows.total < FEWEST_BEFORE:
        return None
    now, everywhere = history.moment(start), np.ones(history.units.n_units, dtype=bool)
    model = fit_casualty(config, rows, now, unit_blocks(config, history), 0)
    ahead = float(growth(model.yearly_change, years).sum())
    expected = {MODEL: expected_casualties(model, now, 1)[0] / model.per_accident * ahead}
    scores = {MODEL: expected[MODEL]}
    mean = float((rows.totals / rows.complete).mean()) * years
    _add_baselines(rows, now, everywhere, mean, expected, scores)
    return Outcome(
        protocol="as_of",
        fold=str(start),
        area_km2=history.units.area_km2,
        observed=observed,
        expected=expected,
        scores=scores,
    )


def held_out_regions(config: TrainConfig, history: History) -> Iterator[Outcome]:
    """Regions judged by a model of the others, in the last years of the table or over all undated accidents.

    The total of a year is that of the other regions; patterns are those known at the start of the year.
    """
    rows = history.rows(config.as_of)
    if rows is None or rows.total < FEWEST_BEFORE or "leave_region_out" not in config.validation.protocols:
        return
    units = history.units
    regions = units.most_common(cell_regions(units.cells, history.inputs.sources, config.validation))
    happened = np.bincount(rows.unit, weights=rows.accidents, minlength=units.n_units) > 0
    side = float(np.sqrt(units.area_km2.mean())) * 1000
    labels = Labels(
        labelled=np.ones(units.n_units, dtype=bool),
        positive=happened,
        regions=regions,
        centres_m=units.centres_m,
        cell_size_m=side,
    )
    for fold in leave_region_out(labels, config.validation, config.seed):
        learned = np.isin(np.arange(units.n_units), fold.train)
        model = fit_casualty(config, rows, history.moment(config.as_of), unit_blocks(config, history), 0, learned)
        periods = range(max(0, len(rows.starts) - config.casualty.judged_years), len(rows.starts))
        observed = np.zeros(len(fold.test))
        expected: dict[str, Floats] = {}
        scores: dict[str, Floats] = {}
        for period in periods:
            now, here = history.moment(rows.starts[period]), rows.period == period
            counts = rows.accidents[here]
            observed += counts[fold.test]
            ours = expected_casualties(model, now, 1)[0]
            total, made = float(counts[learned].sum()), {MODEL: ours * _to(counts[learned], ours[learned])}
            ranked = dict(made)
            _add_baselines(rows, now, learned, total, made, ranked)
            for name, values in ranked.items():
                scores[name] = scores.get(name, 0.0) + values[fold.test]
            for name, values in made.items():
                expected[name] = expected.get(name, 0.0) + values[fold.test]
        yield Outcome(
            protocol="leave_region_out",
            fold=fold.name,
            area_km2=units.area_km2[fold.test],
            observed=observed,
            expected=expected,
            scores=scores,
        )


def unit_blocks(config: TrainConfig, history: History) -> Integers:
    """Number of the block of land in which most cells of each unit lie."""
    blocks = cell_blocks(history.units.cells, config.contamination.block_m)
    return history.units.most_common(blocks.astype(str).astype(object)).astype(np.int64)


def _add_baselines(
    rows: UnitPeriods,
    now: Moment,
    learned: Flags,
    total: float,
    expected: dict[str, Floats],
    scores: dict[str, Floats],
) -> None:
    """Add the baselines; those that state counts have `total` on the training units."""
    for name, baseline in BASELINES.items():
        made = baseline(rows, now, learned)
        if made is None:
            continue
        scores[name] = made.pattern
        if made.counts:
            expected[name] = made.pattern * total / max(float(made.pattern[learned].sum()), 1e-300)


def _to(observed: Floats, expected: Floats) -> float:
    total = float(expected.sum())
    return float(observed.sum()) / total if total > 0 else 1.0


def _far_off(totals: pd.DataFrame) -> tuple[str, ...]:
    notes = []
    for row in totals.to_dict("records"):
        ratio = float(row["expected"]) / max(float(row["observed"]), 1e-9)
        if not 0.7 <= ratio <= 1.3:
            notes.append(
                f"{row['expected']:.0f} accidents were expected in the year after {row['after']} and "
                f"{row['observed']:.0f} happened: the past did not go on (war, awareness work or the register changed)"
            )
    return tuple(notes)
