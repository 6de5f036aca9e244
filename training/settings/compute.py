"""Settings of computing: scheduler, threads, memory and caches; no result depends on them."""

import os
from pathlib import Path

from pydantic import Field, field_validator

from features.base import ArrayCache, Settings
from features.table import LOCAL, PROCESSES, Compute, is_scheduler


class ComputeSettings(Settings):
    """Where features are computed; none of it ever changes a result."""

    scheduler: str = Field(
        LOCAL,
        description="local: threads of this process; processes: as many worker processes; tcp://host:port: the "
        "workers of a Dask scheduler (pip install mlrisk[dask])",
    )
    threads: int = Field(2, ge=1, le=256, description="tiles, folds or trees that are worked on side by side")
    tile_cells: int = Field(512, ge=16, le=8192, description="side of a tile in cells")
    cache: str = Field(
        "auto",
        description="folder that keeps features and baselines by content (what they read, settings and code); auto: "
        "that of the variable MLRISK_CACHE, else ~/.cache/mlrisk; empty: none. It may be deleted at any time",
    )
    cache_gb: float = Field(4.0, ge=0, le=10_000, description="greatest size of that folder")

    @field_validator("scheduler")
    @classmethod
    def _known_scheduler(cls, value: str) -> str:
        if not is_scheduler(value):
            raise ValueError(f"{value!r} is no scheduler: choose {LOCAL}, {PROCESSES} or tcp://host:port")
        return value

    @property
    def schedule(self) -> Compute:
        """The same for the features."""
        return Compute(self.scheduler, self.threads, self.memory)

    @property
    def memory(self) -> ArrayCache | None:
        """The cache of computed arrays; None if nothing is to be kept."""
        folder = os.environ.get("MLRISK_CACHE", "~/.cache/mlrisk") if self.cache == "auto" else self.cache
        if not folder or not self.cache_gb:
            return None
        try:
            return ArrayCache(Path(folder).expanduser(), self.cache_gb * 1e9)
        except RuntimeError:
            # An account without a home.
            return None
