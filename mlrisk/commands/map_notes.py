"""Notes of a map: its country, date, models and inputs, what is not included, and the warnings of its run."""

from collections.abc import Mapping

import pandas as pd

from mlrisk.planning import Plan
from mlrisk.ranking import PRIOR, Champions, basis_of
from mlrisk.risk_map import ModelNote, Notes
from mlrisk.settings import AssetSettings, Config
from models.field_rules import PriorModel
from training.evidence import FEWEST_CHECKED, Inputs
from training.validation import RULES


def notes_of(
    config: Config, inputs: Inputs, champions: Champions, risk: pd.DataFrame, plan: Plan, detection: pd.DataFrame
) -> Notes:
    """The notes that every file of a map carries; `detection` is that of earlier searches, see `Ledger.detection`."""
    given = {report.source for report in inputs.reports if report.rows_kept or report.source == "dem"}
    absent = [name for name in type(config.sources).model_fields if name not in given and name != "covariates"]
    not_included = [name.replace("_", " ") for name in absent]
    outside = int((~risk["in_domain"]).sum())
    warnings = [
        *champions.warnings,
        *(f"{outside:,} cells lie outside the area of applicability: no basis to rank" for _ in range(bool(outside))),
        *plan.notes,
        *detection_notes(config.ranking.assets, detection),
    ]
    return Notes(
        country=config.name,
        as_of=config.as_of,
        policy=config.ranking.policy,
        models=_model_notes(champions),
        inputs=inputs.digests,
        not_included=tuple(not_included),
        warnings=tuple(warnings),
        basis=basis_of(champions),
    )


def detection_notes(assets: Mapping[str, AssetSettings], detection: pd.DataFrame) -> list[str]:
    """What checks of earlier searches say: taken for all of them, and beside what the config says of a kind of team."""
    enough = detection[detection["checked"].ge(FEWEST_CHECKED) & detection["found"].gt(0)]
    notes = []
    for row in enough.to_dict("records"):
        figures = f"{row['detection']:.2f} ({row['detection_low']:.2f} to {row['detection_high']:.2f})"
        checks = f"checks of {row['checked']:,} cells"
        if row["by"] == "all":
            result = f"{checks} say that earlier searches found {figures} of the cells with EO"
            notes.append(f"{result}: searched land counts so")
        elif row["by"] == "method" and row["name"] in assets:
            entered = assets[row["name"]].detection
            if not row["detection_low"] <= entered <= row["detection_high"]:
                key = f"ranking.assets.{row['name']}.detection"
                notes.append(f"{key} is {entered:g}, {checks} measured {figures}: enter what was measured")
    return notes


def _model_notes(champions: Champions) -> tuple[ModelNote, ...]:
    """The models that rank: versions of the registry, or the rules of the field with the digest of their weights."""
    if isinstance(champions.contamination, PriorModel):
        return (ModelNote("contamination", RULES, PRIOR, champions.contamination.ranker.digest),)
    return tuple(ModelNote(v.name.rsplit(".", 1)[-1], v.name, v.number, v.digest) for v in champions.versions)
