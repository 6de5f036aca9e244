"""The sources as they were known at a date, and data derived from them once for all tiles."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np

from features.base import Buffers, FeatureContext, Floats32, Grid, known_at
from features.geometry import Layer, layer_of
from features.sources import Sources

# Every window of the terrain and every sight line ends within this of a cell.
HEIGHT_REACH_M = 5000.0
# Number of blocks kept: more than one row of tiles touches, and little memory compared with the rasters of a tile.
BLOCKS_KEPT = 96

Made = TypeVar("Made")


class Snapshot:
    """The sources and the date of knowledge of one run, with a memory for data that do not depend on the tile.

    Families derive from it: `build(tile, snapshot)` is a pure function of both, because the memory only saves time.
    Threads may share it; a process that receives it starts with an empty memory.
    """

    def __init__(self, sources: Sources, context: FeatureContext) -> None:
        self.sources = sources
        self.context = context
        self._forget()

    def _forget(self) -> None:
        self._made: dict[Any, Any] = {}
        self._recent: OrderedDict[Any, Any] = OrderedDict()
        self._making: dict[Any, threading.Lock] = {}
        self._lock = threading.RLock()
        self._last = threading.local()
        self.buffers = Buffers()

    def __getstate__(self) -> dict[str, Any]:
        return {"sources": self.sources, "context": self.context}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    def table(self, source: str) -> gpd.GeoDataFrame:
        """The rows of a vector source known at `as_of`; KeyError if there is no such source."""
        return self.cached(_known_table, source)

    def layer(self, source: str) -> Layer:
        """The geometries of a vector source known at `as_of`, taken apart; KeyError if there is no such source."""
        return self.cached(_known_layer, source)

    def cached(self, make: "Callable[..., Made]", *arguments: Any) -> Made:
        """The result of `make(snapshot, *arguments)`, computed once and kept; the arguments are hashable."""
        return self._memory(self._made, None, make, arguments)

    def cached_block(self, make: "Callable[..., Made]", *arguments: Any) -> Made:
        """Like `cached`, for blocks of the country: the least recently used ones are forgotten."""
        return self._memory(self._recent, BLOCKS_KEPT, make, arguments)

    def cached_for_tile(self, make: "Callable[[Snapshot, Grid], Made]", tile: Grid) -> Made:
        """The result of `make(snapshot, tile)`, kept by each thread until its next tile, so that families share it."""
        kept: Any = getattr(self._last, "made", None)
        if kept is None or kept[0] is not tile:
            kept = tile, {}
            self._last.made = kept
        key = (make.__module__, make.__qualname__)
        if key not in kept[1]:
            kept[1][key] = make(self, tile)
        value: Made = kept[1][key]
        return value

    def heights(self, tile: Grid) -> Floats32:
        """Elevation of the tile and of `height_halo(tile)` cells around it, NaN where the DEM has none.

        The last tile's heights are kept by each thread, so that the families of one tile read the DEM once.
        """
        kept = getattr(self._last, "heights", None)
        if kept is None or kept[0] is not tile:
            dem = self.sources.rasters["dem"]
            kept = tile, dem.read(tile.expanded(height_halo(tile))).astype(np.float32)
            self._last.heights = kept
        values: Floats32 = kept[1]
        return values

    def _memory(self, kept: Any, most: int | None, make: "Callable[..., Made]", arguments: tuple[Any, ...]) -> Made:
        key = (make.__module__, make.__qualname__, arguments)
        with self._lock:
            if key in kept:
                if most is not None:
                    kept.move_to_end(key)
                value: Made = kept[key]
                return value
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                made = key in kept
            value = kept[key] if made else make(self, *arguments)
            with self._lock:
                kept[key] = value
                self._making.pop(key, None)
                while most is not None and len(kept) > most:
                    kept.popitem(last=False)
        return value


def height_halo(tile: Grid) -> int:
    """Cells around a tile for which `Snapshot.heights` has the elevation too."""
    return max(1, round(HEIGHT_REACH_M / tile.cell_size_m)) + 1


def _known_table(snapshot: Snapshot, source: str) -> gpd.GeoDataFrame:
    return known_at(snapshot.sources.vectors[source], snapshot.context.as_of)


def _known_layer(snapshot: Snapshot, source: str) -> Layer:
    return layer_of(np.asarray(snapshot.table(source).geometry.array))
