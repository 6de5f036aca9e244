"""The protocol `as_of`: what a model of an earlier date would have said of the results recorded since."""

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np

from training.config import TrainConfig
from training.evidence import FOUND, UNKNOWN
from training.inputs import Inputs
from training.judging import Trial
from training.ledger import Ledger
from training.splits import Fold, Labels, explained, judges
from training.study import study_at

DAYS_PER_YEAR = 365.25


def earlier_dates(as_of: date, horizon_years: float, rounds: int) -> tuple[tuple[date, date], ...]:
    """The dates (from, until) of each round, the earliest first; the last one ends at `as_of`.

    >>> earlier_dates(date(2024, 12, 31), 1, 2)
    ((datetime.date(2023, 1, 1), datetime.date(2024, 1, 1)), (datetime.date(2024, 1, 1), datetime.date(2024, 12, 31)))
    """
    ends = [as_of - timedelta(days=round(number * horizon_years * DAYS_PER_YEAR)) for number in range(rounds + 1)]
    return tuple((ends[number + 1], ends[number]) for number in reversed(range(rounds)))


def earlier_trials(config: TrainConfig, inputs: Inputs, ledger: Ledger) -> Iterator[Trial]:
    """One trial for each earlier date from which there is something to learn and after which something to judge.

    Labels and features are those known at the date; judged are the cells that nobody had labelled by then and that
    results recorded until the end of the horizon label. A date before which too little was known gives no trial.
    """
    settings = config.validation
    for start, until in earlier_dates(config.as_of, settings.horizon_years, settings.rounds):
        evidence = ledger.at(start)
        outcome = ledger.between(start, until)
        train = np.flatnonzero(evidence.labelled)
        test = np.flatnonzero((evidence.state == UNKNOWN) & outcome.labelled)
        found = np.where(evidence.labelled, evidence.state == FOUND, outcome.state == FOUND)
        grid = inputs.grid
        known = Labels(
            evidence.labelled | outcome.labelled, found, np.array([], dtype=object), grid.centres_m(), grid.cell_size_m
        )
        if judges(known, train) and judges(known, test):
            facts = explained(known, train, test) | {"from": str(start), "until": str(until)}
            yield Trial(Fold("as_of", str(start), train, test, facts), study_at(config, inputs, evidence), outcome)
