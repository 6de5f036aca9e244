"""The sections of a validation report on casualty risk."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from markupsafe import Markup

from training.reporting.html import Section, number, section, table, text

HEAD = ("protocol, fold", "ranking", "accidents", "expected", "skill over constant", "over kernels")
AREAS = ("1 %", "5 %", "10 %", "PAI 5 %", "PEI 5 %")


def casualty_sections(tables: Mapping[str, pd.DataFrame]) -> list[Section]:
    """Skill, recall by area, totals by year and calibration by tenth; one line if nothing was judged."""
    figures = tables.get("figures", pd.DataFrame())
    if not tables:
        return []
    if figures.empty:
        return [section("Casualty risk", text("not judged: too few accidents are known"))]
    note = (
        "Skill is the share of the other forecast's Poisson deviance that the model does without: 0 is no better. "
        "Recall, PAI and PEI are of accidents by the share of area, units in the order of what was expected."
    )
    sections = [section("Casualty risk", text(note, soft=True) + _figures(figures))]
    if len(tables.get("years", ())):
        years = [
            (str(row["after"]), number(row["expected"], 1), number(row["observed"], 1))
            for row in tables["years"].to_dict("records")
        ]
        head = ("year after", "accidents expected", "accidents that happened")
        sections.append(section("Casualty risk: totals by year", table(head, years)))
    if len(tables.get("tenths", ())):
        parts = [
            (str(int(row["tenth"])), number(row["units"], 0), number(row["expected"], 1), number(row["observed"], 1))
            for row in tables["tenths"].to_dict("records")
        ]
        header = ("tenth, lowest first", "units and years", "accidents expected", "accidents that happened")
        sections.append(section("Casualty risk: calibration by tenth of what was expected", table(header, parts)))
    return sections


def _figures(figures: pd.DataFrame) -> Markup:
    rows = [
        (
            f"{row['protocol']}\n{row['fold']}".replace("_", " "), str(row["ranking"]), number(row["observed"], 0),
            number(row.get("expected", np.nan), 0), number(row.get("skill_over_constant", np.nan), 3),
            number(row.get("skill_over_kernels", np.nan), 3), number(row["recall_1"]), number(row["recall_5"]),
            number(row["recall_10"]), number(row["pai_5"], 1), number(row["pei_5"]),
        )
        for row in figures.to_dict("records")
    ]  # fmt: skip
    ours = [place for place, row in enumerate(rows) if row[1] == "mlrisk"]
    return table((*HEAD, *AREAS), rows, ours, 2)
