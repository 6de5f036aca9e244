"""A country from Python: features, labels, folds, and an estimator of scikit-learn judged on them."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mlrisk
from features.base import ConfigError

FEW = (
    "features=[front_lines, incidents, roads]", "validation.folds=2", "contamination.model.n_trees=10",
    "validation.draws=20", "validation.placebo_trees=0", "validation.baselines=[random order, distance to the line]",
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
    assert folds.groupby("ranking").size().nunique() == 1
    assert not hasattr(estimator, "classes_")
