"""The sections of a report on the features that determine the scores of all land."""

from markupsafe import Markup

from training.reporting import explanation_figures as figures
from training.reporting.explanation import Explanation
from training.reporting.html import Picture, Section, heading, number, section, table, text

NOTE = (
    "Contributions (SHAP values) to the log-odds of {cells:,} cells drawn from all land. They say what moves the "
    "score, not what causes contamination: features that go together share or take each other's part."
)
# No screen has room for more columns; the JSON holds all.
MOST_FAMILIES = 7
MOST_FEATURES = 15


def explanation_sections(explained: Explanation | None) -> list[Section]:
    """Contributions by family, by feature, in pairs and by region; nothing if nothing was explained."""
    if explained is None or not len(explained.values):
        return []
    return [
        section(
            "What moves the scores",
            text(NOTE.format(cells=len(explained.values)), soft=True),
            Picture(figures.families_picture(explained), "Importance by family: mean size of its sum in a cell."),
            Picture(
                figures.features_picture(explained), "Leading features: each point is a cell, red where it is high."
            ),
            _features(explained),
            Picture(
                figures.dependences_picture(explained),
                "Dependence on the leading features; colour: what it works with.",
            ),
            heading("Pairs that work together"),
            _pairs(explained),
            heading("By region"),
            _regions(explained),
        )
    ]


def _features(explained: Explanation) -> Markup:
    rows = [
        (
            f"{row['text']}\n{row['feature']}", str(row["family"]).replace("_", " "), number(row["mean_size"], 3),
            number(row["mean"], 3), number(row["direction"]),
        )
        for row in explained.by_feature().head(MOST_FEATURES).to_dict("records")
    ]  # fmt: skip
    return table(("feature", "family", "mean size", "mean", "rank correlation with value"), rows, (), 2)


def _pairs(explained: Explanation) -> Markup:
    rows = [
        (str(row["first"]), str(row["second"]), number(row["effect"], 3))
        for row in explained.pairs_table().to_dict("records")
    ]
    if not rows:
        return text("none: the score is a sum of what each feature adds")
    return table(("feature", "with", "mean size of the joint part"), rows, (), 2)


def _regions(explained: Explanation) -> Markup:
    means = explained.by_region()
    families = [name for name in means.columns if name not in ("region", "cells")][:MOST_FAMILIES]
    rows = [
        (str(row["region"]), number(row["cells"], 0), *(number(row[name]) for name in families))
        for row in means.to_dict("records")
    ]
    note = text(
        "Mean of each family's sum: above 0 it lifts the region in the ranking, below 0 it lowers it.", soft=True
    )
    return note + table(("region", "cells", *(name.replace("_", " ") for name in families)), rows)
