"""The result of one check of the gate."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Check:
    """The result of one check: whether it passed, a sentence for people, and the figures in it as values.

    `judged` is False if there was too little to judge by: such a check passes.
    """

    name: str
    passed: bool
    text: str
    figures: Mapping[str, float] = field(default_factory=dict)
    judged: bool = True

    @property
    def verdict(self) -> str:
        """passed, failed or not tested."""
        return ("passed" if self.passed else "failed") if self.judged else "not tested"


def not_judged(name: str, text: str, **figures: float) -> Check:
    """A check that had too little to judge by."""
    return Check(name=name, passed=True, text=text, figures=figures, judged=False)
