"""Training runs side by side: the ten figures that MLflow shows, and the settings and inputs that differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from features.base import ConfigError
from training.registry.store import Store
from training.registry.store_errors import store_errors
from training.registry.versions import differences


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """A training run: its id, name, state, day, figures and versions (as texts, such as `contamination 3`)."""

    run_id: str
    name: str
    status: str
    figures: Mapping[str, float]
    params: Mapping[str, str]
    inputs: Mapping[str, str]


def runs_of(store: Store, country: str) -> list[RunRow]:
    """The training runs of a country, the newest first."""
    with store_errors(store.uri):
        experiment = store.client.get_experiment_by_name(country)
        if experiment is None:
            return []
        found = store.client.search_runs([experiment.experiment_id], "tags.kind = 'training'")
    return [_row(run) for run in found]


def run_of(store: Store, country: str, start: str) -> RunRow:
    """The run whose id begins with `start`; raises ConfigError that lists those there are where none or several do."""
    rows = runs_of(store, country)
    found = [row for row in rows if row.run_id.startswith(start)]
    if len(found) != 1:
        known = ", ".join(row.run_id[:8] for row in rows) or "none"
        raise ConfigError(f"run ({start}) is {'no run' if not found else 'several runs'} of {country}: it has {known}")
    return found[0]


def runs_compared(one: RunRow, other: RunRow) -> dict[str, dict[str, tuple[Any, Any]]]:
    """Differences between two runs: `figures` of both, and `settings` and `inputs` that are not the same."""
    names = {**one.figures, **other.figures}
    return {
        "figures": {name: (one.figures.get(name), other.figures.get(name)) for name in names},
        "settings": dict(differences(one.params, other.params)),
        "inputs": dict(differences(one.inputs, other.inputs)),
    }


def _row(run: Any) -> RunRow:
    tags = run.data.tags
    return RunRow(
        run_id=str(run.info.run_id),
        name=str(run.info.run_name),
        status=str(run.info.status),
        # Runs from before have every figure among their metrics; those with a plain name are the ten.
        figures={name: value for name, value in sorted(run.data.metrics.items()) if "/" not in name},
        params=dict(run.data.params),
        inputs={name: value for name, value in tags.items() if name.startswith("input.")},
    )
