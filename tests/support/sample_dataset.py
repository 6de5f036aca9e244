"""A small surveyed land in memory: records with dates, the inputs and the config of a training run on them."""

from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from shapely.geometry import LineString, box

from features.base.grid import Grid
from features.sources.opening import Sources
from training.contamination.dataset import dataset_at
from training.contamination.judging import earlier_trials, trials_of
from training.evidence.inputs import Inputs
from training.evidence.ledger import Ledger
from training.settings.config import TrainConfig

UTM = pyproj.CRS("EPSG:32638")
EAST, NORTH, SIZE = 500_000, 4_400_000, 500
AS_OF = date(2023, 12, 31)
FIRST = date(2019, 1, 1)
# Intervals, learned baselines and pictures are tested elsewhere, and at full size they cost seconds.
LITTLE_JUDGED = {"baselines": ["random order", "distance to the line"], "draws": 10, "picture_dpi": 30}
FAMILIES = ("front_lines", "incidents", "settlements", "surveyed")


def grid_of(side):
    return Grid.from_area(box(EAST, NORTH, EAST + SIZE * side, NORTH + SIZE * side), UTM, SIZE)


def days(rng, size, first=FIRST, last=AS_OF):
    return pd.Series(pd.Timestamp(first) + pd.to_timedelta(rng.integers(0, (last - first).days, size), unit="D"))


def recorded(rng, dates, **columns):
    """Columns of dates, with records made up to 200 days after the event."""
    late = pd.to_timedelta(rng.integers(0, 200, len(dates)), unit="D")
    return {"date": dates, "recorded_date": dates + late, **columns}


def survey(rng, places, found, **columns):
    outcome = np.where(found, "found", "searched")
    table = recorded(rng, days(rng, len(places)), outcome=outcome, **columns)
    return gpd.GeoDataFrame(table, geometry=shapely.points(places), crs=UTM)


def land(seed=0, side=24, share=0.6):
    """Tables by source: ordnance lies near a line and in patches; survey is of `share` of the cells, once each."""
    rng = np.random.default_rng(seed)
    centres = grid_of(side).centres_m()
    line = LineString(
        [(EAST - 2_000, NORTH + SIZE * side * 0.4), (EAST + SIZE * side + 2_000, NORTH + SIZE * side * 0.6)]
    )
    near = np.exp(-shapely.distance(shapely.points(centres), line) / 1_500)
    patch = np.sin(centres[:, 0] / 1_100) * np.cos(centres[:, 1] / 1_300)
    truth = rng.random(len(centres)) < np.clip(0.05 + 0.5 * near + 0.12 * patch, 0.02, 0.9)
    looked = np.flatnonzero(rng.random(len(centres)) < share)
    places = centres[rng.choice(np.flatnonzero(truth), 15)] + rng.uniform(-900, 900, (15, 2))
    return {
        "front_lines": gpd.GeoDataFrame({"kind": ["line_of_contact"]}, geometry=[line], crs=UTM),
        "incidents": gpd.GeoDataFrame(recorded(rng, days(rng, 15)), geometry=shapely.points(places), crs=UTM),
        "settlements": gpd.GeoDataFrame(
            {"population": [900.0, 50.0, 4_000.0]}, geometry=shapely.points(rng.choice(centres, 3) + 90), crs=UTM
        ),
        "survey": survey(rng, centres[looked], truth[looked]),
    }


def added(tables, **more):
    """The tables with records of some sources added at the end."""
    joined = {name: pd.concat([tables[name], rows], ignore_index=True) for name, rows in more.items()}
    return tables | joined


def inputs_of(tables, side=24):
    grid = grid_of(side)
    return Inputs(grid, Sources(grid=grid, vectors=dict(tables), rasters={}, covariates=(), reports=()), ())


def config_of(**changes):
    """A quick config; `validation`, `contamination` and the rest change one level deep."""
    base = {
        "name": "small",
        "as_of": AS_OF,
        "grid": {"crs": "EPSG:32638", "cell_size_m": SIZE, "area": "area.geojson"},
        "sources": {},
        "features": FAMILIES,
        "contamination": {
            "labels": {"found": ["survey_found"], "searched": ["survey_searched"]},
            "model": {"n_trees": 12, "learning_rate": 0.2},
            "members": 3,
            "block_m": 2_000,
        },
        "validation": {
            "regions": "blocks", "block_m": 6_000, "folds": 4, "buffer_m": 1_000, "explained_cells": 0, **LITTLE_JUDGED
        },
        "compute": {"threads": 1},
    }  # fmt: skip
    for key, value in changes.items():
        base[key] = base[key] | value if isinstance(value, dict) and key in base else value
    return TrainConfig.model_validate(base)


def book_of(config, inputs):
    return Ledger.build(inputs.grid, inputs.sources, config.contamination.labels, Path())


def dataset_and_trials(config, inputs):
    """The dataset at the date of the config and the trials of all its protocols."""
    book = book_of(config, inputs)
    dataset = dataset_at(config, inputs, book.at(config.as_of))
    return dataset, trials_of(config, dataset, tuple(earlier_trials(config, inputs, book)))
