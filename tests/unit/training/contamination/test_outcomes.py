"""Features of neighbours' outcomes: what a fold does not learn from, it does not see either."""

from dataclasses import replace

import numpy as np
import pytest
import shapely

from features.as_of.snapshot import Snapshot
from features.base.errors import ConfigError
from features.base.feature_info import CLIP_M, FeatureContext, clipped_name
from features.families import hazard_areas
from features.table.build import grid_feature_table
from tests.support.sample_country import AS_OF, StandIn, country_grid, polygons
from tests.support.sample_dataset import config_of, dataset_and_trials, inputs_of, land
from training.contamination.dataset import accumulating_features
from training.contamination.neighbour_outcomes import features_of_outcomes, features_without_hidden, raw_distances

SEEN = {"outcomes": "neighbours", "own_block_m": 1_000}


def config_seeing():
    return config_of(contamination=SEEN, validation={"protocols": ["leave_region_out"]})


@pytest.fixture(scope="module")
def tables():
    return land()


@pytest.fixture(scope="module")
def seen(tables):
    return dataset_and_trials(config_seeing(), inputs_of(tables))


@pytest.mark.slow
def test_outcomes_of_survey_are_hidden_unless_the_config_lets_them_in(tables, seen):
    hidden, _ = dataset_and_trials(config_of(validation={"protocols": []}), inputs_of(tables))
    outcomes = set(features_of_outcomes(hidden.infos, hidden.snapshot.context))
    assert outcomes & set(hidden.table.names)
    assert not outcomes & set(hidden.learned.names)
    assert "found_share_5km" in seen[0].learned.names


@pytest.mark.slow
def test_labels_of_held_out_land_move_no_feature_of_a_fold(tables, seen):
    dataset, trials = seen
    survey = tables["survey"]
    for trial in trials:
        outside = np.ones(dataset.grid.n_cells, bool)
        outside[trial.fold.train] = False
        cell = dataset.grid.locate(survey.geometry.x.to_numpy(), survey.geometry.y.to_numpy())
        other = survey.assign(outcome=np.where(outside[cell], "found", survey["outcome"]))
        # Regions are dealt so that their found cells balance: the folds are those of before.
        again, _ = dataset_and_trials(
            config_of(contamination=SEEN, validation={"protocols": []}), inputs_of(tables | {"survey": other})
        )
        hidden = np.flatnonzero(outside & dataset.evidence.labelled)
        rebuilt = features_without_hidden(
            again.learned, again.infos, again.snapshot, again.grid, hidden, config_of().compute
        )
        np.testing.assert_array_equal(rebuilt.values, trial.dataset.learned.values)
        assert not np.array_equal(again.learned.values, dataset.learned.values, equal_nan=True)


def test_a_fold_sees_what_the_other_records_alone_would_show(tables, seen):
    dataset, trials = seen
    survey = tables["survey"]
    cell = dataset.grid.locate(survey.geometry.x.to_numpy(), survey.geometry.y.to_numpy())
    for trial in trials:
        kept = survey[np.isin(cell, trial.fold.train)].reset_index(drop=True)
        sources = replace(dataset.snapshot.sources, vectors=tables | {"survey": kept})
        alone = grid_feature_table(dataset.grid, Snapshot(sources, dataset.snapshot.context), ["surveyed"], 64)
        names = [name for name in dataset.learned.names if name in alone.names]
        np.testing.assert_array_equal(trial.dataset.learned.aligned(names), alone.aligned(names))


def test_without_a_record_left_outcomes_are_unknown(seen):
    dataset, _ = seen
    every = np.arange(dataset.grid.n_cells)
    table = features_without_hidden(
        dataset.learned, dataset.infos, dataset.snapshot, dataset.grid, every, config_of().compute
    )
    outcomes = features_of_outcomes(dataset.infos, dataset.snapshot.context)
    for name, before, after in zip(table.names, dataset.learned.values.T, table.values.T, strict=True):
        assert np.isnan(after).all() if name in outcomes else np.array_equal(after, before, equal_nan=True)


def test_the_model_sees_a_distance_to_known_ordnance_clipped():
    grid = country_grid()
    areas = polygons(np.random.default_rng(0), 1, hazard_type=["CHA"])
    columns = hazard_areas.build(grid, Snapshot(StandIn(grid, {"hazard_areas": areas}, {}), FeatureContext(AS_OF)))
    exact = shapely.distance(shapely.points(grid.centres_m()), areas.geometry.iloc[0])
    for name in ("hazard_area_distance_m", "confirmed_hazard_distance_m"):
        np.testing.assert_allclose(columns[clipped_name(name)][grid.mask], np.minimum(exact, CLIP_M), rtol=1e-6)
    assert exact.max() > CLIP_M
    assert raw_distances(columns) == ("hazard_area_distance_m", "confirmed_hazard_distance_m")


def test_a_word_that_is_no_way_to_treat_outcomes_is_refused():
    with pytest.raises((ConfigError, ValueError), match="outcomes"):
        config_of(contamination={"outcomes": "raw"})


def test_what_is_counted_from_records_grows_and_the_land_does_not(seen):
    dataset, _ = seen
    growing = dict(zip(dataset.table.names, accumulating_features(dataset.table.names, dataset.infos), strict=True))
    assert growing["incident_distance_m"]
    assert growing["found_share_5km"]
    assert not growing["front_line_distance_m"]
    assert not growing["settlement_distance_m"]
