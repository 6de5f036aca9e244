"""`mlrisk check`: the contents of the sources of a config."""

from dataclasses import dataclass

from features.as_of import Snapshot
from features.sources import SourceReport
from features.table import feature_infos
from mlrisk.settings import Config
from training.evidence import (
    STATE_NAMES,
    Inputs,
    contamination_context,
    few_searched_notes,
    open_inputs,
    open_ledger,
)


@dataclass(frozen=True, kw_only=True)
class SourceCheck:
    """The result of a check: a report of each source, the number of cells, and the evidence by state and by kind.

    `notes` warn of evidence from which little can be learned.
    `memory_gb` and `core_minutes` are what `mlrisk run` is expected to take, to about a factor of two.
    """

    reports: tuple[SourceReport, ...]
    cells: int
    evidence: dict[str, int]
    records: dict[str, int]
    memory_gb: float
    core_minutes: float
    notes: tuple[str, ...] = ()


def check(config: Config) -> SourceCheck:
    """Read every source and rebuild the evidence; writes nothing."""
    inputs = open_inputs(config)
    current = open_ledger(config, inputs).at(config.as_of)
    states = {name: int((current.state == number).sum()) for number, name in enumerate(STATE_NAMES)}
    states["released"] = int(current.released.sum())
    snapshot = Snapshot(inputs.sources, contamination_context(config))
    features = sum(set(info.sources) <= _given(inputs) for info in feature_infos(snapshot, config.features).values())
    cells = inputs.grid.n_cells
    memory_gb, core_minutes = expected_cost(config, cells, features)
    return SourceCheck(
        reports=inputs.reports, cells=cells, evidence=states, records=dict(current.counts), memory_gb=memory_gb,
        core_minutes=core_minutes, notes=few_searched_notes(current) if states["found"] else (),
    )  # fmt: skip


def expected_cost(config: Config, cells: int, features: int) -> tuple[float, float]:
    """Gigabytes and minutes of one core that a run takes, from runs of Bosnia and of the demo."""
    validation = config.validation
    folds = sum(validation.rounds if name == "as_of" else validation.folds for name in validation.protocols)
    seconds = 70 + 6 * folds + 5 * config.contamination.members + 2e-4 * cells
    return 0.6 + cells * features * 32e-9, seconds / 60


def _given(inputs: Inputs) -> set[str]:
    return {report.source for report in inputs.reports if report.rows_kept or report.source in {"dem", "land_use"}}
