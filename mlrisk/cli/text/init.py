"""The output of `init`: the source of each file, and the doubts."""

from mlrisk.cli.text.parts import Part, Table
from mlrisk.commands import WrittenConfig


def proposed(done: WrittenConfig) -> list[Part]:
    """The files, the doubts, and the files written."""
    proposal = done.proposal
    rows = [(one.look.name, one.source, one.what) for one in proposal.findings]
    rows += [(one.look.name, "-", f"{one.what}; not used: {why}") for one, why in proposal.alternatives]
    rows += [(one.path, "?", one.reason) for one in proposal.unread]
    table = Table("files", ("file", "source", "recognised as"), tuple(sorted(rows)))
    unsure = [f"unsure: {doubt}" for doubt in proposal.doubts]
    return [table, *unsure, *(f"written: {path}" for path in (*done.files, done.config))]
