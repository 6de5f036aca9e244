"""Notes of a map: its country, date, models and inputs, what is not included, and the warnings of its run."""

import pandas as pd

from mlrisk.planning import Plan
from mlrisk.ranking import PRIOR, Champions, basis_of
from mlrisk.risk_map import ModelNote, Notes
from mlrisk.settings import Config
from models.field_rules import PriorModel
from training.evidence import Inputs
from training.validation import RULES


def notes_of(config: Config, inputs: Inputs, champions: Champions, risk: pd.DataFrame, plan: Plan) -> Notes:
    """The notes that every file of a map carries."""
    given = {report.source for report in inputs.reports if report.rows_kept or report.source == "dem"}
    absent = [name for name in type(config.sources).model_fields if name not in given and name != "covariates"]
    not_included = [name.replace("_", " ") for name in absent]
    outside = int((~risk["in_domain"]).sum())
    warnings = [
        *champions.warnings,
        *(f"{outside:,} cells lie outside the area of applicability: no basis to rank" for _ in range(bool(outside))),
        *plan.notes,
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


def _model_notes(champions: Champions) -> tuple[ModelNote, ...]:
    """The models that rank: versions of the registry, or the rules of the field with the digest of their weights."""
    if isinstance(champions.contamination, PriorModel):
        return (ModelNote("contamination", RULES, PRIOR, champions.contamination.ranker.digest),)
    return tuple(ModelNote(v.name.rsplit(".", 1)[-1], v.name, v.number, v.digest) for v in champions.versions)
