"""Control of the land: in whose area a cell lies, and how far from the front line on which side."""

from dataclasses import dataclass

import numpy as np

from features.as_of import Snapshot
from features.base import Columns, FeatureInfo, Grid, InputError, column_names, words
from features.families.front_lines import closest
from features.geometry import Layer, first_inside, part_of

FAMILY = "control"
# Most holders: more are districts or owners of land, whose columns would carry no information.
MOST_HOLDERS = 12
FEATURES: tuple[FeatureInfo, ...] = ()


@dataclass(frozen=True, eq=False)
class Holder:
    """One side, as written in the source in lower case, and the polygons of its land."""

    name: str
    land: Layer


def build(tile: Grid, snapshot: Snapshot) -> Columns:
    """For every holder, 1 on its land and 0 elsewhere, and the distance to the front line with the side as its sign.

    NaN on land that no polygon with a holder covers. Land in polygons of two holders is held by both.
    """
    if "control_areas" not in snapshot.sources.vectors:
        return {}
    holders = snapshot.cached(holders_of)
    held = {slug: first_inside(tile, holder.land) >= 0 for slug, holder in holders.items()}
    nobody = np.where(np.any(list(held.values()), axis=0), 0.0, np.nan) if held else np.empty(0)
    columns: Columns = {_held_by(slug): here + nobody for slug, here in held.items()}
    if held and "front_lines" in snapshot.sources.vectors:
        distance = snapshot.cached_for_tile(closest, tile).distance_m + nobody
        columns |= {_side_of(slug): np.where(here, distance, -distance) for slug, here in held.items()}
    return columns


def described(snapshot: Snapshot) -> tuple[FeatureInfo, ...]:
    """Descriptions of the columns that depend on the data: two for each holder."""
    if "control_areas" not in snapshot.sources.vectors:
        return ()
    infos: list[FeatureInfo] = []
    for slug, holder in snapshot.cached(holders_of).items():
        how = f"holder is {holder.name} at the cell centre, NaN on nobody's land"
        # The text becomes part of reasons, which must not name a side of the war; the formula names it.
        text = "land that one side held"
        infos.append(
            FeatureInfo(
                name=_held_by(slug),
                unit="0 or 1",
                family=FAMILY,
                trend=0,
                text=text,
                sources=("control_areas",),
                formula=how,
            )
        )
        text = "distance behind or before the former front line"
        sources = "control_areas", "front_lines"
        how = f"exact, positive on the land of {holder.name}, at most 50 km, NaN on nobody's land"
        if "front_lines" in snapshot.sources.vectors:
            infos.append(
                FeatureInfo(
                    name=_side_of(slug), unit="m", family=FAMILY, trend=0, text=text, sources=sources, formula=how
                )
            )
    return tuple(infos)


def holders_of(snapshot: Snapshot) -> dict[str, Holder]:
    """The holders known at `as_of` by the name that their columns have, in the order of their names.

    Rows without a holder are left out. Raises InputError for more than MOST_HOLDERS.
    """
    table = snapshot.table("control_areas")
    layer, names = snapshot.layer("control_areas"), words(table, "holder")
    distinct = [str(name) for name in np.unique(names) if name]
    if len(distinct) > MOST_HOLDERS:
        raise InputError(
            f"sources.control_areas has {len(distinct)} different holders: at most {MOST_HOLDERS}; take the sides of "
            "the war by where: ..., or join small ones by values: {holder: {...}}"
        )
    slugs = column_names(distinct)
    return {slugs[name]: Holder(name, part_of(layer, names == name)) for name in distinct}


def _held_by(slug: str) -> str:
    return f"held_by_{slug}"


def _side_of(slug: str) -> str:
    return f"front_line_side_of_{slug}_m"
