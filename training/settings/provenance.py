"""Provenance of a run: digests, versions of code, and settings without passwords."""

import hashlib
import json
import re
import subprocess
from collections.abc import Mapping
from importlib.metadata import version as installed_version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from features.base import package_digest
from training.settings.config import TrainConfig


def masked(uri: str) -> str:
    """The URI without its password.

    >>> masked("postgresql://anna:secret@host/db")
    'postgresql://anna:***@host/db'
    """
    return re.sub(r"(://[^/:@]*:)[^@/]*@", r"\1***@", uri)


def public_settings(config: TrainConfig) -> dict[str, Any]:
    """The settings of a run without passwords, fit to be stored."""
    settings = config.model_dump(mode="json")
    kept = {"uri": masked(config.tracking.uri), "artifacts": config.tracking.artifacts}
    return settings | {"tracking": {name: value for name, value in kept.items() if value}}


def grid_text(config: TrainConfig) -> str:
    """CRS and cell size as text: a model may only rank land of the same grid."""
    return f"{config.grid.crs} {config.grid.cell_size_m:g} m"


def digest_of(texts: Mapping[str, str]) -> str:
    """SHA-256 over the names and contents of a model's files."""
    sha = hashlib.sha256()
    for name in sorted(texts):
        sha.update(f"{name}\0{len(texts[name])}\0{texts[name]}".encode())
    return sha.hexdigest()


def schema_digest(texts: Mapping[str, str]) -> str:
    """SHA-256 of the features of a model, in order, with their descriptions."""
    return digest_of({name: texts[name] for name in ("features.json", "schema.json") if name in texts})


def flattened(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """A nested mapping as dotted keys and short texts; values that are None are left out.

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


def program_digest(*packages: str) -> str:
    """SHA-256 over all files of some packages of the program, such as "features" and "models"."""
    folders = {name: Path(str(find_spec(name).origin)).parent for name in packages}  # type: ignore[union-attr]
    return digest_of({name: package_digest(folder) for name, folder in folders.items()})


def code_version() -> str:
    """Version of mlrisk, with the commit where the code runs from a checkout."""
    try:
        number = installed_version("mlrisk")
    except ModuleNotFoundError:
        number = "0"
    here = Path(__file__).parents[1]
    try:
        commit = subprocess.run(  # noqa: S603 a fixed command
            ["git", "-C", str(here), "rev-parse", "--short=12", "HEAD"],  # noqa: S607 git from the user's own PATH
            capture_output=True, text=True, check=True, timeout=5,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return number
    return f"{number}+{commit}" if (here.parent / ".git").exists() else number
