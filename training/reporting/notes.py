"""Sentences about a training run that readers of its map must know: what was not judged, assumed or left out."""

from collections.abc import Mapping

import numpy as np

from features.base import FeatureContext, FeatureInfo
from models.casualty import HURDLE, CasualtyModel
from models.mixture import MOST_DISPERSION
from training.casualty import Accidents, UnitPeriods
from training.contamination import Judgement, SurveyBias, features_of_outcomes
from training.evidence import OUTCOME_SOURCES, Evidence, Inputs
from training.settings import TrainConfig

# Why a protocol can fail to make a single fold.
UNJUDGED = {
    "as_of": "records carry no dates, or too few came after an earlier date, so the ranking could not be tested on "
    "later results",
    "leave_region_out": "no region has found and searched cells with as much left to learn from (validation.regions)",
    "knndm": "too few labelled cells, or none of one kind in a fold",
    "random": "too few labelled cells of one kind",
}


# The sources that can make labels, in the words of planners.
SOURCE_WORDS = {
    "hazard_areas": "recorded hazardous areas",
    "finds": "recorded finds",
    "incidents": "recorded accidents",
    "land_release": "records of land release",
    "survey": "records of survey",
}


def evidence_notes(evidence: Evidence, judgement: Judgement) -> tuple[str, ...]:
    """The basis of the labels: declared land, and probabilities that no held-out region supports."""
    notes = []
    if evidence.counts.get("declared_searched"):
        notes.append(
            f"{evidence.counts['declared_searched']:,} cells are taken as surveyed on the authority's word: no record "
            "says so"
        )
    if not np.isfinite(judgement.out_of_fold).any():
        notes.append("no region could be held out: probabilities are calibrated in-sample and not to be relied on")
    return tuple(notes)


def unjudged_notes(config: TrainConfig, judgement: Judgement) -> tuple[str, ...]:
    """Protocols that the config asks for and the records do not allow."""
    judged = {fold.protocol for fold in judgement.folds}
    return tuple(
        f"{protocol} could not be judged: {UNJUDGED[protocol]}"
        for protocol in config.validation.protocols
        if protocol not in judged
    )


def bias_notes(bias: SurveyBias) -> tuple[str, ...]:
    """The negatives that a model learned from where too little land was searched."""
    note = (
        "too little land was searched: found cells were held against a background drawn from unknown land "
        "(contamination.survey_bias.unlabelled). That land stays unknown, and contamination is an index of where, no "
        "probability"
    )
    return (note,) if bias.found_alone else ()


def hidden_feature_notes(infos: Mapping[str, FeatureInfo], context: FeatureContext) -> tuple[str, ...]:
    """Features in the table that no model sees, because their records make the labels."""
    names = features_of_outcomes(infos, context)
    if not names:
        return ()
    sources = sorted(OUTCOME_SOURCES & context.own_event_sources)
    return tuple(
        f"{SOURCE_WORDS[name]} are labels of the model and are therefore not used as a clue" for name in sources
    )


def no_accidents_note(config: TrainConfig, accidents: Accidents | None = None) -> str:
    """Why there is no casualty model, with the day of the newest of the `accidents` known at `as_of`."""
    years = config.casualty.window_years
    newest = ""
    if accidents is not None and accidents.dated.any():
        day = accidents.day[accidents.dated].max()
        newest = f"; the newest on record is of {day}: is as_of ({config.as_of}) right?"
    return (
        f"no accident is known in the area in the {years} years before as_of (casualty.window_years): "
        f"casualties_per_year is empty{newest}"
    )


def casualty_notes(config: TrainConfig, inputs: Inputs, model: CasualtyModel, rows: UnitPeriods) -> tuple[str, ...]:
    """The basis of the casualty figures: few or undated accidents, late records, dispersion, exposure."""
    notes = []
    if model.is_index:
        low, high = model.total_interval()
        total = model.whole.accidents_per_year * model.per_accident
        notes.append(
            f"casualties_per_year rests on {rows.total} accident{'' if rows.total == 1 else 's'}, fewer than "
            f"{config.casualty.fewest_accidents}: it is an index (contamination x exposure x severity) at the recorded "
            f"mean, {total:.2g} a year (90 % by their number alone: {low:.2g} to {high:.2g}). Read it as where, not as "
            "a count"
        )
    if not rows.dated:
        notes.append(
            f"accidents carry no date: they were spread evenly over {config.casualty.undated_years:g} years "
            "(casualty.undated_years), so casualties_per_year is a long-run mean and not a forecast"
        )
    if rows.dated and rows.complete[-1] < 0.99:
        notes.append(
            f"{1 - rows.complete[-1]:.0%} of the last year's accidents are not yet recorded, by the delays of earlier "
            "ones: the total is raised for them"
        )
    if model.dispersion > MOST_DISPERSION:
        part = "a hurdle part was added" if HURDLE in model.whole.weights else "casualty.hurdle adds no part for it"
        notes.append(f"accidents vary more than Poisson's (chi2/df {model.dispersion:.2f} on held-out years): {part}")
    if "settlements" not in inputs.sources.vectors:
        notes.append("no settlements: casualty exposure is the same everywhere")
    return tuple(notes)
