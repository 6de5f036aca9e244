"""Which versions rank: aliases of both models that move together or not at all."""

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

TARGETS = ("contamination", "casualty")
CHAMPION, CHALLENGER, ANCHOR = "champion", "challenger", "anchor"
# While several aliases move, this tag of the country's first model holds the versions that ranked before. Its removal
# is the one step that commits: if a process is killed earlier, nothing has changed for readers, who look here first.
UNDER_WAY = "promotion_under_way"
# A promotion takes seconds; an older one on another machine was killed there.
LONGEST = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Move:
    """A promotion that has not ended: numbers by model before and after, when it began, and in which process."""

    before: Mapping[str, str | None]
    after: Mapping[str, str]
    at: str
    host: str
    pid: int

    @classmethod
    def between(cls, before: Mapping[str, str | None], after: Mapping[str, str]) -> "Move":
        """A move of aliases that this process begins now."""
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        return cls(before=before, after=after, at=now, host=platform.node(), pid=os.getpid())

    @property
    def may_run_elsewhere(self) -> bool:
        """Whether the move may be in progress on another machine, whose lock is not visible here."""
        age = datetime.now(UTC) - datetime.fromisoformat(self.at)
        return self.host != platform.node() and age < LONGEST


def now_text() -> str:
    """The present time as it is written in the log and in tags."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def country_of(name: str) -> str:
    """The country of a registered model.

    >>> country_of("bosnia.casualty")
    'bosnia'
    """
    return name.rsplit(".", 1)[0]


def home_of(name: str) -> str:
    """The registered model that carries the tag for all models of a country.

    >>> home_of("bosnia.casualty")
    'bosnia.contamination'
    """
    return f"{country_of(name)}.contamination"


def number_at(client: Any, name: str, alias: str) -> str | None:
    """The number of the version that holds an alias, None where no version does."""
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_model_version_by_alias(name, alias).version)
    except MlflowException as error:
        if error.error_code in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"):
            return None
        raise


def champion_at(client: Any, name: str) -> str | None:
    """The number of the version that ranks; while a promotion is under way, the one that ranked before."""
    move = under_way(client, name)
    return move.before[name] if move is not None and name in move.before else number_at(client, name, CHAMPION)


def champions_at(client: Any, country: str) -> dict[str, str | None]:
    """The numbers that rank, by model, all of the same moment: a reader never sees half of a promotion."""
    names = [f"{country}.{target}" for target in TARGETS]
    while True:
        move = under_way(client, names[0])
        numbers = {name: number_at(client, name, CHAMPION) for name in names}
        # A promotion sets the tag first and removes it last: if the tag is the same before and after, nothing moved
        # meanwhile.
        if under_way(client, names[0]) == move and numbers[names[0]] == number_at(client, names[0], CHAMPION):
            return numbers | dict(move.before) if move is not None else numbers


def under_way(client: Any, name: str) -> Move | None:
    """The promotion that is under way, None if there is none."""
    from mlflow.exceptions import MlflowException

    try:
        text = client.get_registered_model(home_of(name)).tags.get(UNDER_WAY, "")
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    return Move(**json.loads(text)) if text else None


def announce(client: Any, move: Move) -> None:
    """Announce that these versions are about to rank: from now on readers see those that ranked before."""
    home = home_of(next(iter(move.after)))
    client.set_registered_model_tag(home, UNDER_WAY, json.dumps(vars(move)))


def carry_out(client: Any, move: Move) -> None:
    """Let the versions of an announced move rank, all of them or, if something fails meanwhile, none."""
    for name, number in move.after.items():
        client.set_registered_model_alias(name, CHAMPION, number)
    client.delete_registered_model_tag(home_of(next(iter(move.after))), UNDER_WAY)


def undo(client: Any, move: Move) -> None:
    """Undo an announced move that did not end."""
    for name, number in move.before.items():
        if number is not None:
            client.set_registered_model_alias(name, CHAMPION, number)
        elif number_at(client, name, CHAMPION) is not None:
            client.delete_registered_model_alias(name, CHAMPION)
    client.delete_registered_model_tag(home_of(next(iter(move.after))), UNDER_WAY)
