"""The longer way of `mlrisk retrain`: open the sources, decide who ranks, make a new map, and report the changes."""

from pathlib import Path

import numpy as np

from features.as_of import Snapshot
from features.base import Floats, MlriskError, Place, Progress
from features.table import grid_feature_table
from mlrisk.commands.map_state import MapRecord, is_current
from mlrisk.commands.rank import Ranking, rank
from mlrisk.followup import FILES, Earlier, changes_between, read_earlier, write_changes
from mlrisk.risk_map import Package
from mlrisk.settings import Config
from models.contamination import ContaminationModel
from training.evidence import Inputs, cell_regions, contamination_context, open_inputs, open_ledger
from training.registry import RegisteredVersion, Store
from training.retraining import REFUSED, UNCHANGED, Decision, RetrainSession, Signature, decide, read_last_run


def retrain_and_map(
    config: Config,
    session: RetrainSession,
    map_record: MapRecord | None,
    signed: tuple[Signature | None, RegisteredVersion | None],
    progress: Progress,
) -> tuple[Decision, Ranking | None, tuple[Place, ...], tuple[str, ...]]:
    """The decision, the map with its report, and failures; no map if that of `map_record` is up to date.

    A refusal is reported even if no map can be made from the new sources: the earlier map stays as it was.
    """
    inputs = open_inputs(config)
    decision = decide(config, session, inputs, signed, progress)
    if decision.kind == UNCHANGED and is_current(map_record, config, session, read_last_run(config)):
        return decision, None, (), ()
    if decision.keeps_map:
        kept = "the map stays as it was: no map is made of these sources"
        return decision, None, (), (kept if decision.champion else "no map is made before a person signs",)
    earlier = read_earlier(config.output_folder)
    table = decision.dataset.table if decision.dataset else None

    def report(package: Package, folder: Path) -> None:
        progress("change report")
        _report(config, inputs, earlier, decision, package, folder)

    # The report is moved in with the map, so that no map lacks its report even if the run is killed.
    try:
        ranking = rank(config, inputs, progress, decision.ledger, table, session.files, report,
                       earlier.tasks if earlier else None)  # fmt: skip
    except MlriskError as error:
        if decision.kind != REFUSED:
            raise
        return decision, None, (), (f"the map stays as it was, a new one cannot be made: {error}",)
    progress("done")
    return decision, ranking, tuple(config.output_folder / name for name in FILES), ()


def _report(
    config: Config, inputs: Inputs, earlier: Earlier | None, decision: Decision, package: Package, folder: Path
) -> None:
    changes = None
    if earlier is not None and set(earlier.cells["cell_id"]) & set(package.risk["cell_id"]):
        ledger = decision.ledger or open_ledger(config, inputs)
        districts = cell_regions(inputs.grid, inputs.sources, config.validation)
        changes = changes_between(earlier, package, _between(config, inputs, decision), districts, ledger)
    write_changes(decision, changes, package, earlier.as_of if earlier else "", folder)


def _between(config: Config, inputs: Inputs, decision: Decision) -> Floats:
    """Scores by the former model on today's features, NaN if there was none."""
    if decision.before is None:
        return np.full(inputs.grid.n_cells, np.nan)
    texts = Store.of(config).load_number(f"{config.name}.contamination", decision.before)[1]
    model = ContaminationModel.from_files(texts)
    if decision.dataset is not None:
        table = decision.dataset.table
    else:
        snapshot = Snapshot(inputs.sources, contamination_context(config))
        table = grid_feature_table(
            inputs.grid, snapshot, config.features, config.compute.tile_cells, config.compute.schedule
        )
    raw = model.ranker.raw(table.reindexed(model.ranker.features), config.compute.threads)
    return raw + model.by_place(inputs.grid.centres_m(), len(raw))
