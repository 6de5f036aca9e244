"""`mlrisk run`: the chain from sources to the map as one story, and the report of its training."""

from pathlib import Path

from features.base import Progress, no_progress, try_folder
from mlrisk.commands.rank import Ranking, rank
from mlrisk.settings import Config
from training.evidence import open_inputs
from training.registry import CHAMPION, Store
from training.train import Trained, train

__all__ = ["run", "train", "write_report"]


def run(config: Config, progress: Progress = no_progress) -> tuple[Trained, Ranking]:
    """Train and rank with sources that are opened once."""
    try_folder("output.folder", config.output_folder)
    Store.of(config).check_open_to(config.name)
    progress("sources")
    inputs = open_inputs(config)
    trained = train(config, inputs, progress)
    return trained, rank(config, inputs, progress)


def write_report(config: Config, trained: Trained) -> tuple[Path, ...]:
    """Write the validation report of a training run into the output folder.

    It is report.html and report.json where the run's versions rank; beside the map of another model it is that of a
    challenger, and says so in its name.
    """
    config.output_folder.mkdir(parents=True, exist_ok=True)
    start = "" if all(version.alias == CHAMPION for version in trained.versions) else "challenger_"
    for name, text in trained.report.items():
        (config.output_folder / f"{start}{name}").write_text(text, encoding="utf-8", newline="\n")
    return tuple(config.output_folder / f"{start}{name}" for name in trained.report)
