"""A version as one folder or archive, for a machine without a network."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

from features.base import ConfigError, InputError, temporary_folder, try_folder
from models.file_checks import check_files
from training.registry.archive_card import FORMAT, Card, active_content, card_of
from training.registry.archive_files import CARD, MODEL, RUN, files_of
from training.registry.import_probe import probe
from training.registry.promotion import IMPORTED, assign_aliases
from training.registry.signatures import sign, signature_path, verify
from training.registry.store import Store, Version
from training.registry.store_errors import store_errors
from training.registry.versions import row_of
from training.settings import TrainConfig, digest_of

# Fixed, so that the same version gives the same archive.
ZIP_DATE = (1980, 1, 1, 0, 0, 0)
# Tags of decisions in the store of origin are not exported: the importing store makes its own decisions.
LEFT_BEHIND = ("promoted_over", "promoted_by", "promoted_at", "promoted_why", "decision", "decision_why", "signed_by")


def export_version(store: Store, name: str, number: str, target: Path, key: Path | None = None) -> Path:
    """Write a version, its tags, its figures and the texts of its run into a folder, or an archive if it ends in .zip.

    With a private `key` its signature is written beside it, as TARGET.sig. Raises ConfigError if `target` exists:
    nothing is overwritten.
    """
    beside = signature_path(target)
    if taken := [path for path in (target, *((beside,) if key else ())) if path.exists()]:
        raise ConfigError(f"export ({taken[0]}) exists: give a new folder, or a new file that ends in .zip")
    try_folder("export", target.parent)
    row = row_of(store, name, number)
    _, texts = store.load_number(name, number)
    with temporary_folder() as scratch, store_errors(store.uri):
        folder = scratch / "version"
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
        signature = sign(files_of(folder), key) if key else ""
        target.parent.mkdir(parents=True, exist_ok=True)
        if signature:
            beside.write_text(signature, encoding="ascii")
        if target.suffix == ".zip":
            _zip(folder, target)
        else:
            shutil.copytree(folder, target)
    return target


def import_version(
    store: Store, config: TrainConfig, source: Path, by: str, *, key: Path | None = None, unsigned: bool = False
) -> tuple[Version, bool]:
    """Register a version that `export_version` wrote; the second value says whether it was new here.

    Its signature must match the public `key`, unless `unsigned` says that it has none. It becomes champion where the
    country has none, or none but the other model of the same training; else it has no alias until somebody promotes it
    with `mlrisk models promote`. `by` names the person responsible in the log. Raises InputError for files that are no
    such version, were changed, belong to another country, or give no valid predictions.
    """
    card, texts, run_texts, signed_by = checked_import(source, key, unsigned, config.name)
    for item in store.client.search_model_versions(f"name = '{card.name}'"):
        if item.tags.get("digest") == card.digest:
            known = {tag: str(item.tags.get(tag, "")) for tag in ("digest", "as_of", "grid")}
            return Version(name=card.name, number=str(item.version), run_id=str(item.run_id), alias="", **known), False
    tags = {tag: value for tag, value in card.tags.model_dump().items() if tag not in LEFT_BEHIND}
    tags |= {"imported_from": f"{card.name} version {card.number}", "signed_by": signed_by or "nobody"}
    run_id = store.start_run(config, {}, {"kind": "import", "mlflow.runName": f"imported {card.name} {card.number}"})
    try:
        store.log_results(run_id, card.metrics, run_texts)
        version = store.register(run_id, card.name, texts, tags)
        store.finish_run(run_id)
        facts = {"digest": version.digest, "run": run_id, "signed_by": tags["signed_by"]}
        (version,) = assign_aliases(store, config, [version], IMPORTED, by, facts)
    except BaseException:
        store.fail_run(run_id)
        raise
    return version, True


def checked_import(
    source: Path, key: Path | None, unsigned: bool, country: str | None = None
) -> tuple[Card, dict[str, str], dict[str, str], str]:
    """The card, the model, the texts of its run and the signer of an export that passed every test at the border.

    `country` is the one that it must be of, None for any.
    """
    if key is None and not unsigned:
        raise ConfigError(
            "an import needs the public key of the authority that signed it (--key PUB), or --unsigned where you know "
            "another way that it is genuine: a model decides where teams go"
        )
    files = files_of(source)
    signed_by = verify(files, signature_path(source), key) if key else ""
    card, texts, run_texts = _read(files, source, country)
    _check_model(card, texts, source)
    return card, texts, run_texts, signed_by


def _zip(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), ZIP_DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())


def _read(files: dict[str, str], source: Path, country: str | None) -> tuple[Card, dict[str, str], dict[str, str]]:
    """The card, the files of the model and the texts of its run; raises InputError if they do not form one version."""
    try:
        card = card_of(files[CARD])
    except ValueError as error:
        raise InputError(f"import ({source}) {error}") from error
    texts, run_texts = (
        {name.removeprefix(f"{folder}/"): text for name, text in files.items() if name.startswith(f"{folder}/")}
        for folder in (MODEL, RUN)
    )
    if country is not None and card.name.rsplit(".", 1)[0] != country:
        raise InputError(
            f"import ({source}) holds {card.name}, the config is of {country}: give its own config, or --transfer "
            "for a model of another country"
        )
    if digest_of(texts) != card.digest:
        raise InputError(
            f"import ({source}) was changed: its files have the digest {digest_of(texts)[:12]}, exported was "
            f"{card.digest[:12]}. Export it again"
        )
    for name, text in run_texts.items():
        if name.endswith(".html") and (found := active_content(text)):
            raise InputError(f"import ({source}): {name} holds {found}, which no report of ours has")
    return card, texts, run_texts


def _check_model(card: Card, texts: dict[str, str], source: Path) -> None:
    """Raise InputError if the files are no model: by their schemas first, then by predictions in another process."""
    target: Any = card.name.rsplit(".", 1)[1]
    try:
        check_files(target, texts)
    except ValueError as error:
        raise InputError(f"import ({source}) holds no model that can rank: {error}") from error
    if found := probe(target, texts):
        raise InputError(f"import ({source}) holds no model that can rank: {found}")
