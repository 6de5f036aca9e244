"""Records that a person has to inspect: their selection, their names, and the decisions about them."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from features.base import ConfigError, Integers, day_after
from training.evidence import ALL_DAYS, Ledger, Verdicts, keyed_records, read_verdicts, without
from training.registry import CHAMPION, RegisteredVersion, Store, read_lines, row_of, write_line
from training.retraining.check import Check, not_judged
from training.retraining.decision import PROMOTED, REFUSED, Decision
from training.retraining.memory import Memory, reversal_evidence
from training.retraining.new_records import News, news_since
from training.settings import RetrainingSettings, TrainConfig

VANISHED = "vanished"
# Key of a decision line with the keys of the records in quarantine.
RECORDS = "quarantine_records"
# This few missing records are a correction, whatever their share of a small file.
FEWEST_VANISHED = 3
# From this many results on the anchor may follow the champion: fewer are a small step.
FEWEST_TO_MOVE = 200


def check_vanished(news: News, verdicts: Verdicts, settings: RetrainingSettings) -> Check:
    """Check by source that the champion's training records still exist, or that a person accepted their loss."""
    parts, failed, figures = [], [], {}
    if not news.had:
        return not_judged("vanished records", "the champion's records are not on file")
    for source, keys in news.gone_from.items():
        # A corrected record counts as one that is gone and one that is late.
        late = int((news.late["source"] == source).sum())
        # Records that a person rejected are missing from the labels although no file was truncated.
        lost = max(0, len([key for key in keys if key not in verdicts.accepted | verdicts.rejected]) - late)
        share = lost / news.had[source]
        figures[f"{source}_lost"] = float(lost)
        if lost:
            parts.append(f"{source} {lost:,} of {news.had[source]:,} ({share:.0%})")
        if lost >= FEWEST_VANISHED and share > settings.most_vanished:
            failed.append(source)
    text = f"records that the champion learned from and that are gone: {', '.join(parts) or 'none'}"
    if failed:
        accept = " ".join(f"--accept {VANISHED}:{source}" for source in failed)
        text += f". Look for a cut file; if it is right so: mlrisk retrain CONFIG {accept} --by NAME"
    return Check(name="vanished records", passed=not failed, text=text, figures=figures)


def vanished_note(config: TrainConfig, ledger: Ledger) -> tuple[str, ...]:
    """A sentence on records that the champion learned from and that are gone, for a map that is made all the same.

    None where no more are gone than the gate allows, a person accepted their loss, or nothing ranks.
    """
    news = champion_news(config, Store.existing(config), ledger)
    check = None if news is None else check_vanished(news, read_verdicts(config), config.retraining)
    return () if check is None or check.passed else (check.text,)


def refuse_cut_file(config: TrainConfig, whole: Check, before: str, notes: tuple[str, ...], news: News) -> Decision:
    """REFUSED before anything is trained: no model and no map are made from such sources."""
    facts = {"champion": before, "challenger": None, "news": news.counts, "figures": {whole.name: dict(whole.figures)}}
    write_line(config, REFUSED, f"policy {config.retraining.policy}", why=whole.text, **facts)
    return Decision(
        kind=REFUSED,
        champion=before,
        before=before,
        challenger=None,
        checks=(whole,),
        notes=notes,
        news=news,
        facts=facts,
        keeps_map=True,
    )


def decide_records(
    config: TrainConfig, store: Store, ledger: Ledger, rows: Iterable[tuple[str, str]], by: str
) -> tuple[str, ...]:
    """Log a person's decisions about records; `rows` are pairs of ACCEPTED or REJECTED and a name of rows.

    A name is `SOURCE:ROWS` such as `survey:12,15-20` (rows as the ledger numbers them), or `vanished:SOURCE`. `ledger`
    is the one without rejections. Raises ConfigError for rows that do not exist.
    """
    if not by.strip():
        raise ConfigError(f"--by ({by!r}) is empty: give the person who decides about these records")
    lines = []
    for what, named in rows:
        keys = _keys_of(config, store, ledger, named)
        write_line(config, what, by, rows=named, records=keys)
        lines.append(f"{what} by {by}: {named}, {len(keys):,} record(s)")
    return tuple(lines)


def records_on_cells(ledger: Ledger, cells: Integers, since: date, until: date) -> pd.DataFrame:
    """The records of an interval on some cells (places in the grid), as rows of `keyed_records`."""
    table = keyed_records(ledger, until)
    entries = ledger.entries
    here = np.unique(entries.record[np.isin(entries.place, cells)])
    known_from = entries.records["known_from"].to_numpy()
    late = known_from >= day_after(since)
    return table[table["row"].isin(here[late[here]])].reset_index(drop=True)


def without_accepted(config: TrainConfig, ledger: Ledger) -> Ledger:
    """The ledger without the records that a person has accepted: inspected records no longer count as suspicious."""
    return without(ledger, read_verdicts(config).accepted)


def cells_looked_at(config: TrainConfig, ledger: Ledger) -> Integers:
    """Places of the cells with a record that a person has accepted."""
    accepted = read_verdicts(config).accepted
    if not accepted:
        return np.zeros(0, dtype=np.int64)
    table = keyed_records(ledger, ALL_DAYS)
    rows = table.loc[table["key"].isin(accepted), "row"].to_numpy()
    return np.unique(ledger.entries.place[np.isin(ledger.entries.record, rows)]).astype(np.int64)


def quarantine(config: TrainConfig, memory: Memory | None, ledger: Ledger) -> pd.DataFrame:
    """The records that a person has to look at, as `keyed_records` has them.

    Results that fit better when reversed, from the day from which they do so best, and those that an earlier round
    named and nobody has decided about since: more results around them make no record right.
    """
    return pd.concat([_reversed_records(config, memory, ledger), undecided(config, ledger)]).drop_duplicates("key")


def undecided(config: TrainConfig, ledger: Ledger) -> pd.DataFrame:
    """Records that rounds put into quarantine since something was promoted last, while nobody has touched one of them.

    Once a person accepts or rejects one, or corrects one in its file (it has another key then), somebody has looked:
    the others are right unless the results speak against them anew.
    """
    keys: set[str] = set()
    for line in read_lines(config):
        keys = set() if line.get("what") == PROMOTED else keys | set(line.get(RECORDS, ()))
    table = keyed_records(ledger, config.as_of)
    waiting = table[table["key"].isin(keys - read_verdicts(config).accepted)].reset_index(drop=True)
    return waiting if len(waiting) == len(keys) else waiting.iloc[:0]


def check_undecided(config: TrainConfig, ledger: Ledger) -> tuple[Check, ...]:
    """No record waits in quarantine for a person; no check at all where none ever did."""
    waiting = undecided(config, ledger)
    if waiting.empty:
        return ()
    text = f"{len(waiting):,} record(s) that an earlier round put into quarantine are as they were, and nobody decided"
    return (Check(name="quarantine", passed=False, text=text, figures={"records": float(len(waiting))}),)


def texts_of(table: pd.DataFrame) -> tuple[str, ...]:
    """Rows by source, a text each."""
    return tuple(rows_text(part) for _, part in table.groupby("source"))


def _reversed_records(config: TrainConfig, memory: Memory | None, ledger: Ledger) -> pd.DataFrame:
    nothing = keyed_records(ledger, config.as_of).iloc[:0]
    if memory is None:
        return nothing
    groups, most_e = reversal_evidence(memory), config.retraining.most_e
    odd = [one for one in groups[1:] if one.log_e > np.log(most_e * max(1, len(groups) - 1))]
    odd = odd or [one for one in groups[:1] if one.log_e > np.log(most_e)]
    rows = np.zeros(len(memory.arena.cell), dtype=bool)
    for one in odd:
        here = (memory.arena.district == one.district) if one.district else np.ones(len(rows), dtype=bool)
        rows |= here & (memory.known_from >= np.datetime64(one.start, "D"))
    if not rows.any():
        return nothing
    first = min(one.start for one in odd)
    labels = config.contamination.labels
    table = records_on_cells(
        without_accepted(config, ledger), memory.arena.cell[rows], first - timedelta(days=1), config.as_of
    )
    # Only records that make labels were compared with the anchor.
    return table[table["kind"].isin((*labels.found, *labels.searched))]


def is_confirmed(memory: Memory, settings: RetrainingSettings) -> bool:
    """Whether results since the anchor confirm correct records as strongly as they would have to contradict them."""
    groups = reversal_evidence(memory)
    return bool(groups) and groups[0].log_e < -np.log(settings.most_e) and groups[0].cells >= FEWEST_TO_MOVE


def rows_text(table: pd.DataFrame) -> str:
    """Rows by source, as `--accept` and `--reject` take them.

    >>> rows_text(pd.DataFrame({"source": ["survey"] * 4, "number": [3, 4, 5, 9]}))
    'survey:3-5,9'
    """
    return " ".join(
        f"{source}:{_ranges(sorted(int(n) for n in part['number']))}" for source, part in table.groupby("source")
    )


def _ranges(numbers: Sequence[int]) -> str:
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in parts)


def _keys_of(config: TrainConfig, store: Store, ledger: Ledger, named: str) -> list[str]:
    source, _, rest = named.partition(":")
    if source == VANISHED:
        news = champion_news(config, store, ledger)
        keys = list(news.gone_from.get(rest, ())) if news is not None else []
        if not keys:
            raise ConfigError(f"{named}: no record of {rest or 'this source'} is gone")
        return keys
    table = keyed_records(ledger, ALL_DAYS)
    mine = table[table["source"] == source]
    if mine.empty:
        known = ", ".join(sorted(set(table["source"])))
        raise ConfigError(f"{named}: give SOURCE:ROWS with one of {known}, such as {known.split(', ')[0]}:12,15-20")
    try:
        spans = [part.split("-") for part in rest.split(",")]
        asked = {number for span in spans for number in range(int(span[0]), int(span[-1]) + 1)}
    except ValueError as error:
        raise ConfigError(f"{named}: rows are numbers such as 12,15-20") from error
    missing = sorted(asked - {int(number) for number in mine["number"]})
    if missing:
        raise ConfigError(f"{named}: {source} has no record in row {missing[0]}")
    return [str(key) for key in mine.loc[mine["number"].isin(asked), "key"]]


def champion_news(config: TrainConfig, store: Store, ledger: Ledger) -> News | None:
    """What is new and what is gone since the champion, None where there is none."""
    name = f"{config.name}.contamination"
    number = store.number(name, CHAMPION)
    return None if number is None else news_of(config, store, ledger, row_of(store, name, number))


def news_of(config: TrainConfig, store: Store, ledger: Ledger, row: RegisteredVersion) -> News:
    """What is new and what is gone since a version was trained."""
    since = date.fromisoformat(row.tags["as_of"])
    return news_since(ledger, config.as_of, store.read_text(row.run_id, "records.txt"), since)
