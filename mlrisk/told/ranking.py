"""What `rank` says of a finished ranking."""

from typing import Any

from mlrisk.package import NOT_EVIDENCE
from mlrisk.risk_map import Ranking
from mlrisk.told.lines import Said, counts, notes, versions

SHOWN_FILES = ("map.html", "risk.parquet", "risk_map.gpkg", "summary.json")


def ranked_map(ranking: Ranking) -> list[Said]:
    """What came in with faults, how much was ranked by which models, and where the files lie."""
    summary: dict[str, Any] = ranking.summary
    return [
        *(
            f"{source['source']}: {source['rows_kept']:,} of {source['rows_read']:,} rows kept; "
            f"repaired: {counts(source['repaired'])}; set aside: {counts(source['set_aside'])}"
            for source in summary["inputs"]
            if source["repaired"] or source["set_aside"]
        ),
        f"cells: {summary['cells']:,}   ranked: {summary['ranked_cells']:,}   tasks: {summary['tasks']:,}",
        *versions(summary["models"]),
        *notes(summary["warnings"]),
        NOT_EVIDENCE,
        *(f"{path.name}: {path}" for path in ranking.files if path.name in SHOWN_FILES),
    ]
