import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point, box

import mlrisk
from features.base.errors import InputError
from mlrisk.cli import main
from mlrisk.followup.verification import grid_of, open_risk, verify
from mlrisk.outputs.geoparquet import write_parquet
from tests.support.sample_package import CELL, CRS, FORBIDDEN, sample_package
from training.validation.metrics import recall_at_area

LATER, EARLIER = "2025-03-01", "2024-05-01"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A risk map with rule columns."""
    folder = tmp_path_factory.mktemp("map")
    package = sample_package()
    north = package.risk["northing_m"]
    rules = {"front_line_distance_m": (north - north.median()).abs(), "incident_density_2km_per_km2": np.nan}
    # Without open evidence, so that every ranked cell is one on which a find is new.
    status = package.risk["status"].replace({"evidence_open": "unknown"})
    write_parquet(replace(package, risk=package.risk.assign(**rules, status=status)), folder)
    return folder


@pytest.fixture(scope="module")
def risk(folder):
    return gpd.read_parquet(folder / "risk.parquet")


def finds_of(rows: pd.DataFrame, path: Path, date: object = LATER, **columns) -> Path:
    """Points at the middles of cells, as WGS 84."""
    points = gpd.GeoDataFrame(
        {"date": date, "eo_category": [f"mine {number}" for number in range(len(rows))]} | columns,
        geometry=gpd.points_from_xy(rows["easting_m"] + 10, rows["northing_m"] - 10),
        crs=CRS,
    ).to_crs(4326)
    points.to_file(path)
    return path


@pytest.fixture(scope="module")
def chosen(risk):
    """Found cells: 60 among the best-ranked, 20 anywhere, 3 in the last tenth."""
    ranked = risk[risk["rank"].notna()].sort_values("rank")
    places = np.concatenate([np.arange(0, 600, 10), np.arange(700, 2_700, 100), len(ranked) - np.array([5, 50, 200])])
    return ranked.iloc[places]


@pytest.fixture(scope="module")
def found(chosen, tmp_path_factory):
    return finds_of(chosen, tmp_path_factory.mktemp("finds") / "finds.geojson")


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["mlrisk", "verify", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    output = capsys.readouterr()
    return ended.value.code or 0, output.out, output.err


@pytest.mark.slow
def test_recall_is_that_of_the_rank_and_missed_finds_come_first(
    monkeypatch, capsys, folder, found, risk, chosen, tmp_path
):
    json_file, html = tmp_path / "v.json", tmp_path / "v.html"
    code, out, _ = run(monkeypatch, capsys, folder, "--found", found, "--json", json_file, "--html", html)
    assert code == 0
    assert out.startswith("missed: ")
    ranked = risk[risk["rank"].notna()]
    positive = ranked["cell_id"].isin(chosen["cell_id"]).to_numpy()
    expected = recall_at_area(-ranked["rank"].to_numpy(dtype=float), positive, 0.1)
    record = json.loads(json_file.read_text())
    assert next(iter(record)) == "missed"
    assert record["rankings"][0]["ranking"] == "the map"
    assert record["rankings"][0]["recall_10"] == pytest.approx(expected)
    lower_half = ranked["rank"].to_numpy(dtype=float) > len(ranked) / 2 + 0.5
    assert len(record["missed"]) == (positive & lower_half).sum() > 0
    assert record["missed"][0]["cell_id"] == chosen["cell_id"].iloc[-3]
    page = html.read_text()
    assert re.findall(r"<h2>(.*?)</h2>", page)[0] == "Contamination the map put last"
    assert "nearest to the former front line" in page
    assert not FORBIDDEN.search(out + re.sub(r"<style>.*?</style>|data:image[^\"]*", "", page, flags=re.DOTALL))


@pytest.mark.slow
def test_the_rules_known_at_the_date_stand_beside_with_the_gain(folder, found):
    table = verify(folder, found).table.set_index("ranking")
    assert {"the map", "distance to the line", "incident density", "random order"} <= set(table.index)
    # A rule that knows nothing of any cell surveys them in any order.
    assert table.loc["incident density", "recall_10"] == pytest.approx(table.loc["random order", "recall_10"])
    gain = table.loc["the map", "recall_10"] - table.loc["distance to the line", "recall_10"]
    assert table.loc["distance to the line", "recall_10_gain"] == pytest.approx(gain)


@pytest.mark.slow
def test_without_searched_land_only_recall_is_told(monkeypatch, capsys, folder, found):
    _, out, _ = run(monkeypatch, capsys, folder, "--found", found)
    assert "unknown, never searched" in out
    assert "ROC AUC" not in out.split("Recall by area only")[0]
    assert not {"roc_auc", "pr_auc", "base_rate", "pei_10"} & set(verify(folder, found).table.columns)


@pytest.mark.slow
def test_searched_land_is_judged_by_its_share(monkeypatch, capsys, folder, found, risk, chosen, tmp_path):
    west, south, east, north = risk.total_bounds
    half = box(west - CELL, south - CELL, (west + east) / 2, north + CELL)
    gpd.GeoDataFrame({"date": [LATER]}, geometry=[half], crs=CRS).to_file(tmp_path / "s.gpkg")
    done = verify(folder, found, tmp_path / "s.gpkg")
    ranked = risk[risk["rank"].notna()]
    searched = ranked["easting_m"] < (west + east) / 2 + 0.4 * CELL
    judged = searched | ranked["cell_id"].isin(chosen["cell_id"])
    assert done.counts["judged_cells"] == judged.sum() < len(ranked)
    base = done.table["base_rate"].iloc[0]
    positive = ranked["cell_id"].isin(chosen["cell_id"]).sum()
    assert base == pytest.approx(positive / judged.sum(), rel=0.03)
    code, out, _ = run(monkeypatch, capsys, folder, "--found", found, "--searched", tmp_path / "s.gpkg")
    assert code == 0
    assert "ROC AUC" in out


@pytest.mark.slow
def test_what_was_known_at_the_date_is_set_aside(folder, chosen, tmp_path):
    dates = [EARLIER if number % 2 else LATER for number in range(len(chosen))]
    done = verify(folder, finds_of(chosen, tmp_path / "f.geojson", dates))
    assert done.counts["finds_known_at_as_of"] == len(chosen) // 2
    assert done.counts["found_cells"] == len(chosen) - len(chosen) // 2
    # An old accident that was written down after the map was made was not known to it, and the other way round.
    told_later = finds_of(chosen, tmp_path / "g.geojson", EARLIER, recorded_date=LATER)
    assert verify(folder, told_later).counts["finds_known_at_as_of"] == 0
    on_the_day = finds_of(chosen, tmp_path / "h.geojson", "2024-07-31")
    with pytest.raises(InputError, match="no find newer than the map's as_of"):
        verify(folder, on_the_day)


def test_finds_outside_and_on_unranked_land_are_counted_and_named(folder, risk, chosen, tmp_path):
    no_basis, released = risk[~risk["in_domain"]].iloc[:2], risk[risk["released"]].iloc[:1]
    away = pd.DataFrame({"easting_m": [700_000.0, 900_000.0], "northing_m": [4_400_000.0, 4_900_000.0]})
    done = verify(folder, finds_of(pd.concat([chosen, no_basis, released, away]), tmp_path / "f.geojson"))
    assert done.counts["finds_outside_the_map"] == 2
    assert sorted(done.unranked["why"]) == ["no basis to rank", "no basis to rank", "released by the authority"]
    assert done.counts["found_cells"] == len(chosen)
    # A find without a rank is never reached.
    assert done.by_find["polygons"] == len(chosen) + 3
    assert done.by_find["polygon_area_95"] < 1


def test_a_polygon_is_one_find_over_many_cells(folder, risk, tmp_path):
    best = risk[risk["rank"] == 1].iloc[0]
    shape = Point(best["easting_m"], best["northing_m"]).buffer(3 * CELL)
    gpd.GeoDataFrame({"date": [LATER]}, geometry=[shape], crs=CRS).to_file(tmp_path / "p.gpkg")
    done = verify(folder, tmp_path / "p.gpkg")
    assert done.counts["found_cells"] > 20
    assert (done.by_find["polygons"], done.by_find["polygon_recall_1"]) == (1, 1)


@pytest.mark.slow
def test_random_audits_estimate_what_was_missed(monkeypatch, capsys, folder, found, risk, tmp_path):
    ranked = risk[risk["rank"].notna()].sort_values("rank")
    low = ranked.iloc[len(ranked) // 2 + 10 :: 40]
    outcome = np.where(np.arange(len(low)) < 3, "found", "searched")
    finds_of(low, tmp_path / "a.geojson", LATER, outcome=outcome, inclusion_prob=0.025)
    done = verify(folder, found, tmp_path / "a.geojson")
    assert done.audit["missed"]["estimate"] == pytest.approx(3 / 0.025)
    assert done.audit["all"] == done.audit["missed"]
    _, out, _ = run(monkeypatch, capsys, folder, "--found", found, "--searched", tmp_path / "a.geojson")
    assert "120.0 estimated, 90 % interval" in out


def without_crs(path: Path, columns: list[str]) -> None:
    """A shapefile bare.shp beside `path` that states no CRS."""
    bare = path.parent / "bare.shp"
    gpd.read_file(path).drop(columns=columns).to_file(bare)
    bare.with_suffix(".prj").unlink()


def _csv(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.slow
def test_bad_input_ends_with_3_and_says_what_would_do(monkeypatch, capsys, folder, chosen, tmp_path):
    without_crs(finds_of(chosen, tmp_path / "f.geojson"), ["date", "eo_category"])
    metres = chosen[["easting_m", "northing_m"]].rename(columns={"easting_m": "longitude", "northing_m": "latitude"})
    far = pd.DataFrame({"easting_m": [300_000.0], "northing_m": [5_500_000.0]})
    cases = {
        "holds no record": _csv(tmp_path / "empty.csv", "longitude,latitude,date\n"),
        "--found: there is no file": tmp_path / "absent.csv",
        "--crs": tmp_path / "bare.shp",
        "no find on the map": finds_of(far, tmp_path / "far.geojson"),
        "--found": _csv(tmp_path / "metres.csv", metres.assign(date=LATER).to_csv(index=False)),
    }
    for message, path in cases.items():
        code, _, error = run(monkeypatch, capsys, folder, "--found", path)
        assert code == 3, (path, error)
        assert message in error
        assert "sources." not in error


def test_a_crs_can_be_given_and_undated_finds_are_told(folder, chosen, tmp_path):
    without_crs(finds_of(chosen, tmp_path / "f.geojson"), ["date", "eo_category"])
    done = verify(folder, tmp_path / "bare.shp", crs="EPSG:4326")
    assert done.counts["found_cells"] == len(chosen)
    assert any("without a date" in note for note in done.notes)


def test_what_is_no_risk_map_is_refused(monkeypatch, capsys, found, risk, tmp_path):
    risk.to_parquet(tmp_path / "risk.parquet")
    for path, message in (
        (tmp_path / "nothing", "does not exist"),
        (tmp_path, "is no risk map"),
        (found, "is no risk map"),
    ):
        code, _, error = run(monkeypatch, capsys, path, "--found", found)
        assert (code, message in error) == (3, True), error


@pytest.mark.slow
def test_the_grid_of_a_map_is_found_again(folder, risk):
    grid, row = grid_of(open_risk(folder)[1])
    assert grid.cell_size_m == CELL
    assert risk["cell_id"].to_numpy()[row].tolist() == grid.cell_ids().tolist()
    shuffled, row = grid_of(risk.sample(frac=1, random_state=1))
    assert shuffled.centres_m().tolist() == grid.centres_m().tolist()


def test_from_python_too(folder, found):
    assert mlrisk.verify(folder, found).counts["finds_read"] == 83


def test_a_find_where_evidence_was_open_or_land_on_record_is_no_success_of_the_ranking(risk, tmp_path):
    package = sample_package()
    first = package.risk["rank"].le(200).fillna(value=False).to_numpy(dtype=bool)
    second = package.risk["rank"].between(201, 400).fillna(value=False).to_numpy(dtype=bool)
    status = np.select([first, second], ["evidence_open", "on_record"], "unknown")
    work = np.where(second, "clearance", "non_technical_survey")
    write_parquet(replace(package, risk=package.risk.assign(status=status, work=work)), tmp_path)
    rows = package.risk[first | second | package.risk["rank"].eq(1_000).fillna(value=False)]
    done = verify(tmp_path, finds_of(rows, tmp_path / "finds.geojson"))
    assert done.counts["found_cells"] == 1
    assert done.counts["ranked_cells"] == package.risk["rank"].notna().sum() - 400
    assert set(done.unranked["why"]) == {"recorded before: evidence_open", "recorded before: on_record"}
