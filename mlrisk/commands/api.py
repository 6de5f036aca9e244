"""The commands as functions: they return values and raise; they never print."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from features.as_of import Snapshot
from features.base import NOT_EVIDENCE, InputError
from features.sources import SourceReport
from features.table import FeatureFolder, grid_feature_table
from features.table import write_features as write_store
from mlrisk.commands.rank import Ranking, rank
from mlrisk.followup import PlanProgress, Verification, verify
from mlrisk.followup import plan_progress as progress
from mlrisk.outputs import Audit, write_ledger
from mlrisk.settings import Config
from mlrisk.version import __version__
from training.evidence import STATE_NAMES, contamination_context, open_inputs, open_ledger
from training.train import Trained, train

__all__ = [
    "Checked",
    "Ranking",
    "Trained",
    "Verification",
    "check",
    "features",
    "load_risk_map",
    "rank",
    "run",
    "train",
]
__all__ += ["PlanProgress", "progress", "verify", "write_features"]

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Checked:
    """What `check` saw: a report for every source, the number of cells, and the evidence by state and by kind."""

    reports: tuple[SourceReport, ...]
    cells: int
    evidence: dict[str, int]
    records: dict[str, int]


def check(config: Config) -> Checked:
    """Read every source and rebuild the evidence; writes nothing."""
    inputs = open_inputs(config)
    known = open_ledger(config, inputs).at(config.as_of)
    states = {name: int((known.state == number).sum()) for number, name in enumerate(STATE_NAMES)}
    states["released"] = int(known.released.sum())
    return Checked(inputs.reports, inputs.grid.n_cells, states, dict(known.counts))


def features(config: Config) -> pd.DataFrame:
    """The feature table: cell_id, easting_m, northing_m and one column a feature, one row a cell."""
    inputs = open_inputs(config)
    grid = inputs.grid
    snapshot = Snapshot(inputs.sources, contamination_context(config))
    table = grid_feature_table(grid, snapshot, config.features, config.compute.tile_cells, config.compute.schedule)
    centres = grid.centres_m()
    place = pd.DataFrame({"cell_id": grid.cell_ids(), "easting_m": centres[:, 0], "northing_m": centres[:, 1]})
    return pd.concat([place, table.frame()], axis=1)


def write_features(
    config: Config, folder: str | Path | None = None, progress: Progress = lambda _: None
) -> FeatureFolder:
    """Write the features of every cell as GeoParquet, a file a tile; `features` in the output folder if none is given.

    A run that was killed goes on where it stopped; see features.table.store.
    """
    progress("sources")
    inputs = open_inputs(config)
    context = contamination_context(config)
    made_from = {
        "as_of": str(config.as_of),
        "country": config.name,
        "inputs": dict(sorted(inputs.digests.items())),
        "not_evidence": NOT_EVIDENCE,
        "own_events": {"block_m": context.own_block_m, "sources": sorted(context.own_event_sources)},
        "settings": config.model_dump(mode="json", include={"grid", "sources"}),
        "version": __version__,
    }
    target = config.output_folder / "features" if folder is None else Path(folder)
    snapshot, compute = Snapshot(inputs.sources, context), config.compute
    return write_store(
        target, inputs.grid, snapshot, config.features, compute.tile_cells, compute.schedule, made_from, progress
    )


def evidence(config: Config, file: str | Path | None = None, progress: Progress = lambda _: None) -> Audit:
    """Write the evidence ledger for audit, Parquet or CSV by the ending; evidence.parquet in the output folder if none.

    Beside it lies the state of every cell at `config.as_of`; see mlrisk.outputs.evidence_ledger.
    """
    progress("sources")
    inputs = open_inputs(config)
    progress("evidence")
    ledger = open_ledger(config, inputs)
    notes = {
        "as_of": str(config.as_of),
        "country": config.name,
        "crs": inputs.grid.crs.to_string(),
        "cell_size_m": inputs.grid.cell_size_m,
        "inputs": dict(sorted(inputs.digests.items())),
        "labels": config.contamination.labels.model_dump(mode="json"),
        "not_evidence": NOT_EVIDENCE,
        "version": __version__,
    }
    progress("files")
    target = config.output_folder / "evidence.parquet" if file is None else Path(file)
    return write_ledger(ledger, ledger.at(config.as_of), notes, target)


def run(config: Config, progress: Progress = lambda _: None) -> tuple[Trained, Ranking]:
    """Train and rank with sources that are opened once."""
    progress("sources")
    inputs = open_inputs(config)
    trained = train(config, inputs, progress)
    return trained, rank(config, inputs, progress)


def write_report(config: Config, trained: Trained) -> tuple[Path, ...]:
    """Write the validation report of a training run, report.html and report.json, into the output folder."""
    config.output_folder.mkdir(parents=True, exist_ok=True)
    for name, text in trained.report.items():
        (config.output_folder / name).write_text(text, encoding="utf-8", newline="\n")
    return tuple(config.output_folder / name for name in trained.report)


def load_risk_map(path: str | Path) -> gpd.GeoDataFrame:
    """Read risk.parquet, or the one in a folder; the geometry is the cell centre in the grid CRS."""
    file = Path(path)
    file = file / "risk.parquet" if file.is_dir() else file
    if not file.is_file():
        raise InputError(f"risk map ({file}) does not exist: give the output folder of `mlrisk rank`")
    return gpd.read_parquet(file)
