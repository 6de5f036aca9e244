"""Laying of ordnance: the likeliest fields of seven origins, mine by mine and shell by shell."""

import numpy as np

from features.base import Floats, Integers
from mlrisk.synthetic import laying_patterns as origins
from mlrisk.synthetic.ordnance import ORIGINS, TYPES, Fields, Items, join_fields
from mlrisk.synthetic.roads import Roads, distance_to_roads_m
from mlrisk.synthetic.scenario import Kind, stage_rng
from mlrisk.synthetic.settlements import Settlements
from mlrisk.synthetic.terrain import CLIFF_DEG, Terrain
from mlrisk.synthetic.war import War


def lay_mines(
    seed: int, kind: Kind, land: Terrain, settlements: Settlements, roads: Roads, use: Integers, war: War,
    luck: int | None = None,
) -> tuple[Fields, Items]:  # fmt: skip
    """Fields of every origin, taken from the likeliest down until each origin has its share of the cells.

    `luck` is another seed that draws fields, and the items in them, from the same intensities: an alternative history
    of the country. None is the country's own seed.
    """
    rng = stage_rng(seed, "mines")
    lucky = seed if luck is None else luck
    ground = origins.LayingGround(land, use, distance_to_roads_m(land, roads), war)
    offers = (
        origins.belts(rng, kind, ground),
        origins.along_retreats(rng, ground),
        origins.at_bridges(rng, ground, roads),
        origins.in_orchards(rng, ground),
        origins.in_villages(rng, ground, settlements),
        origins.nuisance(rng, ground, roads),
        origins.shelling(rng, kind, ground, settlements),
    )
    shares = _shares(kind, [offer.score.size > 0 for offer in offers])
    wanted = kind.contaminated_share * land.inside.sum()
    taken = np.zeros(land.inside.size, dtype=bool)
    fields: list[Fields] = []
    items: list[Items] = []
    done = 0
    missing = 0.0
    for origin, (offer, share) in enumerate(zip(offers, shares, strict=True)):
        if offer.score.size == 0:
            continue
        # The share that an origin cannot fill (few orchards, short roads) is left to the following origins.
        chosen, laid = _take_best(
            stage_rng(lucky * 100 + origin, "items"), land, offer, taken, share * wanted + missing
        )
        gained = int((~taken[np.unique(laid.cell)]).sum())
        missing += share * wanted - gained
        taken[laid.cell] = True
        items.append(Items(laid.points, laid.type, laid.field + done, laid.cell))
        fields.append(chosen)
        done += chosen.score.size
    return join_fields(fields), Items(
        *(np.concatenate([getattr(part, name) for part in items]) for name in Items.__dataclass_fields__)
    )


def _shares(kind: Kind, offered: list[bool]) -> Floats:
    rest = np.array([0.0, 0.3, 0.09, 0.18, 0.2, 0.07, 0.38])
    rest = np.where(offered, rest, 0.0)
    rest *= (1 - kind.belt_share) / rest.sum()
    rest[0] = kind.belt_share
    return np.asarray(rest, dtype=np.float64)


def _take_best(
    rng: np.random.Generator, land: Terrain, offer: Fields, taken: np.ndarray, wanted: float
) -> tuple[Fields, Items]:
    """The fields with the highest score plus Gumbel noise (a draw by intensity) until `wanted` new cells are mined."""
    order = np.argsort(-(offer.score + rng.gumbel(0, 0.8, offer.score.size)), kind="stable")
    offer = offer.take(order[: int(1.5 * wanted) + 20])
    items = _items(rng, land, offer)
    fresh = ~taken[items.cell]
    first = np.unique(items.cell[fresh], return_index=True)[1]
    gained = np.cumsum(np.bincount(items.field[fresh][first], minlength=offer.score.size))
    count = int(np.searchsorted(gained, wanted)) + 1
    held = np.unique(items.field)
    held = held[held < count]
    number = np.full(offer.score.size, -1, dtype=np.int64)
    number[held] = np.arange(held.size)
    kept = number[items.field] >= 0
    chosen = Items(items.points[kept], items.type[kept], number[items.field[kept]], items.cell[kept])
    return offer.take(held), chosen


def _items(rng: np.random.Generator, land: Terrain, fields: Fields) -> Items:
    """Mines in rows along a field, shells and booby traps scattered in it; none outside the country or on cliffs."""
    scattered = np.isin(fields.origin, [ORIGINS.index(name) for name in ("orchard", "village", "shelling")])
    per_row = np.maximum(1, np.round(fields.length_m / fields.spacing_m)).astype(np.int64)
    rows = np.where(scattered, 1, np.clip(np.round(fields.depth_m / 30), 1, 3)).astype(np.int64)
    count = per_row * rows
    field = np.repeat(np.arange(count.size), count)
    place = np.arange(field.size) - np.repeat(np.cumsum(count) - count, count)
    along = ((place % per_row[field]) + 0.5) / per_row[field] - 0.5
    across = (place // per_row[field] + 0.5) / rows[field] - 0.5
    loose = scattered[field]
    along = np.where(loose, rng.uniform(-0.5, 0.5, field.size), along + rng.normal(0, 0.1, field.size) / per_row[field])
    across = np.where(loose, rng.uniform(-0.5, 0.5, field.size), across + rng.normal(0, 0.04, field.size))
    vector = fields.along[field]
    normal = np.column_stack([-vector[:, 1], vector[:, 0]])
    points = fields.centre[field] + (along * fields.length_m[field])[:, None] * vector
    points = points + (across * fields.depth_m[field])[:, None] * normal
    kind = (rng.random(field.size) < fields.at_share[field]).astype(np.int64)
    kind[fields.origin[field] == ORIGINS.index("shelling")] = TYPES.index("UXO")
    kind[(fields.origin[field] == ORIGINS.index("belt")) & (rng.random(field.size) < 0.12)] = TYPES.index("UXO")
    kind[(fields.origin[field] == ORIGINS.index("village")) & (rng.random(field.size) < 0.45)] = TYPES.index("UXO")
    cell = land.grid.locate(points[:, 0], points[:, 1])
    row, column = land.fine_index(points[:, 0], points[:, 1])
    keep = (cell >= 0) & land.inside.ravel()[cell] & (land.fine_slope_deg[row, column] <= CLIFF_DEG)
    return Items(np.round(points[keep], 1), kind[keep], field[keep], cell[keep])
