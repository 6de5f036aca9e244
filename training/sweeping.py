"""What a killed retraining left behind in the store: unfinished runs, and versions that nobody may take for whole."""

from collections.abc import Mapping

from training.registry import TARGETS
from training.tracking import Store
from training.trouble import told_plainly


def sweep(store: Store, country: str, tags: Mapping[str, str]) -> tuple[str, ...]:
    """Close the unfinished runs of a country that carry `tags`, and take away versions that they had registered.

    Call it only while the lock is held: then no such run can be alive. Returns what was done, for the operator.
    """
    told = []
    with told_plainly(store.uri):
        experiment = store.client.get_experiment_by_name(country)
        if experiment is None:
            return ()
        asked = " and ".join([*(f"tags.{key} = '{value}'" for key, value in tags.items()), "status = 'RUNNING'"])
        for run in store.client.search_runs([experiment.experiment_id], asked):
            for target in TARGETS:
                for version in store.client.search_model_versions(f"name = '{country}.{target}'"):
                    if version.run_id == run.info.run_id:
                        store.client.delete_model_version(version.name, version.version)
                        told.append(f"{version.name} version {version.version} of a killed run was taken away")
            parts = f"tags.mlflow.parentRunId = '{run.info.run_id}' and status = 'RUNNING'"
            for part in [*store.client.search_runs([experiment.experiment_id], parts), run]:
                store.client.set_terminated(part.info.run_id, status="KILLED")
            told.append(f"run {run.info.run_id[:8]} had been killed: it is marked so")
    return tuple(told)
