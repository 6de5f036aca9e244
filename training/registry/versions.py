"""The registered versions of a country: list, show, compare."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from features.base import ConfigError
from training.registry.aliases import ANCHOR, CHALLENGER, CHAMPION, TARGETS
from training.registry.model_files import schema_difference
from training.registry.store import Store
from training.registry.store_errors import store_errors

# Tag with the number that ranked before this version was promoted, to which a roll back returns.
BEFORE = "promoted_over"

SHOWN = ("roc_auc", "pr_auc", "base_rate", "recall_5", "recall_10", "recall_20")


@dataclass(frozen=True, kw_only=True)
class RegisteredVersion:
    """A version in the registry.

    `figures` are the means of the model by protocol, such as
    `leave_region_out/recall_10`, and `status` is that of the run that made it.
    """

    name: str
    number: str
    aliases: tuple[str, ...]
    run_id: str
    status: str
    tags: Mapping[str, str]
    figures: Mapping[str, float]


def rows_of(store: Store, name: str) -> list[RegisteredVersion]:
    """Every version of a model, the newest first."""
    with store_errors(store.uri):
        listed = store.client.search_model_versions(f"name = '{name}'")
        rows = [row_of(store, name, str(item.version)) for item in listed]
    return sorted(rows, key=lambda row: -int(row.number))


def row_of(store: Store, name: str, number: str) -> RegisteredVersion:
    """One version; raises ConfigError with the existing numbers if it does not exist."""
    from mlflow.exceptions import MlflowException

    with store_errors(store.uri):
        try:
            found = store.client.get_model_version(name, number)
        except MlflowException as error:
            known = ", ".join(sorted(_numbers(store, name), key=int)) or "none"
            raise ConfigError(f"{name} has no version {number}: it has {known}") from error
        run = store.client.get_run(found.run_id)
        aliases = tuple(alias for alias in (CHAMPION, CHALLENGER, ANCHOR) if store.number(name, alias) == str(number))
    metrics = run.data.metrics
    # The second name is that of runs from before, which had every figure among their metrics.
    figures = {
        f"{protocol}/{figure}": metrics[key]
        for protocol, start in (("as_of", "as_of_"), ("leave_region_out", ""))
        for figure in SHOWN
        for key in (f"{start}{figure}", f"{protocol}/mean/mlrisk/{figure}")
        if key in metrics
    }
    return RegisteredVersion(
        name=name,
        number=str(number),
        aliases=aliases,
        run_id=str(found.run_id),
        status=run.info.status,
        tags=dict(found.tags),
        figures=figures,
    )


def compared(store: Store, name: str, one: str, other: str) -> dict[str, Any]:
    """Two versions side by side: figures of each protocol, settings, inputs and features that differ.

    Figures of each run are means over its own folds: they come from the same land only if labels and folds agree, which
    `same_labels` says.
    """
    first, second = row_of(store, name, one), row_of(store, name, other)
    runs = [store.client.get_run(row.run_id) for row in (first, second)]
    texts = [store.load_number(name, number)[1] for number in (one, other)]
    names = [_features(text) for text in texts]
    return {
        "versions": (first, second),
        "figures": {
            key: (first.figures.get(key), second.figures.get(key)) for key in {**first.figures, **second.figures}
        },
        "settings": differences(runs[0].data.params, runs[1].data.params),
        "tags": differences(first.tags, second.tags),
        "inputs": differences(*({k: v for k, v in run.data.tags.items() if k.startswith("input.")} for run in runs)),
        "features": schema_difference(*names),
        "same_labels": first.tags.get("labels") == second.tags.get("labels"),
    }


def rows_with(store: Store, name: str, key: str, value: str) -> list[RegisteredVersion]:
    """The versions of a model that carry a tag, the newest first."""
    with store_errors(store.uri):
        listed = store.client.search_model_versions(f"name = '{name}'")
    numbers = sorted((int(item.version) for item in listed if item.tags.get(key) == value), reverse=True)
    return [row_of(store, name, str(number)) for number in numbers]


def newest(store: Store, name: str) -> int:
    """The number of the newest version of a model, 0 where there is none."""
    return max((int(number) for number in _numbers(store, name)), default=0)


def _numbers(store: Store, name: str) -> list[str]:
    return [str(item.version) for item in store.client.search_model_versions(f"name = '{name}'")]


def _features(texts: Mapping[str, str]) -> list[str]:
    import json

    return list(json.loads(texts["features.json"])) if "features.json" in texts else []


def differences(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The keys whose texts are not the same, with both; empty text where one has none."""
    keys = sorted({*one, *other})
    return {key: (one.get(key, ""), other.get(key, "")) for key in keys if one.get(key, "") != other.get(key, "")}


def sweep(store: Store, country: str, tags: Mapping[str, str]) -> tuple[str, ...]:
    """Close the unfinished runs of a country that carry `tags`, and delete versions that they had registered.

    Call it only while holding the lock: then no such run can be alive. Returns notes for the operator.
    """
    notes = []
    with store_errors(store.uri):
        experiment = store.client.get_experiment_by_name(country)
        if experiment is None:
            return ()
        asked = " and ".join([*(f"tags.{key} = '{value}'" for key, value in tags.items()), "status = 'RUNNING'"])
        for run in store.client.search_runs([experiment.experiment_id], asked):
            for target in TARGETS:
                for version in store.client.search_model_versions(f"name = '{country}.{target}'"):
                    if version.run_id == run.info.run_id:
                        store.client.delete_model_version(version.name, version.version)
                        notes.append(f"{version.name} version {version.version} of a killed run was taken away")
            parts = f"tags.mlflow.parentRunId = '{run.info.run_id}' and status = 'RUNNING'"
            for part in [*store.client.search_runs([experiment.experiment_id], parts), run]:
                store.client.set_terminated(part.info.run_id, status="KILLED")
            notes.append(f"run {run.info.run_id[:8]} had been killed: it is marked so")
    return tuple(notes)
