"""The years after the war: accidents, survey, clearance and call-outs, year by year on the remaining items."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from features.base import Flags, Floats, Integers
from mlrisk.synthetic.accidents import Danger, awareness, casualty_rate, draw_accidents
from mlrisk.synthetic.ordnance import TYPES, Items
from mlrisk.synthetic.scenario import AS_OF, YEARS_AFTER, Kind, stage_rng
from mlrisk.synthetic.survey_patches import Patches

# Share of items found in clearance (92 to 96 %), and chance that a survey visit notices a single item.
CLEARANCE_FINDS = np.array([0.93, 0.96, 0.92])
VISIT_NOTICES = np.array([0.45, 0.45, 0.3])
VISIT_NOTICES_AT_MOST = 0.93
CLEARED_PER_YEAR = 0.3  # of the open hazards
CALL_OUTS_PER_40000_CELLS = 60
DEMINING_ACCIDENT_FINDS = 800  # finds for one accident of a deminer


Days = NDArray[np.datetime64]


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The information of the authority: people by year (rates of return), suspicion by patch, exposure by year."""

    exposed: dict[int, Floats]  # (activities, cells of danger) by year
    people: dict[int, Floats]  # people near each patch, by year
    suspicion: Floats  # per patch: nearness to the lines, records


@dataclass(frozen=True, eq=False, kw_only=True)
class Aftermath:
    """Tables of what happened, in the CRS of the grid; dates are Timestamps. `alive_at_as_of` marks items."""

    accidents: pd.DataFrame
    hazards: pd.DataFrame
    releases: pd.DataFrame
    finds: pd.DataFrame
    alive_at_as_of: Flags
    casualties_at_as_of: Floats  # per cell of danger, in the year after AS_OF
    accidents_expected: dict[int, float]


class _World:
    """The state that the years change; every method is one kind of event and appends to the tables."""

    def __init__(self, kind: Kind, items: Items, patches: Patches, danger: Danger, around: Surroundings) -> None:
        self.kind, self.items, self.patches, self.danger, self.around = kind, items, patches, danger, around
        self.item_patch = patches.of(items.points)
        self.item_point = shapely.points(items.points)
        self.alive = np.ones(items.cell.size, dtype=bool)
        self.marked = np.zeros(danger.cells.size, dtype=bool)
        self.visited = np.zeros(len(patches.seeds), dtype=bool)
        self.suspected = np.zeros(len(patches.seeds), dtype=np.int64)  # number of its row in hazards, 0 without
        self.alarm = np.zeros(len(patches.seeds))  # accidents near, fading
        self.open: list[int] = []
        self.hazards: list[dict[str, object]] = []
        self.releases: list[dict[str, object]] = []
        self.finds: list[tuple[Integers, Days, Days]] = []  # items, days found, days recorded

    def suspect(self, rng: np.random.Generator, year: int, patches: Integers) -> None:
        """Desk assessment: whole patches become suspected hazardous areas."""
        for patch in patches[(self.suspected[patches] == 0) & ~self.visited[patches]]:
            day = _day(rng, year, 30, 330)
            self.suspected[patch] = self._hazard("SHA", self.patches.polygons[patch], day, int(patch), "unknown")

    def visit(self, rng: np.random.Generator, year: int, count: int) -> None:
        """Survey of the most important patches: hazards are confirmed and outlined, or land is released."""
        people = np.log1p(self.around.people[year])
        score = 0.8 * (people - people.mean()) / (people.std() + 1e-9) + 1.6 * self.around.suspicion
        score += 0.9 * (self.suspected > 0) + 0.7 * np.minimum(self.alarm, 1.5) + rng.gumbel(0, 0.9, score.size)
        score[self.visited] = -np.inf
        chosen = np.argsort(-score, kind="stable")[:count]
        chosen = np.sort(chosen[~self.visited[chosen]])
        self.visited[chosen] = True
        left = np.flatnonzero(self.alive & np.isin(self.item_patch, chosen))
        noticed = self._notice(rng, left)
        outlines = self._outline(rng, left[np.isin(self.item_patch[left], noticed)])
        self.marked[self.danger.place[left[np.isin(self.item_patch[left], noticed)]]] = True
        for patch in chosen:
            start, end = _day(rng, year, 60, 280), pd.Timedelta(days=int(rng.integers(2, 40)))
            row = int(self.suspected[patch])
            if row:
                self.hazards[row - 1]["closed"] = start + end
            if patch in outlines:
                for polygon, device in outlines[patch]:
                    self.open.append(self._hazard("CHA", polygon, start + end, int(patch), device))
                rest = shapely.difference(
                    self.patches.polygons[patch], shapely.union_all([p for p, _ in outlines[patch]])
                )
                if rng.random() < 0.65 and rest.area > 5000:
                    self._release("reduced", "TS", rest, start, start + end + pd.Timedelta(days=20), rng)
            else:
                draw = rng.random()
                how = (
                    ("cleared", "MECH")
                    if row and draw < 0.2
                    else ("reduced", "TS")
                    if draw < 0.3
                    else ("cancelled", "NTS")
                )
                self._release(*how, self.patches.polygons[patch], start, start + end, rng)

    def clear(self, rng: np.random.Generator, year: int) -> None:
        """Clearance of the open hazards nearest to people; finds are destroyed and recorded."""
        if not self.open:
            return
        queue = np.array(self.open)
        where = np.array([int(str(self.hazards[row - 1]["patch"])) for row in queue])
        need = np.log1p(self.around.people[year][where]) / 3 + self.alarm[where] + rng.gumbel(0, 0.8, queue.size)
        chosen = queue[np.argsort(-need, kind="stable")[: max(1, round(CLEARED_PER_YEAR * queue.size))]]
        self.open = [row for row in self.open if row not in set(chosen.tolist())]
        polygons = np.array([self.hazards[row - 1]["geometry"] for row in chosen])
        left = np.flatnonzero(self.alive)
        point, area = shapely.STRtree(polygons).query(self.item_point[left], predicate="within")
        point, first = np.unique(point, return_index=True)
        item, area = left[point], area[first]
        found = rng.random(item.size) < CLEARANCE_FINDS[self.items.type[item]]
        self.alive[item[found]] = False
        for number, row in enumerate(chosen):
            start = _day(rng, year, 60, 200)
            end = start + pd.Timedelta(days=int(rng.integers(10, 120)))
            here = item[found & (area == number)]
            counts = np.bincount(self.items.type[here], minlength=len(TYPES))
            method = str(rng.choice(["MANUAL", "MDD", "MECH"]))
            recorded = self._release("cleared", method, polygons[number], start, end, rng, counts)
            self.hazards[row - 1]["closed"] = end
            self._find(rng, here, start, end, recorded)
        self.marked[self.danger.place[item]] = False

    def call_outs(self, rng: np.random.Generator, year: int, n_cells: int) -> None:
        """Shells that people discover and report; a team destroys them on the spot."""
        left = np.flatnonzero(self.alive & (self.items.type == TYPES.index("UXO")))
        weight = self.around.exposed[year][:2].sum(axis=0)[self.danger.place[left]]
        count = min(round(CALL_OUTS_PER_40000_CELLS * n_cells / 40_000), int((weight > 0).sum()))
        if count == 0:
            return
        item = np.sort(rng.choice(left, size=count, replace=False, p=weight / weight.sum()))
        self.alive[item] = False
        day = np.datetime64(f"{year}-01-01", "D") + rng.integers(10, 350, count)
        self.finds.append((item, day, day + 7 + rng.exponential(45, count).astype(np.int64)))

    def accidents_of_year(self, rng: np.random.Generator, year: int) -> tuple[pd.DataFrame, Floats]:
        """A year of accidents, and the rates from which it was drawn."""
        rates = self.danger.rates(
            self.items, self.alive, self.around.exposed[year], self.marked, awareness(self.kind, year)
        )
        accidents = draw_accidents(rng, year, self.items, self.alive, self.danger, rates)
        self.alive[accidents["item"]] = False
        self.alarm *= 0.6
        np.add.at(self.alarm, self.item_patch[accidents["item"]], 1.0)
        return accidents, rates

    def _notice(self, rng: np.random.Generator, left: Integers) -> Integers:
        """Patches in which a visit notices at least one of the items `left`."""
        silent = np.zeros(len(self.patches.seeds))
        np.add.at(silent, self.item_patch[left], np.log1p(-VISIT_NOTICES[self.items.type[left]]))
        chance = np.minimum(1 - np.exp(silent), VISIT_NOTICES_AT_MOST)
        return np.flatnonzero(rng.random(chance.size) < chance)

    def _outline(self, rng: np.random.Generator, left: Integers) -> dict[int, list[tuple[shapely.Polygon, str]]]:
        """Confirmed hazardous areas by patch: the hull of the items of each field, somewhat wider."""
        key = self.item_patch[left] * (self.items.field.max() + 1) + self.items.field[left]
        left = left[np.argsort(key, kind="stable")]
        names, first, group = np.unique(np.sort(key), return_index=True, return_inverse=True)
        hulls = shapely.convex_hull(shapely.multipoints(self.items.points[left], indices=group))
        patch = self.item_patch[left[first]] if left.size else np.zeros(0, dtype=np.int64)
        wider = shapely.buffer(hulls, rng.uniform(15, 55, names.size), quad_segs=2)
        wider = shapely.intersection(wider, self.patches.polygons[patch])
        mix = np.zeros((names.size, len(TYPES)))
        np.add.at(mix, (group, self.items.type[left]), 1)
        # The first field in a patch is the noticed one; the others may be overlooked.
        kept = (rng.random(names.size) < 0.9) | (np.diff(patch, prepend=-1) != 0)
        found: dict[int, list[tuple[shapely.Polygon, str]]] = {}
        for i in np.flatnonzero(kept):
            found.setdefault(int(patch[i]), []).append((wider[i], TYPES[int(np.argmax(mix[i]))]))
        return {patch: _merged(parts) for patch, parts in found.items()}

    def _hazard(self, kind: str, polygon: shapely.Polygon, day: pd.Timestamp, patch: int, device: str) -> int:
        self.hazards.append(
            {
                "hazard_type": kind, "record_date": day, "device_category": device, "patch": patch,
                "closed": pd.NaT, "geometry": polygon,
            }
        )  # fmt: skip
        return len(self.hazards)

    def _release(
        self, kind: str, method: str, polygon: shapely.Polygon, start: pd.Timestamp, end: pd.Timestamp,
        rng: np.random.Generator, counts: Integers | None = None,
    ) -> pd.Timestamp:  # fmt: skip
        ap, at, uxo = (int(n) for n in (np.zeros(3, dtype=np.int64) if counts is None else counts))
        recorded = end + _lag(rng)
        self.releases.append(
            {
                "release_type": kind, "start_date": start, "end_date": end, "method": method,
                "clearance_depth_m": 0.2 if kind == "cleared" else np.nan, "ap_mines": ap, "at_mines": at, "uxo": uxo,
                "recorded_date": recorded, "geometry": polygon,
            }
        )  # fmt: skip
        return recorded

    def _find(
        self, rng: np.random.Generator, items: Integers, start: pd.Timestamp, end: pd.Timestamp, recorded: pd.Timestamp
    ) -> None:
        day = np.datetime64(start, "D") + rng.integers(0, (end - start).days + 1, items.size)
        self.finds.append((items, day, np.full(items.size, np.datetime64(recorded, "D"))))

    def tables(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Hazards, releases and finds of all years."""
        item, day, recorded = (np.concatenate(column) for column in zip(*self.finds, strict=True))
        finds = pd.DataFrame(
            {
                "item": item, "date": day, "eo_category": np.array(TYPES)[self.items.type[item]], "eo_quantity": 1,
                "recorded_date": recorded,
            }
        )  # fmt: skip
        return pd.DataFrame(self.hazards), pd.DataFrame(self.releases), finds


def simulate_years(
    seed: int, kind: Kind, n_cells: int, items: Items, patches: Patches, danger: Danger, around: Surroundings
) -> Aftermath:
    """All years from the end of the war to YEARS_AFTER years after AS_OF."""
    rng = stage_rng(seed, "years")
    world = _World(kind, items, patches, danger, around)
    years = range(kind.war_ended + 1, AS_OF.year + YEARS_AFTER + 1)
    quota = kind.surveyed_share * len(patches.seeds) / (AS_OF.year - kind.war_ended - 0.5)
    accidents = []
    expected = {}
    for year in years:
        table, rates = world.accidents_of_year(rng, year)
        table["recorded_date"] = table["date"] + pd.to_timedelta(rng.exponential(25, len(table)).round() + 1, unit="D")
        accidents.append(table)
        expected[year] = float(rates.sum())
        if year == AS_OF.year + 1:
            at_as_of = casualty_rate(rates)
        if year == kind.war_ended + 1:
            most = np.argsort(-around.suspicion - 0.6 * rng.gumbel(0, 0.5, around.suspicion.size), kind="stable")
            world.suspect(rng, year, most[: len(most) // 10])
        world.suspect(rng, year, np.unique(world.item_patch[table["item"]]))
        world.visit(rng, year, round(quota * (0.5 if year == years[0] else 1.0)))
        world.clear(rng, year)
        world.call_outs(rng, year, n_cells)
        if year == AS_OF.year:
            alive = world.alive.copy()
    hazards, releases, finds = world.tables()
    accidents.append(_deminers_hurt(rng, finds))
    return Aftermath(
        accidents=pd.concat(accidents).sort_values(["date", "item"], ignore_index=True),
        hazards=hazards,
        releases=releases,
        finds=finds,
        alive_at_as_of=alive,
        casualties_at_as_of=at_as_of,
        accidents_expected=expected,
    )


def _deminers_hurt(rng: np.random.Generator, finds: pd.DataFrame) -> pd.DataFrame:
    """The few finds that exploded during the work of a team; they remain finds."""
    hurt = finds.iloc[np.sort(rng.choice(len(finds), size=round(len(finds) / DEMINING_ACCIDENT_FINDS), replace=False))]
    killed = (rng.random(len(hurt)) < 0.2).astype(np.int64)
    return pd.DataFrame(
        {
            "item": hurt["item"],
            "date": hurt["date"],
            "activity": "demining",
            "device_category": hurt["eo_category"],
            "killed": killed,
            "injured": 1 - killed,
            "accident_class": "demining",
            "recorded_date": hurt["date"] + pd.Timedelta(days=1),
        }
    )


def _merged(parts: list[tuple[shapely.Polygon, str]]) -> list[tuple[shapely.Polygon, str]]:
    """Outlines that overlap become one hazard, with the device of the first of them."""
    merged = shapely.get_parts(shapely.union_all([polygon for polygon, _ in parts]))
    return [(area, next(device for polygon, device in parts if polygon.intersects(area))) for area in merged]


def _day(rng: np.random.Generator, year: int, first: int, last: int) -> pd.Timestamp:
    return pd.Timestamp(year, 1, 1) + pd.Timedelta(days=int(rng.integers(first, last)))


def _lag(rng: np.random.Generator) -> pd.Timedelta:
    """Days from an event to its record."""
    return pd.Timedelta(days=7 + int(rng.exponential(45)))
