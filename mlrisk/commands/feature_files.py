"""`mlrisk features`: the features of every cell, in memory or as files."""

import pandas as pd

from features.as_of import Snapshot
from features.base import NOT_EVIDENCE, Place, Progress, no_progress, place_of
from features.table import FeatureFolder, grid_feature_table
from features.table import write_features as write_folder
from mlrisk.settings import Config
from mlrisk.version import __version__
from training.evidence import contamination_context, open_inputs


def features(config: Config) -> pd.DataFrame:
    """The feature table: cell_id, easting_m, northing_m and a column for each feature, one row for each cell."""
    inputs = open_inputs(config)
    grid = inputs.grid
    snapshot = Snapshot(inputs.sources, contamination_context(config))
    table = grid_feature_table(grid, snapshot, config.features, config.compute.tile_cells, config.compute.schedule)
    centres = grid.centres_m()
    place = pd.DataFrame({"cell_id": grid.cell_ids(), "easting_m": centres[:, 0], "northing_m": centres[:, 1]})
    return pd.concat([place, table.frame()], axis=1)


def write_features(
    config: Config, folder: str | Place | None = None, progress: Progress = no_progress
) -> FeatureFolder:
    """Write the features of every cell as GeoParquet, a file a tile; `features` in the output folder if none is given.

    After a kill the next run resumes where it stopped; see features.table.store.
    """
    progress("sources")
    inputs = open_inputs(config)
    context = contamination_context(config)
    provenance = {
        "as_of": str(config.as_of),
        "country": config.name,
        "inputs": dict(sorted(inputs.digests.items())),
        "not_evidence": NOT_EVIDENCE,
        "own_events": {"block_m": context.own_block_m, "sources": sorted(context.own_event_sources)},
        "settings": config.model_dump(mode="json", include={"grid", "sources"}),
        "version": __version__,
    }
    target = config.output_folder / "features" if folder is None else place_of("--out", folder)
    snapshot, compute = Snapshot(inputs.sources, context), config.compute
    return write_folder(
        target, inputs.grid, snapshot, config.features, compute.tile_cells, compute.schedule, provenance, progress
    )
