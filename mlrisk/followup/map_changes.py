"""Changes between two maps of a country and their causes: the figures of the change report."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
from numpy.typing import NDArray

from features.base import Flags, Floats, InputError, Integers, Place, local_copy
from mlrisk.followup.task_overlap import TaskOverlap, planned_overlap, task_overlap
from mlrisk.followup.verification import open_risk
from mlrisk.risk_map import Package
from training.evidence import FOUND, STATE_NAMES, Ledger

# A cell has moved if its place changed by this share of the ranked land; less is the noise of any new training.
MOVED_SHARE = 0.05
# The files of an earlier map that are read.
MAP_FILES = ("risk.parquet", "risk_map.gpkg")
SHARES = (0.05, 0.1, 0.2)
WHY = ("new evidence", "changed features", "changed model", "changed place of others")


@dataclass(frozen=True, eq=False)
class Earlier:
    """The earlier map in the output folder: its cells, its date, its tasks (None if none were written)."""

    cells: pd.DataFrame
    as_of: str
    tasks: gpd.GeoDataFrame | None


@dataclass(frozen=True, eq=False, kw_only=True)
class Changes:
    """Changes between two maps: a row for each moved cell, counts by reason and by district, and the overlap of tasks.

    `place` is the share of the ranked land that is surveyed before a cell, in [0, 1]; NaN without a rank. `expected`
    compares the finds that the earlier map expected with those on the land surveyed since, as a whole and by district.
    `plan` compares the planned tasks alone; None where one of the two maps has no plan.
    """

    moved: pd.DataFrame
    reasons: Mapping[str, int]
    districts: pd.DataFrame
    tasks: TaskOverlap
    plan: TaskOverlap | None
    expected: pd.DataFrame
    cells: int


def read_earlier(place: Place) -> Earlier | None:
    """The map in an output folder, None if there is no readable one."""
    try:
        folder = local_copy("output.folder", place, MAP_FILES)
        _, cells, as_of = open_risk(folder)
    except InputError:
        return None
    tasks = None
    if (folder / "risk_map.gpkg").is_file():
        try:
            tasks = gpd.read_file(folder / "risk_map.gpkg", layer="survey_tasks")
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError):
            tasks = None
    return Earlier(pd.DataFrame(cells.drop(columns="geometry")), as_of.isoformat(), tasks)


def changes_between(
    earlier: Earlier,
    package: Package,
    between: Floats,
    districts: NDArray[np.object_],
    ledger: Ledger,
) -> Changes:
    """Changes from an earlier map to a package of the same grid.

    `between` are scores by the former model on today's features, NaN if there was none: their difference from the
    earlier map is due to changed features, and the rest of the step to the model. `districts` (n_cells,) names that of
    each cell.
    """
    now = package.risk
    old = earlier.cells.set_index("cell_id").reindex(now["cell_id"]).reset_index()
    before, after = _place(old["rank"]), _place(now["rank"])
    step = after - before
    lost = (old["rank"].notna() != now["rank"].notna()).to_numpy()
    moves = (np.abs(step) > MOVED_SHARE) | lost
    why = _why(old, now, between)
    table = pd.DataFrame(
        {
            "cell_id": now["cell_id"], "easting_m": now["easting_m"], "northing_m": now["northing_m"],
            "district": districts, "place_before": before, "place_now": after,
            "evidence_before": old["evidence"].fillna(""), "evidence_now": now["evidence"].astype("str"),
            "contamination_before": old["contamination"], "contamination_now": now["contamination"],
            "rank_before": old["rank"], "rank_now": now["rank"], "why": why, "reason_1": now["reason_1"],
        }
    )  # fmt: skip
    order = np.argsort(-np.nan_to_num(np.abs(step), nan=2.0), kind="stable")
    moved = table.iloc[order[moves[order]]].reset_index(drop=True)
    tasks = package.tasks
    # Without earlier tasks it is unknown which of today's are new.
    overlap = TaskOverlap(tasks[:0], tasks[:0], tasks) if earlier.tasks is None else task_overlap(earlier.tasks, tasks)
    return Changes(
        moved=moved,
        reasons={name: int((moved["why"] == name).sum()) for name in WHY},
        districts=_by_district(table, moves),
        tasks=overlap,
        plan=planned_overlap(earlier.tasks, tasks),
        expected=expected_and_found(earlier, now["cell_id"].to_numpy(), districts, ledger, str(package.notes.as_of)),
        cells=len(now),
    )


def expected_and_found(
    earlier: Earlier, cell_id: Integers, districts: NDArray[np.object_], ledger: Ledger, as_of: str
) -> pd.DataFrame:
    """Land surveyed since the earlier map: found cells expected by it, with their interval, and actual ones.

    One row for the country and one for each district; empty if nothing was recorded since. Cells with earlier evidence
    are left out, because there the map repeated its records.
    """
    columns = ["district", "cells", "expected", "expected_low", "expected_high", "found", "in_first_tenth"]
    since, until = pd.Timestamp(earlier.as_of).date(), pd.Timestamp(as_of).date()
    if since >= until:
        return pd.DataFrame(columns=columns)
    fresh = ledger.between(since, until)
    old = earlier.cells.set_index("cell_id").reindex(cell_id)
    rows = fresh.labelled & old["evidence"].eq("unknown").to_numpy()
    place, found = _place(old["rank"].reset_index(drop=True)), fresh.state == FOUND
    groups = [("all", rows)] + [(str(n), rows & (districts == n)) for n in sorted(set(districts[rows])) if n]
    figures = [
        {
            "district": name, "cells": int(part.sum()),
            **{
                column: float((old[source].to_numpy()[part] * fresh.share[part]).sum())
                for column, source in (
                    ("expected", "contamination"), ("expected_low", "contamination_low"),
                    ("expected_high", "contamination_high"),
                )
            },
            "found": float((found[part] * fresh.share[part]).sum()),
            "in_first_tenth": float(np.average(place[part & found] <= 0.1)) if (part & found).any() else np.nan,
        }
        for name, part in groups
        if part.any()
    ]  # fmt: skip
    return pd.DataFrame(figures, columns=columns)


def _place(rank: "pd.Series[Any]") -> Floats:
    """Share of the ranked land that is surveyed up to each cell."""
    values = rank.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(values / max(np.isfinite(values).sum(), 1))


def _why(old: pd.DataFrame, now: pd.DataFrame, between: Floats) -> NDArray[np.object_]:
    """The main reason for a cell's new place: new evidence there, else the larger of the two steps of its score."""
    by_features = np.abs(between - old["contamination_score"].to_numpy(dtype=np.float64))
    by_model = np.abs(now["contamination_score"].to_numpy(dtype=np.float64) - between)
    why = np.where(by_features > by_model, WHY[1], WHY[2]).astype(object)
    still = np.fmax(np.nan_to_num(by_features), np.nan_to_num(by_model)) < 1e-6
    why[still] = WHY[3]
    evidence = old["evidence"].astype(object).to_numpy() != now["evidence"].astype(object).to_numpy()
    released = old["released"].fillna(value=False).to_numpy(bool) != now["released"].to_numpy(bool)
    # A cell that changed to another list of work has another place, whatever its score.
    work = old["work"].astype(object).to_numpy() != now["work"].astype(object).to_numpy() if "work" in old else False
    why[evidence | released | work] = WHY[0]
    return np.asarray(why)


def _by_district(table: pd.DataFrame, moves: Flags) -> pd.DataFrame:
    """Unknown land of each district and the number of its cells among the country's first, most losses first."""
    unknown = (table["evidence_now"] == STATE_NAMES[0]).to_numpy()
    rows = []
    for name in sorted({str(n) for n in table["district"]}):
        part = unknown & (table["district"] == name).to_numpy()
        row: dict[str, object] = {"district": name or "no district", "unknown_cells": int(part.sum())}
        for share in SHARES:
            percent = round(100 * share)
            row[f"first_{percent}_before"] = int((table["place_before"][part] <= share).sum())
            row[f"first_{percent}_now"] = int((table["place_now"][part] <= share).sum())
        row["moved_back"] = int((moves & part & (table["place_now"] > table["place_before"]).to_numpy()).sum())
        row["moved_up"] = int((moves & part & (table["place_now"] < table["place_before"]).to_numpy()).sum())
        rows.append(row)
    frame = pd.DataFrame(rows)
    step = frame["first_10_now"] - frame["first_10_before"]
    return frame.iloc[np.argsort(step.to_numpy(), kind="stable")].reset_index(drop=True)
