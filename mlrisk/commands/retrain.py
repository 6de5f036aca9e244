"""`mlrisk retrain`: most runs by a timer find nothing new and end here; the others rank again."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.base import Place, Progress, no_progress, try_folder
from mlrisk.commands.map_state import is_current, read_map_record
from mlrisk.settings import Config
from training.registry import Store, only_one
from training.retraining import (
    Decision,
    Signature,
    begin,
    lock_path,
    next_step,
    notify,
    read_last_run,
    unchanged_decision,
    waiting_version,
)

if TYPE_CHECKING:
    from mlrisk.commands.rank import Ranking


@dataclass(frozen=True, eq=False, kw_only=True)
class RetrainResult:
    """The decision, and the new map with its change report, which are None if the present map is still valid."""

    decision: Decision
    ranking: "Ranking | None"
    report: tuple[Place, ...]
    next_step: str = ""
    notes: tuple[str, ...] = ()


def retrain(
    config: Config, approve: str | None = None, progress: Progress = no_progress, version: int | None = None
) -> RetrainResult:
    """Train on newer results, judge, promote or refuse, and rank with the champion; one run at a time.

    With `approve`, the name of a person, nothing is trained: the waiting `version` is promoted (None: whichever waits).
    A run without new records that finds its map up to date changes nothing. Every step can be repeated: after a kill
    the next run resumes from the finished steps.
    """
    signature = None if approve is None else Signature(approve, None if version is None else str(version))
    try_folder("output.folder", config.output_folder)
    with only_one(lock_path(config), config.retraining.lock_wait_s):
        session = begin(config, progress)
        # Checked before any source is opened, so that a useless signature costs no time.
        waiting = None if signature is None else waiting_version(config, session.store, signature)
        map_record = read_map_record(config.output_folder)
        unchanged = unchanged_decision(config, session, signature)
        if unchanged and is_current(map_record, config, session, read_last_run(config)):
            return RetrainResult(decision=unchanged, ranking=None, report=())
        # Models and writers take seconds to import; a run that ends above does not need them.
        from mlrisk.commands.retrain_map import retrain_and_map

        decision, ranking, report, failed = retrain_and_map(config, session, map_record, (signature, waiting), progress)
        step = next_step(config, decision)
        notes = (*failed, *notify(config, decision, step))
        return RetrainResult(decision=decision, ranking=ranking, report=report, next_step=step, notes=notes)


def decide_about_records(config: Config, accept: Iterable[str], reject: Iterable[str], by: str) -> tuple[str, ...]:
    """Log a person's decisions about records in quarantine; returns a line for each. See `decide_records`."""
    from training.evidence import ACCEPTED, REJECTED, Ledger, read_inputs
    from training.retraining import decide_records

    with only_one(lock_path(config), config.retraining.lock_wait_s):
        inputs = read_inputs(config)
        ledger = Ledger.build(inputs.grid, inputs.sources, config.contamination.labels, config.data_folder)
        rows = [*((ACCEPTED, one) for one in accept), *((REJECTED, one) for one in reject)]
        return decide_records(config, Store.of(config), ledger, rows, by)
