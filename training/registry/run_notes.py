"""Names, descriptions and tags of runs: texts for readers of the MLflow UI who do not know the code."""

import json
import platform
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from training.settings import TrainConfig, code_version, digest_of, flattened, grid_text, public_settings

# Number of settings in the name of a run, and its length.
MOST_CHANGED, MOST_NAME = 3, 120


def experiment_note(config: TrainConfig, experiment: str) -> str:
    """Description of a country's experiment in Markdown; links come first, because lists show only the first lines."""
    wanted = {
        "searchFilter": 'tags.kind = "training"', "orderByKey": "metrics.`recall_10`", "orderByAsc": "false",
        "workflowType": "machine_learning",
    }  # fmt: skip
    best = f"#/experiments/{experiment}/runs?{urlencode(wanted, quote_via=quote)}"
    ranks = f"#/models/{quote(config.name)}.contamination"
    return (
        f"[Best run first]({best}) · [which version ranks today]({ranks})\n\n"
        f"Survey ranking of {config.name} with mlrisk. Each run trains on what was known at its date (tag as_of); its "
        "nested runs are the folds it was judged on. Open report.html among the artifacts first. The version that "
        f"ranks today holds the alias champion of the registered models {config.name}.contamination and .casualty. "
        "Figures of runs with different dates are of different land. "
        "Not evidence of absence: no figure here says that land may be used."
    )


def run_name(config: TrainConfig, client: Any, experiment: str) -> str:
    """The name of a training run: its date and its differences from the newest run, else the country."""
    found = client.search_runs([experiment], "tags.kind = 'training'", max_results=1)
    before = dict(found[0].data.params) if found else {}
    return f"{config.as_of} {changed(flattened(public_settings(config)), before) or config.name}"


def changed(now: Mapping[str, str], before: Mapping[str, str]) -> str:
    """The settings of a run that are others than before, by the last part of their name; the date is none of them.

    >>> changed({"seed": "1", "model.n_trees": "60"}, {"seed": "1", "model.n_trees": "50"})
    'n_trees=60'
    """
    names = [name for name in now if before and now[name] != before.get(name, "") and name != "as_of"]
    texts = [f"{name.rsplit('.', 1)[-1]}={now[name]}" for name in names[:MOST_CHANGED]]
    more = [f"{len(names) - MOST_CHANGED} more"] if len(names) > MOST_CHANGED else []
    return ", ".join([*texts, *more])[:MOST_NAME]


def run_note(config: TrainConfig) -> str:
    """The description of a training run: where to look first."""
    return (
        f"Contamination and casualty models of {config.name} from records known at {config.as_of}, cells of "
        f"{config.grid.cell_size_m:g} m.\n\n"
        "- `report.html`: missed finds first, every ranking beside its baselines with intervals, calibration\n"
        "- `model_card.md`: what the model is for and what it is not\n"
        "- metrics `recall_10`, `roc_auc`, ...: means on regions held out, and in nested runs those of each fold; "
        "`<protocol>/<fold>/<ranking>/...`: all of them\n"
        "- `validation.csv`, `folds.json`: the same as tables; `config.json`, `environment.txt`, `inputs.json`: origin"
    )


def run_tags(config: TrainConfig, inputs: Mapping[str, str]) -> dict[str, str]:
    """Tags of a training run, with one for the digest of every input."""
    tags = {
        "kind": "training",
        "as_of": str(config.as_of),
        "code": code_version(),
        "grid": grid_text(config),
        "inputs": digest_of(dict(inputs)),
        "python": platform.python_version(),
        # MLflow shows this as the source of a run.
        "mlflow.source.name": f"mlrisk {code_version()}",
        "mlflow.source.type": "PROJECT",
    }
    return tags | {f"input.{name}": digest for name, digest in inputs.items()}


def environment() -> str:
    """Every installed distribution with its version, one a line."""
    from importlib.metadata import distributions

    lines = {f"{found.metadata['Name']}=={found.version}" for found in distributions() if found.metadata["Name"]}
    return "\n".join([f"python {platform.python_version()} on {platform.platform()}", *sorted(lines, key=str.casefold)])


def model_note(name: str) -> str:
    """The description of a registered model."""
    country, target = name.rsplit(".", 1)
    return (
        f"{target} of {country}, made by mlrisk. The alias champion is the version that ranks today, challenger the "
        "newest one that wants to. Tags of a version say from which data, code and decision it comes."
    )


def version_note(name: str, tags: Mapping[str, str]) -> str:
    """The description of a version: its origin and how to open it."""
    facts = json.dumps({key: tags[key] for key in ("as_of", "grid", "code") if key in tags}, ensure_ascii=False)
    answer = "casualties a year of each unit" if name.endswith(".casualty") else "calibrated probability"
    return (
        f"{name} {facts}. Opens with mlflow.pyfunc ({answer}) and mlflow.lightgbm (the trees alone). "
        "What it is for, how it was judged and where it fails: model_card.md of its run."
    )
