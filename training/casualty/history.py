"""The table of the casualty model: one row for each unit and period, with features as of the period's start."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise

import numpy as np

from features.as_of import Snapshot
from features.base import FeatureContext, Flags, Floats, Floats32, Integers, years_before
from features.table import FeatureTable, feature_infos, grid_feature_table
from training.casualty.accident_kernels import accident_kernels, kernel_names
from training.casualty.accidents import Accidents, read_accidents
from training.casualty.contamination_score import HeldOutScores
from training.casualty.exposure import People, people_today, presence
from training.casualty.units import KM2, Units, units_of
from training.evidence import Inputs, Ledger, open_ledger
from training.settings import TrainConfig

ScoreOf = Callable[[date], Floats]

INDEX, NEAR = "contamination x presence", "near an accident"

COUNTS = ("accidents", "casualties", "killed", "injured", "deminers")

# Least contamination score in the exposure: accidents also happen on land that no model records_on_cells.
LEAST_SCORE = 0.005


@dataclass(frozen=True, eq=False, kw_only=True)
class Moment:
    """The data on the units at a date: features of the trees, patterns by name, exposure.

    `values` (n_units, n_features). `patterns` (n_units, k) are relative intensities of accidents if these followed
    accidents nearby, presence, area, or contamination x presence. `exposure` (n_units,) is the presence at risk in
    person-years of one year: people to the power of `exposure_power`, times contamination where a score is known.
    """

    features: tuple[str, ...]
    values: Floats32
    pattern_names: tuple[str, ...]
    patterns: Floats
    exposure: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class UnitPeriods:
    """Rows of the casualty model: one for each unit and period, periods in order of time.

    `accidents` and `casualties` are counts, `killed` and `injured` the numbers stated by records, `deminers` accidents
    of teams, which no other column includes. `person_years` are people times years, `exposure` the presence at risk.
    `unit` numbers the units; `starts` are the days after which periods begin. `complete` is the share of each period's
    accidents that the register has. `years` is the length of a period: 1 for dated accidents, the whole span for
    undated ones.
    """

    features: tuple[str, ...]
    values: Floats32
    pattern_names: tuple[str, ...]
    patterns: Floats
    exposure: Floats
    person_years: Floats
    accidents: Floats
    casualties: Floats
    killed: Floats
    injured: Floats
    deminers: Floats
    unit: Integers
    period: Integers
    starts: tuple[date, ...]
    complete: Floats
    years: float
    dated: bool

    def kept(self, some: Flags) -> "UnitPeriods":
        """The table with only some of its rows (n,); the numbers of periods do not change."""
        arrays = ("values", "patterns", "exposure", "person_years", *COUNTS, "unit", "period")
        return replace(self, **{name: getattr(self, name)[some] for name in arrays})

    @property
    def totals(self) -> Floats:
        """Accidents in each period as recorded."""
        return np.bincount(self.period, weights=self.accidents, minlength=len(self.starts)).astype(np.float64)

    @property
    def total(self) -> int:
        """Accidents in all periods."""
        return round(float(self.accidents.sum()))


@dataclass(eq=False, kw_only=True)
class History:
    """Features, patterns and exposure of the units at any date; each moment is computed once and kept.

    `score` gives the held-out contamination score of the cells at a date, NaN where there is none.
    """

    config: TrainConfig
    inputs: Inputs
    units: Units
    people: People
    accidents: Accidents
    score: ScoreOf
    as_dated: bool | None = None
    _made: dict[tuple[date, bool], Moment] = field(default_factory=dict)

    @property
    def dated(self) -> bool:
        """Whether periods are years: according to `as_dated`, else if an accident known at as_of has a date."""
        known = self.accidents.known(self.config.as_of)
        return bool(known.dated.any()) if self.as_dated is None else self.as_dated

    def moment(self, day: date) -> Moment:
        """The units as known at the end of a day."""
        key = (day, self.dated)
        if key not in self._made:
            self._made[key] = self._moment(day)
        return self._made[key]

    def rows(self, as_of: date, until: date | None = None) -> UnitPeriods | None:
        """The table of all that was known at `as_of`; None if its periods hold no accident of the population.

        Periods of dated accidents are the years before `until` (`as_of` if none is given), and the time from then to
        `as_of`, which may be shorter than a year.
        """
        known = self.accidents.known(as_of)
        if self.dated:
            return self._dated(as_of, until or as_of, known.chosen(known.dated))
        return self._undated(as_of, known)

    def accidents_by_unit(self, accidents: Accidents, weights: Floats) -> Floats:
        """Sum of weights (n,) of the accidents by unit.

        An accident whose place is less exact than a unit is spread over the units in which it may lie, in proportion to
        a Gaussian of its location error and the people there.
        """
        exact = accidents.error_m <= np.sqrt(self.units.area_km2.mean() * KM2)
        place = self.units.of_points(*accidents.places_m.T)
        inside = exact & (place >= 0)
        count = np.bincount(place[inside], weights=weights[inside], minlength=self.units.n_units).astype(np.float64)
        centres, people = self.units.centres_m, self.units.total(self.people.near)
        for row in np.flatnonzero(~exact & (weights > 0)):
            apart2 = ((centres - accidents.places_m[row]) ** 2).sum(axis=1)
            chance = np.exp(-0.5 * apart2 / accidents.error_m[row] ** 2) * people
            if chance.sum() > 0 and apart2.min() < (3 * accidents.error_m[row]) ** 2:
                count += weights[row] * chance / chance.sum()
        return count

    def context(self, day: date) -> FeatureContext:
        """The context of features as of a day; for undated accidents each unit leaves out those of its own block."""
        if self.dated:
            return FeatureContext(day)
        return FeatureContext(day, frozenset({"incidents"}), self.config.contamination.own_block_m)

    def _moment(self, day: date) -> Moment:
        config, units = self.config, self.units
        snapshot = Snapshot(self.inputs.sources, self.context(day))
        table = unit_features(config, snapshot, units)
        density = presence(self.people, config.casualty.exposure_power)
        cell_km2 = units.cells.cell_size_m**2 / KM2
        present = units.total(density * cell_km2)
        names = ["presence", "area", *kernel_names(config.casualty, self.dated)]
        patterns = [present, units.area_km2, *accident_kernels(units, snapshot, config.casualty, self.dated).T]
        if "incidents" in config.features:
            names.append(NEAR)
            patterns.append(near_accidents(units, table))
        own = {"people_log": np.log(units.total(self.people.near) * cell_km2)}
        exposure = present
        if config.casualty.contamination_every_years:
            score = self.score(day)
            names += [INDEX, "contamination"]
            # Without a score the patterns follow people and land alone.
            more = [present, units.area_km2]
            own["contamination_mean"] = own["contamination_greatest"] = np.full(units.n_units, np.nan)
            if np.isfinite(score).any():
                filled = np.where(np.isfinite(score), score, np.nanmedian(score))
                own["contamination_mean"] = units.total(filled) / units.total(np.ones(len(filled)))
                own["contamination_greatest"] = greatest_by_unit(units, filled)
                exposure = units.total((filled + LEAST_SCORE) * density * cell_km2)
                more = [exposure, units.total(filled + LEAST_SCORE)]
            patterns += more
        values = np.column_stack([table.values, *own.values()]).astype(np.float32)
        return Moment(
            features=(*table.names, *own),
            values=values,
            pattern_names=tuple(names),
            patterns=np.column_stack(patterns),
            exposure=exposure,
        )

    def _dated(self, as_of: date, until: date, known: Accidents) -> UnitPeriods | None:
        place = self.units.of_points(*known.places_m.T)
        # A register that reaches back three years and a month has three whole years: the month must not count as a
        # fourth.
        inside = known.day[place >= 0]
        oldest = inside.min() if len(inside) else np.datetime64(until, "D")
        window = self.config.casualty.window_years
        whole = [back for back in range(1, window + 1) if np.datetime64(years_before(until, back), "D") >= oldest]
        in_window = (inside > np.datetime64(years_before(until, window), "D")).sum()
        # If accidents are few none is left out: the year of the first one counts as a whole year.
        first = 1 if len(whole) < window and in_window < self.config.casualty.fewest_accidents else 0
        ends = [years_before(until, back) for back in range(max(len(whole) + first, 1), -1, -1)]
        ends += [as_of] if until < as_of else []
        periods = list(pairwise(ends))
        moments = [self.moment(start) for start, _ in periods]
        chosen = [known.chosen(known.between(start, end)) for start, end in periods]
        complete = [known.complete(start, end, as_of) for start, end in periods]
        return self._table(moments, chosen, tuple(ends[:-1]), np.array(complete), 1.0)

    def _undated(self, as_of: date, known: Accidents) -> UnitPeriods | None:
        years = self.config.casualty.undated_years
        return self._table([self.moment(as_of)], [known], (as_of,), np.ones(1), years)

    def _table(
        self, moments: list[Moment], chosen: list[Accidents], starts: tuple[date, ...], complete: Floats, years: float
    ) -> UnitPeriods | None:
        # Early periods can lack columns (a kind of line not yet known): the model sees the columns that every period
        # has.
        features = common_names([moment.features for moment in moments])
        patterns = common_names([moment.pattern_names for moment in moments])
        n_units, n = self.units.n_units, len(moments)
        civil = [one.chosen(~one.deminer) for one in chosen]
        counts = {
            "accidents": [self.accidents_by_unit(one, np.ones(len(one))) for one in civil],
            "casualties": [self.accidents_by_unit(one, one.casualties) for one in civil],
            "killed": [self.accidents_by_unit(one, np.nan_to_num(one.killed)) for one in civil],
            "injured": [self.accidents_by_unit(one, np.nan_to_num(one.injured)) for one in civil],
            "deminers": [self.accidents_by_unit(one, one.deminer.astype(np.float64)) for one in chosen],
        }
        columns = {name: np.concatenate(parts) for name, parts in counts.items()}
        if not columns["accidents"].sum():
            return None
        people = self.units.total(self.people.near) * self.units.cells.cell_size_m**2 / KM2
        return UnitPeriods(
            features=features,
            values=np.concatenate([FeatureTable(m.features, m.values).aligned(features) for m in moments]),
            pattern_names=patterns,
            patterns=np.concatenate([m.patterns[:, [m.pattern_names.index(p) for p in patterns]] for m in moments]),
            exposure=np.concatenate([m.exposure for m in moments]) * years,
            person_years=np.tile(people * years, n),
            **columns,
            unit=np.tile(np.arange(n_units), n),
            period=np.repeat(np.arange(n), n_units),
            starts=starts,
            complete=complete,
            years=years,
            dated=self.dated,
        )


def unit_features(config: TrainConfig, snapshot: Snapshot, units: Units) -> FeatureTable:
    """The feature table of the units, without columns hidden from the model; polygons get the mean of their cells."""
    compute, families = config.compute, config.features
    grid = units.cells if units.squares is None else units.squares
    table = grid_feature_table(grid, snapshot, families, compute.tile_cells, compute.schedule)
    table = table.without("casualty.leave_out", config.casualty.leave_out, feature_infos(snapshot, families))
    return table if units.squares is not None else FeatureTable(table.names, units.mean(table.values))


def near_accidents(units: Units, table: FeatureTable) -> Floats:
    """How near each unit lies to an accident on record (n_units,): 1 there, a quarter half a unit's side away.

    Zero where no accident was known. Of few accidents it ranks the next ones better than kernels and contamination.
    """
    if "incident_distance_m" not in table.names:
        return np.zeros(units.n_units)
    away = table.values[:, table.names.index("incident_distance_m")].astype(np.float64)
    half_m = float(np.sqrt(units.area_km2.mean() * KM2)) / 2
    return np.asarray(np.where(np.isfinite(away), (1 + away / half_m) ** -2.0, 0.0))


def greatest_by_unit(units: Units, values: Floats) -> Floats:
    """Greatest value among the cells of each unit."""
    most = np.full(units.n_units, -np.inf)
    np.maximum.at(most, units.place, values)
    return most


def common_names(names: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Names that occur in all lists, in the order of the last one."""
    return tuple(name for name in names[-1] if all(name in one for one in names))


def open_history(config: TrainConfig, inputs: Inputs, ledger: Ledger | None = None) -> History | None:
    """The history of a config; None where no accident is recorded at all. The ledger is built where none is given."""
    accidents = read_accidents(inputs.sources, config.casualty)
    if accidents is None:
        return None
    ledger = ledger or open_ledger(config, inputs)
    return History(
        config=config,
        inputs=inputs,
        units=units_of(config, inputs.grid, inputs.sources),
        people=people_today(inputs.grid, inputs.sources, config.casualty),
        accidents=accidents,
        score=HeldOutScores(config, inputs, ledger),
    )
