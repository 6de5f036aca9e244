"""Findings: the source as which a file was recognised, and all findings of a folder."""

from dataclasses import dataclass, field
from typing import Any

from mlrisk.intake.looking import Look, Unread

# Sources that take one file, or several with the same columns; a spec of another layout is added as a comment.
AREA = "area"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One source in one file: `source` is the key in the config (`area` that of the grid), '' if none fits.

    `spec` is its entry in the config besides the path. If several files of different layouts fit one source, the
    finding with the greatest `score` comes first. `doubts` are sentences for a person.
    """

    look: Look
    source: str
    what: str
    spec: dict[str, Any] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    score: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A proposed config: the grid, the chosen findings by source, and the decisions left to a person.

    `alternatives` are recognised but unused, each with the reason; `files` (name: text) are written beside the config.
    """

    name: str
    as_of: str
    grid: dict[str, Any]
    sources: dict[str, list[dict[str, Any]]]
    findings: tuple[Finding, ...]
    alternatives: tuple[tuple[Finding, str], ...]
    unread: tuple[Unread, ...]
    doubts: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)
