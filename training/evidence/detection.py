"""Detection of methods and teams, from audits and quality control on land that they had searched before."""

import numpy as np
import pandas as pd
from scipy.stats import beta

from features.base import Flags
from training.evidence.reading import Reading
from training.evidence.record_cells import RecordCells
from training.evidence.record_kinds import KIND_NAMES, RELEASES
from training.evidence.states import MOST_OF_CELL

FIND, SURVEY_FOUND, SURVEY_SEARCHED = map(KIND_NAMES.index, ("find", "survey_found", "survey_searched"))
SEARCHES = (SURVEY_FOUND, SURVEY_SEARCHED, *map(KIND_NAMES.index, RELEASES))
QUANTILES = 0.95, 0.5, 0.05
# From this many checked cells on the measured detection takes the place of the assumed one.
FEWEST_CHECKED = 20
ALL = "all"
COLUMNS = ("by", "name", "found", "searched", "checked", "missed", "detection", "detection_low", "detection_high")


def detection_table(entries: RecordCells, read: Reading) -> pd.DataFrame:
    """Detection of all searches, of each method and of each team whose land was checked later, a row each.

    A check is a survey record whose purpose is an audit or quality control, on a cell that a search covered before; the
    last such search answers for the cell. `found` counts the cells in which the searches found EO, `searched` those in
    which they did not, `checked` the latter that were checked, and `missed` those in which the check found EO.
    Detection is found / (found + searched x r), where r is the share missed, with the prior of Jeffreys (Brown, Cai and
    DasGupta 2001, Statistical Science 16, 101): its median and the ends of its 90 % interval. A check misses too, so
    detection is at most this. Empty without a check.
    """
    pairs = _pairs(entries, read)
    check = pairs["check"].to_numpy(dtype=bool)
    searches, checks = pairs[~check], pairs[check].dropna(subset="day")[["cell", "day", "found"]]
    answers = pd.merge_asof(
        checks.sort_values("day", kind="stable"),
        searches.dropna(subset="day").rename(columns={"found": "found_before"}).sort_values("day", kind="stable"),
        on="day", by="cell", allow_exact_matches=False,
    )  # fmt: skip
    answers = answers[answers["found_before"].eq(other=False)]
    rows = [_row(ALL, "", searches, answers)]
    for by in ("method", "team"):
        names = sorted(set(answers[by].dropna()) - {""})
        rows += [_row(by, name, searches[searches[by] == name], answers[answers[by] == name]) for name in names]
    return pd.DataFrame([row for row in rows if row["checked"]], columns=list(COLUMNS))


def measured_detection(table: pd.DataFrame, assumed: float) -> float:
    """Detection of all searches together where enough of their land was checked, else the assumed one."""
    every = table[table["by"].eq(ALL) & table["checked"].ge(FEWEST_CHECKED) & table["found"].gt(0)]
    return float(every["detection"].iloc[0]) if len(every) else assumed


def _pairs(entries: RecordCells, read: Reading) -> pd.DataFrame:
    """Searches and checks of each cell: cell, day, method, team, whether EO was found, whether it is a check."""
    records, record = entries.records, entries.record
    covered = entries.share * records["quality"].to_numpy()[record] >= MOST_OF_CELL
    mine = (read.known & np.isin(read.kind, SEARCHES))[record]
    mine &= covered | (read.kind[record] == SURVEY_FOUND)
    cell, record = entries.place[mine], record[mine]
    day = np.where(np.isnat(records["ends"].to_numpy()), records["event_date"].to_numpy(), records["ends"].to_numpy())
    pairs = pd.DataFrame(
        {
            "cell": cell,
            "day": day[record],
            "method": records["method"].to_numpy()[record],
            "team": records["team"].to_numpy()[record],
            "found": (read.kind[record] == SURVEY_FOUND) | _with_finds(entries, read)[mine],
            "check": records["check"].to_numpy()[record],
        }
    )
    return pairs.astype({"day": "datetime64[ns]"})


def _with_finds(entries: RecordCells, read: Reading) -> Flags:
    """Pairs (n_pairs,) of a release and a cell in which something was found by the end of the release."""
    records, record = entries.records, entries.record
    found = (read.known & (read.kind == FIND))[record]
    seen = pd.Series(records["seen"].to_numpy()[record[found]]).groupby(entries.place[found]).min()
    first = seen.reindex(entries.place).to_numpy()
    return np.asarray(records["finished"].to_numpy()[record] & (first <= records["ends"].to_numpy()[record]))


def _row(by: str, name: str, searches: pd.DataFrame, answers: pd.DataFrame) -> dict[str, object]:
    per_cell = searches.groupby("cell")["found"].max()
    found, searched = int(per_cell.sum()), int((~per_cell.astype(bool)).sum())
    missed = answers.groupby("cell")["found"].max()
    checked, misses = len(missed), int(missed.sum())
    share = beta.ppf(QUANTILES, misses + 0.5, checked - misses + 0.5)
    low, middle, high = found / (found + searched * share) if found else np.full(3, np.nan)
    return dict(zip(COLUMNS, (by, name, found, searched, checked, misses, middle, low, high), strict=True))
