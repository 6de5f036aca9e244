"""Who chose the land of a record, and that it reaches the books, the contest and the weights."""

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd

from tests.support.sample_dataset import AS_OF, UTM, book_of, config_of, inputs_of, land
from training.contamination.dataset import dataset_at
from training.evidence.inputs import Inputs
from training.evidence.selection import chosen_by, origin_of_cells


def table(**columns):
    size = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(np.zeros(size), np.zeros(size)), crs=UTM)


def test_a_record_says_who_chose_or_its_draw_does():
    given = table(chosen_by=["model", "people", None, None])
    drawn = np.array([np.nan, np.nan, 0.1, np.nan])
    assert chosen_by("survey", given, drawn).tolist() == ["model", "people", "chance", ""]
    # A census is no draw, and nobody looks for an accident.
    assert chosen_by("survey", table(outcome=["found"]), np.array([1.0])).tolist() == [""]
    assert chosen_by("incidents", table(chosen_by=["model"]), np.array([np.nan])).tolist() == ["people"]


def test_results_in_the_tasks_of_a_plan_need_no_mark_by_hand():
    given = table(
        purpose=["survey", "explore", "audit", "road works", None, "survey"], chosen_by=[*[None] * 5, "people"]
    )
    assert chosen_by("land_release", given, np.full(6, np.nan)).tolist() == [
        "model",
        "model",
        "chance",
        "",
        "",
        "people",
    ]
    drawn = np.array([0.1, np.nan, 0.2, np.nan, np.nan, np.nan])
    assert chosen_by("survey", given.drop(columns="chosen_by"), drawn).tolist()[:3] == ["model", "model", "chance"]


def test_a_draw_stands_above_a_report_and_a_report_above_a_ranking():
    choosers = np.array(["model", "chance", "people", "model", "model"], dtype=object)
    assert origin_of_cells(4, np.array([0, 0, 1, 1, 2]), choosers).tolist() == ["chance", "people", "model", ""]


def marked():
    tables = land(3, 20)
    survey = tables["survey"].copy()
    survey["chosen_by"] = np.where(np.arange(len(survey)) % 3 == 0, "model", None)
    survey["inclusion_prob"] = np.where(np.arange(len(survey)) % 3 == 1, 0.05, np.nan)
    return {**tables, "survey": survey}, inputs_of({**tables, "survey": survey}, 20)


def test_the_books_keep_who_chose_and_only_of_the_interval():
    tables, inputs = marked()
    book = book_of(config_of(), inputs)
    rows = book.rows(AS_OF)
    counts = rows[rows["source"] == "survey"]["chosen_by"].value_counts()
    assert counts.min() >= len(tables["survey"]) // 3 - 2
    assert set(rows[rows["source"] == "incidents"]["chosen_by"]) == {"people"}
    half = date(2021, 6, 30)
    early, late = book.origins(date(2010, 1, 1), half), book.origins(half, AS_OF)
    known = pd.to_datetime(tables["survey"]["recorded_date"])
    model = tables["survey"]["chosen_by"].eq("model")
    people = set(rows[rows["source"] == "incidents"]["cell_id"])
    ids = inputs.grid.cell_ids()
    cells = inputs.grid.locate(*tables["survey"].geometry.get_coordinates().to_numpy().T)
    for when, found in ((known <= pd.Timestamp(half), early), (known > pd.Timestamp(half), late)):
        mine = cells[(when & (known <= pd.Timestamp(AS_OF)) & model).to_numpy()]
        mine = [cell for cell in mine if ids[cell] not in people]
        assert len(mine) > 5
        assert (found[mine] == "model").all()


def test_inclusion_probabilities_reach_the_training_weights():
    _, inputs = marked()
    config = config_of(contamination={"survey_bias": {"weights": "propensity"}})
    evidence = book_of(config, inputs).at(AS_OF)
    dataset = dataset_at(config, Inputs(inputs.grid, inputs.sources, ()), evidence)
    drawn = evidence.labelled & (evidence.inclusion_prob < 1)
    assert drawn.sum() > 20
    # A cell that was drawn with one chance in twenty stands for twenty: it weighs most of all.
    assert dataset.bias.weight[drawn].min() >= dataset.bias.weight[evidence.labelled & ~drawn].max()
