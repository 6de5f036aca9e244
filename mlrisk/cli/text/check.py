"""The output of `check`: the sources, the evidence, and the expected cost of a run."""

from mlrisk.cli.text.parts import Part, Table, counts
from mlrisk.commands import SourceCheck


def checked_sources(checked: SourceCheck) -> list[Part]:
    """Each source with repairs, rows set aside and remarks, then the evidence and the cost of a run."""
    header = ("source", "kept", "of", "repaired", "set aside", "noted")
    rows = tuple(
        (
            report.source, f"{report.rows_kept:,}", f"{report.rows_read:,}",
            *(counts(part) for part in (report.repaired, report.set_aside, report.noted)),
        )
        for report in checked.reports
    )  # fmt: skip
    return [
        Table("sources", header, rows),
        *(f"{report.source}: {line}" for report in checked.reports for line in (report.path, *report.notes)),
        f"cells: {checked.cells:,}   evidence: {counts(checked.evidence)}",
        f"records: {counts(checked.records)}",
        f"a run takes about {checked.core_minutes:.0f} minutes of one core and {checked.memory_gb:.1f} GB of memory",
    ]
