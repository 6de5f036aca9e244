"""A country from Python: features, labels, folds, and an estimator of scikit-learn judged on them."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mlrisk
from features.base import ConfigError

FEW = (
    "features=[front_lines, incidents, roads]", "validation.folds=2", "contamination.model.n_trees=10",
    "validation.draws=20", "contamination.members=3", "casualty.model.n_trees=5", "casualty.members=3",
    "casualty.contamination_every_years=0", "validation.explained_cells=0", "ranking.explained_cells=20",
    "output.formats=[parquet, html]", "validation.protocols=[leave_region_out]", "validation.placebo_trees=0",
    "validation.baselines=[random order, distance to the line]",
)  # fmt: skip


@pytest.fixture(scope="module")
def country(tmp_path_factory):
    made = mlrisk.synthetic_country(4, cells=1_600, folder=tmp_path_factory.mktemp("country"))
    return mlrisk.open_country(mlrisk.load_config(made.config_path, overrides=FEW))


def test_features_and_labels_have_a_row_a_cell_and_their_units(country):
    features, labels = country.features(), country.labels()
    assert features.index.equals(labels.index)
    assert features.attrs["units"]["front_line_distance_m"] == "m"
    assert features.notna().any().all()
    unknown = labels["weight"].eq(0)
    assert labels.loc[unknown, "found"].isna().all()
    assert labels.loc[~unknown, "found"].notna().all()
    assert {"unknown", "suspected"} <= set(labels["status"])


def test_an_earlier_date_has_fewer_labels(country):
    earlier = country.config.as_of.replace(year=country.config.as_of.year - 8)
    assert country.labels(earlier)["weight"].gt(0).sum() < country.labels()["weight"].gt(0).sum()


def test_folds_hold_out_labelled_rows_alone(country):
    labelled = country.labels()["weight"].gt(0).to_numpy()
    folds = list(country.folds("leave_region_out"))
    assert folds
    for fold in folds:
        assert labelled[fold.train].all()
        assert labelled[fold.test].all()
        assert not np.intersect1d(fold.train, fold.test).size
    with pytest.raises(ConfigError, match="protocol \\(blocks\\) is unknown: choose from as_of"):
        country.folds("blocks")


def test_folds_of_an_earlier_date_have_the_features_and_labels_of_that_date(country):
    tables = list(country.folds("as_of").tables())
    assert tables
    for one in tables:
        day = date.fromisoformat(one.fold.name)
        then, now = country.features(day), country.features()
        columns = list(one.train.columns)
        pd.testing.assert_frame_equal(one.train, then.loc[one.train.index, columns], check_dtype=False)
        assert not one.train.equals(now.loc[one.train.index, columns])
        assert one.found.equals(country.labels(day)["found"].loc[one.found.index].astype(bool))
        assert country.labels(day)["state"].loc[one.test.index].eq("unknown").all()
        assert one.outcome.any()
        assert not one.outcome.all()


def test_tables_of_a_held_out_region_are_those_that_evaluate_gives_to_an_estimator(country):
    seen = []

    class Recorder(HistGradientBoostingClassifier):
        def fit(self, values, found, sample_weight=None):
            seen.append((values, found, sample_weight))
            return super().fit(values, found, sample_weight)

    mlrisk.evaluate(Recorder(max_iter=2), country, name="mine")
    tables = list(country.folds("leave_region_out").tables())
    assert len(seen) == len(tables) > 0
    for (values, found, weight), one in zip(seen, tables, strict=True):
        np.testing.assert_array_equal(values, one.train)
        np.testing.assert_array_equal(found, one.found)
        np.testing.assert_array_equal(weight, one.weight)
        assert len(one.test) == len(one.outcome) == len(one.fold.test)


@pytest.mark.parametrize(
    "estimator",
    [
        HistGradientBoostingClassifier(max_iter=20),
        make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
    ],
    ids=["gradient boosting", "pipeline"],
)
def test_an_estimator_stands_beside_our_model_and_the_baselines(country, estimator):
    table = mlrisk.evaluate(estimator, country, name="mine")
    mean = table[table["fold"] == "mean"].set_index("ranking")
    assert {"mlrisk", "mine", "random order", "distance to the line"} <= set(mean.index)
    assert 0.5 < mean.loc["mine", "roc_auc"] <= 1
    assert mean.loc["random order", "roc_auc"] == pytest.approx(0.5)
    folds = table[table["fold"].ne("mean")]
    assert len(set(folds.groupby("ranking").size())) == 1
    assert not hasattr(estimator, "classes_")


def test_folds_are_a_splitter_of_scikit_learn(country):
    folds = country.folds("leave_region_out")
    y = country.labels()["found"].fillna(value=False).to_numpy(dtype=bool)
    model = HistGradientBoostingClassifier(max_iter=5)
    scores = cross_val_score(model, country.features(), y, cv=folds, scoring="roc_auc")
    assert len(scores) == folds.get_n_splits() == len(list(folds))
    assert ((scores > 0.5) & (scores <= 1)).all()


@pytest.fixture(scope="module")
def trained(country):
    country.train()
    return country


def test_an_explanation_adds_up_to_the_score_of_the_features(trained):
    cells = trained.features().index[[5, 3]]
    model = trained.model()
    explanation = model.explain(cells)
    assert explanation.feature_names == list(model.model.ranker.features)
    raw = model.model.ranker.raw(explanation.data)
    np.testing.assert_allclose(explanation.values.sum(axis=1) + explanation.base_values, raw, atol=1e-9)
    predicted = model.predict(cells)
    assert predicted.index.tolist() == cells.tolist()
    assert (predicted["low"] <= predicted["contamination"]).all()
    with pytest.raises(ConfigError, match=r"cells \(-1\) are not in the area"):
        model.explain([-1])


def test_a_plan_spends_the_days_of_the_teams_and_writes_nothing(trained):
    tasks = trained.plan({"nts_teams": 1})
    few, many = (trained.plan({"nts_teams": number}).attrs["totals"]["team_days"] for number in (1, 3))
    assert 0 < few < many
    assert tasks["planned"].any()
    assert set(tasks.geometry.geom_type) <= {"Polygon", "MultiPolygon"}
    assert not trained.config.output_folder.exists()


def test_a_risk_map_draws_its_classes_and_shows_its_page(trained):
    ranking = trained.rank()
    risk = mlrisk.load_risk_map(ranking.folder)
    axes = risk.plot()
    assert "survey first (first 1 % of the ranked area)" in [text.get_text() for text in axes.get_legend().get_texts()]
    assert axes.get_title().startswith("Not evidence of absence")
    assert "<iframe srcdoc=" in risk.explore()._repr_html_()
    assert isinstance(risk[risk["rank"] < 10], type(risk))
