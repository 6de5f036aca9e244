"""Columns of dates in records whose layout is not published: by their names, and by values that read as dates."""

import re
from dataclasses import replace

from features.sources import DATE, SCHEMAS, parse_dates
from mlrisk.intake.finding import Finding
from mlrisk.intake.looking import Look

DAY = re.compile(
    "date|fecha|dat(um|a)\\b|\u0434\u0430\u0442\u0430|tarix|tarih|tarix|\u062a\u0627\u0631\u064a\u062e|"
    "\u062a\u0627\u0631\u06cc\u062e|data_|_data\\b|\\bjour\\b"
)
WRITTEN = re.compile(
    "record|regist|report|entr|creat|updat|modif|edit|upload|submi|\u0432\u043d\u0435\u0441|\u0440\u0435\u0433\u0438\u0441\u0442"
)
BEGUN = re.compile("start|begin|begun|inici|d\u00e9but|debut|\u043d\u0430\u0447\u0430\u043b|ba\u015fla|poce")
# The column that a date of the event fills, by source.
EVENT = {
    "incidents": "date", "finds": "date", "survey": "date", "conflict_events": "date", "land_release": "end_date",
    "hazard_areas": "record_date", "minefield_records": "record_date",
}  # fmt: skip
READ_SHARE = 0.9
LOOK_ROWS = 300


def with_dates(finding: Finding) -> Finding:
    """The finding with a mapping of its dates, and a doubt for each that is guessed; as it is if it has dates."""
    source, look = finding.source, finding.look
    if source not in EVENT or finding.spec.get("terms"):
        return finding
    kinds = {name for name, kind in SCHEMAS[source].columns.items() if kind == DATE}
    mapped = finding.spec.get("columns", {})
    if kinds & (set(mapped) | set(look.columns)):
        return finding
    named: dict[str, str] = {}
    for folded, name in look.columns.items():
        if not DAY.search(folded) or not _reads_as_dates(look, name):
            continue
        ours = "recorded_date" if WRITTEN.search(folded) else "start_date" if BEGUN.search(folded) else EVENT[source]
        if ours in kinds:
            named.setdefault(ours, name)
    if not named:
        return finding
    if set(named) == {"recorded_date"} and source not in ("incidents", "finds", "survey"):
        named = {EVENT[source]: named["recorded_date"]}
    doubts = [one for one in finding.doubts if "carries no date" not in one]
    doubts += [f"{ours} is read from {name}: check what day it is" for ours, name in named.items()]
    return replace(finding, spec={**finding.spec, "columns": {**mapped, **named}}, doubts=tuple(doubts))


def _reads_as_dates(look: Look, name: str) -> bool:
    column = look.sample[name].dropna().head(LOOK_ROWS).reset_index(drop=True)
    if not len(column):
        return False
    parsed = parse_dates(column)
    return bool((parsed.precision != "").mean() >= READ_SHARE)
