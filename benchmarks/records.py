"""Computing time of every family of features as records grow in number and cells do not; see README.md here."""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from features.as_of import Snapshot
from features.base import FAMILY_NAMES, FeatureContext, Floats, Grid, projected_crs
from features.families import FAMILIES

CRS = projected_crs("EPSG:32638")
AS_OF = date(2022, 6, 30)
LABEL_SOURCES = frozenset({"incidents", "finds", "hazard_areas", "land_release", "survey"})
TIMES = (1, 4, 16)
# As in registers, records lie in clusters of this many on average, a few cells wide.
CLUSTER, CLUSTER_M = 100, 400.0
PEOPLE = np.array([0, 50, 1500, 9000])
# Lines that a family only crosses with its own. Where both grow on the same land, the places where they meet grow as
# the square: 16 times as many roads and rivers cross 256 times, which is the work and no fault of the code.
CROSSED = {"roads": ("rivers", "front_lines"), "front_lines": ("rivers",)}


@dataclass(frozen=True)
class Hills:
    """A raster that is a formula of the cell centre."""

    def read(self, grid: Grid, resampling: str = "auto") -> Floats:  # noqa: ARG002 as of a raster source
        """Heights (grid.shape) in metres."""
        east, north = np.meshgrid(grid.eastings_m, grid.northings_m)
        return np.asarray(900 + 300 * np.sin(east / 2900) * np.cos(north / 1700))


@dataclass(frozen=True)
class Records:
    """The parts of `Sources` that families read."""

    grid: Grid
    vectors: dict[str, gpd.GeoDataFrame]
    rasters: dict[str, Hills] = field(default_factory=lambda: {"dem": Hills()})
    covariates: tuple[gpd.GeoDataFrame, ...] = ()


def _places(rng: np.random.Generator, grid: Grid, count: int) -> Floats:
    west, south, east, north = grid.bounds
    middles = rng.uniform((west, south), (east, north), (max(1, count // CLUSTER), 2))
    return np.asarray(middles[rng.integers(0, len(middles), count)] + rng.normal(0, CLUSTER_M, (count, 2)))


def _table(rng: np.random.Generator, geometry: object, count: int, **columns: object) -> gpd.GeoDataFrame:
    days = pd.Timestamp("1992-01-01") + pd.to_timedelta(rng.integers(0, 11_000, count), unit="D")
    dates = pd.Series(days).astype("datetime64[ns]").mask(rng.random(count) < 0.2)
    return gpd.GeoDataFrame({"date": dates, **columns}, geometry=geometry, crs=CRS)


def sources_of(grid: Grid, points: int, shapes: int, seed: int = 0) -> Records:
    """Sources with that many finds, incidents and events, and that many roads, settlements, areas and lines."""
    rng = np.random.default_rng(seed)

    def point_table(count: int, **columns: object) -> gpd.GeoDataFrame:
        return _table(rng, shapely.points(_places(rng, grid, count)), count, **columns)

    def lines(count: int, **columns: object) -> gpd.GeoDataFrame:
        steps = rng.normal(0, 400, (count, 9, 2)).cumsum(axis=1)
        return _table(rng, shapely.linestrings(_places(rng, grid, count)[:, None] + steps), count, **columns)

    def areas(count: int, **columns: object) -> gpd.GeoDataFrame:
        around = shapely.buffer(shapely.points(_places(rng, grid, count)), rng.uniform(50, 300, count), quad_segs=4)
        return _table(rng, around, count, **columns)

    vectors = {
        "finds": point_table(points, eo_category=rng.choice(["APM", "mortar"], points)),
        "incidents": point_table(points, killed=rng.integers(0, 3, points), injured=rng.integers(0, 4, points)),
        "conflict_events": point_table(points, fatalities=rng.integers(0, 90, points)),
        "survey": point_table(points, outcome=rng.choice(["found", "searched"], points)),
        "settlements": point_table(shapes, population=rng.choice(PEOPLE, shapes)),
        "front_lines": lines(shapes // 10, kind=np.full(shapes // 10, "line_of_contact")),
        "roads": lines(shapes, road_class=rng.choice(["primary", "residential", "track"], shapes)),
        "rivers": lines(shapes),
        "hazard_areas": areas(shapes, hazard_type=rng.choice(["SHA", "CHA"], shapes)),
        "land_release": areas(shapes, release_type=np.full(shapes, "cleared"), ap_mines=rng.choice([0, 3], shapes)),
        "land_use": areas(shapes, land_use=rng.choice(["farmland", "forest"], shapes)),
        "minefield_records": areas(shapes),
        "control_areas": areas(shapes // 10, holder=rng.choice(["North", "South"], shapes // 10)),
    }
    return Records(grid, vectors, covariates=(gpd.GeoDataFrame(
        {"rain": rng.random(shapes)}, geometry=shapely.points(_places(rng, grid, shapes)), crs=CRS),
    ))  # fmt: skip


def with_few(sources: Records, few: Records, names: tuple[str, ...]) -> Records:
    """The sources with some of them as few as at 1 time."""
    return replace(sources, vectors=sources.vectors | {name: few.vectors[name] for name in names})


def cpu_seconds(work: Callable[[], object]) -> float:
    """Seconds of this process's CPU, all threads, that the work takes."""
    before = time.process_time()
    work()
    return time.process_time() - before


def family_seconds(sources: Records, family: str, *, labels: bool) -> float:
    """CPU seconds of one family over the whole grid, with all that it derives from the records."""
    context = FeatureContext(AS_OF, LABEL_SOURCES if labels else frozenset())
    snapshot = Snapshot(sources, context)  # type: ignore[arg-type]
    return cpu_seconds(lambda: FAMILIES[family].build(sources.grid, snapshot))


def main() -> None:
    """Print one row a family: seconds at 1, 4 and 16 times the records, and what 16 times as many cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=62_500, help="finds, incidents, events, surveys at 1 time")
    parser.add_argument("--shapes", type=int, default=2_000, help="lines, areas and settlements at 1 time")
    parser.add_argument("--side", type=int, default=128, help="cells along the side of the square of land")
    parser.add_argument("--families", nargs="+", default=list(FAMILY_NAMES), choices=FAMILY_NAMES)
    chosen = parser.parse_args()
    grid = Grid(
        crs=CRS, cell_size_m=500.0, column_min=1000, row_min=8000, mask=np.ones((chosen.side, chosen.side), dtype=bool)
    )
    cases = [("labels", family, True) for family in chosen.families]
    cases += [("plain", family, False) for family in chosen.families if family == "incident_pattern"]
    small = sources_of(grid.window(0, 16, 0, 16), 500, 40)
    for _, family, labels in cases:
        family_seconds(small, family, labels=labels)
    several = [sources_of(grid, times * chosen.points, times * chosen.shapes) for times in TIMES]
    alone = {
        family: [with_few(sources, several[0], crossed) for sources in several] for family, crossed in CROSSED.items()
    }
    print(f"| family | {' | '.join(f'{times} x' for times in TIMES)} | 16 x over 4 x |\n| --- {'| --- ' * 4}|")
    for _, family, labels in cases:
        seconds = [family_seconds(sources, family, labels=labels) for sources in alone.get(family, several)]
        print(
            f"| {family} | {' | '.join(f'{each:.2f}' for each in seconds)} | {seconds[2] / seconds[1]:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
