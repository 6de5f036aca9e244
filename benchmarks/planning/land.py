"""Land of a synthetic country as the chain sees it, and its truth."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio

import mlrisk
from features.base import Grid
from mlrisk.commands.map_columns import with_place, with_status
from mlrisk.planning import planning_ground, with_ground
from mlrisk.planning.ground import PlanningGround
from mlrisk.ranking import CellContamination, casualty_columns, cell_scores, load_champions, scorer_of
from mlrisk.settings import Config
from training.evidence import open_inputs, open_ledger

ALL_WORKS = "works: [non_technical_survey, technical_survey, clearance]"
# Eight dog teams, three machines and forty deminers of a hundred days, on 250 m cells, all on new land alone.
NEW_LAND = "works: [non_technical_survey]"
TEAMS = (
    f"ranking.assets.dogs={{number: 8, {NEW_LAND}}}", f"ranking.assets.machines={{number: 3, {NEW_LAND}}}",
    f"ranking.assets.deminers={{number: 40, {NEW_LAND}}}",
    "ranking.plan.working_days=100", "ranking.tasks.number=600", "ranking.tasks.greatest_km2=1",
)  # fmt: skip


def trained_land(config_path: Path, more: Sequence[str] = ()) -> tuple[Config, Grid, pd.DataFrame, PlanningGround]:
    """Train on the files of a country and score every cell; not ranked yet."""
    # The level of the probabilities comes from as_of; baselines, placebo and the report do not affect a plan.
    quick = ("validation.protocols=[as_of, leave_region_out]", "validation.baselines=[]", "validation.placebo_trees=0",
             "validation.explained_cells=0")  # fmt: skip
    settings = [*TEAMS, "compute.threads=1", *quick, *more]
    config = mlrisk.load_config(config_path, overrides=settings)
    inputs = open_inputs(config)
    mlrisk.train(config, inputs)
    champions = load_champions(config)
    evidence = open_ledger(config, inputs).at(config.as_of)
    scorer = scorer_of(config, inputs, champions.contamination, evidence)
    scores = cell_scores(scorer, inputs.grid, config.compute).rows
    risk = with_status(with_place(inputs.grid, evidence, scores), evidence, config.ranking.declared)
    contamination = (risk[name].to_numpy() for name in ("cell_id", "contamination", "contamination_score"))
    columns = casualty_columns(config, inputs, champions.casualty, CellContamination(*contamination))
    risk = risk.assign(**columns, reason_1="", reason_2="", reason_3="")
    ground = planning_ground(config, inputs.grid, inputs.sources)
    return config, inputs.grid, with_ground(risk, ground, config), ground


def truth_of(raster: Path, grid: Grid) -> pd.DataFrame:
    """The bands of the truth at each cell, in `grid.cell_ids()` order."""
    with rasterio.open(raster) as image:
        bands = image.read()
        return pd.DataFrame(
            {name: np.nan_to_num(band[grid.mask]) for name, band in zip(image.descriptions, bands, strict=True)}
        )
