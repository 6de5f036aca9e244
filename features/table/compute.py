"""The names of schedulers and a choice among them; settings read them, so nothing heavy is imported here."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from features.base import ArrayCache

LOCAL, PROCESSES = "local", "processes"
DASK_ADDRESS = re.compile(r"tcp://(\[[0-9a-fA-F:]+\]|[^\s:/\[\]]+):\d{1,5}")


@dataclass(frozen=True)
class Compute:
    """A scheduler, see `is_scheduler`, and how many threads or worker processes; Dask brings its own workers.

    `memory` keeps the families of whole grids by content, None for none.
    """

    scheduler: str = LOCAL
    threads: int = 1
    memory: "ArrayCache | None" = None


def is_scheduler(text: str) -> bool:
    """True for the name of a scheduler.

    >>> [is_scheduler(text) for text in ("local", "processes", "tcp://10.0.0.7:8786", "tcp://nowhere", "threads")]
    [True, True, True, False, False]
    """
    return text in (LOCAL, PROCESSES) or DASK_ADDRESS.fullmatch(text) is not None
