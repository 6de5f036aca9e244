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

# Runs of a retraining carry this tag, by which the remains of a killed one are found.
BY_RETRAIN = {"command": "retrain"}


def lock_path(config: TrainConfig) -> Path:
    """The lock file of a country, which only one retraining can hold at a time."""
    return config.home_folder / f".{config.name}.retrain.lock"


@dataclass(frozen=True)
class RetrainSession:
    """The store, cleaned up after a killed run, with notes on the steps.

    `files` is the digest of the files, `mark` that of files, settings and code; both are empty where the inputs do not
    come from files, or one of these cannot be read.
    """

    store: Store
    notes: tuple[str, ...]
    files: str
    mark: str


def begin(config: TrainConfig, progress: Callable[[str], None], *, from_files: bool = True) -> RetrainSession:
    """The first steps of a retraining; the caller holds the lock."""
    # The digest is taken before a source is opened, so that a file that changes meanwhile is new to the next run.
    files = files_digest(config) if from_files else ""
    mark = mark_of(config, files)
    store = Store.of(config)
    progress("store")
    restored = restore(store, config)
    notes = sweep(store, config.name, BY_RETRAIN)
    if restored:
        notes = ("a promotion that was killed half way was undone: what ranked before ranks", *notes)
    return RetrainSession(store, notes, files, mark)


def unchanged_decision(config: TrainConfig, session: RetrainSession, signature: object | None) -> Decision | None:
    """UNCHANGED if files, settings, code and versions are those of the last retraining; None if news is possible."""
    same = nothing_new(config, session) if signature is None else None
    if same is None:
        return None
    newest, last_run = same
    return no_change(newest, last_run.champion, (*session.notes, *last_run.notes), None)


def nothing_new(config: TrainConfig, session: RetrainSession) -> tuple[RegisteredVersion, LastRun] | None:
    """The version that learned from all records, and the last run; None if something may be new.

    Versions are compared by their runs too, because another store numbers from 1 again.
    """
    last_run = read_last_run(config)
    name = f"{config.name}.contamination"
    if last_run is None or not last_run.holds(session.mark, config.as_of):
        return None
    if session.store.number(name, CHAMPION) != last_run.champion:
        return None
    try:
        champion, newest = (row_of(session.store, name, number) for number in (last_run.champion, last_run.known))
    except ConfigError:
        return None
    if (champion.run_id, newest.run_id) != (last_run.champion_run, last_run.known_run):
        return None
    return (newest, last_run) if newest.tags.get("decision", "") == last_run.decision else None


def record_last_run(
    config: TrainConfig,
    session: RetrainSession,
    inputs: Inputs,
    ledger: Ledger,
    champion: str,
    known: str,
    notes: tuple[str, ...],
) -> None:
    """Write the record for the next run; `known` is the version that learned from all records.

    Nothing is written where the inputs do not come from files.
    """
    if not session.mark:
        return
    name = f"{config.name}.contamination"
    first, row = row_of(session.store, name, champion), row_of(session.store, name, known)
    since, until = known_days(inputs, ledger, config.as_of)
    write_last_run(
        config,
        LastRun(
            mark=session.mark,
            since=since,
            until=until,
            champion=champion,
            champion_run=first.run_id,
            known=known,
            known_run=row.run_id,
            decision=row.tags.get("decision", ""),
            inputs=inputs.digests,
            notes=notes,
        ),
    )
