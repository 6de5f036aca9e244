"""Reading of whole files: only regular ones, and only up to a given size."""

import stat
from pathlib import Path


def refuse_special(path: Path) -> None:
    """OSError for a pipe, a socket or a device: opening one may wait for ever, and reading one may never end."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(0, "it is a pipe, a socket or a device: give a regular file")


def read_bytes(path: Path, most: int) -> bytes:
    """The content of a regular file; OSError for anything else and for more than `most` bytes."""
    refuse_special(path)
    with path.open("rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise OSError(0, f"it is larger than {most:,} bytes")
    return content
