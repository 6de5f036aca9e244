"""Columns that stand in single files beside those of every task and every cell: their unit and meaning."""

from dataclasses import dataclass

from features.sources import COLUMN_TEXTS
from mlrisk.outputs.geopackage import CELL_COLUMNS, CONTEXT_COLUMNS
from mlrisk.outputs.risk_columns import RISK_COLUMN_TEXTS


@dataclass(frozen=True)
class FileColumn:
    """A column with its unit (empty for none) and its meaning."""

    unit: str
    text: str


# Of the tasks in tables and layers, behind the columns of every task; CODE is that of a further language.
MORE_TASK_COLUMNS = {
    "contamination_low": FileColumn("probability, 0 to 1", "lower end of the likely range (90 %) of `contamination`"),
    "contamination_high": FileColumn("probability, 0 to 1", "upper end of it"),
    "expected_finds_low": FileColumn("cells", "lower end of the likely range of `expected_finds`"),
    "expected_finds_high": FileColumn("cells", "upper end of it"),
    "authority_class": FileColumn("", "where the policy is authority: class of the authority's order, 1 is first"),
    "reason_1_CODE": FileColumn("", "`reason_1` in a further language of output.languages"),
    "reason_2_CODE": FileColumn("", "`reason_2` in that language"),
    "reason_3_CODE": FileColumn("", "`reason_3` in that language"),
    "note": FileColumn("", "warning, date and models; in the CSV on the first row, in shapefiles on every row"),
}

LAYER_TEXTS = {
    "priority_class": "number of the class of priority, as in risk_classes.tif",
    "priority_text": "the class in words",
    "source": "input that has the record",
    "on_record": "open CHA, open SHA, or closed and released",
    "field": "column that holds the code",
    "value": "the code",
    "meaning": "the code in words",
    "colour": "colour of the code on the map",
}

# Layers of the GeoPackage and the file geodatabase beside survey_tasks, with their columns.
LAYERS = {
    "ranked_cells": ("priority_class", "priority_text", *CELL_COLUMNS),
    "no_basis_to_rank": ("priority_text",),
    **CONTEXT_COLUMNS,
    "lookup": ("field", "value", "meaning", "colour"),
}

# Headings of the printed sheets "Plan" and "Calendar".
SHEET_TEXTS = {
    "No.": "number in the plan; rank where there is no plan",
    "Week": "week of the season in which work begins",
    "Begins": "first day",
    "Ends": "last day",
    "Place": "settlement that is nearest",
    "District": "district that holds the task",
    "Kind of work": "non-technical survey, technical survey or clearance; learning and check tasks say so",
    "Team": "who does it by name or number",
    "Team-days": "planned days of one team in half days",
    "Days": "days of this team on the task",
    "Cells likely to hold EO": "cells of the task in which explosive ordnance is expected and not found yet",
    "MGRS": "a point on the task in the Military Grid Reference System",
    "Why here": "the first reason",
}


def layer_text(column: str) -> str:
    """The meaning of a column of a layer."""
    if column in LAYER_TEXTS:
        return LAYER_TEXTS[column]
    return RISK_COLUMN_TEXTS[column].text if column in RISK_COLUMN_TEXTS else COLUMN_TEXTS[column]
