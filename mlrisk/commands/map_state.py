"""Whether the map in an output folder is the one that ranking would make now."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

import features
import mlrisk
import models
import training
from mlrisk.settings.config import Config
from training.registry.aliases import CHAMPION
from training.registry.store import Store
from training.registry.versions import TARGETS, row_of
from training.retraining.last_run import Seen
from training.retraining.short_cut import Begun
from training.settings.provenance import digest_of, public_settings, tree_digest

CELLS = "risk.parquet"
# Settings under which the same map comes out. The date is asked of what was seen: mostly nothing hangs on it.
SAME_MAP = ("as_of", "compute", "retraining", "tracking")


class MadeModel(BaseModel):
    """A version that ranked: its name and number, and the digest of its files."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    number: str
    digest: str


class MadeInput(BaseModel):
    """The digest of a source that went into a map."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    digest: str


class Made(BaseModel):
    """What summary.json says of how a map was made; `written` has the size of each file in bytes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    as_of: date
    models: tuple[MadeModel, ...]
    inputs: tuple[MadeInput, ...]
    files: str
    program: str
    written: dict[str, int]
    settings: dict[str, Any]


def read_made(folder: Path) -> Made | None:
    """How the map in an output folder was made; None where one of its files is missing or empty, or its cells are cut.

    Sheets and layers that people fill in may grow.
    """
    try:
        made = Made.model_validate_json((folder / "summary.json").read_text(encoding="utf-8"))
        sizes = {name: (folder / Path(name).name).stat().st_size for name in made.written}
    except (OSError, ValueError, ValidationError):
        return None
    whole = all(sizes.values()) and sizes.get(CELLS) == made.written.get(CELLS)
    return made if whole else None


def program_digest() -> str:
    """SHA-256 over the whole program, its words and its page among it."""
    packages = (features, models, training, mlrisk)
    return digest_of({one.__name__: tree_digest(Path(str(one.__file__)).parent) for one in packages})


def is_current(made: Made | None, config: Config, begun: Begun, seen: Seen | None) -> bool:
    """Whether a map was made by today's champions from all that is known today, by this program, as the config asks.

    `seen.inputs` are the digests of the sources when they were opened, which in a long run was some time before the
    map's other files were read.
    """
    if made is None or seen is None or not begun.files or made.files != begun.files:
        return False
    if not seen.holds(begun.mark, made.as_of) or {one.digest for one in made.inputs} != set(seen.inputs.values()):
        return False
    if made.program != program_digest() or {(m.name, m.number, m.digest) for m in made.models} != _champions(
        config, begun.store
    ):
        return False
    settings: Mapping[str, Any] = json.loads(json.dumps(public_settings(config), default=str))
    return all(made.settings.get(key) == value for key, value in settings.items() if key not in SAME_MAP)


def _champions(config: Config, store: Store) -> set[tuple[str, str, str]]:
    numbers = {name: store.number(name, CHAMPION) for name in (f"{config.name}.{target}" for target in TARGETS)}
    return {
        (name, number, row_of(store, name, number).tags.get("digest", ""))
        for name, number in numbers.items()
        if number is not None
    }
