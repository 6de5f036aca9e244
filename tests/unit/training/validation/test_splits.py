import json

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from shapely.geometry import box

from features.base.grid import Grid
from training.evidence.regions import block_names
from training.settings.config import ValidationSettings
from training.validation.knndm import match_folds
from training.validation.splits import PROTOCOLS, Labels, deal, knndm, leave_region_out, random_folds
from training.validation.variogram import autocorrelation_range_m, variogram

GRID = Grid.from_area(box(500_000, 4_400_000, 520_000, 4_410_000), pyproj.CRS("EPSG:32638"), 500)
CENTRES = GRID.centres_m()


def labels_of(labelled, positive, regions=None):
    quarters = np.array(list("ABCD"), dtype=object)[((CENTRES[:, 0] - 500_000) // 5_000).astype(int)]
    return Labels(
        labelled=labelled,
        positive=positive,
        regions=quarters if regions is None else regions,
        centres_m=CENTRES,
        cell_size_m=GRID.cell_size_m,
    )


def labels(seed=0, regions=None, share=0.2):
    rng = np.random.default_rng(seed)
    labelled = rng.random(GRID.n_cells) < 0.8
    return labels_of(labelled, labelled & (rng.random(GRID.n_cells) < share), regions)


@pytest.mark.parametrize("buffer_m", [0, 500, 2_000, 3_300, "auto"])
def test_no_training_cell_lies_inside_the_buffer(buffer_m):
    known = labels()
    folds = list(leave_region_out(known, ValidationSettings(buffer_m=buffer_m), 0))
    assert [fold.name for fold in folds] == list("ABCD")
    for fold in folds:
        held_out = CENTRES[known.regions == fold.name]
        assert cKDTree(held_out).query(CENTRES[fold.train])[0].min() > fold.facts["buffer_m"]
        if buffer_m == "auto":
            assert 500 <= fold.facts["buffer_m"] <= max(fold.facts["autocorrelation_range_m"], 500)
        else:
            assert fold.facts["buffer_m"] == buffer_m
        assert known.labelled[fold.train].all()
        assert known.labelled[fold.test].all()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_labelled_cell_is_judged_once_and_never_learned_from(protocol):
    known = labels(regions=block_names(CENTRES, 2_500))
    folds = list(PROTOCOLS[protocol](known, ValidationSettings(folds=3, buffer_m=0), 0))
    assert sorted(np.concatenate([fold.test for fold in folds])) == np.flatnonzero(known.labelled).tolist()
    assert not any(set(fold.test) & set(fold.train) for fold in folds)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_folds_explain_themselves_in_plain_json(protocol):
    known = labels()
    for fold in PROTOCOLS[protocol](known, ValidationSettings(), 0):
        facts = json.loads(json.dumps(fold.facts))
        assert facts["test_cells"] == len(fold.test)
        assert facts["train_base_rate"] == pytest.approx(known.positive[fold.train].mean())
        nearest = cKDTree(CENTRES[fold.train]).query(CENTRES[fold.test])[0]
        assert facts["distance_m"]["median"] == pytest.approx(np.median(nearest))


def test_a_region_without_a_found_cell_judges_nothing():
    known = labels(regions=np.where(CENTRES[:, 0] < 510_000, "A", "B").astype(object))
    known.positive[known.regions == "A"] = False
    assert not list(leave_region_out(known, ValidationSettings(), 0))


@settings(max_examples=20, deadline=None)
@given(st.sampled_from("ABCDEFGH"), st.integers(0, 1000), st.sampled_from([0, 500, 2_000]))
def test_relabelling_a_region_moves_no_cell_into_or_out_of_any_training_set(region, seed, buffer_m):
    names = np.array(list("ABCDEFGH"), dtype=object)[((CENTRES[:, 0] - 500_000) // 2_500).astype(int)]
    known = labels(seed, names)
    chosen = ValidationSettings(folds=3, buffer_m=buffer_m)
    other = np.random.default_rng(seed + 1).random(len(names)) < 0.7
    relabelled = labels_of(known.labelled, np.where(names == region, known.labelled & other, known.positive), names)
    before, after = (list(leave_region_out(each, chosen, 0)) for each in (known, relabelled))
    assert [fold.train.tolist() for fold in before] == [fold.train.tolist() for fold in after]


def test_relabelling_the_held_out_region_leaves_its_estimated_buffer_alone():
    known = labels()
    flipped = np.where(known.regions == "B", known.labelled & ~known.positive, known.positive)
    before, after = (
        {fold.name: fold for fold in leave_region_out(each, ValidationSettings(), 0)}
        for each in (known, labels_of(known.labelled, flipped))
    )
    assert np.array_equal(before["B"].train, after["B"].train)
    assert before["B"].facts["autocorrelation_range_m"] == after["B"].facts["autocorrelation_range_m"]


def test_regions_are_dealt_by_land_alike():
    known = labels(regions=block_names(CENTRES, 2_500))
    cells = [
        int(np.isin(known.regions[known.labelled], members).sum())
        for members in deal(known, ValidationSettings(folds=4), 0).values()
    ]
    assert max(cells) - min(cells) < 0.1 * sum(cells)


def smooth_labels(range_cells):
    field = gaussian_filter(np.random.default_rng(0).normal(size=GRID.shape), range_cells, mode="wrap")
    return (field > np.quantile(field, 0.8)).ravel()


def test_labels_without_neighbourhood_have_the_range_of_a_cell():
    assert autocorrelation_range_m(CENTRES, labels().positive, 500, 0) <= 1_000


def test_smoother_labels_reach_farther():
    ranges = [autocorrelation_range_m(CENTRES, smooth_labels(width), 500, 0) for width in (0.7, 1.5, 3.0)]
    assert ranges == sorted(ranges)
    # 95 % of the sill of white noise smoothed by sigma is reached at 2 sqrt(3) sigma: 1.2 km and 5.2 km.
    assert ranges[0] < 2_000
    assert ranges[-1] > 3_500


@pytest.mark.slow
def test_land_of_a_few_cells_has_a_range_too():
    # Units of casualty risk are a kilometre: a third of this extent is four of them, and a quarter of that is one.
    small = Grid.from_area(box(500_000, 4_400_000, 512_000, 4_412_000), pyproj.CRS("EPSG:32638"), 1_000).centres_m()
    ranges = [
        autocorrelation_range_m(small, np.hypot(*(small - small[place]).T) < 3_000, 1_000, 0) for place in range(144)
    ]
    assert min(ranges) >= 1_000
    assert max(ranges) <= 12_000 / 3


def test_the_variogram_of_white_noise_is_its_variance():
    values = np.random.default_rng(1).normal(size=len(CENTRES))
    _, semivariance, pairs = variogram(CENTRES, values, 500, 0)
    assert np.average(semivariance, weights=pairs) == pytest.approx(values.var(), rel=0.05)


@pytest.mark.slow
def test_an_exponential_covariance_gives_its_range():
    # Cholesky's factor of the covariance gives a field whose practical range is known: 4 km.
    rng = np.random.default_rng(2)
    lag = np.hypot(*(CENTRES[:, None] - CENTRES[None]).transpose(2, 0, 1))
    factor = np.linalg.cholesky(np.exp(-3 * lag / 4_000) + 1e-9 * np.eye(len(CENTRES)))
    fields = factor @ rng.normal(size=(len(CENTRES), 5))
    ranges = [autocorrelation_range_m(CENTRES, field > 0.8, 500, 0) for field in fields.T]
    # Cutting a field at a level shortens its range by a little.
    assert 2_000 < np.median(ranges) < 4_500


def test_folds_are_as_far_from_what_they_learn_as_the_land_ahead_is():
    west = CENTRES[CENTRES[:, 0] < 505_000]
    near, far = west + np.array([250, 0]), CENTRES[CENTRES[:, 0] > 509_000]
    close, wide = match_folds(west, near, 4, 500, 0), match_folds(west, far, 4, 500, 0)
    assert close.wasserstein_m < 300
    assert np.mean(wide.between_folds_m) > 2 * np.mean(close.between_folds_m)
    assert wide.block_m > close.block_m


def test_matching_does_not_depend_on_the_order_of_the_cells():
    west, far = CENTRES[CENTRES[:, 0] < 505_000], CENTRES[CENTRES[:, 0] > 509_000]
    order = np.random.default_rng(0).permutation(len(west))
    straight, shuffled = match_folds(west, far, 4, 500, 0), match_folds(west[order], far, 4, 500, 0)
    assert np.array_equal(straight.fold[order], shuffled.fold)


def test_knndm_beats_random_folds_at_matching_distances():
    labelled = CENTRES[:, 0] < 506_000
    known = labels_of(labelled, labelled & (np.random.default_rng(0).random(len(CENTRES)) < 0.2))
    matched = list(knndm(known, ValidationSettings(), 0))
    random = list(random_folds(known, ValidationSettings(), 0))
    ahead = np.median(cKDTree(CENTRES[labelled]).query(CENTRES[~labelled])[0])

    def apart(folds):
        return np.mean([fold.facts["distance_m"]["median"] for fold in folds])

    assert abs(apart(matched) - ahead) < abs(apart(random) - ahead)
    facts = matched[0].facts
    assert len(facts["to_predict_m"]) == len(facts["between_folds_m"]) == len(facts["quantiles"])
    assert facts["wasserstein_m"] > 0


def test_range_on_land_of_few_cells_stays_between_a_cell_and_a_third_of_the_extent():
    east, north = np.meshgrid(np.arange(11) * 500.0, np.arange(11) * 500.0)
    centres = np.column_stack([east.ravel(), north.ravel()])
    found = np.hypot(*(centres - 2_500).T) < 1_300
    assert 500 <= autocorrelation_range_m(centres, found, 500, 0) <= 5_000 / 3
