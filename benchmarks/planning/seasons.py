"""Ten seasons in a row: plan, survey the truth, record the results, train again."""

import shutil
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.stats import rankdata

import mlrisk
from benchmarks.planning.land import ALL_WORKS, truth_of
from features.as_of import Snapshot
from features.base import Grid
from mlrisk.commands.map_columns import with_place, with_status
from mlrisk.planning import Plan, make_plan, planning_ground, with_ground
from mlrisk.ranking import cell_scores, ranked, scorer_of
from mlrisk.settings import Config
from models.contamination import ContaminationModel
from models.contamination_fit import fit_contamination
from training.contamination import dataset_at, judge_contamination, prepare_recipe, trials_of, unlabelled_land
from training.contamination.promises import with_promises
from training.evidence import Evidence, Inputs, open_inputs, open_ledger
from training.train import _training_rows
from training.validation import horvitz_thompson, judge

SEASONS = 10
AS_OF = date(2021, 12, 31)
# A season lasts less than a year: records dated after today are set aside as mistakes, so ten years are too long.
SEASON = timedelta(days=100)
# Quick models: ten seasons, two ways and five countries are a hundred trainings. Three dog teams get to a fifth of
# 4,000 cells in ten seasons: with more there is nothing to choose.
SETTINGS = (
    "compute.threads=1", "validation.protocols=[leave_region_out]", "validation.folds=3", "contamination.members=3",
    "contamination.model.n_trees=100", "ranking.policy=search", f"ranking.assets.dogs={{number: 3, {ALL_WORKS}}}",
    "ranking.plan.working_days=100", "ranking.tasks.number=200", "ranking.tasks.greatest_km2=1",
)  # fmt: skip
ARMS = {
    "exploration and audit": ("ranking.explore_share=0.1", "ranking.audit_share=0.05", "ranking.district_floor=0"),
    "pure exploitation": ("ranking.explore_share=0", "ranking.audit_share=0", "ranking.district_floor=0"),
}


@dataclass(frozen=True)
class Audit:
    """Estimate and truth of the hazards in the lower half of the ranking, from the audit of one season."""

    truth: float
    estimate: float
    low: float
    high: float

    @property
    def covers(self) -> bool:
        """Whether the interval holds the truth."""
        return self.low <= self.truth <= self.high


@dataclass(frozen=True, eq=False)
class Lived:
    """The results of ten seasons: figures, the course with one row for each season, and the last map of the cells."""

    figures: dict[str, float]
    course: pd.DataFrame
    score: np.ndarray
    unknown: np.ndarray


def ten_seasons(seed: int, cells: int, folder: Path) -> pd.DataFrame:
    """Both ways through ten seasons on the same country; one row a way.

    `recall_10` is on all land, including finds of the seasons; `recall_10_unsurveyed` is that of the last map on the
    land that neither way has surveyed, the same cells for both.
    """
    country = mlrisk.synthetic_country(seed, cells=cells, folder=folder / f"seed-{seed}")
    _forget_later(country.folder)
    lived = {}
    for arm, more in ARMS.items():
        home = folder / f"seed-{seed}-{arm.split()[0]}"
        shutil.copytree(country.folder, home)
        lived[arm] = _live(home, more, np.random.default_rng([seed, 7]))
        print(lived[arm].course.assign(seed=seed, way=arm).to_string(index=False, float_format="%.3f"), flush=True)
    truth = _truth(country.folder, open_inputs(mlrisk.load_config(country.config_path)).grid)
    same = np.logical_and.reduce([way.unknown for way in lived.values()])
    rows = [
        {
            "seed": seed, "way": arm, **way.figures, "unsurveyed_cells": int(same.sum()),
            "unsurveyed_hazards": int(truth[same].sum()),
            "recall_10_unsurveyed": judge(way.score[same], truth[same])["recall_10"],
        }
        for arm, way in lived.items()
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    print(table.to_string(index=False, float_format="%.3f"), flush=True)
    return table


def _truth(home: Path, grid: Grid) -> np.ndarray:
    return np.asarray(truth_of(home / "truth.tif", grid)["contaminated_at_as_of"].to_numpy() > 0)


def _live(home: Path, more: tuple[str, ...], rng: np.random.Generator) -> Lived:
    audits: list[Audit] = []
    course: list[dict[str, float]] = []
    left: np.ndarray | None = None
    for season in range(SEASONS + 1):
        day = AS_OF + season * SEASON
        config = mlrisk.load_config(home / "config.yaml", overrides=[*SETTINGS, *more, f"as_of={day}"])
        inputs = open_inputs(config)
        grid = inputs.grid
        truth = _truth(home, grid)
        left = truth.copy() if left is None else left
        land, barriers = _scored(config, inputs)
        score, unknown = land["contamination_score"].to_numpy(), land["evidence"].eq("unknown").to_numpy()
        course.append({"season": season, "recall_10": judge(score, truth)["recall_10"], "unknown": unknown.mean()})
        if season == SEASONS:
            break
        plan = make_plan(grid, land, config.ranking, barriers, seed=season)
        audits += _audited(plan, land, left, rng)
        hit, went = _surveyed(plan, left, rng)
        # Outside the first fifth of the unknown land lies what the map does not point at.
        aside = unknown & (score < np.quantile(score[unknown], 0.8))
        course[-1] |= _by_purpose(plan, hit, went, aside)
        left = left & ~hit
        _write_down(home, grid, plan, hit, went, day)
    table = pd.DataFrame(course)
    figures = {
        "first_recall_10": course[0]["recall_10"],
        "recall_10": course[-1]["recall_10"],
        "hazards_found": int((truth & ~left).sum()),
        "hazards": int(truth.sum()),
        "audits": len(audits),
        "audits_cover": float(np.mean([audit.covers for audit in audits])) if audits else np.nan,
        "audit_bias": float(np.mean([a.estimate - a.truth for a in audits])) if audits else np.nan,
        "audit_truth": float(np.mean([a.truth for a in audits])) if audits else np.nan,
    }
    return Lived(figures, table, score, unknown)


def _by_purpose(plan: Plan, hit: np.ndarray, went: np.ndarray, aside: np.ndarray) -> dict[str, float]:
    """Surveyed cells, found cells, and those of either that lie `aside`, of a season by what they were for."""
    purpose = plan.cells["purpose"].to_numpy()
    return {
        f"{name}_{what}": int((flags & (purpose == name)).sum())
        for name in ("survey", "explore", "audit")
        for what, flags in (
            ("cells", went),
            ("found", hit),
            ("cells_aside", went & aside),
            ("found_aside", hit & aside),
        )
    }


def _scored(config: Config, inputs: Inputs) -> tuple[pd.DataFrame, object]:
    ledger = open_ledger(config, inputs)
    evidence = ledger.at(config.as_of)
    model, snapshot = _model(config, inputs, evidence)
    scorer = replace(scorer_of(config, inputs, model, evidence), snapshot=snapshot)
    scores = cell_scores(scorer, inputs.grid, config.compute).rows
    risk = with_status(with_place(inputs.grid, evidence, scores), evidence, config.ranking.declared)
    risk = risk.assign(casualties_per_year=np.nan, reason_1="", reason_2="", reason_3="")
    ground = planning_ground(config, inputs.grid, inputs.sources)
    return ranked(with_ground(risk, ground, config), config.ranking.policy), ground.barriers


def _model(config: Config, inputs: Inputs, evidence: Evidence) -> tuple[ContaminationModel, Snapshot]:
    """The model of `mlrisk train`, without recording and reports, and the dataset of the land to score."""
    dataset = dataset_at(config, inputs, evidence)
    trials = trials_of(config, dataset, ())
    judgement = judge_contamination(config, dataset, trials, {})
    learning, recipe, _ = prepare_recipe(config, dataset, np.flatnonzero(evidence.labelled), 1)
    unlabelled = unlabelled_land(dataset.bias, dataset.learned.aligned(learning.names), learning.found, learning.weight)
    model = fit_contamination(
        _training_rows(config, dataset, learning, judgement), recipe.ranker, learning.constraints,
        config.contamination.members, config.seed, 1, unlabelled,
    )  # fmt: skip
    return with_promises(config, dataset, judgement, trials, model).model, dataset.snapshot


def _audited(plan: Plan, land: pd.DataFrame, left: np.ndarray, rng: np.random.Generator) -> list[Audit]:
    """Found hazards in the lower half of the ranking or without a rank, estimated from the drawn cells; one a season.

    The audit's frame is the land that could be drawn; the truth counts what lies there. Survey misses a part, which
    the probability of the draw times that of detection makes up for.
    """
    drawn = plan.cells["purpose"].eq("audit").to_numpy()
    chance = plan.cells["inclusion_prob"].to_numpy()
    if not drawn.any():
        return []
    rank = land["rank"].to_numpy(dtype=float, na_value=np.inf)
    low = rankdata(rank) > len(rank) / 2
    frame = np.isfinite(chance)
    detection = plan.cells["season_detection"].to_numpy()[drawn]
    seen = left[drawn] & (rng.random(int(drawn.sum())) < detection)
    figures = horvitz_thompson(seen & low[drawn], chance[drawn] * detection)
    truth = float((left & low & frame).sum())
    return [Audit(truth, figures["estimate"], figures["estimate_low"], figures["estimate_high"])]


def _surveyed(plan: Plan, left: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Cells in which ordnance was found, and cells that teams went to (a part of those that are covered in part)."""
    chance = plan.cells["season_detection"].to_numpy()
    whole = np.minimum(chance / 0.8, 1.0)
    went = rng.random(len(chance)) < whole
    hit = went & left & (rng.random(len(chance)) < np.where(whole > 0, chance / np.maximum(whole, 1e-9), 0))
    return hit, went


def _write_down(home: Path, grid: Grid, plan: Plan, hit: np.ndarray, went: np.ndarray, start: date) -> None:
    """Finds as points and as land cleared with its devices, the rest of the surveyed cells as land reduced.

    Hazard areas are redrawn without what was surveyed, as an authority does: land of an open hazard area stays found
    whatever was not found there, and teams would be sent to it again every season. Audit cells carry the probability of
    their draw: without it training would take them for land that people chose.
    """
    centres, half = grid.centres_m(), grid.cell_size_m / 2
    begins = pd.Timestamp(start) + pd.Timedelta(days=1)
    ends = begins + SEASON - pd.Timedelta(days=10)
    rows = np.flatnonzero(went)
    east, north = centres[rows].T
    drawn = plan.cells["purpose"].eq("audit").to_numpy()[rows]
    release = gpd.read_file(home / "land_release.gpkg")
    news = pd.DataFrame(
        {
            "release_type": np.where(hit[rows], "cleared", "reduced"),
            "start_date": begins,
            "end_date": ends,
            "method": "MDD",
            "ap_mines": hit[rows].astype(int),
            "at_mines": 0,
            "uxo": 0,
            "recorded_date": ends + pd.Timedelta(days=5),
            "inclusion_prob": np.where(drawn, plan.cells["inclusion_prob"].to_numpy()[rows], np.nan),
            "chosen_by": np.where(drawn, "chance", "model"),
        }
    )
    squares = shapely.box(east - half, north - half, east + half, north + half)
    pd.concat([release, gpd.GeoDataFrame(news, geometry=squares, crs=release.crs)], ignore_index=True).to_file(
        home / "land_release.gpkg", driver="GPKG"
    )
    areas = gpd.read_file(home / "hazard_areas.gpkg")
    rest = areas.geometry.to_crs(release.crs).make_valid().difference(shapely.union_all(squares).buffer(1.0))
    areas.geometry = rest.to_crs(areas.crs)
    areas[~areas.geometry.is_empty].to_file(home / "hazard_areas.gpkg", driver="GPKG")
    finds = pd.read_csv(home / "finds.csv")
    places = gpd.GeoSeries(gpd.points_from_xy(*centres[hit].T), crs=grid.crs).to_crs("EPSG:4326")
    more = pd.DataFrame(
        {
            "lon_wgs84": places.x.to_numpy(), "lat_wgs84": places.y.to_numpy(), "date": ends.date(),
            "item_class": "AP mine", "eo_quantity": 1, "recorded_date": ends.date() + timedelta(days=5),
        }
    )  # fmt: skip
    pd.concat([finds, more], ignore_index=True).to_csv(home / "finds.csv", index=False)


def _forget_later(folder: Path) -> None:
    """Take the authority's own later records out of the files: from as_of on, only the plan's survey is recorded."""
    day = pd.Timestamp(AS_OF)
    for name, column in (("finds.csv", "recorded_date"), ("incidents.csv", "recorded_date")):
        table = pd.read_csv(folder / name)
        days = pd.to_datetime(table[column], errors="coerce")
        table[~(days > day)].to_csv(folder / name, index=False)
    for name, column in (("land_release.gpkg", "recorded_date"), ("hazard_areas.gpkg", "created")):
        layer = gpd.read_file(folder / name)
        days = pd.to_datetime(layer[column], errors="coerce").dt.tz_localize(None)
        layer[~(days > day)].to_file(folder / name, driver="GPKG")
