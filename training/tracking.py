"""MLflow: runs, model versions and aliases; the one module that knows it."""

import hashlib
import json
import math
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from features.errors import ConfigError, InputError, MlriskError
from training.config import TrainConfig

# Nothing calls out: MLflow reads these when it is imported, which happens further down only.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"
# Read or written with MLflow's own flavour, so that `mlflow.lightgbm.load_model` opens a version too.
FLAVOUR_FILES = ("MLmodel", "model.lgb", "conda.yaml", "python_env.yaml", "requirements.txt")
# MLflow takes at most this many in one request.
METRICS_AT_ONCE = 1000
CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True)
class Version:
    """A registered model version: its name, number, run, digest of its files and the alias that it holds."""

    name: str
    number: str
    run_id: str
    digest: str
    alias: str
    as_of: str
    grid: str


class TrackingError(MlriskError):
    """The tracking store cannot be reached or written."""


@dataclass(frozen=True)
class Store:
    """The tracking store of a config; nothing is opened before the first use."""

    uri: str
    artifacts: str | None

    @classmethod
    def of(cls, config: TrainConfig) -> "Store":
        """The store that the config names; a relative sqlite path lies beside the config file.

        Raises ConfigError for a file store: MLflow no longer starts on one.
        """
        uri = config.tracking.uri
        scheme = urlparse(uri).scheme
        if scheme in ("", "file"):
            raise ConfigError(f"tracking.uri ({uri!r}) is a file store, which MLflow gave up: use sqlite:///mlflow.db")
        if scheme != "sqlite":
            return cls(uri, None)
        database = (config.home_folder / uri.removeprefix("sqlite:///")).resolve()
        return cls(f"sqlite:///{database}", (database.parent / "mlflow-artifacts").as_uri())

    @cached_property
    def client(self) -> Any:
        """The MLflow client; the first one on a new sqlite file builds its tables (some seconds)."""
        import logging

        from mlflow import MlflowClient

        logging.getLogger("alembic").setLevel(logging.WARNING)
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        if self.uri.startswith("sqlite:///"):
            Path(self.uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        try:
            return MlflowClient(self.uri, self.uri)
        except Exception as error:
            raise TrackingError(f"tracking.uri ({masked(self.uri)}) cannot be opened: {error}") from error

    def start_run(self, config: TrainConfig, inputs: Mapping[str, str]) -> str:
        """A run in the experiment named after the country, with the flattened config and the input digests."""
        experiment = self.client.get_experiment_by_name(config.name)
        if experiment is None:
            location = f"{self.artifacts}/{config.name}" if self.artifacts else None
            number = self.client.create_experiment(config.name, artifact_location=location)
        else:
            number = experiment.experiment_id
        run = self.client.create_run(number, run_name=f"{config.name} {config.as_of}", tags=_run_tags(config, inputs))
        for key, value in flattened(public_settings(config)).items():
            self.client.log_param(run.info.run_id, key, value)
        return str(run.info.run_id)

    def log_results(self, run_id: str, metrics: Mapping[str, float], texts: Mapping[str, str]) -> None:
        """Log the figures and the texts (file name: content) of a run."""
        from mlflow.entities import Metric

        logged = [Metric(key, value, 0, 0) for key, value in metrics.items() if not math.isnan(value)]
        for first in range(0, len(logged), METRICS_AT_ONCE):
            self.client.log_batch(run_id, metrics=logged[first : first + METRICS_AT_ONCE])
        for name, text in texts.items():
            self.client.log_text(run_id, text, name)

    def finish_run(self, run_id: str) -> None:
        """End a run that has everything."""
        self.client.set_terminated(run_id)

    def fail_run(self, run_id: str) -> None:
        """Mark a run as failed, so that nobody takes it for a result."""
        self.client.set_terminated(run_id, status="FAILED")

    def register(self, run_id: str, name: str, texts: Mapping[str, str], tags: Mapping[str, str]) -> Version:
        """Store a model's files with the run and register them; `crown` gives the version its alias."""
        from mlflow.exceptions import MlflowException

        folder = name.rsplit(".", 1)[-1]
        with tempfile.TemporaryDirectory() as scratch:
            local = Path(scratch) / folder
            _write_model(local, texts)
            self.client.log_artifacts(run_id, str(local), folder)
        try:
            self.client.get_registered_model(name)
        except MlflowException:
            self.client.create_registered_model(name, description="made by mlrisk; see the tags of each version")
        source = f"{self.client.get_run(run_id).info.artifact_uri}/{folder}"
        digest = digest_of(texts)
        made = self.client.create_model_version(name, source=source, run_id=run_id, tags={**tags, "digest": digest})
        alias = CHALLENGER if self.has_model(name) else CHAMPION
        return Version(name, str(made.version), run_id, digest, alias, tags.get("as_of", ""), tags.get("grid", ""))

    def crown(self, versions: Iterable[Version]) -> None:
        """Give each version its alias, when all of a run are registered: half a run never ranks."""
        for version in versions:
            self.client.set_registered_model_alias(version.name, version.alias, version.number)

    def load(self, name: str, alias: str = CHAMPION) -> tuple[Version, dict[str, str]]:
        """The version that holds an alias, and its files.

        Raises ConfigError when there is none, and InputError when a file differs from what was registered.
        """
        from mlflow.exceptions import MlflowException

        try:
            found = self.client.get_model_version_by_alias(name, alias)
        except MlflowException as error:
            raise ConfigError(
                f"there is no {alias} of {name} in {masked(self.uri)}: run `mlrisk train` first"
            ) from error
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(self.client.download_artifacts(found.run_id, name.rsplit(".", 1)[-1], scratch))
            texts = {path.name: path.read_text() for path in sorted(folder.iterdir()) if path.name not in FLAVOUR_FILES}
        tags = {key: str(found.tags.get(key, "")) for key in ("digest", "as_of", "grid")}
        version = Version(name, str(found.version), str(found.run_id), alias=alias, **tags)
        if digest_of(texts) != version.digest:
            raise InputError(
                f"{name} version {version.number}: its files have the digest {digest_of(texts)[:12]}, registered was "
                f"{version.digest[:12]}. Somebody changed them: restore the artifacts or train anew"
            )
        return version, texts

    def read_text(self, run_id: str, name: str) -> str:
        """The content of a text that a run logged, empty where it logged none."""
        if name not in {item.path for item in self.client.list_artifacts(run_id)}:
            return ""
        with tempfile.TemporaryDirectory() as scratch:
            return Path(self.client.download_artifacts(run_id, name, scratch)).read_text()

    def has_model(self, name: str, alias: str = CHAMPION) -> bool:
        """Whether a version holds the alias."""
        from mlflow.exceptions import MlflowException

        try:
            self.client.get_model_version_by_alias(name, alias)
        except MlflowException:
            return False
        return True

    def versions(self, name: str) -> list[dict[str, str]]:
        """Every version of a model, the newest first: number, alias, date of knowledge, digest and figures."""
        listed = self.client.search_model_versions(f"name = '{name}'")
        model = self.client.get_registered_model(name) if listed else None
        aliases = {str(number): alias for alias, number in (model.aliases if model else {}).items()}
        rows = [
            {"name": name, "version": str(item.version), "alias": aliases.get(str(item.version), ""), **item.tags}
            for item in listed
        ]
        return sorted(rows, key=lambda row: -int(row["version"]))

    def promote(self, name: str, number: str, by: str) -> None:
        """Let a version rank from now on, and record who said so."""
        from datetime import UTC, datetime

        from mlflow.exceptions import MlflowException

        try:
            self.client.get_model_version(name, number)
        except MlflowException as error:
            known = ", ".join(row["version"] for row in self.versions(name)) or "none"
            raise ConfigError(f"{name} has no version {number}: it has {known}") from error
        self.client.set_registered_model_alias(name, CHAMPION, number)
        self.client.set_model_version_tag(name, number, "promoted_by", by)
        self.client.set_model_version_tag(name, number, "promoted_at", datetime.now(UTC).isoformat(timespec="seconds"))


def masked(uri: str) -> str:
    """The URI without its password.

    >>> masked("postgresql://anna:secret@host/db")
    'postgresql://anna:***@host/db'
    """
    return re.sub(r"(://[^/:@]*:)[^@/]*@", r"\1***@", uri)


def public_settings(config: TrainConfig) -> dict[str, Any]:
    """The settings of a run as they may be written down: without a password."""
    settings = config.model_dump(mode="json")
    return settings | {"tracking": {"uri": masked(config.tracking.uri)}}


def grid_text(config: TrainConfig) -> str:
    """CRS and cell size, which a model shares with the land that it may rank."""
    return f"{config.grid.crs} {config.grid.cell_size_m:g} m"


def digest_of(texts: Mapping[str, str]) -> str:
    """SHA-256 over the names and contents of a model's files."""
    sha = hashlib.sha256()
    for name in sorted(texts):
        sha.update(f"{name}\0{len(texts[name])}\0{texts[name]}".encode())
    return sha.hexdigest()


def flattened(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """A nested mapping as dotted keys and short texts; what is None is left out.

    >>> flattened({"grid": {"cell_size_m": 500.0, "area": ["a.gpkg"]}, "seed": None})
    {'grid.cell_size_m': '500.0', 'grid.area': '["a.gpkg"]'}
    """
    flat: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            flat |= flattened(value, f"{prefix}{key}.")
        elif value not in (None, [], {}):
            # MLflow takes parameters of at most 6,000 characters and refuses some in keys.
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            flat["".join(c if c.isalnum() or c in "_-. /" else "_" for c in f"{prefix}{key}")] = text[:5000]
    return flat


def code_version() -> str:
    """Version of mlrisk, with the commit where the code runs from a checkout."""
    try:
        number = installed_version("mlrisk")
    except ModuleNotFoundError:
        number = "0"
    here = Path(__file__).parent
    try:
        commit = subprocess.run(  # noqa: S603 a fixed command
            ["git", "-C", str(here), "rev-parse", "--short=12", "HEAD"],  # noqa: S607 git from the user's own PATH
            capture_output=True, text=True, check=True, timeout=5,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return number
    return f"{number}+{commit}" if (here.parent / ".git").exists() else number


def _run_tags(config: TrainConfig, inputs: Mapping[str, str]) -> dict[str, str]:
    tags = {
        "as_of": str(config.as_of),
        "code": code_version(),
        "grid": f"{config.grid.crs} {config.grid.cell_size_m:g} m",
    }
    return tags | {f"input.{name}": digest for name, digest in inputs.items()}


def _write_model(folder: Path, texts: Mapping[str, str]) -> None:
    """MLflow's LightGBM model and our own readable files in one folder."""
    import warnings

    import lightgbm

    with warnings.catch_warnings():
        # MLflow warns of a type hint of its own while it is imported.
        warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType.*")
        import mlflow.lightgbm

    booster = lightgbm.Booster(model_str=texts["booster.txt"])
    requirement = f"lightgbm=={lightgbm.__version__}"
    mlflow.lightgbm.save_model(booster, str(folder), pip_requirements=[requirement])
    for name, text in texts.items():
        (folder / name).write_text(text)
