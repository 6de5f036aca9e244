"""The one way in which versions change places: lock, compare, write the decision down, move the aliases.

Training, retraining, promotion by hand, roll back and import all use it. The lock is held only for the seconds of the
change; comparisons that were made before are repeated within it.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from features.base import ConfigError, MlriskError
from training.registry.aliases import (
    ANCHOR,
    CHALLENGER,
    CHAMPION,
    TARGETS,
    Move,
    announce,
    carry_out,
    champions_at,
    country_of,
    under_way,
    undo,
)
from training.registry.decision_log import write_line
from training.registry.lock import BusyError, only_one
from training.registry.store import Store, Version
from training.registry.store_errors import store_errors
from training.registry.versions import BEFORE, RegisteredVersion, row_of, rows_of
from training.settings import TrainConfig

# A change takes seconds; a longer wait means that something is broken.
WAIT_S = 60.0
FIRST, BY_HAND, ROLLED_BACK, IMPORTED, UNDONE = "first", "promoted by hand", "rolled back", "imported", "undone"
# MLflow refuses longer values of tags.
MOST_WHY = 4000


class OvertakenError(MlriskError):
    """The version that ranks now is not the one against which the challenger was judged."""


def promote(
    store: Store,
    config: TrainConfig,
    numbers: Mapping[str, str],
    by: str,
    why: str = "",
    *,
    what: str = BY_HAND,
    judged_against: Mapping[str, str | None] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> dict[str, str | None]:
    """Let these versions rank from now on, all or none; returns the numbers that ranked before, by model.

    `numbers` are version numbers by model, `judged_against` those that still have to rank (None: any). The decision is
    in the log before an alias moves. A promotion that is killed half way is undone by the next one, which notes it in
    the log. Raises ConfigError for an unknown version or an empty `by`, and OvertakenError if another version ranks
    than the one judged against.
    """
    _check_person(by)
    for name, number in numbers.items():
        row_of(store, name, number)
    with alias_lock(store, config) as ranking:
        _check_judged(ranking, judged_against)
        _change(store, config, {"before": ranking, "after": dict(numbers)}, what, by, why, facts or {})
    return {name: ranking[name] for name in numbers}


def roll_back(store: Store, config: TrainConfig, by: str) -> dict[str, str]:
    """Let the versions rank again that ranked before the newest promotion; returns their numbers by model.

    Models that were promoted together go back together. Raises ConfigError where nothing was ever promoted over
    another version.
    """
    _check_person(by)
    with alias_lock(store, config) as ranking:
        rows = {name: row_of(store, name, number) for name, number in ranking.items() if number is not None}
        before = {name: row for name, row in rows.items() if row.tags.get(BEFORE)}
        if not before:
            listed = ", ".join(f"{name} version {row.number}" for name, row in rows.items()) or "no champion"
            raise ConfigError(f"{config.name}: there is nothing to roll back to ({listed} replaced no version)")
        newest = max(row.tags.get("promoted_at", "") for row in before.values())
        numbers = {n: row.tags[BEFORE] for n, row in before.items() if row.tags.get("promoted_at", "") == newest}
        # The origin of the restored version stays as it was, so that a second roll back goes one step further.
        over = {name: row_of(store, name, number).tags.get(BEFORE) for name, number in numbers.items()}
        _change(store, config, {"before": ranking, "after": numbers}, ROLLED_BACK, by, "rolled back", {}, over)
    return numbers


def assign_aliases(
    store: Store,
    config: TrainConfig,
    versions: Iterable[Version],
    what: str,
    by: str,
    facts: Mapping[str, Any],
    *,
    waits: bool = False,
) -> tuple[Version, ...]:
    """Give the new versions of one training their aliases once all are registered: half a training never ranks.

    They become champions if the country has none, or only versions of the same training, unless one `waits` for a
    person. Otherwise the present pair
    goes on ranking and they become challengers; imported ones get no alias and a line in the decision log.
    """
    given = tuple(versions)
    with alias_lock(store, config) as ranking:
        marks = {row_of(store, name, number).tags.get("fingerprint", "") for name, number in ranking.items() if number}
        ours = {row_of(store, version.name, version.number).tags.get("fingerprint", "") for version in given}
        same = marks == ours and "" not in ours and all(ranking[version.name] is None for version in given)
        alone = (not marks or same) and not waits
        alias = CHAMPION if alone else "" if what == IMPORTED else CHALLENGER
        if alone:
            numbers = {version.name: version.number for version in given}
            _change(store, config, {"before": ranking, "after": numbers}, what, by, "there was no champion", facts)
            with store_errors(store.uri):
                for name in (name for name in numbers if name.endswith(f".{TARGETS[0]}")):
                    store.client.set_registered_model_alias(name, ANCHOR, numbers[name])
        elif what == IMPORTED:
            entered = {version.name: version.number for version in given}
            write_line(
                config, what, by, why="it ranks once somebody promotes it", entered=entered, ranks=ranking, **facts
            )
        else:
            with store_errors(store.uri):
                for version in given:
                    store.client.set_registered_model_alias(version.name, CHALLENGER, version.number)
    return tuple(replace(version, alias=alias) for version in given)


def training_of(store: Store, row: RegisteredVersion) -> dict[str, str]:
    """The version numbers, by model, of the training that made a version: they rank together.

    Imported versions have runs of their own: there the fingerprint of the training shows which belong together.
    """
    mark = row.tags.get("fingerprint", "")
    numbers = {row.name: row.number}
    for name in (f"{country_of(row.name)}.{target}" for target in TARGETS):
        for other in rows_of(store, name) if name not in numbers else []:
            if other.run_id == row.run_id or (
                mark and other.tags.get("fingerprint") == mark and "imported_from" in {**row.tags, **other.tags}
            ):
                numbers.setdefault(name, other.number)
    return numbers


def restore(store: Store, config: TrainConfig) -> bool:
    """Undo a promotion that was killed half way, after waiting for one in progress; whether there was one."""
    with store_errors(store.uri):
        if under_way(store.client, f"{config.name}.contamination") is None:
            return False
    with _lock(store, config):
        return _recover(store, config)


@contextmanager
def alias_lock(store: Store, config: TrainConfig) -> Iterator[dict[str, str | None]]:
    """Hold the lock on the country's aliases; gives the numbers that rank, by model."""
    with _lock(store, config):
        _recover(store, config)
        with store_errors(store.uri):
            ranking = champions_at(store.client, config.name)
        yield ranking


def switch_path(store: Store, config: TrainConfig) -> Path:
    """The file whose lock guards the aliases: beside the database, so that all configs of this store share it."""
    sqlite = store.uri.startswith("sqlite:///")
    folder = Path(store.uri.removeprefix("sqlite:///")).parent if sqlite else config.home_folder
    return folder / f".{config.name}.promotion.lock"


@contextmanager
def _lock(store: Store, config: TrainConfig) -> Iterator[None]:
    path = switch_path(store, config)
    with _named(path), only_one(path, WAIT_S):
        yield


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except BusyError as error:
        raise BusyError(
            f"another promotion of this country has not ended in {WAIT_S:.0f} s ({error}): look at the process that "
            f"holds {path}"
        ) from error


def _recover(store: Store, config: TrainConfig) -> bool:
    """Undo a killed promotion; the caller holds the lock, so that no other one runs on this machine."""
    with store_errors(store.uri):
        move = under_way(store.client, f"{config.name}.contamination")
        if move is None:
            return False
        if move.may_run_elsewhere:
            raise BusyError(f"{move.host} promotes {dict(move.after)} since {move.at}: run again when it has ended")
        _take_back(store, config, move)
    return True


def _take_back(store: Store, config: TrainConfig, move: Move) -> None:
    write_line(config, UNDONE, "mlrisk", versions=dict(move.after), ranks=dict(move.before), begun_at=move.at)
    for name, number in move.after.items():
        if row_of(store, name, number).tags.get("promoted_at") == move.at:
            for key in ("promoted_by", "promoted_at", "promoted_why", BEFORE):
                with suppress(Exception):
                    store.client.delete_model_version_tag(name, number, key)
    undo(store.client, move)


def _change(
    store: Store,
    config: TrainConfig,
    numbers: Mapping[str, Mapping[str, Any]],
    what: str,
    by: str,
    why: str,
    facts: Mapping[str, Any],
    over: Mapping[str, str | None] | None = None,
) -> None:
    """Announce the move, log the decision, tag the versions and move the aliases; undo it all if a step fails."""
    after = numbers["after"]
    before = {name: numbers["before"][name] for name in after}
    move = Move.between(before, after)
    replaced = before if over is None else over
    with store_errors(store.uri):
        announce(store.client, move)
        try:
            write_line(config, what, by, **{"why": why, "versions": after, "over": before, **facts})
            for name, number in after.items():
                tags = {"promoted_by": by, "promoted_at": move.at, "promoted_why": why[:MOST_WHY]}
                for key, value in tags.items():
                    store.client.set_model_version_tag(name, number, key, value)
                if replaced[name] is not None and replaced[name] != number:
                    store.client.set_model_version_tag(name, number, BEFORE, replaced[name])
                elif over is not None:
                    with suppress(Exception):
                        store.client.delete_model_version_tag(name, number, BEFORE)
            carry_out(store.client, move)
        except BaseException:
            # If even that fails, readers see the versions that ranked before, and the next change undoes the move.
            with suppress(Exception):
                _take_back(store, config, move)
            raise


def _check_person(by: str) -> None:
    if not by.strip():
        raise ConfigError(f"the name of who answers for it ({by!r}) is empty: give a person, such as 'A. Mammadova'")


def _check_judged(ranking: Mapping[str, str | None], judged: Mapping[str, str | None] | None) -> None:
    moved = [
        f"{name} version {ranking.get(name) or 'none'} ranks now, judged was against {number or 'none'}"
        for name, number in (judged or {}).items()
        if ranking.get(name) != number
    ]
    if moved:
        raise OvertakenError(f"{'; '.join(moved)}: nothing was promoted. Run `mlrisk retrain` to judge anew")
