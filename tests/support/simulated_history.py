"""A made-up register on made-up land, whose rate is known: for tests of the casualty model."""

from datetime import date

import numpy as np

from training.casualty.history import INDEX, Moment, UnitPeriods
from training.settings.casualty import CasualtySettings

SIDE, YEARS = 30, 6
N = SIDE * SIDE
FEATURES = ("danger", "noise", "contamination_mean", "contamination_greatest", "people_log")
PATTERNS = ("presence", "area", "accidents 2000 m 1 y", "accidents 2000 m", INDEX, "contamination")
BLOCK = (np.arange(N) // SIDE // 5) * 6 + (np.arange(N) % SIDE) // 5


def simulated_rows(
    seed: int = 0, accidents_a_year: float = 200.0, *, clumped: bool = False
) -> tuple[UnitPeriods, Moment, np.ndarray]:
    """The table, the units as of as_of and the true rate of a year in each unit."""
    rng = np.random.default_rng(seed)
    danger = np.exp(rng.normal(size=N))
    people = np.exp(rng.normal(3, 1, N))
    rate = danger * people
    rate *= accidents_a_year / rate.sum()
    happened = [
        rng.negative_binomial(0.05, 0.05 / (0.05 + rate)) if clumped else rng.poisson(rate) for _ in range(YEARS)
    ]
    moments = []
    for year in range(YEARS + 1):
        past = np.sum(happened[:year], axis=0) if year else np.zeros(N)
        last = happened[year - 1].astype(float) if year else np.zeros(N)
        score = danger / danger.max()
        values = np.column_stack([np.log(danger), rng.normal(size=N), score, score, np.log(people)])
        patterns = np.column_stack([people**0.6, np.ones(N), last, past, score * people**0.6, score])
        moments.append(
            Moment(
                features=FEATURES,
                values=values.astype(np.float32),
                pattern_names=PATTERNS,
                patterns=patterns.astype(float),
                exposure=patterns[:, 4],
            )
        )
    before = moments[:YEARS]
    count = np.concatenate(happened).astype(np.float64)
    rows = UnitPeriods(
        features=FEATURES, values=np.concatenate([m.values for m in before]), pattern_names=PATTERNS,
        patterns=np.concatenate([m.patterns for m in before]), exposure=np.concatenate([m.exposure for m in before]),
        person_years=np.tile(people, YEARS), accidents=count, casualties=2 * count, killed=0.5 * count,
        injured=1.5 * count, deminers=np.zeros(N * YEARS), unit=np.tile(np.arange(N), YEARS),
        period=np.repeat(np.arange(YEARS), N),
        starts=tuple(date(2010 + year, 12, 31) for year in range(YEARS)), complete=np.ones(YEARS), years=1.0,
        dated=True,
    )  # fmt: skip
    return rows, moments[YEARS], rate


def quick(**settings: object) -> CasualtySettings:
    """Settings of a small model."""
    return CasualtySettings.model_validate({"model": {"n_trees": 60, "learning_rate": 0.1}, "members": 4} | settings)
