"""The first steps of a retraining, and whether it can end with them because nothing is new."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from features.base import ConfigError
from training.evidence import Inputs, Ledger, files_digest
from training.registry import CHAMPION, RegisteredVersion, Store, restore, row_of, sweep
from training.retraining.decision import Decision, no_change
from training.retraining.last_run import LastRun, known_days, mark_of, read_last_run, write_last_run
from training.settings import TrainConfig

# Runs of a retraining carry the tag, so that what a killed one left behind is known for what it is.
BY_RETRAIN = {"command": "retrain"}


def lock_path(config: TrainConfig) -> Path:
    """The file that two retrainings of a country must not hold at once."""
    return config.home_folder / f".{config.name}.retrain.lock"


@dataclass(frozen=True)
class RetrainSession:
    """The store, put in order after whoever was killed; what was done for that; digest of the files; mark of all.

    `files` and `mark` are empty where the inputs do not come from files, or one of these cannot be read.
    """

    store: Store
    notes: tuple[str, ...]
    files: str
    mark: str


def begin(config: TrainConfig, progress: Callable[[str], None], *, from_files: bool = True) -> RetrainSession:
    """The first steps of a retraining; the caller holds the lock."""
    # Before a source is opened: a file that changes meanwhile is then new to the next run.
    files = files_digest(config) if from_files else ""
    mark = mark_of(config, files)
    store = Store.of(config)
    progress("store")
    restored = restore(store, config)
    notes = sweep(store, config.name, BY_RETRAIN)
    if restored:
        notes = ("a promotion that was killed half way was undone: what ranked before ranks", *notes)
    return RetrainSession(store, notes, files, mark)


def unchanged_decision(config: TrainConfig, begun: RetrainSession, signature: object | None) -> Decision | None:
    """UNCHANGED where files, settings, code and versions are those that the last retraining left; None: look closer."""
    same = nothing_new(config, begun) if signature is None else None
    if same is None:
        return None
    known, seen = same
    return no_change(known, seen.champion, (*begun.notes, *seen.notes), None)


def nothing_new(config: TrainConfig, begun: RetrainSession) -> tuple[RegisteredVersion, LastRun] | None:
    """The version that knows all there is, and what was seen; None where something may be new.

    Versions are compared by the run that made them too: numbers begin anew in another store.
    """
    seen = read_last_run(config)
    name = f"{config.name}.contamination"
    if seen is None or not seen.holds(begun.mark, config.as_of):
        return None
    if begun.store.number(name, CHAMPION) != seen.champion:
        return None
    try:
        champion, known = (row_of(begun.store, name, number) for number in (seen.champion, seen.known))
    except ConfigError:
        return None
    if (champion.run_id, known.run_id) != (seen.champion_run, seen.known_run):
        return None
    return (known, seen) if known.tags.get("decision", "") == seen.decision else None


def note_down(
    config: TrainConfig,
    begun: RetrainSession,
    inputs: Inputs,
    ledger: Ledger,
    champion: str,
    known: str,
    told: tuple[str, ...],
) -> None:
    """Write down what was seen, for the next run; nothing where the inputs do not come from files."""
    if not begun.mark:
        return
    name = f"{config.name}.contamination"
    first, row = row_of(begun.store, name, champion), row_of(begun.store, name, known)
    since, until = known_days(inputs, ledger, config.as_of)
    write_last_run(
        config,
        LastRun(
            mark=begun.mark,
            since=since,
            until=until,
            champion=champion,
            champion_run=first.run_id,
            known=known,
            known_run=row.run_id,
            decision=row.tags.get("decision", ""),
            inputs=inputs.digests,
            notes=told,
        ),
    )
