"""The output of `check`: the sources and the evidence."""

from mlrisk.cli.text.parts import Part, Table, counts
from mlrisk.commands import Checked


def checked_sources(checked: Checked) -> list[Part]:
    """Each source with what was repaired or set aside, and the evidence."""
    header = ("source", "file", "read", "kept", "repaired", "set aside", "noted", "notes")
    rows = tuple(
        (
            report.source,
            report.path,
            f"{report.rows_read:,}",
            f"{report.rows_kept:,}",
            counts(report.repaired),
            counts(report.set_aside),
            counts(report.noted),
            "; ".join(report.notes),
        )
        for report in checked.reports
    )
    totals = f"cells: {checked.cells:,}   evidence: {counts(checked.evidence)}   records: {counts(checked.records)}"
    return [Table("sources", header, rows), totals]
