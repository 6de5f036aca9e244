"""Every column of risk.parquet with its unit, its meaning, and the meaning of an empty value."""

from dataclasses import dataclass

from mlrisk.risk_map import MAIN, MEANINGS, RULE_COLUMNS

NO_BASIS = "no basis to rank, or no work on the cell"
BY_RULES = "ranked by rules of the field"


@dataclass(frozen=True)
class RiskColumn:
    """A column of risk.parquet."""

    unit: str
    text: str
    empty: str = "never"


RISK_COLUMN_TEXTS: dict[str, RiskColumn] = {
    "cell_id": RiskColumn("", "number of the cell; the same for the same place, whatever the area of interest"),
    "easting_m": RiskColumn("m", "centre of the cell in the CRS of the grid"),
    "northing_m": RiskColumn("m", "centre of the cell in the CRS of the grid"),
    "longitude": RiskColumn("degrees", "centre of the cell, WGS 84"),
    "latitude": RiskColumn("degrees", "centre of the cell, WGS 84"),
    "evidence": RiskColumn(
        "", "found, searched or unknown at as_of; a cell of which less than half was searched is unknown"
    ),
    "status": RiskColumn("", "status of the cell at as_of, see the method page on evidence"),
    "work": RiskColumn(
        "", "kind of work that the status makes: non_technical_survey, technical_survey, clearance, none"
    ),
    "contamination": RiskColumn(
        "probability", "probability that survey would find explosive ordnance in the cell", BY_RULES
    ),
    "contamination_low": RiskColumn("probability", "lower end of its likely range (90 %)", BY_RULES),
    "contamination_high": RiskColumn("probability", "upper end of its likely range (90 %)", BY_RULES),
    "contamination_score": RiskColumn("", "raw score of the model: orders cells, its size has no meaning"),
    MAIN: RiskColumn(
        "people a year", "victims (killed and injured) to expect in a year if nothing is done", "no casualty model"
    ),
    "in_domain": RiskColumn("", "whether the cell resembles the land that the model learned from"),
    "priority": RiskColumn("", "score of the ranking policy, in clearance that of harm", NO_BASIS),
    "rank": RiskColumn("", "order within the kind of work; 1 is first", NO_BASIS),
    "reason_1": RiskColumn("", "what weighs most in the score of the cell", "beyond ranking.explained_cells"),
    "reason_2": RiskColumn("", "what weighs second", "beyond ranking.explained_cells"),
    "reason_3": RiskColumn("", "what weighs third", "beyond ranking.explained_cells"),
    "released": RiskColumn("", "released as a whole by the authority, and nothing found since"),
    "venn_abers_low": RiskColumn("probability", "lower probability of Venn-Abers over regions", "too few regions"),
    "venn_abers_high": RiskColumn("probability", "upper probability of Venn-Abers over regions", "too few regions"),
    "spread": RiskColumn(
        "probability", "width of contamination over models trained on resampled blocks of land, 5 % to 95 %", BY_RULES
    ),
    "missed_share_below": RiskColumn(
        "share",
        "bound on the share of hazards that lie in cells ranked as low as this or lower",
        "the bound does not hold",
    ),
    "mask": RiskColumn("", "why the cell can be in no task: access, security, season", "it can"),
    "task_id": RiskColumn("", "task that holds the cell", "no task"),
    "purpose": RiskColumn("", "what the task is for: survey, explore, audit", "no task"),
    "inclusion_prob": RiskColumn(
        "probability", "with which the random audit could draw the cell", "outside the frame of the audit"
    ),
    "season_detection": RiskColumn("probability", "that the planned work of the season finds what lies in the cell"),
    **{name: RiskColumn("", text, "no casualty model") for name, text in MEANINGS.items()},
    **{
        name: RiskColumn(
            "m or 1/km2", "feature that a baseline ranks by, as it was at as_of", "its source is not given"
        )
        for name in RULE_COLUMNS
    },
}
