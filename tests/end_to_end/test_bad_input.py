"""Bad input: each mistake is named, with the exit code that a scheduler reads."""

import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine
from shapely.geometry import box

import mlrisk
from features.base.errors import ConfigError, InputError, MlriskError
from tests.support.paths import ROOT
from training.registry.store import Store

QUICK = (
    "contamination.model.n_trees=20", "contamination.members=3", "casualty.model.n_trees=10", "compute.threads=1",
    "casualty.window_years=2", "casualty.members=3", "casualty.judged_years=1", "casualty.contamination_every_years=9",
    "validation.folds=2", "validation.protocols=[leave_region_out]", "validation.explained_cells=0",
    "ranking.explained_cells=0", "output.formats=[parquet]", "validation.draws=10", "validation.picture_dpi=30",
    "validation.baselines=[random order]",
)  # fmt: skip


@pytest.fixture(scope="module")
def country(tmp_path_factory):
    return mlrisk.synthetic_country(2, cells=2_500, folder=tmp_path_factory.mktemp("country"))


def config(country, *overrides: str):
    return mlrisk.load_config(country.config_path, overrides=[*QUICK, *overrides])


def exit_code(*arguments: object) -> tuple[int, str]:
    line = [sys.executable, "-c", "from mlrisk.cli import main; main()", *map(str, arguments)]
    result = subprocess.run(line, capture_output=True, text=True, cwd=ROOT, check=False)
    return result.returncode, result.stderr


def test_exit_codes_tell_usage_config_and_data_apart(country, tmp_path):
    assert exit_code("check", country.config_path, "--no-such-option")[0] == 2
    code, text = exit_code("check", country.config_path, "--set", "grid.cell_sise_m=3")
    assert code == 2
    assert "Valid keys: crs, cell_size_m, area" in text
    code, text = exit_code("check", country.config_path, "--set", "sources.roads=nowhere.gpkg")
    assert code == 3
    assert "nowhere.gpkg" in text
    assert "Traceback" not in text


def test_a_missing_file_is_named_with_its_source(country):
    with pytest.raises(InputError, match=r"roads.*nowhere\.gpkg"):
        mlrisk.check(config(country, "sources.roads=nowhere.gpkg"))


def test_a_geopackage_that_is_none_is_refused(country, tmp_path):
    fake = tmp_path / "fake.gpkg"
    fake.write_bytes(b"this is no database" * 40)
    with pytest.raises(InputError, match=r"fake\.gpkg"):
        mlrisk.check(config(country, f"sources.roads={fake}"))


def test_a_missing_layer_is_refused_with_the_layers_there_are(country):
    with pytest.raises(InputError, match=r"settlements"):
        mlrisk.check(config(country, "sources.roads.layer=motorways"))


def test_a_layer_without_rows_drops_its_features_and_says_so(country, tmp_path):
    empty = tmp_path / "empty.gpkg"
    gpd.GeoDataFrame({"road_class": []}, geometry=gpd.GeoSeries([], crs="EPSG:32638")).to_file(empty)
    changed = config(country, f"sources.roads={{path: {empty}}}")
    report = {r.source: r for r in mlrisk.check(changed).reports}["roads"]
    assert report.rows_read == 0
    assert any("no rows" in note for note in report.notes)
    columns = set(mlrisk.features(changed).columns)
    assert "road_distance_m" not in columns
    assert "elevation_m" in columns


def rewrite_dem(country, path: Path, change) -> Path:
    with rasterio.open(country.folder / "dem.tif") as source:
        profile, values = source.profile, source.read(1)
    values, updates = change(values)
    profile.update(updates)
    with rasterio.open(path, "w", **profile) as target:
        target.write(values.astype(profile["dtype"]), 1)
    return path


def test_a_dem_in_degrees_is_warped_and_reported(country):
    report = {r.source: r for r in mlrisk.check(config(country)).reports}["dem"]
    assert any("EPSG:4326" in note for note in report.notes)
    slopes = mlrisk.features(config(country, "features=[terrain]"))["slope_deg"]
    # Degrees taken for metres would make every slope vertical.
    assert slopes.median() < 45


def test_a_dem_without_a_crs_is_refused(country, tmp_path):
    path = rewrite_dem(country, tmp_path / "dem.tif", lambda values: (values, {"crs": None}))
    with pytest.raises(InputError, match=r"dem.*crs"):
        mlrisk.check(config(country, f"sources.dem={path}"))


def test_a_dem_with_holes_stays_unknown_there_and_every_cell_is_scored(country, tmp_path):
    def hole(values):
        values = values.copy()
        rows, columns = values.shape
        values[rows // 3 : rows // 2, columns // 3 : columns // 2] = -32768
        return values, {"nodata": None}

    path = rewrite_dem(country, tmp_path / "dem.tif", hole)
    changed = config(
        country, f"sources.dem={path}", f"output.folder={tmp_path / 'out'}", f"tracking.uri=sqlite:///{tmp_path}/m.db"
    )
    elevation = mlrisk.features(changed)["elevation_m"]
    assert 0.01 < elevation.isna().mean() < 0.5
    assert elevation.min() > -500
    _, ranking = mlrisk.run(changed)
    assert ranking.package.risk["contamination"].notna().all()


def test_a_dem_elsewhere_is_refused(country, tmp_path):
    def moved(values):
        return values, {"transform": Affine(0.01, 0, -70, 0, -0.01, 10)}

    path = rewrite_dem(country, tmp_path / "dem.tif", moved)
    with pytest.raises(InputError, match="dem"):
        mlrisk.check(config(country, f"sources.dem={path}"))


def test_when_every_label_is_unknown_training_refuses(country):
    nothing = ("contamination.labels.found=[survey_found]", "contamination.labels.searched=[survey_searched]")
    with pytest.raises(InputError, match=r"every cell is unknown at 2021-12-31") as caught:
        mlrisk.train(config(country, *nothing))
    assert caught.value.exit_code == 3


def test_one_single_positive_is_refused_with_its_count(country, tmp_path):
    table = pd.read_csv(country.folder / "finds.csv", dtype=str)
    table = table[pd.to_datetime(table["recorded_date"]) < "2020-01-01"].dropna().iloc[:1]
    table.to_csv(tmp_path / "finds.csv", index=False)
    with pytest.raises(InputError, match=r"1 found cell\(s\) at 2021-12-31.*at least 20 are needed"):
        mlrisk.train(
            config(country, f"sources.finds.path={tmp_path / 'finds.csv'}", "contamination.labels.found=[find]")
        )


def test_without_searched_land_training_refuses_and_never_invents_it(country):
    with pytest.raises(InputError, match=r"0 searched cell\(s\).*never taken as searched"):
        mlrisk.train(config(country, "contamination.labels.searched=[survey_searched]"))


def test_ranking_without_a_champion_says_to_train_first(country, tmp_path):
    with pytest.raises(ConfigError, match=r"there is no such store.*Run `mlrisk train` first"):
        mlrisk.rank(config(country, f"tracking.uri=sqlite:///{tmp_path / 'empty.db'}"))


def test_a_file_store_is_refused_before_anything_runs(country):
    with pytest.raises(ConfigError, match=r"tracking\.uri \('\./mlruns'\) is a file store"):
        Store.of(config(country, "tracking.uri=./mlruns"))


def test_an_area_in_the_wrong_place_is_refused(country):
    with pytest.raises(MlriskError, match="EPSG:32718"):
        mlrisk.check(config(country, "grid.crs=EPSG:32718"))


def test_a_huge_area_is_refused_at_once(country, tmp_path):
    gpd.GeoDataFrame(geometry=[box(20, 20, 60, 60)], crs="EPSG:4326").to_file(tmp_path / "huge.gpkg")
    with pytest.raises(InputError, match=r"more than 500,000,000"):
        mlrisk.check(config(country, f"grid.area={tmp_path / 'huge.gpkg'}", "grid.cell_size_m=10"))


@pytest.fixture(scope="module")
def store(country, tmp_path_factory):
    """The setting of a store whose champion knows the country's roads."""
    setting = f"tracking.uri=sqlite:///{tmp_path_factory.mktemp('store')}/m.db"
    mlrisk.train(config(country, setting))
    return setting


def test_an_output_folder_that_cannot_be_written_is_named(country, store, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MlriskError, match=r"output\.folder .* cannot be a folder"):
        mlrisk.rank(config(country, store, f"output.folder={tmp_path / 'file' / 'out'}"))


def test_a_model_that_misses_its_source_is_refused_by_name(country, store, tmp_path):
    with pytest.raises(InputError, match=r"needs features that the sources do not give: .*road_distance_m"):
        mlrisk.rank(config(country, store, "sources.roads=null", f"output.folder={tmp_path / 'out'}"))


def test_without_any_accident_the_casualty_column_is_empty_and_said_so(country, tmp_path):
    changed = config(country, f"tracking.uri=sqlite:///{tmp_path}/m.db", "sources.incidents=null",
                     f"output.folder={tmp_path / 'out'}")  # fmt: skip
    _, ranking = mlrisk.run(changed)
    risk = ranking.package.risk
    assert risk["casualties_per_year"].isna().all()
    assert risk["casualty_index"].mean() == pytest.approx(1)
    assert ranking.summary["casualty_risk"]["kind"] == "index"
    assert any("no accident is known in the area" in text for text in ranking.package.notes.warnings)
    assert np.isfinite(ranking.package.risk["contamination"]).all()
