"""A region that is held out shows nothing of its own survey, and a placebo says what labels alone would score."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from tests.support.sample_dataset import UTM, config_of, dataset_and_trials, grid_of, inputs_of, land
from training.contamination.dataset import cell_blocks, fold_dataset
from training.contamination.neighbour_outcomes import hidden_sources
from training.contamination.placebo import placebo_scores, shift_of, shifted, shifted_rows
from training.validation.held_out import PLACEBO

LABELS = {"found": ["survey_found", "find", "accident"], "searched": ["survey_searched"]}


def config_with_finds(**validation):
    families = ("front_lines", "incidents", "finds", "settlements")
    chosen = {"protocols": ["leave_region_out"], **validation}
    return config_of(features=families, contamination={"labels": LABELS}, validation=chosen)


def with_finds(tables, places):
    dates = pd.Series(pd.Timestamp("2020-05-05") + pd.to_timedelta(range(len(places)), unit="D"))
    finds = gpd.GeoDataFrame({"date": dates}, geometry=shapely.points(places), crs=UTM)
    return tables | {"finds": finds}


@pytest.fixture(scope="module")
def tables():
    surveyed = land()
    found = surveyed["survey"][surveyed["survey"]["outcome"] == "found"]
    return with_finds(surveyed, shapely.get_coordinates(found.geometry.array))


@pytest.fixture(scope="module")
def made(tables):
    return dataset_and_trials(config_with_finds(), inputs_of(tables))


@pytest.mark.slow
def test_finds_and_accidents_of_a_held_out_region_move_no_feature_of_its_fold(tables, made):
    dataset, trials = made
    outcomes = [name for name in dataset.learned.names if name.startswith(("find_", "incident_"))]
    assert outcomes
    for trial in trials:
        region = np.isin(dataset.regions, trial.fold.facts["regions"])
        kept = {}
        for source in ("finds", "incidents"):
            points = tables[source].geometry
            cell = dataset.grid.locate(points.x.to_numpy(), points.y.to_numpy())
            away = (cell < 0) | ~region[cell]
            kept[source] = tables[source][away].reset_index(drop=True)
            assert 0 < away.sum() < len(away)
        again, _ = dataset_and_trials(config_with_finds(protocols=[]), inputs_of(tables | kept))
        # An accident less may label a cell less: the buffer of the fold hides the same cells in both.
        again = replace(again, evidence=dataset.evidence)
        same = fold_dataset(config_with_finds(), again, trial.fold.train, np.flatnonzero(region))
        np.testing.assert_array_equal(same.learned.aligned(outcomes), trial.dataset.learned.aligned(outcomes))
        assert not np.array_equal(again.learned.aligned(outcomes), dataset.learned.aligned(outcomes), equal_nan=True)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["random", "knndm"])
def test_a_second_find_beside_a_judged_cell_moves_no_feature_of_a_scattered_fold(tables, protocol):
    """Hazards lie in patches: a find of a neighbour that is learned from must not tell of the judged cell."""
    config = config_with_finds(protocols=[protocol])
    dataset, (trial, *_) = dataset_and_trials(config, inputs_of(tables))
    finds = [name for name in dataset.learned.names if name.startswith("find_")]
    places = shapely.get_coordinates(tables["finds"].geometry.array)
    block = cell_blocks(dataset.grid, config.contamination.own_block_m)
    beside = np.setdiff1d(np.flatnonzero(np.isin(block, block[trial.fold.test])), trial.fold.test)
    near = np.isin(dataset.grid.locate(*places.T), np.flatnonzero(dataset.grid.mask)[beside])
    twice = np.vstack([places, places[near][:1]])
    more, (other, *_) = dataset_and_trials(config, inputs_of(with_finds(tables, twice)))
    assert np.array_equal(other.fold.test, trial.fold.test)
    np.testing.assert_array_equal(other.dataset.learned.aligned(finds), trial.dataset.learned.aligned(finds))
    assert not np.array_equal(more.learned.aligned(finds), dataset.learned.aligned(finds), equal_nan=True)


@pytest.mark.slow
def test_accidents_stay_where_a_new_region_has_them(tables, made):
    dataset, _ = made
    _, trials = dataset_and_trials(config_with_finds(known_in_new_region=["incidents"]), inputs_of(tables))
    accidents = [name for name in dataset.learned.names if name.startswith("incident_")]
    for trial in trials:
        np.testing.assert_array_equal(trial.dataset.learned.aligned(accidents), dataset.learned.aligned(accidents))


def test_what_makes_no_label_is_no_secret(made):
    context = replace(made[0].snapshot.context, own_event_sources=frozenset({"hazard_areas"}))
    assert "incidents" not in hidden_sources(context, ())
    assert hidden_sources(context, ("finds", "survey")) == {"hazard_areas", "land_release"}


def test_the_placebo_moves_land_around_and_leaves_records_with_their_labels(made):
    dataset, trials = made
    source = shifted_rows(dataset.grid, (5, 7))
    assert sorted(source) == list(range(dataset.grid.n_cells))
    centres = dataset.grid.centres_m() // dataset.grid.cell_size_m
    apart = (centres[source] - centres) % 24
    assert np.unique(apart, axis=0).tolist() == [[7, 19]]
    moved = shifted(dataset, (5, 7))
    stays = [name for name in dataset.learned.names if name.startswith(("find_", "incident_"))]
    np.testing.assert_array_equal(moved.learned.aligned(stays), dataset.learned.aligned(stays))
    line = ["front_line_distance_m"]
    np.testing.assert_array_equal(moved.learned.aligned(line), dataset.learned.aligned(line)[source])
    scores = placebo_scores(config_with_finds(), trials[0].dataset, trials[0].fold)
    assert scores.shape == trials[0].fold.test.shape
    assert np.isfinite(scores).all()
    assert PLACEBO == "placebo"


def test_a_shift_is_of_whole_blocks_and_far():
    grid = grid_of(40)
    for seed in range(20):
        down, across = shift_of(grid, 2_000, np.random.default_rng(seed))
        assert down % 4 == across % 4 == 0
        assert 8 <= down <= 32
        assert 8 <= across <= 32
