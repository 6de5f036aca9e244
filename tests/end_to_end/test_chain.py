"""The whole chain on a small synthetic country, run as its user runs it."""

import json
import re
import shutil
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import pytest
import rasterio

import mlrisk
from features.base import NOT_EVIDENCE
from features.base.errors import ConfigError, InputError
from mlrisk.cli import main
from mlrisk.cli.text.explain import cell_parts
from mlrisk.commands.explain_cell import explain_cell, write_story
from mlrisk.commands.rank import RISK_COLUMNS
from mlrisk.commands.reference import outputs_page
from mlrisk.ranking import scoring
from mlrisk.ranking.champions import load_champions
from tests.support.command_line import QUICK, command, command_here
from tests.support.file_columns import columns_without_a_page
from tests.support.headless import CHROMIUM, Browser
from tests.support.map_clicks import wrong_pins
from training.casualty.fitting import expected_casualties
from training.casualty.history import open_history
from training.evidence.verdicts import open_inputs
from training.registry.promotion import promote
from training.registry.store import Store
from training.settings.casualty import ACTIVITIES
from training.settings.validation import BASELINE_NAMES

# One run is judged in every way; the others need no more than what sets their probabilities.
JUDGED = (
    "validation.protocols=[as_of, leave_region_out, knndm, random]", "validation.rounds=1",
    f"validation.baselines={json.dumps(BASELINE_NAMES)}",
)  # fmt: skip


def settings(*more: str) -> list[str]:
    return [part for text in (*QUICK, *more) for part in ("--set", text)]


@pytest.fixture(scope="module")
def country(tmp_path_factory):
    return mlrisk.synthetic_country(4, cells=2_500, folder=tmp_path_factory.mktemp("country"))


@pytest.fixture(scope="module")
def run(country):
    result = command("run", country.config_path, *settings(*JUDGED))
    assert result.returncode == 0, result.stderr
    return result


@pytest.fixture(scope="module")
def outputs(country, run):
    return country.folder / "outputs"


@pytest.fixture(scope="module")
def risk(outputs):
    return mlrisk.load_risk_map(outputs)


def config(country, *more: str):
    return mlrisk.load_config(country.config_path, overrides=[*QUICK, *more])


def test_a_cell_is_explained_as_the_map_has_it(country, risk, tmp_path):
    first = risk.loc[risk["rank"] == 1].iloc[0]
    story = explain_cell(config(country), int(first["cell_id"]), code="az")
    assert (story.contamination, story.low, story.high) == pytest.approx(
        (first["contamination"], first["contamination_low"], first["contamination_high"]), abs=1e-12
    )
    assert (story.evidence, story.in_domain) == (first["evidence"], first["in_domain"])
    english = explain_cell(config(country), int(first["cell_id"]))
    assert {first["reason_1"], first["reason_2"]} - {""} <= {family.text for family in english.families}
    output = [part if isinstance(part, str) else str(part.rows) for part in cell_parts(story)]
    assert NOT_EVIDENCE in output
    assert any("Lehinə" in part for part in output)
    text, picture = write_story(story, tmp_path)
    assert json.loads(text.read_text())["cell_id"] == story.cell_id
    assert picture.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ConfigError, match="not in the area"):
        explain_cell(config(country), 1)


def test_every_file_of_the_package_is_there(outputs):
    tasks = {f"survey_tasks.{ending}" for ending in ("csv", "xlsx", "kml")}
    names = tasks | {"risk.parquet", "risk_map.tif", "risk_map.gpkg", "map.html", "summary.json"}
    assert names <= {path.name for path in outputs.iterdir()}
    assert not [path for path in outputs.parent.iterdir() if path.name.startswith(".outputs")]


def test_every_column_of_every_file_has_a_line_in_the_reference(outputs):
    assert columns_without_a_page(outputs, outputs_page()) == {}


def test_the_risk_map_has_its_columns_and_one_row_a_cell(country, risk):
    rules = ["front_line_distance_m", "incident_distance_m", "incident_density_2km_per_km2", "hazard_area_distance_m"]
    assert list(risk.columns) == [*RISK_COLUMNS, *rules, "geometry"]
    grid = open_inputs(config(country)).grid
    assert risk["cell_id"].tolist() == grid.cell_ids().tolist()
    assert risk.crs == pyproj.CRS("EPSG:32638")


def test_probabilities_lie_within_their_interval(risk):
    assert risk["contamination"].between(0, 1).all()
    assert (risk["contamination_low"] <= risk["contamination"]).all()
    assert (risk["contamination"] <= risk["contamination_high"]).all()
    assert risk["casualties_per_year"].ge(0).all()


def test_only_land_with_a_basis_is_ranked(risk):
    rankable = risk["in_domain"] & risk["work"].ne("none")
    assert risk.loc[~rankable, "rank"].isna().all()
    for _, land in risk[rankable].groupby("work"):
        assert sorted(land["rank"]) == list(range(1, len(land) + 1))


def test_the_first_cells_have_reasons_in_words(risk):
    first = risk.nsmallest(50, "rank")
    assert first["reason_1"].str.startswith("For: ").all()
    assert (risk.loc[risk["rank"] > 300, ["reason_1", "reason_2", "reason_3"]] == "").all(axis=None)


def test_the_map_finds_more_of_the_truth_than_chance(country, risk):
    with rasterio.open(country.truth_raster) as truth:
        grid = open_inputs(config(country)).grid
        contaminated = truth.read(1)[grid.mask] > 0
    best = risk["contamination_score"].rank(ascending=False) <= 0.1 * len(risk)
    assert contaminated[best.to_numpy()].sum() / contaminated.sum() > 0.2


def test_cells_sum_to_their_units(country, risk):
    settings, inputs = config(country), open_inputs(config(country))
    model, history = load_champions(settings).casualty, open_history(settings, inputs)
    scores = dict(zip(model.scored_cells.tolist(), model.scores.tolist(), strict=True))
    history.score = lambda _: np.array([scores[cell] for cell in inputs.grid.cell_ids().tolist()])
    expected, low, high = expected_casualties(model, history.moment(settings.as_of), 1)
    for name, unit in (("", expected), ("_low", low), ("_high", high)):
        assert np.allclose(history.units.total(risk[f"casualties_per_year{name}"].to_numpy()), unit, rtol=1e-9)
    assert (risk["casualties_per_year_low"] < risk["casualties_per_year"]).all()


def test_casualties_by_activity_sum_to_the_casualties_of_a_cell(risk):
    parts = risk[[f"casualties_{name}_per_year" for name in ACTIVITIES]]
    assert np.allclose(parts.sum(axis=1), risk["casualties_per_year"], rtol=1e-9)
    assert (risk["killed_per_year"] < risk["casualties_per_year"]).all()


def test_a_return_adds_danger_where_people_come_and_takes_none_away(country, risk):
    grown = risk["casualties_return_increase"]
    assert (grown >= 0).all()
    assert np.allclose(risk["casualties_per_year_if_return"], risk["casualties_per_year"] + grown)
    assert (risk["casualties_return_increase_low"] <= grown).all()
    assert (grown <= risk["casualties_return_increase_high"]).all()
    assert risk["casualties_return_increase_high"].sum() > 1.2 * risk["casualties_return_increase_low"].sum()
    towns = open_inputs(config(country)).sources.vectors["settlements"]
    coming = towns[towns["planned_population"] > towns["population"]]
    assert len(coming)
    near = risk.geometry.apply(lambda place: coming.distance(place).min()).to_numpy() < 1_500
    before = risk["casualties_per_year"].rank(ascending=False)
    after = risk["casualties_per_year_if_return"].rank(ascending=False)
    assert (before - after)[near].mean() > 0
    assert (before - after)[~near].mean() < 0
    # Where the return brings nobody, nothing but the rank may move.
    assert (grown[near] > 0).all()
    # Against the danger of today, which the accidents of elsewhere raise on other land.
    growth = grown / risk["casualties_per_year"]
    assert growth[near].mean() > 2 * growth[~near].mean()
    assert growth[near].median() > 2 * growth[~near].median()
    assert grown[near].mean() > 1.5 * grown[~near].mean()


def test_the_other_files_open(outputs, risk):
    with rasterio.open(outputs / "risk_map.tif") as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert {"contamination", "casualties_per_year", "in_domain"} <= set(raster.descriptions)
        based = risk["rank"].notna() | risk["status"].eq("released")
        assert np.isfinite(raster.read(1)).sum() == based.sum()
    layers = {name for name, _ in pyogrio.list_layers(outputs / "risk_map.gpkg")}
    assert {"ranked_cells", "survey_tasks", "known_hazards", "layer_styles"} <= layers
    assert len(gpd.read_file(outputs / "risk_map.gpkg", layer="survey_tasks")) == len(
        pd.read_csv(outputs / "survey_tasks.csv")
    )


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_each_of_the_first_twenty_pins_opens_its_own_task(outputs, tmp_path):
    browser = Browser(tmp_path)
    browser.open(outputs / "map.html")
    clicked, wrong = wrong_pins(browser, 20)
    browser.close()
    assert clicked > 5
    assert wrong == []


def test_the_summary_tells_what_ran(outputs, risk):
    summary = json.loads((outputs / "summary.json").read_text())
    assert summary["cells"] == len(risk)
    assert summary["ranked_cells"] == int(risk["rank"].notna().sum())
    assert sum(summary["evidence"].values()) == len(risk)
    rankings = {row["ranking"] for row in summary["validation"] if row["protocol"] == "leave_region_out"}
    assert {"mlrisk", "distance to the line", "distance to an incident"} <= rankings
    assert {"as_of", "leave_region_out", "knndm", "random"} == {row["protocol"] for row in summary["validation"]}
    assert all(row["base_rate"] is not None for row in summary["validation"])
    assert {model["alias"] for model in summary["models"]} == {"champion"}
    assert all(len(source["digest"]) == 64 for source in summary["inputs"])


def test_the_summary_expects_on_searched_land_what_a_search_leaves(outputs, risk):
    new = risk[risk["work"].eq("non_technical_survey")]
    chance, evidence = new["contamination"].to_numpy(), new["evidence"].to_numpy()
    missed = 0.2 * chance / (1 - 0.8 * chance)
    expected = chance[evidence == "unknown"].sum() + missed[evidence == "searched"].sum()
    assert (evidence == "searched").any()
    summary = json.loads((outputs / "summary.json").read_text())
    for figure in (summary, summary["work"]["non_technical_survey"]):
        assert figure["expected_found_cells"] == pytest.approx(expected)


def test_the_terminal_shows_the_simple_rules_beside_the_model(run):
    assert {"mlrisk", "random order"} <= {
        part for line in run.stdout.splitlines() for part in re.split(r"\s{2,}", line)
    }
    assert "Not evidence of absence" in run.stdout
    assert "hazard_areas: " in run.stdout
    assert json.loads(run.stderr.splitlines()[0])["step"]


@pytest.mark.parametrize("name", ["map.html", "survey_tasks.csv", "survey_tasks.kml", "summary.json"])
def test_text_outputs_carry_the_warning_and_promise_nothing(outputs, name):
    text = (outputs / name).read_text()
    assert "ot evidence of absence" in text
    visible = re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.DOTALL).lower()
    assert not re.search(r"\b(safe|mine-free|is clear|green)\b", visible)


def test_the_parquet_names_its_models_and_inputs(outputs, country):
    import pyarrow.parquet as pq

    notes = json.loads(pq.read_schema(outputs / "risk.parquet").metadata[b"mlrisk"])
    assert notes["as_of"] == str(config(country).as_of)
    assert "Not evidence of absence" in json.dumps(notes)
    assert notes["models"]


def test_the_same_seed_gives_the_same_bytes_in_a_fresh_store(country, outputs, tmp_path):
    copy = tmp_path / "again"
    shutil.copytree(country.folder, copy, ignore=shutil.ignore_patterns("outputs", "mlflow*"))
    again = mlrisk.load_config(
        copy / "config.yaml", overrides=[*QUICK, *JUDGED, "compute.threads=2", "output.formats=[parquet]"]
    )
    mlrisk.train(again)
    mlrisk.rank(again)
    assert (copy / "outputs" / "risk.parquet").read_bytes() == (outputs / "risk.parquet").read_bytes()


def test_tile_borders_change_no_value(country, risk, tmp_path):
    mlrisk.rank(config(country, "compute.tile_cells=19", f"output.folder={tmp_path}", "output.formats=[parquet]"))
    tiled = mlrisk.load_risk_map(tmp_path)
    for column in ("contamination", "contamination_low", "contamination_score", "casualties_per_year"):
        assert np.allclose(tiled[column], risk[column], rtol=1e-5, atol=0), column
    assert (tiled["rank"].fillna(0) == risk["rank"].fillna(0)).mean() > 0.999


def test_records_after_as_of_change_no_label_and_no_feature(country, tmp_path):
    base = config(country)
    cut = tmp_path / "cut"
    shutil.copytree(country.folder, cut, ignore=shutil.ignore_patterns("outputs", "mlflow*"))
    dropped = 0
    for name in ("incidents.csv", "finds.csv", "conflict_events.csv"):
        table = pd.read_csv(cut / name, dtype=str)
        columns = [column for column in ("date", "recorded_date") if column in table]
        late = table[columns].apply(pd.to_datetime, errors="coerce").max(axis=1) > pd.Timestamp(base.as_of)
        dropped += int(late.sum())
        table[~late].to_csv(cut / name, index=False)
    assert dropped > 0
    without = mlrisk.load_config(cut / "config.yaml", overrides=QUICK)
    pd.testing.assert_frame_equal(mlrisk.features(base), mlrisk.features(without))
    assert mlrisk.check(base).evidence == mlrisk.check(without).evidence


def test_a_failed_run_leaves_earlier_outputs_untouched(country, outputs):
    before = {path.name: path.read_bytes() for path in outputs.iterdir()}
    result = command_here("rank", country.config_path, *settings("sources.dem=missing.tif"))
    assert result.returncode == 3
    assert "missing.tif" in result.stderr
    assert {path.name: path.read_bytes() for path in outputs.iterdir()} == before


def test_a_second_training_becomes_the_challenger_and_the_champion_goes_on_ranking(country, outputs, tmp_path):
    store = Store.of(config(country))
    name = f"{config(country).name}.contamination"
    trained = mlrisk.train(config(country, "seed=7"))
    assert [version.alias for version in trained.versions] == ["challenger", "challenger"]
    champion, texts = store.load(name)
    assert champion.number == "1"
    ranking = mlrisk.rank(config(country, f"output.folder={tmp_path}", "output.formats=[parquet]"))
    assert any("version 2 is newer but not champion" in text for text in ranking.summary["warnings"])
    assert (tmp_path / "risk.parquet").read_bytes() == (outputs / "risk.parquet").read_bytes()
    assert texts["booster.txt"].startswith("tree")
    promote(store, config(country), {name: trained.versions[0].number}, "a tester")
    assert store.load(name)[0].number == trained.versions[0].number
    promote(store, config(country), {name: "1"}, "a tester")
    with pytest.raises(ConfigError, match="has no version 99"):
        promote(store, config(country), {name: "99"}, "a tester")


def first_cell(risk):
    return int(risk.loc[risk["rank"] == 1, "cell_id"].iloc[0])


@pytest.mark.parametrize(
    "words",
    [
        ("check", "CONFIG"), ("explain", "CONFIG", "--cell", "FIRST"), ("evaluate", "CONFIG"),
        ("rank", "CONFIG", "--set", "ranking.assets.dogs.number=2"), ("verify", "OUTPUTS", "--found", "FINDS"),
        ("progress", "OUTPUTS", "--found", "FINDS", "--searched", "OUTPUTS/../land_release.gpkg"),
        ("models", "list", "CONFIG"), ("models", "show", "CONFIG", "contamination", "1"),
        ("models", "compare", "CONFIG", "contamination", "1", "1"), ("runs", "list", "CONFIG"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_tables_fit_eighty_columns_with_every_cell_whole(country, outputs, risk, tmp_path, monkeypatch, words):
    monkeypatch.setenv("COLUMNS", "80")
    names = {
        "CONFIG": str(country.config_path), "FIRST": str(first_cell(risk)), "OUTPUTS": str(outputs),
        "FINDS": str(tmp_path / "finds.csv"),
    }  # fmt: skip
    finds = pd.read_csv(country.folder / "finds.csv")
    finds.rename(columns={"lon_wgs84": "longitude", "lat_wgs84": "latitude"}).to_csv(names["FINDS"], index=False)
    line = [re.sub("|".join(names), lambda found: names[found[0]], word) for word in words]
    needs_settings = "CONFIG" in words and words[0] not in ("models", "runs")
    sets = settings(f"output.folder={tmp_path}") if needs_settings else []
    report = tmp_path / "printed.json"
    result = command_here("--json", report, *line, *sets)
    assert result.returncode == 0, result.stderr
    printed = result.stdout.splitlines()
    tables = json.loads(report.read_text())["tables"]
    assert tables
    for row in (row for table in tables for row in table["rows"]):
        for cell in filter(None, row.values()):
            whole = [text for text in printed if cell in text]
            assert (whole and min(map(len, whole)) <= 80) or len(cell) > 60, cell


def test_a_changed_model_file_is_refused(country, run):
    store = Store.of(config(country))
    name = f"{config(country).name}.casualty"
    version, _ = store.load(name)
    folder = Path(store.client.get_run(version.run_id).info.artifact_uri.removeprefix("file://")) / "casualty"
    text = (folder / "scale.json").read_text()
    try:
        (folder / "scale.json").write_text(text.replace("0.", "1."))
        with pytest.raises(InputError, match="Somebody changed them"):
            store.load(name)
    finally:
        (folder / "scale.json").write_text(text)


def test_the_report_lies_in_the_run(country, run):
    store = Store.of(config(country))
    version = store.load(f"{config(country).name}.contamination")[0]
    logged = store.client.get_run(version.run_id)
    folder = Path(logged.info.artifact_uri.removeprefix("file://"))
    report = json.loads((folder / "report.json").read_text())
    assert report["optimism_gap"]["roc_auc"] is not None
    judged = {fold["protocol"] for fold in json.loads((folder / "folds.json").read_text())}
    assert judged == {"as_of", "leave_region_out", "knndm", "random"}
    for name in ("report.html", "sensitivity.csv", "validation.csv", "missed_found_cells.csv"):
        assert (folder / name).read_text().strip(), name
    assert len(logged.data.metrics) == 10
    assert json.loads((folder / "metrics.json").read_text())["leave_region_out/mean/random order/roc_auc"] == 0.5


def test_the_versions_open_with_mlflow_alone(country, run):
    import mlflow.lightgbm

    version = Store.of(config(country)).load(f"{config(country).name}.contamination")[0]
    client = Store.of(config(country)).client
    uri = client.get_run(version.run_id).info.artifact_uri
    booster = mlflow.lightgbm.load_model(f"{uri}/contamination")
    assert booster.num_trees() == 40


def test_the_features_are_written(country, tmp_path):
    result = command_here("features", country.config_path, "--out", tmp_path / "table")
    assert result.returncode == 0, result.stderr
    assert str(tmp_path / "table") in result.stdout
    table = gpd.read_parquet(tmp_path / "table")
    assert {"cell_id", "elevation_m", "front_line_distance_m"} <= set(table.columns)
    assert table.shape[1] > 40
    expected = mlrisk.features(config(country)).set_index("cell_id").loc[table["cell_id"]].reset_index()
    pd.testing.assert_frame_equal(pd.DataFrame(table.drop(columns="geometry")), expected)


def test_schedulers_and_kept_features_change_no_byte_of_the_map(country, run, tmp_path, monkeypatch):
    made = []
    for name, kept, options in (
        ("one", 1 << 29, ["compute.threads=1"]),
        ("threads", 1 << 29, ["compute.threads=2"]),
        ("processes", 0, ["compute.threads=2", "compute.scheduler=processes"]),
    ):
        monkeypatch.setattr(scoring, "MOST_KEPT_BYTES", kept)
        more = ["compute.tile_cells=19", "output.formats=[parquet]", f"output.folder={tmp_path / name}", *options]
        mlrisk.rank(config(country, *more))
        made.append((tmp_path / name / "risk.parquet").read_bytes())
    assert made[0] == made[1] == made[2]


def run_command(capsys, monkeypatch, *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command line that runs in this process."""
    monkeypatch.setattr(sys, "argv", ["mlrisk", *map(str, arguments)])
    with pytest.raises(SystemExit) as done:
        main()
    captured = capsys.readouterr()
    return done.value.code or 0, captured.out, captured.err


# Teams that are sent to any land: what is tested here is not who does which work.
ALL_WORKS = "works: [non_technical_survey, technical_survey, clearance]"


def plan_settings(folder: Path, *more: str) -> list[str]:
    brief = "output.formats=[parquet, gpkg]", f"output.folder={folder}", "ranking.explained_cells=0"
    return settings("ranking.policy=harm_per_day", "ranking.plan.working_days=20", *brief, *more)


def totals(output: str) -> dict[str, tuple[float, float]]:
    """The figures of the table of two plans, old and new."""
    lines = output[output.index("old plan and new plan") :].split("\n\n", maxsplit=1)[0].splitlines()[3:]
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines]
    return {row[0]: tuple(float(part.replace(",", "")) for part in row[1:3]) for row in rows if len(row) == 4}


def test_a_plan_is_compared_with_an_older_one_and_held_against_what_came_of_it(
    country, run, tmp_path, capsys, monkeypatch
):
    old, new = tmp_path / "old", tmp_path / "new"
    line = ["rank", country.config_path, *plan_settings(old, f"ranking.assets.dogs={{number: 4, {ALL_WORKS}}}")]
    code, output, trouble = run_command(capsys, monkeypatch, *line)
    assert code == 0, trouble
    assert "team-days: dogs 80 of 80" in output
    line = [
        "rank",
        country.config_path,
        *plan_settings(new, f"ranking.assets.dogs={{number: 12, {ALL_WORKS}}}"),
        "--compare",
        old,
    ]
    code, output, trouble = run_command(capsys, monkeypatch, *line)
    assert code == 0, trouble
    assert "tasks in: " in output
    figures = totals(output)
    spent = [json.loads((folder / "summary.json").read_text())["plan"]["totals"]["team_days"] for folder in (old, new)]
    assert spent == pytest.approx((80, 240), abs=0.1)
    # Files and the table of both plans have half days.
    files = [gpd.read_file(folder / "risk_map.gpkg", layer="survey_tasks") for folder in (old, new)]
    assert figures["team-days"] == pytest.approx([one["team_days"].sum() for one in files], abs=0.1)
    assert figures["casualties averted a year"][1] > figures["casualties averted a year"][0]
    assert figures["hectares"][1] > figures["hectares"][0]
    found, searched = tmp_path / "finds.csv", country.folder / "land_release.gpkg"
    finds = pd.read_csv(country.folder / "finds.csv")
    finds.rename(columns={"lon_wgs84": "longitude", "lat_wgs84": "latitude"}).to_csv(found, index=False)
    line = ["progress", new, "--found", found, "--searched", searched]
    code, output, trouble = run_command(capsys, monkeypatch, *line)
    assert code == 0, trouble
    assert "policy: harm_per_day" in output
    assert "expected against actual finds" in output
    n_started = int(re.search(r"tasks started: (\d+) of", output)[1])
    assert n_started > 0
    assert run_command(capsys, monkeypatch, "rank", country.config_path, "--compare", tmp_path / "none")[0] == 3


def test_plans_that_cannot_be_made_as_asked_say_what_was_done(country, run, tmp_path, capsys, monkeypatch):
    assert "no teams were entered (ranking.assets): order only, no plan" in run.stdout
    rate = "ranking.assets.dogs={number: 2, rate_m2_per_day: 0}"
    code, _, trouble = run_command(capsys, monkeypatch, "rank", country.config_path, "--set", rate)
    assert code == 2
    assert "ranking.assets.dogs.rate_m2_per_day" in trouble
    weights = "ranking.authority.weights={casualties: 3, water: 1}"
    many = plan_settings(
        tmp_path, weights, "ranking.policy=authority", f"ranking.assets.dogs={{number: 100000, {ALL_WORKS}}}"
    )
    code, output, trouble = run_command(capsys, monkeypatch, "rank", country.config_path, *many)
    assert code == 0, trouble
    assert "ranking.authority.weights sum to 4: each was divided by it" in output
    assert "of 2,000,000 team-days find no work" in output
    shut = "ranking.masks=[{reason: security, area: area.gpkg}]"
    line = plan_settings(tmp_path, shut, f"ranking.assets.dogs={{number: 4, {ALL_WORKS}}}")
    code, output, trouble = run_command(capsys, monkeypatch, "rank", country.config_path, *line)
    assert code == 0, trouble
    assert "every cell is masked or released: there is no task" in output
    assert "tasks: 0" in output


def test_check_reports_what_was_set_aside_and_writes_nothing_else(country, tmp_path):
    before = sorted(country.folder.rglob("*"))
    result = command_here("check", country.config_path, "--json", tmp_path / "check.json")
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / "check.json").read_text())
    sources = {row["source"]: row for row in report["sources"]}
    assert sources["hazard_areas"]["repaired"]
    assert sum(sum(row["set_aside"].values()) for row in sources.values()) > 0
    assert "hazard_areas" in result.stdout
    assert sorted(country.folder.rglob("*")) == before


def test_what_names_a_victim_reaches_no_output(country, tmp_path):
    canary = "Zulfiqar Canary"
    copy = tmp_path / "named"
    shutil.copytree(country.folder, copy, ignore=shutil.ignore_patterns("outputs", "mlflow*"))
    table = pd.read_csv(copy / "incidents.csv", dtype=str)
    table.assign(victim_name=canary, birth_date="1971-03-05").to_csv(copy / "incidents.csv", index=False)
    few = ("features=[front_lines, incidents, roads]", "contamination.model.n_trees=10", "casualty.model.n_trees=5")
    result = command_here("run", copy / "config.yaml", *settings(*few))
    assert result.returncode == 0, result.stderr
    assert canary not in result.stdout + result.stderr
    made = [path for folder in ("outputs", "mlflow-artifacts") for path in (copy / folder).rglob("*") if path.is_file()]
    assert made
    for path in [*made, copy / "mlflow.db"]:
        assert canary.encode() not in path.read_bytes(), path
        assert b"1971-03-05" not in path.read_bytes(), path
