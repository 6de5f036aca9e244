"""What `check` says of the sources."""

from mlrisk.cli.text.parts import Said, Table, counts
from mlrisk.commands import Checked


def checked_sources(checked: Checked) -> list[Said]:
    """Each source with what was repaired or set aside, and the evidence."""
    header = ("source", "read", "kept", "repaired", "set aside", "noted", "notes")
    rows = tuple(
        (
            report.source,
            f"{report.rows_read:,}",
            f"{report.rows_kept:,}",
            counts(report.repaired),
            counts(report.set_aside),
            counts(report.noted),
            "; ".join(report.notes),
        )
        for report in checked.reports
    )
    told = f"cells: {checked.cells:,}   evidence: {counts(checked.evidence)}   records: {counts(checked.records)}"
    return [Table("sources", header, rows), told]
