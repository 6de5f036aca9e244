"""Kill -9 at random moments of `mlrisk retrain`: what ranked before must go on ranking, byte for byte."""

import argparse
import hashlib
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mlrisk
from mlrisk.synthetic.kind import AS_OF

QUICK = (
    "compute.threads=1", "contamination.model.n_trees=30", "contamination.members=3", "casualty.model.n_trees=10",
    "casualty.window_years=2", "validation.protocols=[leave_region_out]", "validation.folds=2",
    "ranking.explained_cells=0", "output.formats=[parquet]", "features=[front_lines, roads, incidents]",
    # Every challenger passes: a promotion, too, must be interrupted.
    "retraining.margin=1", "retraining.district_margin=1", "retraining.most_calibration_error=1",
    "retraining.most_domain_loss=1", "retraining.most_shift=99", "retraining.least_found=999",
)  # fmt: skip
AFTER_GATE = (
    "gate", "champions", "sources", "evidence", "scores", "casualties", "reasons", "tasks", "planner package",
    "change report", "done",
)  # fmt: skip
BEFORE, NOW = f"{AS_OF.year - 1}-12-31", str(AS_OF)


def command(name: str, config: Path, *more: str) -> list[str]:
    """The command line of a step."""
    line = [sys.executable, "-W", "ignore", "-c", "from mlrisk.cli import main; main()", name, str(config)]
    return [*line, *(part for text in (*QUICK, *more) for part in ("--set", text))]


def ranked_bytes(config: Path) -> str:
    """Digest of the map that `mlrisk rank` makes now."""
    folder = config.parent / "check"
    done = subprocess.run(
        command("rank", config, f"as_of={NOW}", "output.folder=check"), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"rank failed: {done.stderr[-500:]}")
    return hashlib.sha256((folder / "risk.parquet").read_bytes()).hexdigest()[:16]


def main() -> None:
    """Kill as often as asked, and say after each kill who ranks and whether the map is the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)  # noqa: S311 moments, no secrets
    with tempfile.TemporaryDirectory() as scratch:
        config = mlrisk.synthetic_country(4, cells=2_500, folder=Path(scratch) / "country").config_path
        subprocess.run(command("retrain", config, f"as_of={BEFORE}"), check=True, capture_output=True)
        store, kept = config.parent, Path(scratch) / "kept"
        shutil.copytree(store, kept)
        before = ranked_bytes(config)
        started = time.monotonic()
        whole = subprocess.run(command("retrain", config, f"as_of={NOW}"), capture_output=True, text=True, check=False)
        seconds = time.monotonic() - started
        after = ranked_bytes(config)
        print(f"whole retrain {seconds:.0f} s, exit {whole.returncode}: {whole.stdout.splitlines()[0]}", flush=True)
        wrong = 0
        for number in range(arguments.kills):
            _reset(store, kept)
            moment = rng.uniform(0.05, 1.0) * seconds
            process = subprocess.Popen(
                command("retrain", config, f"as_of={NOW}"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
            try:
                _, told = process.communicate(timeout=moment)
                ended = f"ended by itself ({process.returncode})"
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                _, told = process.communicate()
                ended = "killed"
            steps = [json.loads(line)["step"] for line in told.splitlines() if line.startswith("{")]
            ranks = ranked_bytes(config)
            again = subprocess.run(
                command("retrain", config, f"as_of={NOW}"), capture_output=True, text=True, check=False
            )
            good = ranks in (before, after) and again.returncode == 0 and ranked_bytes(config) == after
            # A promotion is the last step but for the new map: killed earlier, what ranked before ranks.
            good = good and (ranks == before or steps[-1] in AFTER_GATE or ended != "killed")
            wrong += not good
            print(
                f"{number + 1:2d} {ended} after {moment:5.1f} s in '{steps[-1] if steps else 'start'}': the map is "
                f"{'that of before' if ranks == before else 'the new one' if ranks == after else 'ANOTHER ONE'}, then "
                f"retrain exit {again.returncode} ({again.stdout.splitlines()[0] if again.stdout else ''}): "
                f"{'good' if good else 'WRONG ' + again.stderr[-300:]}",
                flush=True,
            )
        print(f"{arguments.kills - wrong} of {arguments.kills} good")


def _reset(store: Path, kept: Path) -> None:
    """The country's folder as it was; artifacts are found by their absolute path, so it stays where it is."""
    for path in store.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(kept, store, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
