"""The decision log of a country: one JSON line for every decision about the versions that rank."""

import getpass
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from features.base import MlriskError
from training.evidence import decisions_path
from training.registry.store_errors import advice_for
from training.settings import TrainConfig, code_version


def log_path(config: TrainConfig) -> Path:
    """The file of the decision log of a country, in the folder of its config."""
    return decisions_path(config)


def write_line(config: TrainConfig, what: str, who: str, **facts: Any) -> Path:
    """Append one decision with its author, time and data; the line is on the disk when this returns.

    Raises MlriskError where the file cannot be written.
    """
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "what": what,
        "who": who,
        "user": _user(),
        "country": config.name,
        "as_of": str(config.as_of),
        "code": code_version(),
        **facts,
    }
    path = log_path(config)
    try:
        # Unbuffered: the write itself reports a full disk, and one line is one write.
        with path.open("ab", buffering=0) as file:
            start = "" if _ends_whole(path) else "\n"
            file.write(f"{start}{json.dumps(line, ensure_ascii=False, default=str)}\n".encode())
            os.fsync(file.fileno())
    except OSError as error:
        raise MlriskError(f"audit log ({path}) cannot be written: {advice_for(error) or error.strerror}") from error
    return path


def read_lines(config: TrainConfig) -> list[Mapping[str, Any]]:
    """Every decision, the oldest first; a line that a power failure truncated is ignored."""
    path = log_path(config)
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            lines.append(json.loads(text))
        except ValueError:
            continue
    return lines


def _ends_whole(path: Path) -> bool:
    """Whether the last line is complete: a line that a power failure truncated must not swallow the next one."""
    if not path.is_file() or not path.stat().st_size:
        return True
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
