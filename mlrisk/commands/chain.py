"""`mlrisk run`: the chain from sources to the map as one story, and the report of its training."""

from features.base import InputError, Place, Progress, filled, no_progress, try_folder
from mlrisk.commands.new_training import Unchanged, train_what_is_new
from mlrisk.commands.rank import Ranking, rank
from mlrisk.ranking import PRIOR
from mlrisk.settings import Config
from training.evidence import Ledger, open_inputs, open_ledger
from training.registry import CHAMPION, Store
from training.train import TrainingResult, check_evidence, train

__all__ = ["run", "train", "write_report"]


def run(config: Config, progress: Progress = no_progress) -> tuple[TrainingResult | Unchanged | None, Ranking]:
    """Train if something is new, and rank, with sources that are opened once.

    Under `ranking.policy: prior` nothing is trained if too little was found or searched to learn from.
    """
    try_folder("output.folder", config.output_folder)
    Store.of(config).check_open_to(config.name)
    progress("sources")
    inputs = open_inputs(config)
    ledger = open_ledger(config, inputs)
    trained = None
    if config.ranking.policy != PRIOR or _can_learn(config, ledger):
        trained = train_what_is_new(config, inputs, progress, ledger)
    return trained, rank(config, inputs, progress, ledger)


def _can_learn(config: Config, ledger: Ledger) -> bool:
    try:
        check_evidence(ledger.at(config.as_of), config.contamination.survey_bias.unlabelled == "background")
    except InputError:
        return False
    return True


def write_report(config: Config, trained: TrainingResult | Unchanged | None) -> tuple[Place, ...]:
    """Write the validation report of a training run into the output folder; nothing where nothing was trained.

    The files are report.html and report.json if the run's versions rank; beside the map of another model they are named
    as those of a challenger.
    """
    if not isinstance(trained, TrainingResult):
        return ()
    start = "" if all(version.alias == CHAMPION for version in trained.versions) else "challenger_"
    with filled("output.folder", config.output_folder) as folder:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in trained.report.items():
            (folder / f"{start}{name}").write_text(text, encoding="utf-8", newline="\n")
    return tuple(config.output_folder / f"{start}{name}" for name in trained.report)
