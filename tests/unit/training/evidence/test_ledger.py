"""The ledger: any date and any interval from one laying of the records, and what stands behind a state."""

from datetime import date, timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from features.base.errors import ConfigError
from features.base.grid import Grid
from features.base.records import known_at
from features.sources.opening import Sources
from training.evidence.ledger import Ledger
from training.evidence.record_kinds import KIND_NAMES
from training.evidence.states import FOUND, SEARCHED, UNKNOWN
from training.settings.config import DeclaredArea, LabelSettings

UTM = pyproj.CRS("EPSG:32638")
EAST, NORTH, SIZE, SIDE = 500_000, 4_400_000, 250, 6
# A corner of the rectangle lies outside the area: its cells are nobody's.
AREA = box(EAST, NORTH, EAST + SIZE * SIDE, NORTH + SIZE * SIDE).difference(box(EAST, NORTH, EAST + SIZE, NORTH + SIZE))
GRID = Grid.from_area(AREA, UTM, SIZE)
FIRST, LAST = date(2015, 1, 1), date(2024, 12, 31)
EVERYTHING = LabelSettings(
    found=("find", "accident", "CHA", "SHA", "survey_found", "cleared_with_devices"),
    searched=("cleared", "reduced", "cancelled", "survey_searched"),
)


def country(seed: int, undated: float = 0.1) -> Sources:
    """Random records of every source, with dates between FIRST and LAST and some without."""
    rng = np.random.default_rng(seed)

    def days(size, missing=undated):
        days = pd.Timestamp(FIRST) + pd.to_timedelta(rng.integers(0, (LAST - FIRST).days, size), unit="D")
        return pd.Series(days).mask(rng.random(size) < missing)

    def points(size):
        return gpd.points_from_xy(*rng.uniform((EAST - 300, NORTH - 300), (EAST + 1_800, NORTH + 1_800), (size, 2)).T)

    def areas(size):
        low = rng.uniform((EAST - 200, NORTH - 200), (EAST + 1_300, NORTH + 1_300), (size, 2))
        high = low + rng.uniform(40, 700, (size, 2))
        # Many edges on the lines of the grid, so that neighbours make whole cells together.
        low, high = (np.where(rng.random((size, 2)) < 0.5, np.round(part / 125) * 125, part) for part in (low, high))
        return [box(*a, *np.maximum(b, a + 10)) for a, b in zip(low, high, strict=True)]

    def late(dates):
        return dates + pd.to_timedelta(rng.integers(0, 400, len(dates)), unit="D")

    tables = {}
    when = days(12)
    tables["finds"] = gpd.GeoDataFrame(
        {"date": when, "recorded_date": late(when), "eo_quantity": rng.integers(1, 4, 12).astype(float)},
        geometry=points(12),
    )
    when = days(6)
    tables["incidents"] = gpd.GeoDataFrame(
        {"date": when, "location_error_m": rng.choice([0.0, 100.0, 2_000.0], 6)}, geometry=points(6)
    )
    when = days(9)
    tables["hazard_areas"] = gpd.GeoDataFrame(
        {
            "hazard_type": rng.choice(["SHA", "CHA"], 9),
            "hazard_status": rng.choice(["open", "closed", "cancelled"], 9),
            "status_date": days(9),
            "record_date": when,
        },
        geometry=areas(9),
    )
    end = days(14)
    tables["land_release"] = gpd.GeoDataFrame(
        {
            "release_type": rng.choice(["cancelled", "reduced", "cleared", "marked"], 14),
            "start_date": end - pd.Timedelta(days=90),
            "end_date": end,
            "recorded_date": late(end),
            "ap_mines": rng.choice([0.0, 0.0, 1.0, 5.0], 14),
        },
        geometry=areas(14),
    )
    when = days(8)
    tables["survey"] = gpd.GeoDataFrame(
        {
            "outcome": rng.choice(["found", "searched", "unknown"], 8),
            "date": when,
            "inclusion_prob": rng.choice([np.nan, 0.02, 1.0], 8),
        },
        geometry=[*areas(4), *points(4)],
    )
    return Sources(
        grid=GRID,
        vectors={name: table.set_crs(UTM) for name, table in tables.items()},
        rasters={},
        covariates=(),
        reports=(),
    )


def filtered(sources: Sources, as_of: date) -> Sources:
    vectors = {name: known_at(table, as_of) for name, table in sources.vectors.items()}
    return Sources(
        grid=GRID,
        vectors={name: table for name, table in vectors.items() if len(table)},
        rasters={},
        covariates=(),
        reports=(),
    )


def ledger(sources: Sources, labels: LabelSettings = EVERYTHING) -> Ledger:
    return Ledger.build(GRID, sources, labels, Path())


def assert_same(one, other):
    for name in ("state", "share", "weight", "target", "bag", "released", "status", "kind", "inclusion_prob"):
        assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True), name
    assert dict(one.counts) == dict(other.counts)


SEEDS = st.integers(0, 10_000)
DAYS = st.dates(FIRST, LAST)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(SEEDS, DAYS)
def test_a_date_is_the_evidence_of_the_sources_filtered_at_that_date(seed, as_of):
    sources = country(seed)
    assert_same(ledger(sources).at(as_of), ledger(filtered(sources, as_of)).at(as_of))


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(SEEDS, DAYS, st.integers(1, 60))
def test_nothing_changes_on_days_on_which_nothing_was_recorded(seed, day, more):
    book = ledger(country(seed))
    later = day + timedelta(days=more)
    new = [
        book.entries.records[name].between(pd.Timestamp(day) + pd.Timedelta(seconds=1), pd.Timestamp(later)).any()
        for name in ("known_from", "status_from")
    ]
    if not any(new):
        assert_same(book.at(day), book.at(later))
        assert not book.between(day, later).labelled.any()
    elif new[0]:
        assert (book.known(later) & ~book.known(day)).any()


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(SEEDS, DAYS)
def test_an_interval_from_the_beginning_is_the_evidence_at_its_end(seed, until):
    book = ledger(country(seed, undated=0.0))
    assert_same(book.between(date(1900, 1, 1), until), book.at(until))


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(SEEDS, DAYS, DAYS)
def test_an_interval_is_made_of_its_own_records_alone(seed, one, other):
    after, until = min(one, other), max(one, other) + timedelta(days=1)
    sources = country(seed)
    book = ledger(sources)
    seen = book.between(after, until)
    known = book.entries.records["known_from"].to_numpy()
    mine = (known > np.datetime64(after, "ns")) & (known <= np.datetime64(until, "ns"))
    spoken = np.zeros(GRID.n_cells, dtype=bool)
    spoken[book.entries.place[mine[book.entries.record]]] = True
    assert not seen.labelled[~spoken].any()
    assert sum(seen.counts.values()) <= mine.sum()


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(SEEDS, DAYS)
def test_no_cell_is_searched_without_a_record_that_says_so(seed, as_of):
    book = ledger(country(seed))
    evidence = book.at(as_of)
    rows = book.rows(as_of)
    searched_rows = rows[rows["known"] & (rows["state"] == "searched") & (rows["weight"] > 0)]
    searched = GRID.cell_ids()[evidence.state == SEARCHED]
    assert set(searched) <= set(searched_rows["cell_id"])
    assert not evidence.state[~np.isin(GRID.cell_ids(), rows.loc[rows["known"], "cell_id"])].any()


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(SEEDS, DAYS)
def test_the_rows_of_a_cell_hold_the_weight_of_its_state(seed, as_of):
    book = ledger(country(seed))
    evidence = book.at(as_of)
    for place in np.flatnonzero(evidence.labelled)[:8]:
        rows = book.of(int(GRID.cell_ids()[place]), as_of)
        deciding = rows[rows["known"] & (rows["kind"] == KIND_NAMES[evidence.kind[place]])]
        assert np.isclose(deciding["weight"].max(), evidence.weight[place])


def one(geometry, **columns) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame([columns], geometry=[geometry], crs=UTM)


def cell(column: int, row: int, share: float = 1.0):
    west, south = EAST + SIZE * column, NORTH + SIZE * row
    return box(west, south, west + SIZE * share, south + SIZE)


def place_of(column: int, row: int) -> int:
    flat = (SIDE - 1 - row) * SIDE + column
    return int(GRID.mask.ravel()[:flat].sum())


def with_tables(**tables) -> Sources:
    return Sources(grid=GRID, vectors=tables, rasters={}, covariates=(), reports=())


def test_a_find_recorded_after_the_release_locates_its_devices_from_then_on():
    area = cell(1, 1).union(cell(2, 1))
    release = one(area, release_type="cleared", end_date=pd.Timestamp("2020-05-01"), ap_mines=1.0)
    find = one(cell(1, 1).centroid, date=pd.Timestamp("2020-04-01"), recorded_date=pd.Timestamp("2021-01-01"))
    book = ledger(with_tables(land_release=release, finds=find))
    before, later = book.at(date(2020, 12, 31)), book.at(date(2021, 1, 1))
    here, beside = place_of(1, 1), place_of(2, 1)
    assert [before.state[here], before.state[beside]] == [SEARCHED, SEARCHED]
    assert before.target[here] == before.target[beside] == 0.5
    assert [later.state[here], later.state[beside]] == [FOUND, SEARCHED]
    assert later.counts["cleared_with_devices"] == 0
    # The find's own interval holds the find alone; the release was known before.
    assert book.between(date(2020, 12, 31), date(2021, 1, 1)).labelled.sum() == 1


def test_a_release_whose_devices_were_located_before_is_searched_in_its_own_interval():
    area = cell(1, 1).union(cell(2, 1))
    release = one(area, release_type="cleared", end_date=pd.Timestamp("2020-05-01"), ap_mines=1.0)
    find = one(cell(1, 1).centroid, date=pd.Timestamp("2020-04-01"))
    season = ledger(with_tables(land_release=release, finds=find)).between(date(2020, 4, 30), date(2020, 5, 1))
    assert season.state[[place_of(1, 1), place_of(2, 1)]].tolist() == [SEARCHED, SEARCHED]
    assert season.counts["find"] == 0


def test_two_releases_cover_a_cell_together_from_the_date_of_the_second():
    halves = gpd.GeoDataFrame(
        {"release_type": ["cleared"] * 2, "end_date": pd.to_datetime(["2020-01-01", "2021-01-01"])},
        geometry=[cell(1, 1, 0.5), cell(1, 1).difference(cell(1, 1, 0.5))],
        crs=UTM,
    )
    book = ledger(with_tables(land_release=halves))
    assert not book.at(date(2020, 12, 31)).released.any()
    assert np.flatnonzero(book.at(date(2021, 1, 1)).released).tolist() == [place_of(1, 1)]
    # Twice the same half is half a cell.
    twice = halves.set_geometry([cell(1, 1, 0.5)] * 2, crs=UTM)
    assert not ledger(with_tables(land_release=twice)).at(LAST).released.any()


def test_the_share_of_a_cut_cell_is_its_covered_part():
    release = one(cell(1, 1, 0.3).union(cell(2, 2)), release_type="cleared", end_date=pd.Timestamp("2020-01-01"))
    evidence = ledger(with_tables(land_release=release)).at(LAST)
    assert evidence.share[[place_of(1, 1), place_of(2, 2)]] == pytest.approx([0.3, 1.0])


def test_drawn_cells_carry_their_probability_and_chosen_ones_none():
    survey = gpd.GeoDataFrame(
        {"outcome": ["searched", "found", "searched"], "inclusion_prob": [0.02, np.nan, 0.0]},
        geometry=[cell(1, 1), cell(2, 2), cell(3, 3)],
        crs=UTM,
    )
    evidence = ledger(with_tables(survey=survey)).at(LAST)
    drawn = evidence.inclusion_prob
    assert drawn[place_of(1, 1)] == 0.02
    assert np.isnan(np.delete(drawn, place_of(1, 1))).all()


def test_declared_land_stands_in_the_books_of_its_cells():
    labels = LabelSettings(declared_searched=(DeclaredArea(weight=0.4, reason="survey of 2020, all of it"),))
    accident = one(Point(cell(2, 2).centroid), date=pd.Timestamp("2020-01-01"))
    book = ledger(with_tables(incidents=accident), labels)
    rows = book.of(int(GRID.cell_ids()[place_of(2, 2)]), LAST)
    assert rows[["source", "state", "weight"]].to_numpy().tolist() == [
        ["incidents", "found", 1.0],
        ["config", "searched", 0.4],
    ]
    assert book.at(LAST).counts["declared_searched"] == GRID.n_cells - 1
    # A declaration of the config is not a result of any season.
    assert (book.between(FIRST, LAST).state == SEARCHED).sum() == 0


def test_a_record_that_becomes_known_later_is_in_the_books_but_counts_for_nothing():
    find = one(cell(2, 2).centroid, date=pd.Timestamp("2022-01-01"), record_id="F-1")
    book = ledger(with_tables(finds=find))
    rows = book.of(int(GRID.cell_ids()[place_of(2, 2)]), date(2021, 12, 31))
    assert rows["record_id"].tolist() == ["F-1"]
    assert not rows["known"].any()
    assert (book.at(date(2021, 12, 31)).state == UNKNOWN).all()


def test_a_cell_outside_the_area_and_an_empty_interval_are_refused():
    book = ledger(with_tables())
    outside = Grid.from_area(box(EAST, NORTH, EAST + SIZE, NORTH + SIZE), UTM, SIZE).cell_ids()[0]
    with pytest.raises(ConfigError, match="is not in the area"):
        book.of(int(outside), LAST)
    with pytest.raises(ConfigError, match=r"until \(2015-01-01\) must be later than after"):
        book.between(FIRST, FIRST)
