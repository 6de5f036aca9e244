"""Output files of a command: a path that cannot be written is reported before the work begins."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from features.base import Place

# Longest name of a file, in bytes, on every file system in use.
LONGEST_NAME = 255


def prepare(*files: Path | None) -> None:
    """Make the folders of the files; ConfigError for one that cannot be written. None in the list is ignored."""
    from features.base import ConfigError, refuse_address, try_file

    for file in files:
        if file is None:
            continue
        refuse_address("the file", file)
        if len(os.fsencode(file.name)) > LONGEST_NAME or file.is_dir():
            raise ConfigError(f"{str(file)[:200]} cannot be written: it is a folder, or its name is too long")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{str(file)[:200]} cannot be written: {error.strerror or error}") from error
        try_file("the file", file)


def prepare_folder(what: str, folder: "Place") -> None:
    """Try a folder that a command writes at its end; ConfigError before the work, `what` names the option or key."""
    from features.base import try_folder

    try_folder(what, folder)
