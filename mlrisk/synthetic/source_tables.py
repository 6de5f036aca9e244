"""The country as an authority would hand it over: one table for each source, in the words of real files."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mlrisk.synthetic.country import Country
from mlrisk.synthetic.handover_records import conflict_events, displaced, rectangle
from mlrisk.synthetic.ordnance import ORIGINS
from mlrisk.synthetic.scenario import AS_OF, stage_rng
from mlrisk.synthetic.settlements import land_use_polygons
from mlrisk.synthetic.terrain import CRS

HAZARD_WORDS = {"SHA": "Suspected", "CHA": "Confirmed"}


def map_layers(country: Country) -> dict[str, gpd.GeoDataFrame]:
    """Layers of maps and registers: lines, roads, rivers, settlements, land use, districts, power lines."""
    roads, people, places = country.roads, country.people, country.settlements
    living = people.living(AS_OF.year)
    place = np.where(places.town, "town", np.where(places.people < 150, "hamlet", "village"))
    use = land_use_polygons(country.land, country.use)
    trust = np.where(country.records.covered, 0.25, np.nan)
    return {
        "front_lines": _front_lines(country),
        "roads": _frame(
            {"road_class": roads.road_class, "bridge": np.where(roads.is_bridge, "yes", "no")}, list(roads.lines)
        ),
        "rivers": _frame({"waterway": ["river"] * len(country.land.rivers)}, list(country.land.rivers)),
        "settlements": _frame(
            {
                "name": places.names,
                "place": place,
                "population": living.astype(np.int64),
                "planned_population": people.planned().astype(np.int64),
            },
            shapely.points(places.points),
        ),
        "land_use": _frame({"land_use": [name for name, _ in use]}, [polygon for _, polygon in use]),
        "districts": _frame({"name": country.districts.names, "record_trust": trust}, list(country.districts.polygons)),
        "power_lines": _frame({"power": ["line"] * len(country.power_lines)}, country.power_lines),
    }


def incidents(country: Country) -> pd.DataFrame:
    """Accidents with the place as reported, WGS 84."""
    table = country.after.accidents
    points, error_m = displaced(stage_rng(country.seed, "mess"), country.items.points[table["item"]])
    return _with_degrees(table.drop(columns="item").assign(location_error_m=error_m), points)


def finds(country: Country) -> pd.DataFrame:
    """Items found and destroyed, WGS 84, with two columns named as in the authority's own form."""
    table = country.after.finds
    table = _with_degrees(table.drop(columns="item"), country.items.points[table["item"]])
    return table.rename(columns={"longitude": "lon_wgs84", "latitude": "lat_wgs84", "eo_category": "item_class"})


def conflict(country: Country) -> pd.DataFrame:
    """Conflict events, WGS 84."""
    table = conflict_events(country.seed, country.kind, country.land, country.settlements, country.war, country.fields)
    points = table[["easting_m", "northing_m"]].to_numpy(dtype=np.float64)
    return _with_degrees(table.drop(columns=["easting_m", "northing_m"]), points)


def hazard_areas(country: Country) -> gpd.GeoDataFrame:
    """Hazardous areas in WGS 84; the status is that of AS_OF, so that it reveals nothing of later years."""
    table = country.after.hazards
    closed = (table["closed"] <= pd.Timestamp(AS_OF)).to_numpy()
    status = np.where(closed, np.where(table["hazard_type"] == "CHA", "released", "closed"), "open")
    columns = {
        "ha_id": [f"HA-{number:05d}" for number in range(1, len(table) + 1)],
        "ha_class": table["hazard_type"].map(HAZARD_WORDS).to_numpy(),
        "status": status,
        "status_day": table["closed"].where(closed).to_numpy(),
        "device_category": table["device_category"].to_numpy(),
        "created": table["record_date"].to_numpy(),
    }
    return _frame(columns, list(table["geometry"])).to_crs("EPSG:4326")


def land_release(country: Country) -> gpd.GeoDataFrame:
    """Land cancelled, reduced and cleared, in the CRS of the grid."""
    table = country.after.releases
    return _frame({name: table[name].to_numpy() for name in table.columns.drop("geometry")}, list(table["geometry"]))


def minefield_records(country: Country) -> gpd.GeoDataFrame:
    """Handed-over records in WGS 84, without the truth about their accuracy; dates as text."""
    table = country.records.table.drop(columns=["field", "accurate"])
    columns = {name: table[name].to_numpy() for name in ("record_id", "ap_mines", "at_mines")}
    dates = {name: table[name].dt.strftime("%Y-%m-%d").to_numpy() for name in ("laid_date", "record_date")}
    return _frame({**columns, **dates}, list(table["geometry"])).to_crs("EPSG:4326")


def true_objects(country: Country) -> dict[str, gpd.GeoDataFrame]:
    """Objects that no authority knows: every minefield and impact area as laid, and every trench."""
    fields, war = country.fields, country.war
    laid = rectangle(fields.centre, fields.along, fields.length_m, fields.depth_m)
    count = np.bincount(country.items.field, minlength=len(laid))
    rows = np.unique(war.trenches.row)
    first = np.searchsorted(war.trenches.row, rows)
    last = np.searchsorted(war.trenches.row, rows, side="right")
    trench = [shapely.LineString(np.round(war.trenches.points[a:b], 1)) for a, b in zip(first, last, strict=True)]
    return {
        "minefields": _frame({"origin": np.array(ORIGINS)[fields.origin], "items": count}, laid),
        "trenches": _frame({"held_years": war.trenches.held_years[first]}, trench),
    }


def _front_lines(country: Country) -> gpd.GeoDataFrame:
    lines = country.war.lines
    columns = {
        "kind": [line.kind for line in lines],
        "held_from": pd.to_datetime([line.held_from for line in lines]),
        "held_to": pd.to_datetime([line.held_to for line in lines]),
    }
    return _frame(columns, [shapely.LineString(np.round(line.points, 1)).simplify(8) for line in lines])


def _frame(columns: dict[str, object], geometry: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=CRS)


def _with_degrees(table: pd.DataFrame, points: np.ndarray) -> pd.DataFrame:
    places = gpd.GeoSeries(gpd.points_from_xy(points[:, 0], points[:, 1]), crs=CRS).to_crs("EPSG:4326")
    table = table.reset_index(drop=True)
    table.insert(0, "longitude", places.x.round(7).to_numpy())
    table.insert(1, "latitude", places.y.round(7).to_numpy())
    return table
