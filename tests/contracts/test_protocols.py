"""Every protocol of PROTOCOLS: folds that learn from one side and judge on another."""

import json

import numpy as np
import pyproj
import pytest
from shapely.geometry import box

from features.base.grid import Grid
from training.evidence.regions import block_names
from training.settings.validation import ValidationSettings
from training.validation.splits import PROTOCOLS, Labels

GRID = Grid.from_area(box(500_000, 4_400_000, 515_000, 4_410_000), pyproj.CRS("EPSG:32638"), 500)
SETTINGS = ValidationSettings(folds=3, buffer_m=1_000, block_m=3_000)
every_protocol = pytest.mark.parametrize("name", PROTOCOLS)


@pytest.fixture(scope="module")
def labels():
    rng = np.random.default_rng(0)
    labelled = rng.random(GRID.n_cells) < 0.8
    return Labels(
        labelled=labelled, positive=labelled & (rng.random(GRID.n_cells) < 0.25),
        regions=block_names(GRID.centres_m(), 2_500), centres_m=GRID.centres_m(), cell_size_m=GRID.cell_size_m,
    )  # fmt: skip


@every_protocol
def test_both_sides_of_a_fold_are_labelled_apart_and_hold_both_kinds(name, labels):
    folds = list(PROTOCOLS[name](labels, SETTINGS, 0))
    assert len(folds) >= 2
    assert len({fold.name for fold in folds}) == len(folds)
    for fold in folds:
        assert fold.protocol == name
        assert not np.intersect1d(fold.train, fold.test).size
        for side in (fold.train, fold.test):
            assert labels.labelled[side].all()
            assert 0 < labels.positive[side].sum() < len(side)


@every_protocol
def test_no_cell_is_judged_twice(name, labels):
    judged = np.concatenate([fold.test for fold in PROTOCOLS[name](labels, SETTINGS, 0)])
    assert len(np.unique(judged)) == len(judged)


@every_protocol
def test_a_fold_explains_itself_in_plain_values(name, labels):
    for fold in PROTOCOLS[name](labels, SETTINGS, 0):
        facts = json.loads(json.dumps(dict(fold.facts)))
        assert facts["train_cells"] == len(fold.train)
        assert facts["test_cells"] == len(fold.test)


@every_protocol
def test_the_same_seed_gives_the_same_folds_and_the_labels_stay(name, labels):
    before = labels.labelled.copy(), labels.positive.copy()
    one, two = ([(fold.name, fold.train.tolist(), fold.test.tolist()) for fold in PROTOCOLS[name](labels, SETTINGS, 4)]
                for _ in range(2))  # fmt: skip
    assert one == two
    assert np.array_equal(before, (labels.labelled, labels.positive))


@every_protocol
def test_without_a_find_there_is_nothing_to_judge(name, labels):
    nothing = Labels(**{**vars(labels), "positive": np.zeros(GRID.n_cells, dtype=bool)})
    assert list(PROTOCOLS[name](nothing, SETTINGS, 0)) == []
