"""Dated points for several families: places, ages, kernel densities, and the cells that own them."""

import re
from dataclasses import dataclass

import geopandas as gpd
import numpy as np

from features.as_of.own_records import own_points, point_layers
from features.as_of.snapshot import Snapshot
from features.base import Flags, Floats, Floats32, Grid, ages_years, numbers, places_m, words
from features.geometry import Layer, OwnRecordsByRule, event_count, event_densities, event_distance_m, event_least

# Words of IMSMA's device categories, of land-release forms and of the registers in data/: English and Spanish.
MINE_WORDS = frozenset({"mine", "mines", "apm", "ap", "at", "atm", "avm", "antipersonnel", "antitank", "map", "mina"})
UXO_WORDS = frozenset(
    {"uxo", "erw", "axo", "unexploded", "cluster", "submunition", "bomblet", "grenade", "mortar", "projectile"}
    | {"rocket", "missile", "bomb", "shell", "fuze", "ammunition", "muse"}
)


@dataclass(frozen=True, eq=False)
class Events:
    """The records of a source of points known at as_of, as arrays of one length."""

    table: gpd.GeoDataFrame
    places: Floats
    error_m: Floats
    age_years: Floats

    @property
    def count(self) -> int:
        """Number of records."""
        return len(self.places)

    @property
    def has_ages(self) -> bool:
        """True where at least one record is dated."""
        return bool(np.isfinite(self.age_years).any())


@dataclass(frozen=True, eq=False)
class EventsOnTile:
    """The events of a source around the cells of one tile; each cell leaves out its own."""

    tile: Grid
    events: Events
    own: OwnRecordsByRule
    parts: list[Layer]

    def distance_m(self) -> Floats32:
        """Distance to the nearest event."""
        return event_distance_m(self.tile, self.parts, self.own)

    def densities(self, weights: dict[str, Floats], bandwidth_km: float) -> dict[str, Floats]:
        """Weight per km2 of each set of weights (n,), by name."""
        stacked = np.column_stack(list(weights.values()))
        events = self.events
        sums = event_densities(self.tile, events.places, stacked, bandwidth_km * 1000.0, events.error_m, self.own)
        return dict(zip(weights, sums, strict=True))

    def count(self, radius_km: float, chosen: Flags | None = None) -> Floats:
        """Number of events within a radius, of all or of the chosen (n,)."""
        chosen = np.ones(self.events.count, dtype=bool) if chosen is None else chosen
        return event_count(self.tile, self.events.places, chosen, radius_km * 1000.0, self.own)

    def years_since(self, radius_km: float) -> Floats:
        """Years since the last dated event within a radius, NaN where there is none."""
        least = event_least(self.tile, self.events.places, self.events.age_years, radius_km * 1000.0, self.own)
        return np.where(np.isfinite(least), least, np.nan)


def events_on(tile: Grid, snapshot: Snapshot, source: str) -> EventsOnTile:
    """The events of a source for one tile."""
    own = own_points(tile, snapshot, source)
    return EventsOnTile(tile, snapshot.cached(events_of, source), own, snapshot.cached(point_layers, source))


def events_of(snapshot: Snapshot, source: str) -> Events:
    """The events of a source, computed once for all tiles."""
    table = snapshot.table(source)
    error_m = numbers(table, "location_error_m", 0.0)
    return Events(table, places_m(table), error_m, ages_years(table, snapshot.context.as_of))


def are_mines(table: gpd.GeoDataFrame, column: str) -> Flags:
    """Rows whose device or ordnance category names mines."""
    return _any_word(table, column, MINE_WORDS)


def are_uxo(table: gpd.GeoDataFrame, column: str) -> Flags:
    """Rows whose device or ordnance category names unexploded or abandoned ordnance."""
    return _any_word(table, column, UXO_WORDS)


def has_any(table: gpd.GeoDataFrame, *names: str) -> bool:
    """True where at least one of the columns has a number."""
    return any(np.isfinite(numbers(table, name, np.nan)).any() for name in names)


def has_words(table: gpd.GeoDataFrame, column: str) -> bool:
    """True where a row of the column has text."""
    return bool((words(table, column) != "").any())


def _any_word(table: gpd.GeoDataFrame, column: str, wanted: frozenset[str]) -> Flags:
    found = {text: not wanted.isdisjoint(re.split(r"[^a-z]+", text)) for text in set(words(table, column).tolist())}
    return np.array([found[text] for text in words(table, column).tolist()], dtype=bool)
