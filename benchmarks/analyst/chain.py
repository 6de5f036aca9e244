"""The whole chain: files, columns, two models of scikit-learn, reasons by shap, a map by folium.

From a config it takes paths, names of columns, kinds of labels and the date. It writes `peer.parquet`, `peer.gpkg` and
`peer.html`. It needs a Python with rasterstats and folium, and imports nothing of mlrisk.
"""

import argparse
import json
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import yaml
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GroupKFold

from benchmarks.analyst.columns import LINES, POINTS, densities, distances, land_cover, terrain
from benchmarks.analyst.frame import Array, frame_of
from benchmarks.analyst.records import labels, read

BLOCK_M = 2_500
ON_MAP = 2_000

Facts = dict[str, float]


def step(name: str) -> None:
    """Say that a step begins, as `mlrisk` does."""
    sys.stderr.write(json.dumps({"step": name}) + "\n")
    sys.stderr.flush()


def fitted(values: Array, found: Array, group: Array, threads: int, seed: int = 0) -> tuple[dict[str, Any], Facts]:
    """Both models fitted on all labels, and the mean precision of each on blocks of land that it has not seen."""
    models = {
        "boosting": HistGradientBoostingClassifier(
            max_iter=200, learning_rate=0.05, max_leaf_nodes=15, min_samples_leaf=20, l2_regularization=1.0,
            random_state=seed,
        ),
        "forest": RandomForestClassifier(
            300, min_samples_leaf=5, class_weight="balanced_subsample", n_jobs=threads, random_state=seed
        ),
    }  # fmt: skip
    judged: Facts = {}
    for name, model in models.items():
        figures = []
        for learn, test in GroupKFold(5).split(values, found, group):
            if 0 < found[learn].sum() < len(learn) and found[test].any():
                score = model.fit(values[learn], found[learn]).predict_proba(values[test])[:, 1]
                figures.append(average_precision_score(found[test], score))
        judged[name] = round(float(np.mean(figures)), 4) if figures else 0.0
    return {name: model.fit(values, found) for name, model in models.items()}, judged


def reasons(model: Any, table: pd.DataFrame, first: Array) -> list[str]:
    """The three features that weigh most in the score of each of the first cells, by shap."""
    import shap

    rows = table.to_numpy()[first]
    weights = np.asarray(shap.TreeExplainer(model).shap_values(rows, check_additivity=False))
    weights = weights[..., 1] if weights.ndim == 3 else weights  # of a forest by class
    most = np.argsort(-np.abs(weights), axis=1)[:, :3]
    return [
        "; ".join(f"{table.columns[at]} {rows[n, at]:.3g} ({weights[n, at]:+.2f})" for at in places)
        for n, places in enumerate(most)
    ]


def write_map(table: gpd.GeoDataFrame, folder: Path) -> None:
    """All cells as GeoPackage, the first ones on a page of folium."""
    import folium

    table.to_file(folder / "peer.gpkg", driver="GPKG", layer="cells")
    shown = table[table["place"] <= ON_MAP].to_crs("EPSG:4326")
    middle = shown.geometry.union_all().centroid
    page = folium.Map(location=[middle.y, middle.x], zoom_start=10)
    folium.Choropleth(
        geo_data=shown[["place", "geometry"]].to_json(), data=shown, columns=["place", "score"],
        key_on="feature.properties.place", fill_color="YlOrRd", line_weight=0, legend_name="score",
    ).add_to(page)  # fmt: skip
    tip = folium.GeoJsonTooltip(["place", "score", "reasons"])
    folium.GeoJson(
        shown[["place", "score", "reasons", "geometry"]].to_json(), style_function=lambda _: {"weight": 0}, tooltip=tip
    ).add_to(page)
    page.save(str(folder / "peer.html"))


def chain(settings: Mapping[str, Any], data: Path, out: Path, threads: int, explained: int) -> None:
    """The whole chain, from the files to the map."""
    step("sources")
    frame = frame_of(settings, data)
    names = {*LINES, *POINTS, "land_use", "finds", "hazard_areas", "land_release"}
    tables = {name: read(settings, data, name) for name in sorted(names)}
    step("evidence")
    found, searched = labels(frame, settings, tables)
    step("features")
    dem = settings["sources"]["dem"]
    columns = terrain(frame, data / (dem if isinstance(dem, str) else dem["path"]), out)
    columns |= distances(frame, tables) | densities(frame, tables) | land_cover(frame, tables["land_use"])
    table = pd.DataFrame(columns)
    step("model and validation")
    labelled, centres = (found | searched)[frame.mask], frame.centres()
    block = np.unique(np.floor(centres[labelled] / BLOCK_M), axis=0, return_inverse=True)[1].reshape(-1)
    models, judged = fitted(table.to_numpy()[labelled], found[frame.mask][labelled], block, threads)
    chosen = max(judged, key=lambda name: judged[name])
    step("scores")
    scores = {name: model.predict_proba(table.to_numpy())[:, 1] for name, model in models.items()}
    score = scores[chosen]
    order = np.argsort(-score, kind="stable")
    place = np.empty(len(score), dtype=int)
    place[order] = np.arange(1, len(score) + 1)
    step("reasons")
    texts = np.full(len(score), "", dtype=object)
    texts[order[:explained]] = reasons(models[chosen], table, order[:explained])
    step("map")
    half = frame.size_m / 2
    cells = shapely.box(*(centres - half).T, *(centres + half).T)
    result = pd.DataFrame({"easting_m": centres[:, 0], "northing_m": centres[:, 1], "score": score, "place": place})
    result.assign(labelled=labelled, **scores, **columns).to_parquet(out / "peer.parquet")
    write_map(gpd.GeoDataFrame(result.assign(reasons=texts), geometry=cells, crs=frame.crs), out)
    facts = {"cells": len(score), "found": int((found & frame.mask).sum()), "labelled": int(labelled.sum())}
    sys.stdout.write(json.dumps(facts | {"features": len(columns), "chosen": chosen, **judged}) + "\n")


def main() -> None:
    """Run the chain on the files of a config."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, help="folder of relative source paths")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--explained", type=int, default=2_000, help="the first so many cells get reasons")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    chosen.out.mkdir(parents=True, exist_ok=True)
    settings = yaml.safe_load(chosen.config.read_text(encoding="utf-8"))
    chain(settings, chosen.data or chosen.config.parent, chosen.out, chosen.threads, chosen.explained)


if __name__ == "__main__":
    main()
