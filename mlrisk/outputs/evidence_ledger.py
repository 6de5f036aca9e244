"""The evidence ledger as files for audit: one row for each (cell, record), and a file of the state of every cell."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.base import NOT_EVIDENCE, ConfigError, Place, plain
from training.evidence import KIND_NAMES, STATE_NAMES, STATUS_NAMES, Evidence, Ledger, work_of

# A constant, so that the bytes do not depend on the machine; some 60 MB a chunk in memory.
ROWS_AT_A_TIME = 1 << 18
DATES = ("event_date", "recorded_date", "known_from")
COLUMNS = {
    "cell_id": "id of the cell, from the CRS, the cell size and the place alone",
    "source": "source of the record as in the config; config for land that the config declares to be searched",
    "record_number": "row of the record in the source's file, counted through its files; 0 for declared land",
    "record_id": "id that the authority gave to the record",
    "kind": "what the record is; empty where it says nothing of any cell",
    "state": "what the record says of the cell: found, searched or unknown",
    "event_date": "day of the event, else of the end of the work or of the survey",
    "recorded_date": "day on which the record was entered",
    "known_from": "the last of its dates: before it nobody knew; empty: taken as always known",
    "known": "known at as_of",
    "share": "part of the cell that the record lies on, 1 for a point",
    "quality": "probability that a point with its location error lies in the cell; 1 for a polygon",
    "weight": "what the record counts for the cell; 0 where it makes no label",
    "found_probability": "probability that devices counted in the record's area, and not located, lay in the cell",
    "devices": "devices that the record counts",
    "unlocated_devices": "devices of a release that no find known at as_of accounts for",
    "releases": "a finished decision that releases land",
    "inclusion_prob": "probability with which the cell was drawn for survey; empty where people chose",
    "chosen_by": "who chose the land: model (a ranking), people, chance (a draw); empty where nobody says",
}
CELL_COLUMNS = {
    "cell_id": COLUMNS["cell_id"],
    "easting_m": "easting of the centre in the CRS of the grid",
    "northing_m": "northing of the centre in the CRS of the grid",
    "state": "what is known of the cell at as_of",
    "kind": "kind of the record that decided the state",
    "share": "part of the cell that the evidence speaks of",
    "weight": "share times the quality of the evidence",
    "target": "what a model learns: 1 found, 0 searched, between where devices were counted but not located",
    "status": "what is known of the cell as far as work goes, at as_of",
    "work": "the work that its status makes",
    "released": "released as a whole by the authority, and nothing found since",
    "inclusion_prob": COLUMNS["inclusion_prob"],
}


@dataclass(frozen=True)
class Audit:
    """The written files: the ledger, the cells and, for CSV, the notes; with the number of rows and the evidence."""

    files: tuple[Place, ...]
    rows: int
    evidence: Evidence


def write_ledger(ledger: Ledger, evidence: Evidence, notes: Mapping[str, Any], file: Path) -> Audit:
    """Write the ledger to `file`, Parquet or CSV by its ending, and the cells at `evidence.as_of` to <name>_cells.

    `notes` go into the metadata of both; a CSV has no metadata, so the notes go into <name>_notes.json and every row
    carries the warning. Equal arguments give equal bytes. Raises ConfigError for another ending.
    """
    if file.suffix.casefold() not in WRITERS:
        raise ConfigError(f"--out ({file}) must end in {' or '.join(WRITERS)}")
    write, cells = WRITERS[file.suffix.casefold()], file.with_name(f"{file.stem}_cells{file.suffix}")
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = write(file, _rows(ledger, evidence), {**notes, "columns": COLUMNS})
    write(cells, _cells(ledger, evidence), {**notes, "columns": CELL_COLUMNS})
    files = [file, cells]
    if file.suffix.casefold() == ".csv":
        files.append(file.with_name(f"{file.stem}_notes.json"))
        files[-1].write_bytes(_record({**notes, "columns": {**COLUMNS, **CELL_COLUMNS}}, indent=1))
    return Audit(tuple(files), rows, evidence)


def _rows(ledger: Ledger, evidence: Evidence) -> Iterator[pd.DataFrame]:
    """The ledger in chunks, records before declared land; there is at least one chunk, which gives the columns."""
    total = len(ledger.entries.place)
    for start in range(0, max(total, 1), ROWS_AT_A_TIME):
        yield ledger.rows(evidence.as_of, slice(start, min(start + ROWS_AT_A_TIME, total)))
    for start in range(0, len(ledger.declared), ROWS_AT_A_TIME):
        stop = min(start + ROWS_AT_A_TIME, len(ledger.declared))
        yield ledger.declared_rows(np.arange(start, stop))


def _cells(ledger: Ledger, evidence: Evidence) -> Iterator[pd.DataFrame]:
    ids, centres = ledger.grid.cell_ids(), ledger.grid.centres_m()
    # Index -1, which means that no kind decided, takes the last name.
    states, kinds = np.array(STATE_NAMES, dtype=object), np.array([*KIND_NAMES, ""], dtype=object)
    statuses = np.array(STATUS_NAMES, dtype=object)
    for start in range(0, len(ids), ROWS_AT_A_TIME):
        part = slice(start, start + ROWS_AT_A_TIME)
        yield pd.DataFrame(
            {
                "cell_id": ids[part],
                "easting_m": centres[part, 0],
                "northing_m": centres[part, 1],
                "state": pd.array(states[evidence.state[part]], dtype="str"),
                "kind": pd.array(kinds[evidence.kind[part]], dtype="str"),
                "share": evidence.share[part],
                "weight": evidence.weight[part],
                "target": evidence.target[part],
                "status": pd.array(statuses[evidence.status[part]], dtype="str"),
                "work": pd.array(work_of(evidence.status[part]), dtype="str"),
                "released": evidence.released[part],
                "inclusion_prob": evidence.inclusion_prob[part],
            }
        )


def _write_parquet(file: Path, chunks: Iterator[pd.DataFrame], notes: Mapping[str, Any]) -> int:
    rows, writer = 0, None
    try:
        for chunk in chunks:
            table = pa.Table.from_pandas(_days(chunk), preserve_index=False)
            if writer is None:
                schema = table.schema.with_metadata({b"mlrisk": _record(notes)})
                writer = pq.ParquetWriter(file, schema, compression="zstd")
            writer.write_table(table.cast(schema), row_group_size=ROWS_AT_A_TIME)
            rows += len(chunk)
    finally:
        if writer is not None:
            writer.close()
    return rows


def _write_csv(file: Path, chunks: Iterator[pd.DataFrame], notes: Mapping[str, Any]) -> int:
    rows, note = 0, f"{NOT_EVIDENCE} As of {notes['as_of']}."
    # The byte order mark tells Excel that the file is UTF-8; without it Azerbaijani letters break.
    with file.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\r\n")
        for number, chunk in enumerate(chunks):
            table = _days(chunk).assign(note=note)
            if number == 0:
                writer.writerow(table.columns)
            writer.writerows([_csv_value(value) for value in row] for row in table.itertuples(index=False, name=None))
            rows += len(chunk)
    return rows


WRITERS: dict[str, Callable[[Path, Iterator[pd.DataFrame], Mapping[str, Any]], int]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
}


def _csv_value(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    return "" if pd.isna(value) else value


def _days(chunk: pd.DataFrame) -> pd.DataFrame:
    """Dates as days: a time of day would only be an artefact of reading."""
    days = {name: pd.array(chunk[name].dt.date, dtype=pd.ArrowDtype(pa.date32())) for name in DATES if name in chunk}
    return chunk.assign(**days)


def _record(notes: Mapping[str, Any], indent: int | None = None) -> bytes:
    return json.dumps(notes, ensure_ascii=False, sort_keys=True, indent=indent).encode()
