"""Accidents of the population as arrays: date, place, victims, activity, and the gaps of the register."""

from dataclasses import dataclass
from datetime import date, timedelta

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.base import Flags, Floats, Integers, dates_of, numbers, words
from features.sources import Sources, same_day_and_place
from training.casualty.activities import UNNAMED, activity_of
from training.settings import CasualtySettings, TrainConfig

# With fewer known delays the completeness of the last year cannot be estimated.
FEWEST_DELAYS = 30
# A register that seems to hold less than this share of a year has another fault: counts are not raised further.
LEAST_COMPLETE = 0.5


@dataclass(frozen=True, eq=False, kw_only=True)
class Accidents:
    """Accidents (n,): `day` and `recorded` as days, NaT where missing; `recorded` is never before `day`.

    `killed` and `injured` are NaN where the record does not state them, `casualties` is the number used in counts.
    `activity` indexes ACTIVITIES, UNNAMED where none is named. `deminer` accidents follow the work of teams and are
    counted separately.
    """

    places_m: Floats
    error_m: Floats
    day: NDArray[np.datetime64]
    recorded: NDArray[np.datetime64]
    killed: Floats
    injured: Floats
    casualties: Floats
    activity: Integers
    device: NDArray[np.str_]
    deminer: Flags

    def __len__(self) -> int:
        return len(self.day)

    @property
    def dated(self) -> Flags:
        """Which accidents carry a date."""
        return ~np.isnat(self.day)

    def chosen(self, rows: Flags) -> "Accidents":
        """A selection of the accidents."""
        return Accidents(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})

    def known(self, as_of: date) -> "Accidents":
        """Accidents recorded by the end of the day `as_of`; undated ones always count as recorded."""
        return self.chosen(np.isnat(self.recorded) | (self.recorded <= np.datetime64(as_of, "D")))

    def between(self, after: date, until: date) -> Flags:
        """Which accidents happened after the day `after` and by the end of `until`."""
        return np.asarray((self.day > np.datetime64(after, "D")) & (self.day <= np.datetime64(until, "D")))

    def complete(self, after: date, until: date, as_of: date) -> float:
        """Share of the accidents of a period that a register has by `as_of`, from the delays of older ones.

        Delays of accidents at least two years before `as_of` are taken as complete. The share is 1 if fewer than
        FEWEST_DELAYS are known. Never below LEAST_COMPLETE.
        """
        delay = (self.recorded - self.day) / np.timedelta64(1, "D")
        old = self.dated & (self.day <= np.datetime64(as_of - timedelta(days=731), "D")) & (delay > 0)
        if old.sum() < FEWEST_DELAYS:
            return 1.0
        delays = np.sort(delay[self.dated & (self.day <= np.datetime64(as_of - timedelta(days=731), "D"))])
        days = np.arange((until - after).days)
        waited = (as_of - after).days - 1 - days
        share = np.searchsorted(delays, waited, side="right") / len(delays)
        return float(max(share.mean(), LEAST_COMPLETE))


def read_accidents(sources: Sources, settings: CasualtySettings) -> Accidents | None:
    """All accidents of a run, one row each; None without such a source.

    Rows of one day and place are one accident whose victims were listed separately: their casualties are added up. If
    each row states the same two or more casualties, the accident was reported twice and is counted once.
    """
    table = sources.vectors.get("incidents")
    if table is None or not len(table):
        return None
    table = _one_row_each(table, settings.casualties_per_accident)
    event = dates_of(table, "date").astype("datetime64[D]")
    recorded = dates_of(table, "recorded_date").astype("datetime64[D]")
    recorded = np.where(np.isnat(recorded) | (recorded < event), event, recorded)
    killed, injured = numbers(table, "killed", np.nan), numbers(table, "injured", np.nan)
    return Accidents(
        places_m=np.column_stack([table.geometry.x, table.geometry.y]),
        error_m=numbers(table, "location_error_m", 0.0),
        day=event,
        recorded=recorded,
        killed=killed,
        injured=injured,
        casualties=casualty_count(table, settings.casualties_per_accident),
        activity=activity_of(words(table, "activity")),
        device=words(table, "device_category"),
        deminer=words(table, "accident_class") == "demining",
    )


def casualty_count(incidents: gpd.GeoDataFrame, per_accident: float) -> Floats:
    """Killed and injured of each accident; `per_accident` where the record gives neither."""
    killed, injured = numbers(incidents, "killed", np.nan), numbers(incidents, "injured", np.nan)
    known = np.isfinite(killed) | np.isfinite(injured)
    return np.where(known, np.nan_to_num(killed) + np.nan_to_num(injured), per_accident)


def accident_notes(accidents: Accidents, config: TrainConfig) -> list[str]:
    """Sentences about the register that readers of the counts must know."""
    known, settings = accidents.known(config.as_of), config.casualty
    notes = []
    if known.deminer.any():
        notes.append(f"{int(known.deminer.sum())} accidents of deminers are kept apart: they follow the work of teams")
    silent = int((np.isnan(known.killed) & np.isnan(known.injured)).sum())
    if silent:
        notes.append(
            f"{silent} of {len(known)} accidents tell neither killed nor injured: {settings.casualties_per_accident:g} "
            "casualties each (casualty.casualties_per_accident)"
        )
    undated = int((~known.dated).sum())
    if undated and known.dated.any():
        notes.append(f"{undated} accidents without a date are in no year")
    if (known.activity == UNNAMED).any():
        share = float((known.activity == UNNAMED).mean())
        notes.append(f"{share:.0%} of accidents name no activity: casualty.activity_mix stands for them")
    return notes


def _one_row_each(table: gpd.GeoDataFrame, per_accident: float) -> gpd.GeoDataFrame:
    places = np.asarray(table.geometry.to_wkb(), dtype=object)
    if not same_day_and_place(table, places).any():
        return table
    precise = np.ones(len(table), dtype=bool)
    if "date_precision" in table:
        precise = (table["date_precision"] == "day").to_numpy(dtype=bool)
    alone = ~(precise & table["date"].notna().to_numpy())
    keys = pd.DataFrame({"date": table["date"].to_numpy(), "place": places, "row": np.where(alone, table.index, -1)})
    group = keys.groupby(["date", "place", "row"], sort=False, dropna=False).ngroup().to_numpy()
    first = np.unique(group, return_index=True)[1]
    once = table.iloc[first].copy()
    count = casualty_count(table, per_accident)
    for name in ("killed", "injured"):
        if name in table:
            given = pd.Series(numbers(table, name, np.nan)).groupby(group)
            twice = given.nunique(dropna=False).eq(1) & pd.Series(count).groupby(group).min().ge(2)
            once[name] = np.where(twice, given.first(), given.sum(min_count=1))
    return once.reset_index(drop=True)
