"""The folds as scikit-learn asks for them."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score

from training.settings import ValidationSettings
from training.validation.splits import PROTOCOLS, Labels
from training.validation.splitter import CellFolds

SETTINGS = ValidationSettings(folds=4, buffer_m=1_500)


@pytest.fixture(scope="module")
def land():
    """Cells of 500 m with two features, found ones where the first is high, in nine regions."""
    rng = np.random.default_rng(2)
    east, north = (axis.ravel() for axis in np.meshgrid(np.arange(30), np.arange(30)))
    values = np.column_stack([np.sin(east / 4) + rng.normal(0, 0.5, 900), rng.normal(size=900)])
    found = values[:, 0] > 0.8
    regions = np.array([f"region {e // 10} {n // 10}" for e, n in zip(east, north, strict=True)], dtype=object)
    return values, found, regions, 500.0 * np.column_stack([east, north]) + 250.0


def folds_of(protocol, land):
    return CellFolds(protocol=protocol, centres_m=land[3], cell_size_m=500.0, settings=SETTINGS, seed=5)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_cross_val_score_judges_on_the_folds_of_the_protocol(protocol, land):
    values, found, regions, centres = land
    model, folds = LogisticRegression(), folds_of(protocol, land)
    scores = cross_val_score(model, values, found, groups=regions, cv=folds, scoring="roc_auc")
    labels = Labels(
        labelled=np.ones(900, dtype=bool), positive=found, regions=regions, centres_m=centres, cell_size_m=500.0
    )
    expected = []
    for fold in PROTOCOLS[protocol](labels, SETTINGS, 5):
        model.fit(values[fold.train], found[fold.train])
        expected.append(roc_auc_score(found[fold.test], model.decision_function(values[fold.test])))
        assert not set(fold.train) & set(fold.test)
    assert len(expected) > 1
    assert scores == pytest.approx(expected)
    assert folds.get_n_splits(values, found, regions) == len(expected)


def test_a_grid_search_takes_the_folds(land):
    values, found, regions, _ = land
    search = GridSearchCV(LogisticRegression(), {"C": [0.01, 1.0]}, cv=folds_of("leave_region_out", land))
    search.fit(values, found, groups=regions)
    assert search.n_splits_ == folds_of("leave_region_out", land).get_n_splits(values, found, regions)


def test_land_to_be_predicted_decides_how_far_folds_lie_apart(land):
    values, found, regions, centres = land
    near = folds_of("knndm", land)
    far = CellFolds(
        protocol="knndm", centres_m=centres, cell_size_m=500.0, ahead_m=centres + 9_000.0, settings=SETTINGS, seed=5
    )
    tests = [[test.tolist() for _, test in folds.split(values, found, regions)] for folds in (near, far)]
    assert tests[0] != tests[1]
    assert max(max(test) for test in tests[1]) < len(values)


def test_rows_that_differ_in_number_are_refused_with_all_numbers(land):
    values, found, regions, _ = land
    with pytest.raises(ValueError, match="X 900, y 899, groups 900, centres_m 900"):
        next(folds_of("random", land).split(values, found[1:], regions))
