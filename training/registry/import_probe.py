"""A version from elsewhere, loaded and tested in a separate process before anything is registered.

Run as `python -m training.registry.import_probe TARGET` with the files as JSON on standard input. A file that makes
LightGBM abort, hang or exhaust memory ends this process and not the one that imports.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from features.base import Floats, Floats32

if TYPE_CHECKING:
    from models.contamination import ContaminationModel

WAIT_S, CPU_S, MEMORY_BYTES, FILE_BYTES = 180.0, 120, 4 << 30, 16 << 20
ROWS = 64


def probe(target: str, texts: Mapping[str, str]) -> str:
    """The reason why a version cannot be used, in words; empty if its predictions for a probe table are valid."""
    line = [sys.executable, "-m", "training.registry.import_probe", target]
    try:
        done = subprocess.run(  # noqa: S603 our own module
            line, input=json.dumps(dict(texts)), capture_output=True, text=True, encoding="utf-8", timeout=WAIT_S,
            check=False, env=_environment(),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"it did not answer a table of {ROWS} rows within {WAIT_S:.0f} s"
    if done.returncode < 0:
        return f"it ends the process that loads it (signal {-done.returncode})"
    if done.returncode:
        last = [part for part in done.stdout.splitlines() if part.startswith("probe: ")]
        return last[-1].removeprefix("probe: ")[:300] if last else f"it cannot be loaded (exit {done.returncode})"
    return ""


def _environment() -> dict[str, str]:
    """The environment of this process with its module paths, and one thread: stacks of threads count as memory."""
    import os

    paths = os.pathsep.join(path for path in sys.path if path)
    return {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def _limit() -> None:
    """Limit processor time, memory and size of files, and forbid core dumps; on Windows only the timeout holds."""
    try:
        import resource
    except ImportError:
        return
    for name, most in (
        ("RLIMIT_CPU", CPU_S),
        ("RLIMIT_AS", MEMORY_BYTES),
        ("RLIMIT_FSIZE", FILE_BYTES),
        ("RLIMIT_CORE", 0),
    ):
        hard = resource.getrlimit(getattr(resource, name))[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(getattr(resource, name), (least, hard))


def probe_table(count: int) -> Floats32:
    """Rows (ROWS, count) that a country could have: zeros, unknown ones, large ones of either sign, and a spread."""
    rng = np.random.default_rng(0)
    table = rng.normal(0, 1_000, (ROWS, count)).astype(np.float32)
    table[0], table[1], table[2], table[3] = 0, np.nan, 1e6, -1e6
    table[4:8][rng.random((4, count)) < 0.5] = np.nan
    return table


def fault(target: str, texts: Mapping[str, str]) -> str:
    """The reason why predictions of a version are invalid, in words; empty if they are valid."""
    from models.casualty import CasualtyModel
    from models.contamination import ContaminationModel

    if target == "contamination":
        model = ContaminationModel.from_files(texts)
        table = probe_table(len(model.ranker.features))
        scores = model.scores(table, 1, _places(model))
        # A bound on missed hazards that does not hold is an empty column.
        bound = scores.missed_share_below[np.isfinite(scores.missed_share_below)]
        shares = (scores.probability, scores.low, scores.high, bound)
        if not np.isfinite(scores.score).all() or not all(_are_shares(values) for values in shares):
            return "its probabilities are no numbers between 0 and 1"
        if (scores.low > scores.probability).any() or (scores.probability > scores.high).any():
            return "its probabilities lie outside their intervals"
        if not np.isfinite(model.ranker.contributions(table, 1)).all():
            return "its reasons are no numbers"
        return ""
    casualty = CasualtyModel.from_files(texts)
    table = probe_table(len(casualty.features))
    # Exposure and patterns are never negative: here they run from 0 to 100.
    presence = np.linspace(0, 100, ROWS)
    answers = casualty.casualties(table, presence, dict.fromkeys(casualty.pattern_names, presence), 1)
    if not all(np.isfinite(values).all() and (values >= 0).all() for values in answers):
        return "its casualties are no numbers from 0 up"
    return ""


def _places(model: "ContaminationModel") -> Floats:
    """Centres (ROWS, 2) of cells near one on which the model has data, and of some that are far away."""
    places = np.random.default_rng(1).normal(0, 20_000, (ROWS, 2))
    if model.local_ratio is not None:
        cell = np.array([model.local_ratio.column[0], model.local_ratio.row[0]])
        places[: ROWS // 2] = (cell + 0.5 + np.round(places[: ROWS // 2] / 10_000)) * model.local_ratio.cell_size_m
    return places


def _are_shares(values: Floats) -> bool:
    return bool(np.isfinite(values).all() and (values >= 0).all() and (values <= 1 + 1e-6).all())


def _main(arguments: list[str], stream: Any) -> int:
    texts = json.load(stream)
    _limit()
    try:
        found = fault(arguments[0], texts)
    except Exception as error:  # noqa: BLE001 whatever it is, the version cannot be used
        found = f"it cannot be loaded ({type(error).__name__}: {str(error)[:160]!r})"
    if found:
        sys.stdout.write(f"probe: {found}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:], sys.stdin))
