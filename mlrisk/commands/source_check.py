"""`mlrisk check`: the contents of the sources of a config."""

from dataclasses import dataclass

from features.sources import SourceReport
from mlrisk.settings import Config
from training.evidence import STATE_NAMES, open_inputs, open_ledger


@dataclass(frozen=True)
class Checked:
    """The result of a check: a report of each source, the number of cells, and the evidence by state and by kind."""

    reports: tuple[SourceReport, ...]
    cells: int
    evidence: dict[str, int]
    records: dict[str, int]


def check(config: Config) -> Checked:
    """Read every source and rebuild the evidence; writes nothing."""
    inputs = open_inputs(config)
    current = open_ledger(config, inputs).at(config.as_of)
    states = {name: int((current.state == number).sum()) for number, name in enumerate(STATE_NAMES)}
    states["released"] = int(current.released.sum())
    return Checked(inputs.reports, inputs.grid.n_cells, states, dict(current.counts))
