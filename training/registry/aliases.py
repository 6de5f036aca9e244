"""Which versions rank: aliases of both models that move together or not at all."""

import json
from collections.abc import Mapping
from typing import Any

CHAMPION, CHALLENGER = "champion", "challenger"
# While several aliases move, this tag of the country's first model holds what ranked before. Taking it away is the one
# step that commits: whoever is killed earlier has changed nothing for a reader that looks here first.
UNDER_WAY = "promotion_under_way"


def home_of(name: str) -> str:
    """The registered model that carries the tag for all models of a country.

    >>> home_of("bosnia.casualty")
    'bosnia.contamination'
    """
    return f"{name.rsplit('.', 1)[0]}.contamination"


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
    """The number of the version that ranks; that from before while a promotion is under way."""
    before = under_way(client, name)
    return before[name] if name in before else number_at(client, name, CHAMPION)


def under_way(client: Any, name: str) -> dict[str, str | None]:
    """What ranked before a promotion that has not ended, by model; empty where none is under way."""
    from mlflow.exceptions import MlflowException

    try:
        text = client.get_registered_model(home_of(name)).tags.get(UNDER_WAY, "")
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return {}
        raise
    return dict(json.loads(text)) if text else {}


def move(client: Any, numbers: Mapping[str, str]) -> None:
    """Let these versions rank from now on, all of them or, where something breaks in between, none."""
    home = home_of(next(iter(numbers)))
    before = {name: champion_at(client, name) for name in numbers}
    client.set_registered_model_tag(home, UNDER_WAY, json.dumps(before))
    for name, number in numbers.items():
        client.set_registered_model_alias(name, CHAMPION, number)
    client.delete_registered_model_tag(home, UNDER_WAY)


def restore(client: Any, country: str) -> bool:
    """Undo a promotion that was killed half way; whether there was one."""
    before = under_way(client, f"{country}.contamination")
    for name, number in before.items():
        if number is None:
            client.delete_registered_model_alias(name, CHAMPION)
        else:
            client.set_registered_model_alias(name, CHAMPION, number)
    if before:
        client.delete_registered_model_tag(f"{country}.contamination", UNDER_WAY)
    return bool(before)
