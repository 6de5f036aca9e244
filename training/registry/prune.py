"""Deletion of old versions: those that neither rank, wait, serve a roll back nor are among the newest."""

import shutil
from pathlib import Path

from features.base import ConfigError
from training.registry.aliases import TARGETS
from training.registry.decision_log import write_line
from training.registry.promotion import alias_lock
from training.registry.store import Store
from training.registry.store_errors import store_errors
from training.registry.versions import BEFORE, RegisteredVersion, rows_of
from training.settings import TrainConfig


def prune(store: Store, config: TrainConfig, keep: int, by: str) -> tuple[RegisteredVersion, ...]:
    """Delete unneeded versions of a country, and runs without any version left; returns the deleted versions.

    The newest `keep` versions of each model stay, and so do those that hold an alias or serve a roll back. `by` answers
    for it in the decision log. Raises ConfigError for less than one that is kept.
    """
    if keep < 1:
        raise ConfigError(f"--keep ({keep}) must be at least 1: the newest version stays")
    gone: list[RegisteredVersion] = []
    with alias_lock(store, config), store_errors(store.uri):
        for target in TARGETS:
            gone += _not_needed(rows_of(store, f"{config.name}.{target}"), keep)
        if gone:
            write_line(config, "prune", by, versions=[f"{row.name} {row.number}" for row in gone])
        for row in gone:
            store.client.delete_model_version(row.name, row.number)
        for run_id in {row.run_id for row in gone} - _in_use(store, config):
            _delete_run(store, run_id)
    return tuple(gone)


def _not_needed(rows: list[RegisteredVersion], keep: int) -> list[RegisteredVersion]:
    """The versions of one model that may go, of all its `rows`, the newest first."""
    by_number = {row.number: row for row in rows}
    needed = {row.number for row in rows[:keep]} | {row.number for row in rows if row.aliases}
    waiting = list(needed)
    while waiting:
        before = by_number[waiting.pop()].tags.get(BEFORE, "")
        if before in by_number and before not in needed:
            needed.add(before)
            waiting.append(before)
    return [row for row in rows if row.number not in needed]


def _in_use(store: Store, config: TrainConfig) -> set[str]:
    return {row.run_id for target in TARGETS for row in rows_of(store, f"{config.name}.{target}")}


def _delete_run(store: Store, run_id: str) -> None:
    """Delete a run with those of its folds, and its files where they lie on this machine."""
    run = store.client.get_run(run_id)
    parts = store.client.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run_id}'")
    for one in [*parts, run]:
        store.client.delete_run(one.info.run_id)
        local = one.info.artifact_uri.removeprefix("file://")
        if local != one.info.artifact_uri:
            shutil.rmtree(Path(local), ignore_errors=True)
