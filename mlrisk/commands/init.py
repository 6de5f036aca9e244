"""`mlrisk init`: a config for a folder of files."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from features.base import ConfigError
from mlrisk.intake import Proposal, config_text, propose


@dataclass(frozen=True)
class WrittenConfig:
    """The written config, the files beside it, and the proposal in them."""

    config: Path
    files: tuple[Path, ...]
    proposal: Proposal


def init(
    folder: str | Path, name: str | None = None, *, force: bool = False, as_of: date | None = None
) -> WrittenConfig:
    """Write NAME.yaml into `folder` from its recognised files; `as_of` is today if it is not given.

    Raises ConfigError for a path that is not a folder, an invalid name, and existing files unless `force` says to
    replace them; InputError if nothing is recognised.
    """
    place = Path(folder)
    if not place.is_dir():
        raise ConfigError(f"init: {place} is not a folder: give the folder that holds the files")
    chosen = _name(place.resolve().name) if name is None else name
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", chosen):
        raise ConfigError(f"--name ({chosen!r}) must be of small letters, digits, _ and -: give one such as karabakh")
    config = place / f"{chosen}.yaml"
    if config.exists() and not force:
        raise ConfigError(f"init: {config} exists: give another --name, or --force to replace it")
    proposal = propose(place, chosen, as_of or datetime.now(UTC).date())
    beside = {place / file: text for file, text in proposal.files.items()}
    kept = [path for path in beside if path.exists() and path.read_text(encoding="utf-8") != beside[path]]
    if kept and not force:
        raise ConfigError(f"init: {', '.join(map(str, kept))} exists: give another --name, or --force to replace it")
    for path, text in {**beside, config: config_text(proposal)}.items():
        path.write_text(text, encoding="utf-8", newline="\n")
    return WrittenConfig(config, tuple(beside), proposal)


def _name(folder: str) -> str:
    """A name for models and files from the name of a folder."""
    plain = re.sub(r"[^a-z0-9_-]+", "_", folder.casefold()).strip("_-")[:63]
    return plain or "country"
