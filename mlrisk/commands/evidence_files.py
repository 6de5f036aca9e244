"""`mlrisk evidence`: the evidence ledger as files for audit."""

from dataclasses import replace

from features.base import NOT_EVIDENCE, Place, Progress, filled, no_progress, place_of
from mlrisk.outputs import Audit, write_ledger
from mlrisk.settings import Config
from mlrisk.version import __version__
from training.evidence import open_inputs, open_ledger


def evidence(config: Config, file: str | Place | None = None, progress: Progress = no_progress) -> Audit:
    """Write the evidence ledger for audit, Parquet or CSV by the ending; evidence.parquet in the output folder if none.

    Beside it lies the state of every cell at `config.as_of`; see mlrisk.outputs.evidence_ledger.
    """
    progress("sources")
    inputs = open_inputs(config)
    progress("evidence")
    ledger = open_ledger(config, inputs)
    notes = {
        "as_of": str(config.as_of),
        "country": config.name,
        "crs": inputs.grid.crs.to_string(),
        "cell_size_m": inputs.grid.cell_size_m,
        "inputs": dict(sorted(inputs.digests.items())),
        "labels": config.contamination.labels.model_dump(mode="json"),
        "not_evidence": NOT_EVIDENCE,
        "version": __version__,
    }
    progress("files")
    target = config.output_folder / "evidence.parquet" if file is None else place_of("--out", file)
    with filled("--out", target.parent) as folder:
        audit = write_ledger(ledger, ledger.at(config.as_of), notes, folder / target.name)
    return replace(audit, files=tuple(target.parent / path.name for path in audit.files))
