"""A small dataset of made-up land in nine regions: one feature tells the truth, one turns from region to region."""

from datetime import date

import numpy as np
import pyproj
from scipy.special import expit
from shapely.geometry import box

from features.as_of.snapshot import Snapshot
from features.base.feature_info import FeatureContext, FeatureInfo
from features.base.grid import Grid
from features.sources.opening import Sources
from features.table.build import FeatureTable
from mlrisk.settings.config import Config
from training.contamination.dataset import CellDataset, cell_blocks
from training.contamination.survey_bias import SurveyBias
from training.evidence.regions import block_names
from training.evidence.states import FOUND, NO_BAG, SEARCHED, Evidence
from training.evidence.status import Status

AS_OF = date(2024, 7, 31)
GRID = Grid.from_area(box(500_000, 4_400_000, 530_000, 4_430_000), pyproj.CRS("EPSG:32638"), 1_000)
CENTRES = GRID.centres_m()
REGIONS = block_names(CENTRES, 10_000)
NAMES = ("true", "turning", "noise", "constant")
CONSTRAINTS = {"true": 1}


def simulated_config(*, validation=None, **contamination):
    """Nine regions of 100 cells in three folds; a model that takes no time."""
    quick = {"n_trees": 25, "learning_rate": 0.15, "num_leaves": 4, "min_leaf_weight_share": 0.01}
    return Config.model_validate(
        {
            "name": "made",
            "as_of": AS_OF,
            "grid": {"crs": "EPSG:32638", "cell_size_m": 1_000, "area": "area.geojson"},
            "sources": {},
            "contamination": {"model": quick, "linear_share": 0.3, **contamination},
            "validation": {
                "protocols": ["leave_region_out"], "folds": 3, "buffer_m": 0, "block_m": 10_000, **(validation or {})
            },
            "compute": {"threads": 1},
        }
    )  # fmt: skip


def simulated_dataset(seed=0, share=0.9):
    """Every cell is searched or found but for `1 - share`; `turning` points the other way in every second region."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(GRID.n_cells, 4)).astype(np.float32)
    values[:, 3] = 7.0
    turn = np.where(np.unique(REGIONS, return_inverse=True)[1] % 2, -1, 1)
    found = rng.random(GRID.n_cells) < expit(-1 + 1.5 * values[:, 0] + 1.5 * turn * values[:, 1])
    return dataset_of(values, found, rng.random(GRID.n_cells) < share)


def dataset_of(values, found, labelled, regions=REGIONS):
    """A dataset of these features and labels."""
    weight = labelled.astype(np.float64)
    state = np.where(labelled, np.where(found, 2, 1), 0).astype(np.int8)
    evidence = Evidence(
        as_of=AS_OF,
        state=state,
        share=weight,
        weight=weight,
        target=(state == FOUND).astype(np.float64),
        bag=np.full(len(found), NO_BAG, dtype=np.int32),
        released=np.zeros(len(found), bool),
        status=np.where(state == SEARCHED, Status.SEARCHED, Status.UNKNOWN).astype(np.int8),
        settled=np.zeros(len(found)),
        counts={},
        kind=np.where(labelled, 0, -1).astype(np.int8),
        inclusion_prob=np.where(labelled, 1.0, np.nan),
    )
    table = FeatureTable(NAMES, values)
    infos = {
        name: FeatureInfo(name=name, unit="", family="terrain", trend=CONSTRAINTS.get(name, 0), text=name)
        for name in NAMES
    }
    bias = SurveyBias(
        weight=weight,
        background=np.zeros(len(found)),
        background_weight=0.0,
        effective=float(labelled.sum()),
        found_alone=False,
    )
    snapshot = Snapshot(Sources(grid=GRID, vectors={}, rasters={}, covariates=(), reports=()), FeatureContext(AS_OF))
    return CellDataset(
        as_of=AS_OF,
        grid=GRID,
        evidence=evidence,
        table=table,
        learned=table,
        infos=infos,
        snapshot=snapshot,
        regions=regions,
        block=cell_blocks(GRID, 5_000),
        constraints=CONSTRAINTS,
        bias=bias,
    )


def relabelled(dataset, rows):
    """The same land with the labels of some cells turned round."""
    found = dataset.evidence.state == 2
    found[rows] = ~found[rows]
    return dataset_of(dataset.table.values, found, dataset.evidence.labelled, dataset.regions)
