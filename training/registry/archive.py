"""A version as one folder or archive, for a machine without a network."""

import json
import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from features.base import ConfigError, InputError
from training.registry.model_files import read_texts
from training.registry.promotion import IMPORTED, enter
from training.registry.store import Store, Version
from training.registry.store_errors import store_errors
from training.registry.versions import row_of
from training.settings import TrainConfig, digest_of

CARD, MODEL, RUN = "version.json", "model", "run"
FORMAT = 1
# Fixed, so that the same version gives the same archive.
ZIP_DATE = (1980, 1, 1, 0, 0, 0)
MOST_BYTES = 1 << 30
# Decisions of the store that a version comes from do not travel: the store that it comes to makes its own.
LEFT_BEHIND = ("promoted_over", "promoted_by", "promoted_at", "promoted_why", "decision", "decision_why")


def export_version(store: Store, name: str, number: str, target: Path) -> Path:
    """Write a version, its tags, its figures and the texts of its run into a folder, or an archive if it ends in .zip.

    Raises ConfigError where `target` exists: nothing is written over.
    """
    if target.exists():
        raise ConfigError(f"export ({target}) exists: give a new folder, or a new file that ends in .zip")
    row = row_of(store, name, number)
    _, texts = store.load_number(name, number)
    with tempfile.TemporaryDirectory(prefix="mlrisk-export-") as scratch, store_errors(store.uri):
        folder = Path(scratch) / "version"
        (folder / MODEL).mkdir(parents=True)
        (folder / RUN).mkdir()
        for file, text in texts.items():
            (folder / MODEL / file).write_text(text, encoding="utf-8", newline="\n")
        for item in store.client.list_artifacts(row.run_id):
            if not item.is_dir:
                (folder / RUN / item.path).write_text(store.read_text(row.run_id, item.path), encoding="utf-8")
        run = store.client.get_run(row.run_id)
        card = {
            "format": FORMAT, "name": name, "number": number, "digest": row.tags["digest"], "tags": dict(row.tags),
            "params": run.data.params, "metrics": run.data.metrics,
            "run_tags": {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")},
        }  # fmt: skip
        (folder / CARD).write_text(json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False), encoding="utf-8")
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".zip":
            _zip(folder, target)
        else:
            shutil.copytree(folder, target)
    return target


def import_version(store: Store, config: TrainConfig, source: Path, by: str) -> tuple[Version, bool]:
    """Register a version that `export_version` wrote; the second value says whether it was new here.

    It becomes champion where the country has none, or none but the other model of the same training; else challenger:
    `mlrisk models promote` decides. `by` answers for it in the log. Raises InputError
    for what is no such version, was changed, belongs to another country, or would write outside its folder.
    """
    with tempfile.TemporaryDirectory(prefix="mlrisk-import-") as scratch:
        folder = _unpacked(source, Path(scratch))
        card, texts = _read(folder, source)
        name = str(card["name"])
        if name.rsplit(".", 1)[0] != config.name:
            raise InputError(f"import ({source}) holds {name}, the config is of {config.name}: give its own config")
        known = list(store.client.search_model_versions(f"name = '{name}'"))
        for item in known:
            if item.tags.get("digest") == card["digest"]:
                tags = {key: str(item.tags.get(key, "")) for key in ("digest", "as_of", "grid")}
                return Version(name=name, number=str(item.version), run_id=str(item.run_id), alias="", **tags), False
        run_texts = {path.name: path.read_text(encoding="utf-8") for path in sorted((folder / RUN).iterdir())}
    tags = {key: str(value) for key, value in card["tags"].items() if key not in LEFT_BEHIND}
    run_id = store.start_run(config, {}, {"kind": "import", "mlflow.runName": f"imported {name} {card['number']}"})
    try:
        store.log_results(run_id, {key: float(value) for key, value in card["metrics"].items()}, run_texts)
        tags["imported_from"] = f"{name} version {card['number']}"
        version = store.register(run_id, name, texts, tags)
        store.finish_run(run_id)
        (version,) = enter(store, config, [version], IMPORTED, by, {"digest": version.digest, "run": run_id})
    except BaseException:
        store.fail_run(run_id)
        raise
    return version, True


def _zip(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), ZIP_DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())


def _unpacked(source: Path, scratch: Path) -> Path:
    """The folder of a version; an archive is unpacked into `scratch`, entry by entry and never outside it."""
    if source.is_dir():
        return source
    if not zipfile.is_zipfile(source):
        raise InputError(f"import ({source}) is no folder and no .zip: give what `mlrisk models export` wrote")
    target = scratch / "version"
    with zipfile.ZipFile(source) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES:
            raise InputError(f"import ({source}) unpacks to more than {MOST_BYTES >> 20} MB: this is no model version")
        for entry in archive.infolist():
            path = PurePosixPath(entry.filename)
            if not _is_ours(path):
                raise InputError(f"import ({source}) holds {entry.filename!r}, which is no file of a version")
            file = target.joinpath(*path.parts)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(archive.read(entry))
    return target


def _is_ours(path: PurePosixPath) -> bool:
    """Whether an entry is one that an export writes: the card, or a file right in one of its two folders.

    >>> [_is_ours(PurePosixPath(p)) for p in ("version.json", "model/booster.txt", "model/../../x", "/etc/x")]
    [True, True, False, False]
    """
    parts = path.parts
    plain = all(part not in ("..", ".", "/") and "\\" not in part and ":" not in part for part in parts)
    return plain and (parts == (CARD,) or (len(parts) == 2 and parts[0] in (MODEL, RUN)))


def _read(folder: Path, source: Path) -> tuple[dict[str, Any], dict[str, str]]:
    links = [path.name for path in folder.rglob("*") if path.is_symlink()]
    if links:
        raise InputError(f"import ({source}) holds links ({', '.join(links)}): a version holds files alone")
    try:
        card = dict(json.loads((folder / CARD).read_text(encoding="utf-8")))
        texts = read_texts(folder / MODEL)
        parts = card["format"], str(card["name"]).rsplit(".", 1)[1], card["digest"], card["tags"], card["metrics"]
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"import ({source}) is no exported version: {error}") from error
    if parts[0] != FORMAT:
        raise InputError(
            f"import ({source}) has the format {parts[0]}, this mlrisk reads {FORMAT}: update the older one"
        )
    if digest_of(texts) != card["digest"]:
        raise InputError(
            f"import ({source}) was changed: its files have the digest {digest_of(texts)[:12]}, exported was "
            f"{str(card['digest'])[:12]}. Export it again"
        )
    return card, texts
