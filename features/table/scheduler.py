"""Schedulers of tiles: threads of this process, worker processes, or the workers of a Dask scheduler."""

import logging
import multiprocessing
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from features.base import ConfigError, Grid, MlriskError, package_digest, trim_heap
from features.table.compute import DASK_ADDRESS, LOCAL, PROCESSES, Compute, is_scheduler

LOGGER = logging.getLogger(__name__)

# A scheduler in the same network answers within milliseconds; one that just starts needs a few seconds.
ANSWER_SECONDS = 10

Made = TypeVar("Made")
Job = Callable[[Grid], Made]


def over_tiles(job: Job[Made], tiles: Iterable[Grid], compute: Compute) -> Iterator[tuple[Grid, Made]]:
    """Each tile and `job(tile)`, in the order of the tiles; the same values on every scheduler.

    At most one tile more than there are workers is computed or waits at a time, which bounds memory. In other processes
    the job is sent once to each worker, and a tile is sent with only its own part of the mask. Raises errors of the
    job, MlriskError if a worker dies or no scheduler answers, ConfigError if Dask is not installed. A script of one's
    own needs `if __name__ == "__main__"` around the call for `processes`.
    """
    waiting = list(tiles)
    LOGGER.info("%d tiles on %s, %d threads", len(waiting), compute.scheduler, compute.threads)
    return _counted(_on_scheduler(job, waiting, compute), len(waiting))


def _counted(results: Iterator[tuple[Grid, Made]], total: int) -> Iterator[tuple[Grid, Made]]:
    """The results in turn; each is logged with `done` and `total`, by which the command line advances its bar."""
    for done, result in enumerate(results, start=1):
        LOGGER.debug("tile %d of %d", done, total, extra={"done": done, "total": total})
        yield result


def _on_scheduler(job: Job[Made], waiting: list[Grid], compute: Compute) -> Iterator[tuple[Grid, Made]]:
    if DASK_ADDRESS.fullmatch(compute.scheduler):
        return _on_dask(job, waiting, compute.scheduler)
    if not is_scheduler(compute.scheduler):
        raise ConfigError(
            f"compute.scheduler ({compute.scheduler!r}) is unknown: choose {LOCAL}, {PROCESSES} or tcp://host:port"
        )
    trim_heap()
    workers = min(compute.threads, len(waiting))
    if workers < 2:
        return ((tile, job(tile)) for tile in waiting)
    return (_in_threads if compute.scheduler == LOCAL else _in_processes)(job, waiting, workers)


def code_digest() -> str:
    """SHA-256 over the package `features`: other code may give other values under the same version."""
    return package_digest(Path(__file__).parents[1])


def _in_order(submit: Callable[[Grid], Any], tiles: list[Grid], workers: int) -> Iterator[tuple[Grid, Any]]:
    """Results in the order of the tiles, with one tile more in progress than there are workers."""
    pending: deque[tuple[Grid, Any]] = deque()
    for tile in tiles:
        pending.append((tile, submit(tile)))
        if len(pending) > workers:
            yield _oldest(pending)
    while pending:
        yield _oldest(pending)


def _oldest(pending: deque[tuple[Grid, Any]]) -> tuple[Grid, Any]:
    tile, future = pending.popleft()
    return tile, future.result()


@contextmanager
def _pool(executor: Executor) -> Iterator[Executor]:
    """The pool; tiles that wait are dropped when the consumer stops or a tile fails."""
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def _in_threads(job: Job[Made], tiles: list[Grid], workers: int) -> Iterator[tuple[Grid, Made]]:
    with _pool(ThreadPoolExecutor(workers)) as pool:
        yield from _in_order(lambda tile: pool.submit(job, tile), tiles, workers)


# The job of a worker process, set once by `_start_worker`.
_JOBS: list[Job[Any]] = []


def _in_processes(job: Job[Made], tiles: list[Grid], workers: int) -> Iterator[tuple[Grid, Made]]:
    # Spawned, not forked: a fork copies the locks of threads (OpenMP, GDAL) that it does not copy.
    context = multiprocessing.get_context("spawn")
    try:
        with _pool(ProcessPoolExecutor(workers, context, _start_worker, (job,))) as pool:
            yield from _in_order(lambda tile: pool.submit(_in_worker, tile), tiles, workers)
    except BrokenProcessPool as error:
        raise MlriskError(
            f"a worker process of compute.scheduler ({PROCESSES}) ended early, most often for want of memory: "
            "lower compute.threads or compute.tile_cells"
        ) from error


def _start_worker(job: Job[Any]) -> None:
    _JOBS[:] = [job]
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End the process with its parent: a killed parent cannot stop its workers, and they would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        signal.raise_signal(signal.SIGTERM)


def _in_worker(tile: Grid) -> Any:
    return _JOBS[0](tile)


def _on_dask(job: Job[Made], tiles: list[Grid], address: str) -> Iterator[tuple[Grid, Made]]:
    client = _dask_client(address)
    from concurrent.futures import CancelledError

    from distributed import KilledWorker

    with client:
        workers = _ready_workers(client, address)
        try:
            shared = client.scatter(job, broadcast=True, hash=False)
            yield from _in_order(lambda tile: client.submit(_on_worker, shared, tile, pure=False), tiles, workers)
        except (KilledWorker, CancelledError) as error:
            raise MlriskError(
                f"compute.scheduler ({address}) lost its workers, most often for want of memory: give them more, or "
                "lower compute.tile_cells"
            ) from error


def _on_worker(job: Job[Made], tile: Grid) -> Made:
    return job(tile)


def _dask_client(address: str) -> Any:
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"compute.scheduler ({address}) needs Dask: pip install mlrisk[dask], or set it to {LOCAL} or {PROCESSES}"
        ) from error
    try:
        return Client(address, timeout=ANSWER_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise MlriskError(
            f"compute.scheduler ({address}) does not answer within {ANSWER_SECONDS} s: start `dask scheduler` there, "
            f"or set it to {LOCAL} or {PROCESSES}"
        ) from error


def _ready_workers(client: Any, address: str) -> int:
    """Threads of all workers, after a check that there are some and that they run this code."""
    try:
        client.wait_for_workers(1, timeout=ANSWER_SECONDS)
    except TimeoutError as error:
        raise MlriskError(f"compute.scheduler ({address}) has no workers: start `dask worker {address}`") from error
    try:
        digests = set(client.run(code_digest).values())
    except ModuleNotFoundError as error:
        raise MlriskError(f"a worker of compute.scheduler ({address}) has no mlrisk: install it there") from error
    if digests != {code_digest()}:
        raise MlriskError(
            f"a worker of compute.scheduler ({address}) runs another version of mlrisk: install the same everywhere"
        )
    return sum(client.nthreads().values())
