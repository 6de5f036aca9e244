"""The kind of country of a seed (relief, war, settlement, density), and the random numbers of every stage."""

from dataclasses import dataclass
from datetime import date

import numpy as np

AS_OF = date(2021, 12, 31)
YEARS_AFTER = 3
STAGES = (
    "kind", "area", "terrain", "settlements", "roads", "land", "districts", "front", "trenches", "mines",
    "items", "people", "patches", "years", "records", "conflict", "mess",
)  # fmt: skip
RELIEFS = ("mountains", "hills", "plains")
PATTERNS = ("strings", "scattered", "clustered")


def stage_rng(seed: int, stage: str) -> np.random.Generator:
    """One generator for each stage, so that a change in one stage does not change the draws of the others."""
    return np.random.default_rng([seed, STAGES.index(stage)])


@dataclass(frozen=True, kw_only=True)
class Kind:
    """The descriptors of a country; lengths in metres, shares 0 to 1, bearings in degrees from the east."""

    relief: str
    relief_m: float
    grain_deg: float
    drains_to: tuple[str, ...]
    settlement_pattern: str
    settlement_spacing_m: float
    forest_share: float
    orchard_threshold: float
    fronts: int
    front_bearing_deg: float
    front_follows: str
    shifts_per_front: int
    front_started: int
    war_ended: int
    withdrawal: bool
    ceasefire_offset_m: float
    evacuated_m: float
    contaminated_share: float
    belt_share: float
    mines_per_row_spacing_m: float
    cluster_munitions: bool
    districts_with_records: float
    surveyed_share: float
    learning_per_year: float
    accidents_per_40000_cells: float


def draw_kind(seed: int) -> Kind:
    """The kind of country of a seed.

    The main choices cycle with the seed, so that consecutive seeds never give the same kind; the others are drawn.
    """
    rng = stage_rng(seed, "kind")
    relief = RELIEFS[(seed - 1) % len(RELIEFS)]
    pattern = PATTERNS[(seed - 1 + seed // 3) % len(PATTERNS)]
    heights = {"mountains": (1500, 2300), "hills": (500, 900), "plains": (130, 260)}
    shares = {"mountains": (0.4, 0.55), "hills": (0.25, 0.45), "plains": (0.08, 0.2)}
    sides = ("west", "east", "south", "north")
    count = int(rng.integers(1, 4))
    withdrawal = seed % 4 != 3
    war_ended = AS_OF.year - int(rng.integers(9, 14))
    return Kind(
        relief=relief,
        relief_m=float(rng.uniform(*heights[relief])),
        grain_deg=float(rng.uniform(0, 180)),
        drains_to=tuple(sorted(str(side) for side in rng.choice(sides, size=count, replace=False))),
        settlement_pattern=pattern,
        settlement_spacing_m=float(rng.uniform(2600, 3400)) * (0.85 if pattern == "scattered" else 1.0),
        forest_share=float(rng.uniform(*shares[relief])),
        orchard_threshold=float(rng.uniform(0.3, 0.9)),
        fronts=1 + (seed % 2 == 0),
        front_bearing_deg=float(rng.uniform(0, 180)),
        front_follows="rivers" if relief == "plains" else "ridges",
        shifts_per_front=int(rng.integers(1, 4)),
        front_started=war_ended - int(rng.integers(5, 22)),
        war_ended=war_ended,
        withdrawal=withdrawal,
        ceasefire_offset_m=float(rng.uniform(7000, 11000) if withdrawal else rng.uniform(2000, 4000)),
        evacuated_m=float(rng.uniform(4000, 8000)),
        contaminated_share=float(rng.uniform(0.055, 0.1)),
        belt_share=float(rng.uniform(0.45, 0.56)),
        mines_per_row_spacing_m=float(rng.uniform(36, 60)),
        cluster_munitions=bool(seed % 3 != 1),
        districts_with_records=float(rng.uniform(0.4, 0.65)),
        surveyed_share=float(rng.uniform(0.24, 0.31)),
        learning_per_year=float(rng.uniform(0.05, 0.10)),
        accidents_per_40000_cells=float(rng.uniform(105, 160)),
    )
