"""Kill -9 at random moments of a retraining: what ranked before goes on ranking, and a new run succeeds.

`MLRISK_KILLS=20` kills so often; `python -m benchmarks.killed` does the same with whole countries and their maps.
"""

import os
import random
import signal
import time

import pytest

from features.known import Known
from features.table import grid_feature_table
from models.contamination import ContaminationModel
from tests.sample_store import cheap, store_config
from tests.sample_study import inputs_of, land
from tests.test_retrain import LOOSE, NOW, SIDE, THEN
from training.inputs import contamination_context
from training.registry import rows_of
from training.retrain import FIRST, PROMOTED, UNCHANGED, retrain
from training.tracking import Store

NAME = "small.contamination"
KILLS, SEED = int(os.environ.get("MLRISK_KILLS", "2")), int(os.environ.get("MLRISK_SEED", "0"))


def settings(folder, as_of):
    return store_config(folder, as_of=as_of, retraining=LOOSE)


def forked(work, seconds=600.0):
    """Exit code of some work in a process of its own, None where it had to be killed after some seconds."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            code = work()
        finally:
            os._exit(code)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")
def test_whenever_it_is_killed(tmp_path):
    books = inputs_of(land(2, SIDE), SIDE)
    kinds = {FIRST: 10, PROMOTED: 11, UNCHANGED: 12}
    config = settings(tmp_path, THEN)
    known = Known(books.sources, contamination_context(config))
    table = grid_feature_table(books.grid, known, config.features, 512)

    def run(as_of):
        return lambda: kinds[retrain(settings(tmp_path, as_of), books).kind]

    def ranks():
        """Writes the probabilities of the champion, from a process of its own as `mlrisk rank` is one."""

        def work():
            version, texts = Store.of(settings(tmp_path, NOW)).load(NAME)
            model = ContaminationModel.from_files(texts)
            stated = model.scores(table.aligned(model.ranker.features)).probability
            (tmp_path / "ranks").write_bytes(version.number.encode() + stated.tobytes())
            return 0

        assert forked(work) == 0
        return (tmp_path / "ranks").read_bytes()

    patch = cheap()
    patch.setattr("training.train.run_report", lambda *_: {"report.html": "", "report.json": "{}"})
    try:
        started = time.monotonic()
        assert forked(run(THEN)) == kinds[FIRST]
        lasts, rng, before = 1.3 * (time.monotonic() - started), random.Random(SEED), ranks()  # noqa: S311 no secret
        for _ in range(KILLS):
            if forked(run(NOW), rng.uniform(0.02, 1.0) * lasts) is not None:
                break  # it was quicker than thought: the promotion stands
            after = ranks()
            # A kill after the promotion leaves the new champion whole; before it, the old one as it was.
            assert after == before or after[:1] != before[:1]
        assert forked(run(NOW)) in (kinds[PROMOTED], kinds[UNCHANGED])
    finally:
        patch.undo()
    assert ranks() != before
    rows = rows_of(Store.of(settings(tmp_path, NOW)), NAME)
    assert [row.status for row in rows] == ["FINISHED"] * len(rows)
    assert rows[0].aliases[0] == "champion"
