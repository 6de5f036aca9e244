"""Accidents: the product of items in a cell, activities of people there, and their lack of awareness."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from features.base import Flags, Floats, Integers
from mlrisk.synthetic.ordnance import TYPES, Items
from mlrisk.synthetic.population import ACTIVITIES, ACTIVITY_SHARES
from mlrisk.synthetic.scenario import AS_OF, Kind

# Chance that an encounter sets an item off, by activity (rows) and AP mine, AT mine, UXO (columns).
TRIGGER = np.array([[1.0, 0.9, 0.35], [1.0, 0.8, 0.7], [0.9, 1.0, 0.5], [1.0, 0.9, 0.3]])
EXTRA_VICTIMS = np.array([0.1, 0.75, 0.35])  # beyond the first, by type
KILLED_SHARE = np.array([0.15, 0.30, 0.26])
MARKED = 0.4  # share of the exposure that remains where a hazard is marked
CROWDED = 12.0  # items in a cell above which people keep away from it


@dataclass(frozen=True, eq=False)
class Danger:
    """`cells` are the flat indices of all cells that ever held an item, `place` the index into them per item."""

    cells: Integers
    place: Integers
    scale: Floats  # per activity

    def rates(self, items: Items, alive: Flags, exposed: Floats, marked: Flags, aware: float) -> Floats:
        """(activities, types, cells): expected accidents a year."""
        counts = np.zeros((len(TYPES), self.cells.size))
        np.add.at(counts, (items.type[alive], self.place[alive]), 1.0)
        met = counts / (1 + counts.sum(axis=0) / CROWDED)
        people = self.scale[:, None] * exposed * np.where(marked, MARKED, 1.0) * aware
        return np.asarray(TRIGGER[:, :, None] * people[:, None, :] * met[None], dtype=np.float64)


def awareness(kind: Kind, year: int) -> float:
    """Accidents for the same exposure, relative to the year of AS_OF: fewer as people learn."""
    return float((1 - kind.learning_per_year) ** (year - AS_OF.year))


def measure_danger(kind: Kind, items: Items, exposed: Floats, n_cells: int, left_share: float) -> Danger:
    """Scale the rates so that the year of AS_OF has the number of accidents of its kind of country.

    `exposed` is the exposure at AS_OF in the cells in sorted order; `left_share` the share of the first danger that
    is expected to be left by then.
    """
    cells, place = np.unique(items.cell, return_inverse=True)
    whole = Danger(cells, place.astype(np.int64), np.ones(len(ACTIVITIES)))
    unmarked = np.zeros(cells.size, dtype=bool)
    total = whole.rates(items, np.ones(items.cell.size, dtype=bool), exposed, unmarked, 1.0).sum(axis=(1, 2))
    wanted = kind.accidents_per_40000_cells * n_cells / 40_000 / left_share
    return Danger(cells, whole.place, ACTIVITY_SHARES * wanted / total)


def casualty_rate(rates: Floats) -> Floats:
    """Expected killed and injured a year in each cell."""
    return np.asarray(np.einsum("atc,t->c", rates, 1 + EXTRA_VICTIMS), dtype=np.float64)


def draw_accidents(
    rng: np.random.Generator, year: int, items: Items, alive: Flags, danger: Danger, rates: Floats
) -> pd.DataFrame:
    """One year of accidents, one row each; `item` exploded and no longer exists."""
    total = rates.sum()
    picks = rng.choice(rates.size, size=int(rng.poisson(total)), p=rates.ravel() / total)
    activity, type_, cell = np.unravel_index(picks, rates.shape)
    there = np.flatnonzero(alive)
    key = danger.place[there] * len(TYPES) + items.type[there]
    order = np.argsort(key, kind="stable")
    there, key = there[order], key[order]
    wanted = cell * len(TYPES) + type_
    first, last = np.searchsorted(key, wanted), np.searchsorted(key, wanted, side="right")
    item = there[first + (rng.random(picks.size) * (last - first)).astype(np.int64)]
    victims = 1 + rng.poisson(EXTRA_VICTIMS[type_])
    killed = rng.binomial(victims, KILLED_SHARE[type_])
    day = np.clip(rng.normal(195, 80, picks.size), 0, 364).astype(np.int64)
    table = pd.DataFrame(
        {
            "item": item,
            "date": pd.Timestamp(date(year, 1, 1)) + pd.to_timedelta(day, unit="D"),
            "activity": np.array(ACTIVITIES)[activity],
            "device_category": np.array(TYPES)[type_],
            "killed": killed,
            "injured": victims - killed,
            "accident_class": "non_demining",
        }
    )
    return table.drop_duplicates("item").sort_values(["date", "item"], ignore_index=True)
