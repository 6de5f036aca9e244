"""An old risk map judged by later results: `mlrisk verify`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from features.base import (
    NOT_EVIDENCE,
    Flags,
    Floats,
    Grid,
    InputError,
    Integers,
    Place,
    decode_cell_id,
    local_copy,
    place_of,
)
from mlrisk.followup.audit_sample import map_audit
from mlrisk.followup.later_records import FOUND, SEARCHED, LaterRecords, read_later_records, searched_share
from mlrisk.ranking import EVIDENCE_OPEN
from mlrisk.risk_map import rule_scores
from training.evidence import CLEARANCE, NON_TECHNICAL_SURVEY, TECHNICAL_SURVEY
from training.reporting import json_rows
from training.validation import HeldOut, horvitz_thompson, missed_table, polygon_figures, pooled_table

MAP = "the map"
# A cell of which less than this share was searched is not judged, as in the evidence.
LEAST_SHARE = 0.1
# Figures that need searched land, because finds alone do not show where nothing was.
NEED_SEARCHED = ("roc_auc", "pr_auc", "base_rate", "height", "rheight", "pei")


@dataclass(frozen=True, eq=False, kw_only=True)
class Verification:
    """A map judged by later records.

    `held_out` are the judged cells (all ranked cells or, with searched land, those searched or found), `table` has one
    row for each ranking with bounds and the map's gain over it, `missed` the found cells in the lowest-ranked half.
    `unranked` lists the found cells that had no rank. `audit` is estimated from searched records with `inclusion_prob`,
    else from searched audit cells of the map; empty without either.
    """

    risk_path: Path
    as_of: date
    held_out: HeldOut
    table: pd.DataFrame
    missed: pd.DataFrame
    unranked: pd.DataFrame
    by_find: Mapping[str, float]
    audit: Mapping[str, Mapping[str, float]]
    counts: Mapping[str, int]
    notes: tuple[str, ...]
    cell_size_m: float
    searched_known: bool


def verify(
    risk: str | Place,
    found: str | Path,
    searched: str | Path | None = None,
    crs: str | None = None,
    block_m: float = 10_000.0,
    seed: int = 0,
    draws: int = 200,
) -> Verification:
    """Judge the ranking of a map by records after its `as_of`, compared with the baselines that it carries.

    `risk` is risk.parquet or its folder. `found` holds points or polygons, `searched` the land searched later; without
    the latter unknown land stays unknown and only recall by area is judged. `crs` is that of files that state none.
    Raises InputError for unusable files, and if no find is newer than the map or on a ranked cell.
    """
    path, cells, as_of = open_risk(risk)
    grid, row = grid_of(cells)
    cells = cells.iloc[row].reset_index(drop=True)
    finds = read_later_records("--found", Path(found), FOUND, grid, as_of, crs)
    later = read_later_records("--searched", Path(searched), SEARCHED, grid, as_of, crs) if searched else None
    positive = np.zeros(len(cells), dtype=bool)
    positive[finds.cell] = True
    ranked = _new_land(cells)
    _check_finds(finds, positive & ranked, Path(found), as_of)
    share = np.ones(len(cells)) if later is None else searched_share(grid, later)
    # A cell with a find counts, however little of it the searched polygons cover.
    share = np.where(positive, 1.0 if later is None else np.where(share > 0, share, 1.0), share)
    judged = np.flatnonzero(ranked & (positive | (share >= LEAST_SHARE)))
    held_out = _judged(cells, judged, positive, share, block_m)
    table = pooled_table("verify", held_out, MAP, seed, draws, grid.cell_size_m**2 / 10_000)
    if later is None:
        table = table[[name for name in table if not name.startswith(NEED_SEARCHED)]]
    unranked = _unranked(cells, positive & ranked, positive)
    audit: Mapping[str, Mapping[str, float]] = {}
    notes = finds.notes
    if later is not None:
        low = held_out.cell_id[_low(held_out)]
        audit, audit_notes = _audit(cells, searched_share(grid, later), later, positive, low)
        notes = (*finds.notes, *later.notes, *audit_notes)
    return Verification(
        risk_path=path,
        as_of=as_of,
        held_out=held_out,
        table=table,
        missed=missed_table(held_out, MAP).drop(columns="fold"),
        unranked=unranked,
        by_find=_by_find(finds, judged, held_out),
        audit=audit,
        counts=_counts(ranked, positive, judged, finds),
        notes=notes,
        cell_size_m=grid.cell_size_m,
        searched_known=later is not None,
    )


def _counts(ranked: Flags, positive: Flags, judged: Integers, finds: LaterRecords) -> dict[str, int]:
    """Numbers of cells (n_cells,) by rank and find, and of the records of finds by their use."""
    return {
        "cells": len(ranked),
        "ranked_cells": int(ranked.sum()),
        "judged_cells": len(judged),
        "found_cells": int((positive & ranked).sum()),
        "found_cells_without_rank": int((positive & ~ranked).sum()),
        "finds_read": finds.read,
        "finds_known_at_as_of": finds.known,
        "finds_outside_the_map": finds.outside,
    }


def _new_land(cells: pd.DataFrame) -> Flags:
    """Ranked cells on which a find is new: neither on record nor suspected, and without open evidence, (n_cells,).

    A map of an earlier program has no list of works: there every ranked cell counts.
    """
    ranked = cells["rank"].notna()
    if "work" in cells:
        ranked &= cells["work"].eq(NON_TECHNICAL_SURVEY) & cells["status"].ne(EVIDENCE_OPEN)
    return np.asarray(ranked.to_numpy(dtype=bool))


def open_risk(risk: str | Place) -> tuple[Path, gpd.GeoDataFrame, date]:
    """The risk map, its file (a copy of one in an object store) and the date in its metadata; raises InputError."""
    path = local_copy("RISK", place_of("RISK", risk), ["risk.parquet"])
    file = path / "risk.parquet" if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"RISK ({file}) does not exist: give risk.parquet or the output folder of `mlrisk rank`")
    try:
        metadata = pq.read_schema(file).metadata or {}
        cells = gpd.read_parquet(file)
        notes = json.loads(metadata[b"mlrisk"])
        as_of = date.fromisoformat(notes["as_of"])
        cells.attrs["policy"] = str(notes.get("policy", ""))
    except (KeyError, ValueError, OSError) as error:
        raise InputError(f"RISK ({file}) is no risk map: give the risk.parquet that `mlrisk rank` wrote") from error
    absent = [name for name in ("cell_id", "easting_m", "rank", "contamination", "released") if name not in cells]
    if absent or cells.empty:
        raise InputError(f"RISK ({file}) has no {', '.join(absent) or 'row'}: give a risk.parquet of this version")
    return file, cells, as_of


def grid_of(cells: gpd.GeoDataFrame) -> tuple[Grid, Integers]:
    """The grid whose cells the map has, and the row of the map for each of them in `cell_ids()` order."""
    column, row = decode_cell_id(cells["cell_id"].to_numpy())
    far = int(np.argmax(np.abs(column)))
    size = round(float(cells["easting_m"].iloc[far]) / (float(column[far]) + 0.5), 6)
    mask = np.zeros((int(np.ptp(row)) + 1, int(np.ptp(column)) + 1), dtype=bool)
    mask[row.max() - row, column - column.min()] = True
    grid = Grid(crs=cells.crs, cell_size_m=size, column_min=int(column.min()), row_min=int(row.min()), mask=mask)
    order = np.argsort(cells["cell_id"].to_numpy(), kind="stable")
    return grid, order[np.searchsorted(cells["cell_id"].to_numpy()[order], grid.cell_ids())]


def _audit(
    cells: pd.DataFrame, share: Floats, later: LaterRecords, positive: Flags, low: Integers
) -> tuple[Mapping[str, Mapping[str, float]], tuple[str, ...]]:
    """The audit from the searched records if they are one, else from the audit cells of the map; with notes."""
    by_records = audits(later, positive, low, cells)
    if by_records:
        return by_records, ()
    behind = cells["rank"].isna().to_numpy() | np.isin(cells["cell_id"].to_numpy(), low)
    return map_audit(cells, share, positive, behind)


def audits(later: LaterRecords, positive: Flags, low: Integers, cells: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Horvitz-Thompson estimates from searched records with `inclusion_prob`: of all finds, and of missed ones.

    A record counts as found if its outcome says so or a find lies in one of its cells. It counts as missed if none of
    its cells is in the upper half of the ranking; `low` are the ids of the judged cells in the lower half.
    """
    if "inclusion_prob" not in later.table:
        return {}
    chance = later.table["inclusion_prob"].to_numpy(dtype=np.float64)
    drawn = np.isfinite(chance) & (chance > 0) & np.isin(np.arange(len(chance)), later.record)
    found = np.zeros(len(chance), dtype=bool)
    found[later.record[positive[later.cell]]] = True
    if "outcome" in later.table:
        found |= later.table["outcome"].eq("found").fillna(False).to_numpy(dtype=bool)
    behind = cells["rank"].isna().to_numpy() | np.isin(cells["cell_id"].to_numpy(), low)
    missed = np.ones(len(chance), dtype=bool)
    missed[later.record[~behind[later.cell]]] = False
    if not drawn.any():
        return {}
    return {
        "all": horvitz_thompson(found[drawn], chance[drawn]),
        "missed": horvitz_thompson((found & missed)[drawn], chance[drawn]),
    }


def record(verification: Verification) -> dict[str, Any]:
    """The figures as plain values, missed finds first."""
    return {
        "missed": json_rows(verification.missed),
        "found_without_rank": json_rows(verification.unranked),
        "risk": str(verification.risk_path.name),
        "as_of": verification.as_of.isoformat(),
        "not_evidence": NOT_EVIDENCE,
        "searched_land_known": verification.searched_known,
        "counts": dict(verification.counts),
        "rankings": json_rows(verification.table),
        "by_find": dict(verification.by_find),
        "audit": {name: dict(figures) for name, figures in verification.audit.items()},
        "notes": list(verification.notes),
    }


def _check_finds(finds: LaterRecords, on_ranked: Flags, path: Path, as_of: date) -> None:
    if on_ranked.any():
        return
    figures = f"{finds.read} read, {finds.known} known at {as_of}, {finds.outside} outside the map"
    if finds.known and finds.known + finds.outside == finds.read:
        why = f"holds no find newer than the map's as_of ({as_of}): give what was found later"
    elif not len(finds.cell):
        why = "has no find on the map: check its CRS, or give the map of the same area"
    else:
        why = "has no find on a ranked cell: all lie where the map gave no rank"
    raise InputError(f"--found: {path} {why} ({figures})")


def _judged(
    cells: pd.DataFrame,
    rows: Integers,
    positive: Flags,
    share: Floats,
    block_m: float,
) -> HeldOut:
    here = cells.iloc[rows]
    east, north = here["easting_m"].to_numpy(), here["northing_m"].to_numpy()
    blocks = np.floor(np.column_stack([east, north]) / block_m).astype(np.int64)
    return HeldOut(
        cell_id=here["cell_id"].to_numpy(),
        easting_m=east,
        northing_m=north,
        score=-here["rank"].to_numpy(dtype=np.float64),
        positive=positive[rows],
        area=share[rows],
        fold=np.zeros(len(rows), dtype=np.int64),
        fold_names=(MAP,),
        block=np.unique(blocks, axis=0, return_inverse=True)[1].reshape(-1),
        probability=here["contamination"].to_numpy(dtype=np.float64),
        rules={"contamination alone": here["contamination_score"].to_numpy(dtype=np.float64)} | rule_scores(here),
    )


def _low(held_out: HeldOut) -> Flags:
    return np.asarray(held_out.rankings(MAP)[MAP] < -0.5)


def _by_find(finds: LaterRecords, judged: Integers, held_out: HeldOut) -> dict[str, float]:
    place = np.full(int(max(judged.max(), finds.cell.max())) + 1, -1, dtype=np.int64)
    place[judged] = np.arange(len(judged))
    cell = place[finds.cell]
    on = cell >= 0
    every = len(np.unique(finds.record))
    return polygon_figures(held_out.score, cell[on], finds.record[on], held_out.area, polygons=every)


def _unranked(cells: pd.DataFrame, ranked: Flags, positive: Flags) -> pd.DataFrame:
    rows = cells[positive & ~ranked]
    why = np.where(rows["released"], "released by the authority", "no basis to rank")
    if "work" in rows:
        on_record = rows["work"].isin((TECHNICAL_SURVEY, CLEARANCE)) | rows["status"].eq(EVIDENCE_OPEN)
        why = np.where(on_record, "recorded before: " + rows["status"].astype(object), why)
    return rows[["cell_id", "easting_m", "northing_m"]].assign(why=why).reset_index(drop=True)
