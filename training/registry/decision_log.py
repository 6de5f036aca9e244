"""The audit log of a country: one JSON line for every decision about what ranks."""

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
    """Where the audit log of a country lies: beside its config."""
    return decisions_path(config)


def write_line(config: TrainConfig, what: str, who: str, **facts: Any) -> Path:
    """Append one decision: what, who, when, from which data; the line is on the disk when this returns.

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
    """Every decision, the oldest first; a line that was cut by a power failure is passed over."""
    path = log_path(config)
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            lines.append(json.loads(text))
        except ValueError:
            continue
    return lines


def _ends_whole(path: Path) -> bool:
    """Whether the last line has its end: one that a power failure cut must not swallow the next."""
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
