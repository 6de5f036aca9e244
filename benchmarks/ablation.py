"""The gain from each part of the contamination model: the same held-out regions judged with and without it."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mlrisk.settings import Config
from training.contamination import MODEL, CellDataset, judge_contamination, trials_of
from training.contamination.dataset import rebuild_dataset
from training.validation import HeldOut, mean_by_ranking, pooled_score
from training.validation.baselines import FEATURE_RANKINGS
from training.validation.block_bootstrap import paired_differences

DEFAULT = "as configured"
FIGURES = ("roc_auc", "pr_auc", "recall_5", "recall_10", "recall_20")
GAINS = ("recall_5", "recall_10", "recall_20")

# Settings of `contamination` that differ from the config; a variant that changes nothing in a country is left out.
VARIANTS: dict[str, dict[str, Any]] = {
    DEFAULT: {},
    "trees alone": {"linear_share": 0.0},
    "regression above all": {"linear_share": 0.95},
    "no constraints": {"constraints": "none"},
    "constraints of the evidence": {"constraints": "evidence"},
    "screening at 0.6": {"screening": {"least_agreement": 0.6}},
    "screening at 0.8": {"screening": {"least_agreement": 0.8}},
    "regions alike": {"region_weights": "equal"},
    "worst regions": {"region_weights": "worst"},
    "without control": {"leave_out": ["control"]},
    "without incident_pattern": {"leave_out": ["incident_pattern"]},
    "without broad_relief": {"leave_out": ["broad_relief"]},
    "outcomes of neighbours": {"outcomes": "neighbours"},
    "tuned, 12 trials": {"tuning": {"trials": 12}},
}
# Share of a simple rule in a mean of places in the order of survey.
RULE_SHARES = (0.1, 0.25, 0.5)
BLENDED = ("distance to the line", "distance to an incident")


def ablation(country: str, config: Config, dataset: CellDataset) -> pd.DataFrame:
    """One row for each variant: means over held-out regions, and gains over the config on the same draws of blocks."""
    rows: list[dict[str, Any]] = []
    reference: HeldOut | None = None
    for name, changes in VARIANTS.items():
        variant = changed(config, changes)
        if reference is not None and variant == changed(config, {}):
            continue
        started = time.monotonic()
        held_out, figures = _judged(variant, rebuild_dataset(variant, dataset))
        reference = reference or held_out
        score = pooled_score(held_out.score, held_out.fold, held_out.area)
        rows.append({"country": country, "variant": name, **figures, **_gains(reference, score, config.seed)})
        print(f"{country}, {name}: {time.monotonic() - started:.0f} s", flush=True)
        if name == DEFAULT:
            rows += [{"country": country, **row} for row in _with_rules(reference, config.seed)]
    return pd.DataFrame(rows)


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """The config with other settings of contamination, judged on held-out regions alone; lists grow."""
    tree = config.model_dump()
    known = tree["contamination"]
    for name, value in changes.items():
        known[name] = [*known[name], *value] if isinstance(value, list) else value
    tree["validation"]["protocols"] = ["leave_region_out"]
    folders = {"home_folder": config.home_folder, "data_folder": config.data_folder}
    return Config.model_validate({**tree, **folders})


def _judged(config: Config, dataset: CellDataset) -> tuple[HeldOut, dict[str, float]]:
    judgement = judge_contamination(config, dataset, trials_of(config, dataset), FEATURE_RANKINGS)
    means = mean_by_ranking(judgement.table).set_index("ranking").loc[MODEL]
    return judgement.held_out["leave_region_out"], {name: float(means[name]) for name in FIGURES}


def _gains(reference: HeldOut, score: np.ndarray[Any, np.dtype[np.float64]], seed: int) -> dict[str, float]:
    known = pooled_score(reference.score, reference.fold, reference.area)
    return paired_differences(score, known, reference.positive, reference.block, seed, area=reference.area)


def _with_rules(held_out: HeldOut, seed: int) -> Iterator[dict[str, Any]]:
    """The model blended with simple rules by places in the order of survey; the blend has only pooled gains."""
    rankings = held_out.rankings(MODEL)
    for rule in (name for name in BLENDED if name in rankings):
        for share in RULE_SHARES:
            blend = (1 - share) * rankings[MODEL] + share * rankings[rule]
            yield {"variant": f"{share:.0%} {rule}", **_gains(held_out, blend, seed)}


def markdown(table: pd.DataFrame) -> str:
    """The table as Markdown; gains are over the config, pooled over the held-out regions, with 5 and 95 % bounds."""
    lines = [
        "| country | variant | ROC AUC | PR AUC | recall at 5 / 10 / 20 % | gain at 5 % | at 10 % | at 20 % |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in table.to_dict("records"):
        own = [f"{row[name]:.3f}" if np.isfinite(row[name]) else "" for name in FIGURES]
        gains = [
            f"{row[f'{n}_gain']:+.3f} ({row[f'{n}_gain_low']:+.3f} to {row[f'{n}_gain_high']:+.3f})" for n in GAINS
        ]
        cells = [row["country"], row["variant"], *own[:2], " / ".join(own[2:]), *gains]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
