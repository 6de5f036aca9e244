from .coarse_blocks import MARGIN_M, Block, assemble, block_heights
from .events import MINE_WORDS, UXO_WORDS, Events, are_mines, are_uxo, events_of, events_on, has_any, has_words
from .own_records import own_points, own_polygons
from .snapshot import Snapshot, height_halo

__all__ = [
    "MARGIN_M",
    "MINE_WORDS",
    "UXO_WORDS",
    "Block",
    "Events",
    "Snapshot",
    "are_mines",
    "are_uxo",
    "assemble",
    "block_heights",
    "events_of",
    "events_on",
    "has_any",
    "has_words",
    "height_halo",
    "own_points",
    "own_polygons",
]
