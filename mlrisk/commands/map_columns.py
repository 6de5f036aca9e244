"""Columns and layers of a map besides its scores: place, status and work of each cell, hazard areas, context."""

import geopandas as gpd
import numpy as np
import pandas as pd

from features.base import Floats, Grid, by_parts, geographic_centres, known_at, new_array
from features.sources import Sources
from mlrisk.ranking import EARLIER_DETECTION, odds_left
from mlrisk.risk_map import coded, with_columns
from mlrisk.settings import Config
from training.evidence import FOUND, SEARCHED, STATE_NAMES, STATUS_NAMES, WORK_OF, Evidence, Status

CONTEXT_LAYERS = ("front_lines", "roads", "rivers", "settlements", "districts")


def known_hazards(config: Config, sources: Sources) -> gpd.GeoDataFrame:
    """Hazard areas known at as_of, for the map; empty without such a source."""
    columns = ["hazard_type", "hazard_status", "source", "geometry"]
    table = sources.vectors.get("hazard_areas")
    if table is None:
        return gpd.GeoDataFrame(columns=columns, geometry="geometry", crs=sources.grid.crs)
    known = known_at(table, config.as_of).assign(source="hazard_areas")
    for column in columns[:2]:
        if column not in known:
            known[column] = ""
    return known[columns]


def with_place(grid: Grid, evidence: Evidence, scores: pd.DataFrame) -> pd.DataFrame:
    """Scores in `grid.cell_ids()` order with the place of each cell, its evidence and whether it was released."""
    east, north, longitude, latitude = (new_array(grid.n_cells, np.float64) for _ in range(4))
    for band, places in grid.bands():
        east[places], north[places] = band.centres_m().T
        longitude[places], latitude[places] = geographic_centres(band)
    place = {"easting_m": east, "northing_m": north, "longitude": longitude, "latitude": latitude}
    evident = {"evidence": coded(evidence.shown, STATE_NAMES), "released": evidence.released}
    return with_columns(scores, place | evident)


def with_status(
    risk: pd.DataFrame, evidence: Evidence, declared: str, detection: float = EARLIER_DETECTION
) -> pd.DataFrame:
    """`risk` with the status and the work of each cell, and `odds_left`, the factor on the odds after earlier searches.

    `declared` is `ranking.declared`: whether land that only the config declares searched counts as searched;
    `detection` is that of earlier searches.
    """
    shown, of_work = evidence.shown, evidence.status

    def left(rows: slice) -> Floats:
        searched = shown[rows] == SEARCHED
        if declared == "as_unknown":
            searched &= of_work[rows] != Status.DECLARED
        dealt_with = (shown[rows] == FOUND) & np.isin(of_work[rows], (Status.UNKNOWN, Status.SEARCHED))
        return odds_left(searched, dealt_with, evidence.settled[rows], detection)

    status, work = (
        coded(evidence.status, STATUS_NAMES),
        coded(evidence.status, [WORK_OF[name] for name in STATUS_NAMES]),
    )
    return with_columns(risk, {"status": status, "work": work, "odds_left": by_parts(len(risk), left)})


def context_layers(config: Config, sources: Sources) -> dict[str, gpd.GeoDataFrame]:
    """Layers for the orientation of readers, as known at as_of; districts marked only by points have no borders."""
    given = [name for name in CONTEXT_LAYERS if name in sources.vectors]
    layers = {name: known_at(sources.vectors[name], config.as_of) for name in given}
    if "districts" in layers and layers["districts"].geom_type.eq("Point").any():
        del layers["districts"]
    return layers
