"""Rules of the field in the place of champions, for a country in which nothing can be learned."""

import pandas as pd

from features.as_of import Snapshot
from features.base import ConfigError
from features.table import grid_feature_table
from mlrisk.ranking.champions import NOT_JUDGED, Champions, load_champions
from mlrisk.settings import Config
from models.field_rules import PriorModel
from training.evidence import Inputs, contamination_context
from training.validation import RULES, field_rules

PRIOR = "prior"
# Sentences in every output of such a map, with and without records from which a model was trained.
NOT_LEARNED = "No local evidence: rules of the field, not learned here."
NOT_USED = "Rules of the field, not learned here: the model trained on local evidence does not rank this map."
TRANSFERRED = (
    "No local evidence: a model of another country, not learned here; land unlike its own has no basis to rank."
)
# Names of rankings as outputs show them; "mlrisk" is the ranking of the map.
MODEL, LEARNED = "mlrisk", "learned model"


def prior_champions(config: Config, inputs: Inputs) -> Champions:
    """The rules that the sources of a country allow; raises ConfigError where they allow none.

    If a model of the country was trained and judged, the figures come from that validation, with the rules as the
    ranking of the map and the model as another one; otherwise there are none.
    """
    rules = field_rules(config.prior, _names(config, inputs))
    if not rules.rules:
        raise ConfigError(
            f"ranking.policy (prior) needs a feature of prior ({', '.join(config.prior)}): give front_lines, incidents "
            "or minefield_records"
        )
    return Champions(
        contamination=PriorModel(rules), casualty=None, versions=(), metrics=_judged(config),
        casualty_metrics=pd.DataFrame(), warnings=(),
    )  # fmt: skip


def _names(config: Config, inputs: Inputs) -> tuple[str, ...]:
    """The features that the sources give, read from one cell because all cells have the same."""
    row = int(inputs.grid.mask.any(axis=1).argmax())
    column = int(inputs.grid.mask[row].argmax())
    cell = inputs.grid.window(row, row + 1, column, column + 1)
    snapshot = Snapshot(inputs.sources, contamination_context(config))
    return grid_feature_table(cell, snapshot, config.features, config.compute.tile_cells).names


def basis_of(champions: Champions) -> str:
    """The sentence on the basis of a map by rules; empty if a model ranks."""
    if champions.contamination.level.kind == "transfer":
        return TRANSFERRED
    if not isinstance(champions.contamination, PriorModel):
        return ""
    if not len(champions.metrics):
        return NOT_LEARNED
    mean = champions.metrics[champions.metrics["fold"] == "mean"].set_index(["ranking", "protocol"])
    honest = mean[mean.index.get_level_values("protocol") == "leave_region_out"]
    if not {MODEL, LEARNED} <= set(honest.index.get_level_values("ranking")):
        return NOT_USED
    rules, model = honest.loc[MODEL].iloc[0], honest.loc[LEARNED].iloc[0]
    return (
        f"{NOT_USED} On held-out regions: ROC AUC {rules['roc_auc']:.2f} and {100 * rules['recall_10']:.0f} % of finds "
        f"in the first tenth of the area; that model {model['roc_auc']:.2f} and {100 * model['recall_10']:.0f} %."
    )


def _judged(config: Config) -> pd.DataFrame:
    """The validation of the country's champion with the rules in the place of the map; empty without a champion."""
    try:
        metrics = load_champions(config).metrics
    except ConfigError:
        return NOT_JUDGED
    if not len(metrics) or RULES not in set(metrics["ranking"]):
        return NOT_JUDGED
    return metrics.assign(ranking=metrics["ranking"].replace({MODEL: LEARNED, RULES: MODEL}))
