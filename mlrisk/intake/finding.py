"""What a file was recognised as, and all findings of a folder."""

from dataclasses import dataclass, field
from typing import Any

from mlrisk.intake.looking import Look, Unread

# Sources of one file or of several with the same columns; a spec of another layout stands beside it as a comment.
AREA = "area"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One source in one file: `source` is the key in the config (`area` that of the grid), '' where none takes it.

    `spec` is what the config says of it besides the path. The finding with the greatest `score` stands first where
    several files of different layouts are one source. `doubts` are sentences for a person.
    """

    look: Look
    source: str
    what: str
    spec: dict[str, Any] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    score: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A config as it is proposed: the grid, the chosen findings by source, and what a person has to decide.

    `alternatives` were recognised and are not used, with the reason; `files` (name: text) are written beside it.
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
