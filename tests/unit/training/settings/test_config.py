from datetime import date
from pathlib import Path

import pytest
import yaml

from features.base.errors import ConfigError
from features.table.compute import Compute
from mlrisk.settings.config import Config, load_config
from tests.support.paths import ROOT

SHORT = {
    "name": "somewhere",
    "as_of": date(2024, 7, 31),
    "grid": {"crs": "EPSG:32638", "cell_size_m": 250, "area": "area.gpkg"},
    "sources": {"dem": "dem.tif"},
}


def write(folder: Path, tree: object) -> Path:
    path = folder / "config.yaml"
    path.write_text(tree if isinstance(tree, str) else yaml.safe_dump(tree))
    return path


def test_ten_lines_are_enough(tmp_path):
    config = load_config(write(tmp_path, SHORT))
    assert config.sources.dem.path == "dem.tif"
    assert config.data_folder == config.home_folder == tmp_path.resolve()
    assert config.output_folder == tmp_path.resolve() / "outputs"


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.name)
def test_the_configs_that_we_ship_are_valid(path):
    assert load_config(path).name == path.stem


def test_another_data_folder_moves_the_sources_and_not_the_outputs(tmp_path):
    (tmp_path / "data").mkdir()
    config = load_config(write(tmp_path, SHORT), data=tmp_path / "data")
    assert config.data_folder == (tmp_path / "data").resolve()
    assert config.output_folder.parent == tmp_path.resolve()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sauces": {}}, r"sauces is not a key\. Did you mean sources\? Valid keys: name, as_of, grid, sources"),
        ({"grid": {**SHORT["grid"], "cell_size": 3}}, r"grid\.cell_size is not a key.*cell_size_m.*Valid keys: crs"),
        ({"validation": {"buffer": 3}}, r"validation\.buffer is not a key.*Valid keys: protocols, regions"),
        ({"contamination": {"model": {"trees": 3}}}, r"contamination\.model\.trees is not a key.*Valid keys: n_trees"),
        ({"sources": {"dems": "dem.tif"}}, r"sources\.dems is not a key\. Did you mean dem\? Valid keys: dem, front"),
        ({"features": ["terrian"]}, r"features.*terrian.*choose from terrain, drainage"),
        ({"ranking": {"policy": "best"}}, r"ranking\.policy \('best'\).*choose from contamination, casualty"),
        ({"output": {"formats": ["doc"]}}, r"output\.formats.*doc is no format: choose from parquet, cog"),
        ({"grid": {**SHORT["grid"], "cell_size_m": 0}}, r"grid\.cell_size_m \(0\): .*greater than 0"),
        ({"as_of": "yesterday"}, r"as_of \('yesterday'\)"),
        ({"name": "Über alles"}, r"name \('Über alles'\)"),
        ({"compute": {"scheduler": "dask"}}, r"compute\.scheduler \('dask'\).*choose local, processes or tcp://host"),
        ({"seed": -1}, r"seed \(-1\)"),
        ({"validation": {"buffer_m": 100}}, r"buffer_m \(100\) must be auto, 0 or at least grid\.cell_size_m \(250\)"),
        ({"validation": {"regions": {"one": [0, 0, 1, 1]}}}, r"at least two boxes"),
        ({"data_folder": "."}, r"data_folder cannot be set in a config"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_what_would_do(tmp_path, change, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(write(tmp_path, {**SHORT, **change}))
    assert caught.value.exit_code == 2


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"grid is missing"):
        load_config(write(tmp_path, {key: value for key, value in SHORT.items() if key != "grid"}))


@pytest.mark.parametrize("text", ["", "- a list", "a: [unclosed", "!!python/object/apply:os.getcwd []"])
def test_what_is_no_mapping_is_refused(tmp_path, text):
    with pytest.raises(ConfigError, match="config"):
        load_config(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml.*cannot be read"):
        load_config(tmp_path / "nowhere.yaml")


def test_overrides_reach_every_depth_and_keep_their_type(tmp_path):
    config = load_config(
        write(tmp_path, SHORT),
        overrides=[
            "grid.cell_size_m=500",
            "contamination.model.n_trees=50",
            "sources.dem.crs=EPSG:4326",
            "features=[terrain]",
        ],
    )
    assert config.grid.cell_size_m == 500
    assert config.contamination.model.n_trees == 50
    assert (config.sources.dem.path, config.sources.dem.crs) == ("dem.tif", "EPSG:4326")
    assert config.features == ("terrain",)


@pytest.mark.parametrize("text", ["grid", "=3", "name.first=x"])
def test_an_override_that_sets_nothing_is_refused(tmp_path, text):
    with pytest.raises(ConfigError, match="--set"):
        load_config(write(tmp_path, SHORT), overrides=[text])


def test_the_scheduler_reaches_the_features(tmp_path):
    config = load_config(
        write(tmp_path, SHORT), overrides=["compute.scheduler=tcp://10.0.0.7:8786", "compute.threads=3"]
    )
    assert config.compute.schedule == Compute("tcp://10.0.0.7:8786", 3)
    assert load_config(write(tmp_path, SHORT)).compute.schedule.scheduler == "local"


def test_a_config_cannot_be_edited(tmp_path):
    config = load_config(write(tmp_path, SHORT))
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 4


def test_an_unknown_baseline_is_refused_with_those_there_are(tmp_path):
    text = write(tmp_path, {**SHORT, "validation": {"baselines": ["random order", "gut feeling"]}})
    with pytest.raises(ConfigError, match=r"validation\.baselines.*gut feeling: choose from random order, distance to"):
        load_config(text)


def test_every_key_says_what_it_is():
    bare = []

    def look(model, prefix):
        for name, field in model.model_fields.items():
            inner = field.annotation if isinstance(field.annotation, type) else None
            if inner is not None and hasattr(inner, "model_fields"):
                look(inner, f"{prefix}{name}.")
            elif not field.description and prefix + name not in UNITLESS:
                bare.append(prefix + name)

    look(Config, "")
    assert not bare


# The names say it all.
UNITLESS = {f"{part}.model.{key}" for part in ("contamination", "casualty") for key in (
    "n_trees", "learning_rate", "num_leaves", "max_depth", "feature_fraction", "bagging_fraction", "lambda_l2")} | {
    "validation.protocols", "seed"}  # fmt: skip
