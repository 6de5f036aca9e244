"""The MLflow store of runs, model versions and aliases, which only this room knows."""

import json
import logging
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from features.base import ConfigError, InputError, MlriskError, temporary_folder
from training.registry.aliases import CHAMPION, TARGETS, champion_at, champions_at, number_at
from training.registry.location import check_there, check_writable, creation_lock, database_of, relocate_store
from training.registry.model_files import differing_files, read_texts, write_version
from training.registry.run_notes import experiment_note, model_note, run_name, run_note, run_tags, version_note
from training.registry.store_errors import TrackingError, advice_for, store_errors
from training.settings import TrainConfig, digest_of, flattened, masked, public_settings, schema_digest

LOGGER = logging.getLogger(__name__)

# These forbid telemetry. MLflow reads them when it is imported, which happens only further down.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"
os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
# MLflow takes at most this many in one request.
METRICS_AT_ONCE = 1000
PARAMS_AT_ONCE = 100


@dataclass(frozen=True, kw_only=True)
class Version:
    """A registered model version: its name, number, run, digest of its files and the alias that it holds."""

    name: str
    number: str
    run_id: str
    digest: str
    alias: str
    as_of: str
    grid: str


@dataclass(frozen=True)
class Store:
    """The tracking store of a config; nothing is opened before the first use."""

    uri: str
    artifacts: str | None

    @classmethod
    def of(cls, config: TrainConfig) -> "Store":
        """The store that the config names; a relative sqlite path lies beside the config file.

        Artifacts go to `tracking.artifacts`; by default beside a database, or to the place of a tracking server. Raises
        ConfigError for a file store: MLflow no longer starts on one.
        """
        uri, wanted = config.tracking.uri, config.tracking.artifacts
        scheme = urlparse(uri).scheme
        if scheme in ("", "file"):
            raise ConfigError(f"tracking.uri ({uri!r}) is a file store, which MLflow gave up: use sqlite:///mlflow.db")
        home = config.home_folder
        if scheme == "sqlite":
            database = (home / uri.removeprefix("sqlite:///")).resolve()
            uri, home = f"sqlite:///{database}", database.parent
        if wanted is not None:
            return cls(uri, wanted if "://" in wanted else (config.home_folder / wanted).resolve().as_uri())
        # A server has a place for artifacts; with a database MLflow would put them into the current folder.
        return cls(uri, None if scheme in ("http", "https") else (home / "mlflow-artifacts").resolve().as_uri())

    @classmethod
    def existing(cls, config: TrainConfig) -> "Store":
        """The existing store of a config, for reading; raises ConfigError if there is none, and creates none."""
        store = cls.of(config)
        check_there(store.uri)
        return store

    def check_open_to(self, country: str) -> None:
        """Raise ConfigError where runs of a country cannot be recorded, before hours are spent on one.

        TrackingError where the database or the folder of the models cannot be written, or the database is damaged.
        """
        check_writable(self.uri, self.artifacts)
        with store_errors(self.uri):
            experiment = self.client.get_experiment_by_name(country)
        if experiment is not None and experiment.lifecycle_stage != "active":
            raise ConfigError(
                f"the experiment {country} was deleted in {masked(self.uri)}: restore it (`mlflow experiments restore "
                f"--experiment-id {experiment.experiment_id}` with MLFLOW_TRACKING_URI set), or give another name"
            )

    @cached_property
    def client(self) -> Any:
        """The MLflow client; the first one on a new sqlite file builds its tables (some seconds)."""
        from mlflow import MlflowClient

        logging.getLogger("alembic").setLevel(logging.WARNING)
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        try:
            database = database_of(self.uri)
            if database is not None:
                database.parent.mkdir(parents=True, exist_ok=True)
            relocate_store(self.uri, self.artifacts)
            with creation_lock(self.uri):
                client = MlflowClient(self.uri, self.uri)
                # The tables are built at the first query.
                client.search_experiments(max_results=1)
                return client
        except MlriskError:
            raise
        except Exception as error:
            why = (
                advice_for(error) or f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
            )
            raise TrackingError(f"tracking.uri ({masked(self.uri)}) cannot be opened: {why}") from error

    def start_run(
        self,
        config: TrainConfig,
        inputs: Mapping[str, str],
        tags: Mapping[str, str] | None = None,
        began_ms: int | None = None,
    ) -> str:
        """A run in the experiment named after the country, with the flattened config and the input digests.

        `began_ms` is when its work began, in milliseconds since 1970; without it, now.
        """
        with store_errors(self.uri):
            number = self._experiment(config)
            every = run_tags(config, inputs) | {"mlflow.note.content": run_note(config)} | dict(tags or {})
            every = {"mlflow.runName": run_name(config, self.client, number)} | every
            run = self.client.create_run(number, began_ms, every, every["mlflow.runName"])
            self._log_params(run.info.run_id, flattened(public_settings(config)))
        return str(run.info.run_id)

    def start_part(self, run_id: str, name: str, params: Mapping[str, str], tags: Mapping[str, str]) -> str:
        """A run nested in another, such as that of a fold."""
        experiment = self.client.get_run(run_id).info.experiment_id
        part = self.client.create_run(experiment, run_name=name, tags={"mlflow.parentRunId": run_id, **tags})
        self._log_params(part.info.run_id, params)
        return str(part.info.run_id)

    def log_results(self, run_id: str, metrics: Mapping[str, float], texts: Mapping[str, str]) -> None:
        """Log the figures and the texts (file name: content) of a run."""
        from mlflow.entities import Metric

        logged = [Metric(key, value, 0, 0) for key, value in metrics.items() if not math.isnan(value)]
        with store_errors(self.uri):
            for first in range(0, len(logged), METRICS_AT_ONCE):
                self.client.log_batch(run_id, metrics=logged[first : first + METRICS_AT_ONCE])
            for name, text in texts.items():
                self.client.log_text(run_id, text, name)

    def log_inputs(self, run_id: str, inputs: Mapping[str, str]) -> None:
        """Log the sources of a run as its datasets, each with the start of its digest."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        given = [
            DatasetInput(
                Dataset(name[:500], digest[:36], "local", json.dumps({"source": name})),
                [InputTag("mlflow.data.context", "training")],
            )
            for name, digest in inputs.items()
        ]
        if given:
            with store_errors(self.uri):
                self.client.log_inputs(run_id, datasets=given)

    def log_pictures(self, run_id: str, pictures: Mapping[str, bytes]) -> None:
        """Log PNG pictures by file name."""
        with store_errors(self.uri), temporary_folder() as scratch:
            for name, data in pictures.items():
                (scratch / name).write_bytes(data)
            if pictures:
                self.client.log_artifacts(run_id, str(scratch), "plots")

    def finish_run(self, run_id: str) -> None:
        """End a run that is complete."""
        with store_errors(self.uri):
            self.client.set_terminated(run_id)

    def fail_run(self, run_id: str) -> None:
        """Mark a run as failed, so that nobody takes it for a result; if even that fails, it stays unfinished."""
        with suppress(Exception):
            self.client.set_terminated(run_id, status="FAILED")

    def register(self, run_id: str, name: str, texts: Mapping[str, str], tags: Mapping[str, str]) -> Version:
        """Store a model's files with the run and register them; registry.promotion gives aliases.

        Raises ConfigError for a name that is not of a country and a target: files go to a folder of that name.
        """
        from mlflow.exceptions import MlflowException

        digest, folder = digest_of(texts), name.rsplit(".", 1)[-1]
        if folder not in TARGETS:
            raise ConfigError(f"name ({name!r}) must end with .{' or .'.join(TARGETS)}")
        with store_errors(self.uri):
            with temporary_folder() as scratch:
                local = scratch / folder
                write_version(local, texts)
                self.client.log_artifacts(run_id, str(local), folder)
            try:
                self.client.get_registered_model(name)
            except MlflowException:
                self.client.create_registered_model(name, description=model_note(name))
            source = f"{self.client.get_run(run_id).info.artifact_uri}/{folder}"
            every = {**tags, "digest": digest, "schema": schema_digest(texts)}
            made = self.client.create_model_version(
                name, source=source, run_id=run_id, tags=every, description=version_note(name, tags)
            )
        LOGGER.info("registered %s version %s (%s)", name, made.version, digest[:12])
        return Version(
            name=name,
            number=str(made.version),
            run_id=run_id,
            digest=digest,
            alias="",
            as_of=tags.get("as_of", ""),
            grid=tags.get("grid", ""),
        )

    def load(self, name: str, alias: str = CHAMPION) -> tuple[Version, dict[str, str]]:
        """The version that holds an alias, and its files.

        Raises ConfigError when there is none, and InputError that names the files that are not as registered.
        """
        number = self.number(name, alias)
        if number is None:
            raise ConfigError(f"there is no {alias} of {name} in {masked(self.uri)}: run `mlrisk train` first")
        return self.load_number(name, number, alias)

    def load_number(self, name: str, number: str, alias: str = "") -> tuple[Version, dict[str, str]]:
        """A version by its number, and its files; raises as `load` does."""
        target = name.rsplit(".", 1)[-1]
        with store_errors(self.uri), temporary_folder() as scratch:
            found = self.client.get_model_version(name, number)
            self._check_files(found.run_id, target, f"{name} version {number}")
            folder = Path(self.client.download_artifacts(found.run_id, target, str(scratch)))
            texts, what = read_texts(folder), differing_files(folder)
        tags = {key: str(found.tags.get(key, "")) for key in ("digest", "as_of", "grid")}
        version = Version(name=name, number=str(found.version), run_id=str(found.run_id), alias=alias, **tags)
        if digest_of(texts) != version.digest:
            raise InputError(
                f"{name} version {version.number}: its files have the digest {digest_of(texts)[:12]}, registered was "
                f"{version.digest[:12]} ({what}). Somebody changed them: restore the artifacts or train anew"
            )
        return version, texts

    def read_text(self, run_id: str, name: str) -> str:
        """The content of a text that a run logged, empty where it logged none."""
        if name not in {item.path for item in self.client.list_artifacts(run_id)}:
            return ""
        with temporary_folder() as scratch:
            return Path(self.client.download_artifacts(run_id, name, str(scratch))).read_text(encoding="utf-8")

    def _check_files(self, run_id: str, folder: str, what: str) -> None:
        """Raise InputError, with the path, if the files of a version are missing."""
        place = str(self.client.get_run(run_id).info.artifact_uri)
        local = place.removeprefix("file://")
        if local != place and not (Path(local) / folder).is_dir():
            raise InputError(
                f"{what}: its files are not in {local}/{folder}. Where the project was copied or moved, bring the "
                "folder of the models (mlflow-artifacts beside mlflow.db) with it, or name it in tracking.artifacts"
            )

    def number(self, name: str, alias: str) -> str | None:
        """The number of the version that holds an alias, None where there is none."""
        with store_errors(self.uri):
            return champion_at(self.client, name) if alias == CHAMPION else number_at(self.client, name, alias)

    def champions(self, country: str) -> dict[str, str | None]:
        """The numbers that rank, by model, both of the same moment; None if no version ranks."""
        with store_errors(self.uri):
            return champions_at(self.client, country)

    def _log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        from mlflow.entities import Param

        given = [Param(key, value) for key, value in params.items()]
        for first in range(0, len(given), PARAMS_AT_ONCE):
            self.client.log_batch(run_id, params=given[first : first + PARAMS_AT_ONCE])

    def _experiment(self, config: TrainConfig) -> str:
        experiment = self.client.get_experiment_by_name(config.name)
        if experiment is not None:
            return str(experiment.experiment_id)
        location = f"{self.artifacts}/{config.name}" if self.artifacts else None
        # The kind makes the UI open on training runs and not on its page for language models.
        kind = {"mlflow.experimentKind": "custom_model_development"}
        number = str(self.client.create_experiment(config.name, artifact_location=location, tags=kind))
        self.client.set_experiment_tag(number, "mlflow.note.content", experiment_note(config, number))
        return number
