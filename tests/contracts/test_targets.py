"""Both targets, contamination and casualty: a model is a folder of readable files that scores as the fit did."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from models.boosting import BoostingParams
from models.casualty import CasualtyModel
from models.contamination import ContaminationModel
from models.contamination_fit import TrainingRows, fit_contamination
from models.ranker import RankerParams
from tests.support.simulated_history import BLOCK, quick, simulated_rows
from training.casualty.fitting import expected_casualties, fit_casualty

PARAMS = BoostingParams(
    n_trees=15, learning_rate=0.2, num_leaves=4, max_depth=3, min_leaf_share=0.02, feature_fraction=1.0,
    bagging_fraction=1.0, lambda_l2=1.0,
)  # fmt: skip
NAMES = ("a", "b")


def contamination():
    """A model of 600 cells in four folds, and the land that it scores."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(600, 2)).astype(np.float32)
    found = (rng.random(600) < 1 / (1 + np.exp(2 - 2 * values[:, 0]))).astype(float)
    rows = TrainingRows(
        features=NAMES, values=values, target=found, weight=np.ones(600), share=np.ones(600),
        block=np.arange(600) // 20, out_of_fold=values[:, 0] - 2.0, fold=np.arange(600) // 150,
    )  # fmt: skip
    model = fit_contamination(rows, RankerParams(PARAMS), {"a": 1}, 3, seed=1, threads=1)
    land = rng.normal(size=(80, 2)).astype(np.float32)

    def scores(one, threads=1):
        made = one.scores(land, threads)
        return made.low, made.probability, made.high

    return model, ContaminationModel, scores


def casualty():
    """A model of six years of a made-up register."""
    rows, now, _ = simulated_rows()
    settings = SimpleNamespace(casualty=quick(members=3, model={"n_trees": 15, "learning_rate": 0.2}), seed=1)
    settings.compute = SimpleNamespace(threads=1)
    model = fit_casualty(settings, rows, now, BLOCK, 3)

    def scores(one, threads=1):
        expected, low, high = expected_casualties(one, now, threads)
        return low, expected, high

    return model, CasualtyModel, scores


TARGETS = {"contamination": contamination, "casualty": casualty}
every_target = pytest.mark.parametrize("name", TARGETS)


@pytest.fixture(scope="module")
def fitted():
    return {name: make() for name, make in TARGETS.items()}


@every_target
def test_scores_are_finite_numbers_within_their_interval(name, fitted):
    model, _, scores = fitted[name]
    low, middle, high = scores(model)
    assert low.shape == middle.shape == high.shape
    assert middle.dtype == np.float64
    assert np.isfinite(np.concatenate([low, middle, high])).all()
    assert (low >= 0).all()
    assert (low <= middle).all()
    assert (middle <= high).all()


@every_target
def test_files_are_text_and_make_the_same_model(name, fitted):
    model, kind, scores = fitted[name]
    files = model.files()
    assert files
    for path, text in files.items():
        assert isinstance(text, str), path
        assert path.endswith((".json", ".txt", ".csv")), path
        if path.endswith(".json"):
            json.loads(text)
    again = kind.from_files(files)
    assert again.files() == files
    for one, other in zip(scores(model), scores(again), strict=True):
        assert np.array_equal(one, other)


@every_target
def test_the_same_seed_gives_the_same_files(name, fitted):
    assert TARGETS[name]()[0].files() == fitted[name][0].files()


@every_target
def test_threads_change_no_bit(name, fitted):
    model, _, scores = fitted[name]
    for one, other in zip(scores(model, 1), scores(model, 2), strict=True):
        assert np.array_equal(one, other)


@every_target
def test_a_folder_that_lacks_a_file_is_refused(name, fitted):
    model, kind, _ = fitted[name]
    files = model.files()
    files.pop(min(files))
    with pytest.raises((KeyError, ValueError)):
        kind.from_files(files)
