"""The output of `check`: the sources, the evidence, and the expected cost of a run."""

from collections.abc import Iterator

from features.sources import SourceReport
from mlrisk.cli.text.parts import Part, Table, counts
from mlrisk.commands import SourceCheck


def checked_sources(checked: SourceCheck) -> list[Part]:
    """Each source with repairs, rows set aside and remarks, then the evidence and the cost of a run."""
    header = ("source", "kept", "of", "repaired", "set aside", "noted")
    rows = tuple(
        (
            report.source, f"{report.rows_kept:,}", f"{report.rows_read:,}",
            *(f"{sum(part.values()):,}" for part in (report.repaired, report.set_aside, report.noted)),
        )
        for report in checked.reports
    )  # fmt: skip
    return [
        Table("sources; rows of each", header, rows),
        *(line for report in checked.reports for line in _remarks(report)),
        f"cells: {checked.cells:,}   evidence: {counts(checked.evidence)}",
        f"records: {counts(checked.records)}",
        *(f"note: {note}" for note in checked.notes),
        f"a run takes about {checked.core_minutes:.0f} minutes of one core and {checked.memory_gb:.1f} GB of memory",
    ]


def _remarks(report: SourceReport) -> Iterator[str]:
    """The file of a source, the kinds of repair with their rows, and notes."""
    yield f"{report.source}: {report.path}"
    for name in ("repaired", "set_aside", "noted"):
        if numbers := getattr(report, name):
            yield f"{report.source}: {name.replace('_', ' ')}: {counts(numbers)}"
    yield from (f"{report.source}: {line}" for line in report.notes)
