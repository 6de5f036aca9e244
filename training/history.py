"""The history of the units of a run: accidents, people and held-out contamination scores put together."""

from training.accidents import read_accidents
from training.config import TrainConfig
from training.contamination_score import HeldOutScores
from training.exposure import people_today
from training.inputs import Inputs
from training.ledger import Ledger
from training.unit_periods import History
from training.units import units_of


def open_history(config: TrainConfig, inputs: Inputs, ledger: Ledger | None = None) -> History | None:
    """The history of a config; None where no accident is recorded at all. The ledger is built where none is given."""
    accidents = read_accidents(inputs.sources, config.casualty)
    if accidents is None:
        return None
    labels = config.contamination.labels
    ledger = ledger or Ledger.build(inputs.grid, inputs.sources, labels, config.data_folder)
    return History(
        config,
        inputs,
        units_of(config, inputs.grid, inputs.sources),
        people_today(inputs.grid, inputs.sources, config.casualty),
        accidents,
        HeldOutScores(config, inputs, ledger),
    )
