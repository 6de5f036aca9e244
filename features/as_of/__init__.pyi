from .coarse_blocks import MARGIN_M, Block, assemble, block_heights
from .control_votes import BANDWIDTHS_M, Votes, control_votes, pairs_of, sides_of
from .events import MINE_WORDS, UXO_WORDS, Events, are_mines, are_uxo, events_of, events_on, has_any, has_words
from .own_records import own_points, own_polygons
from .snapshot import Snapshot, height_halo

__all__ = [
    "BANDWIDTHS_M",
    "MARGIN_M",
    "MINE_WORDS",
    "UXO_WORDS",
    "Block",
    "Events",
    "Snapshot",
    "Votes",
    "are_mines",
    "are_uxo",
    "assemble",
    "block_heights",
    "control_votes",
    "events_of",
    "events_on",
    "has_any",
    "has_words",
    "height_halo",
    "own_points",
    "own_polygons",
    "pairs_of",
    "sides_of",
]
