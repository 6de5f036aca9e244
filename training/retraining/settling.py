"""How a decision takes effect: signatures, the versions judged against, and the promotion."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from features.base import ConfigError
from training.evidence import read_verdicts
from training.registry import (
    ANCHOR,
    RegisteredVersion,
    Store,
    promote,
    row_of,
    rows_of,
    rows_with,
    store_errors,
    training_of,
    write_line,
)
from training.retraining.decision import FIRST, HELD, PROMOTED, REFUSED, WAITING, Decision
from training.settings import TrainConfig

if TYPE_CHECKING:
    from models.contamination import ContaminationModel

OVERTAKEN = "overtaken"
# The text of a judged run with what the champion stated of the results by which both were judged.
STATEMENTS = "statements.csv"
# The tag of a judged version with the numbers against which it was judged, by model.
JUDGED_AGAINST = "judged_against"
# The tag with the digest of people's decisions about records at that time.
VERDICTS = "verdicts"
MOST_TAG = 4000
# Each is loaded and asked: of a longer series the first ones are left out, for which the anchor stands.
MOST_CHAMPIONS = 12


@dataclass(frozen=True)
class Signature:
    """The person who lets a waiting version rank, and its number (None: whichever waits)."""

    person: str
    number: str | None = None


def waiting_version(config: TrainConfig, store: Store, signature: Signature) -> RegisteredVersion:
    """The version that a signature is for.

    Raises ConfigError if the name is empty, if nothing waits, if the waiting version was judged against another
    champion than today's, or if it was trained on records after the config's date.
    """
    if not signature.person.strip():
        raise ConfigError(
            f"--approve ({signature.person!r}) is empty: give the person who answers for it, such as 'A. Mammadova'"
        )
    name = f"{config.name}.contamination"
    waiting = rows_with(store, name, "decision", WAITING)
    ranking = store.champions(config.name)
    current = [row for row in waiting if judged_against(row) == ranking]
    if signature.number is not None:
        row = row_of(store, name, signature.number)
        if row.number not in {one.number for one in waiting}:
            numbers = ", ".join(one.number for one in current) or "none"
            decided = row.tags.get("decision", "not judged")
            raise ConfigError(f"version ({row.number}) does not wait for a signature ({decided}): waiting is {numbers}")
        waiting = [row]
    if not waiting:
        raise ConfigError(
            f"--approve ({signature.person}): no version of {name} waits for a signature, and nothing was trained. Run "
            "`mlrisk retrain` without --approve first"
        )
    row = waiting[0]
    if row not in current and judged_against(row) != ranking:
        raise ConfigError(
            f"version {row.number} was judged against version {judged_against(row).get(name, 'unknown')}, version "
            f"{ranking[name] or 'none'} ranks now: run `mlrisk retrain` without --approve to judge it anew"
        )
    if row.tags["as_of"] > str(config.as_of):
        raise ConfigError(
            f"version {row.number} knows records up to {row.tags['as_of']}, as_of is {config.as_of}: sign with "
            f"--set as_of={row.tags['as_of']} or later"
        )
    return row


def sign(
    config: TrainConfig, store: Store, waiting: RegisteredVersion, signature: Signature, notes: tuple[str, ...]
) -> Decision:
    """Promote the waiting version in the name of the person who signs."""
    ranking = judged_against(waiting)
    before = ranking[waiting.name]
    facts = {
        "champion": before,
        "challenger": waiting.number,
        "run": waiting.run_id,
        "inputs": waiting.tags.get("inputs", ""),
    }
    why = f"signed: {waiting.tags.get('decision_why', '')}"
    kind = PROMOTED if before else FIRST
    settle(config, store, waiting, kind, signature.person, why, ranking, facts)
    if not before:
        move_anchor(store, waiting)
    return Decision(
        kind=kind,
        champion=waiting.number,
        before=before,
        challenger=waiting.number,
        notes=(*notes, f"signed by {signature.person}"),
        facts=facts,
    )


def settle(
    config: TrainConfig,
    store: Store,
    challenger: RegisteredVersion,
    kind: str,
    who: str,
    why: str,
    ranking: Mapping[str, str | None],
    facts: Mapping[str, Any],
) -> None:
    """Log the decision, let it take effect, then mark it as done: after a kill the next process repeats it.

    `ranking` are the numbers against which the challenger was judged; raises OvertakenError if others rank now.
    """
    if kind in (FIRST, PROMOTED):
        numbers = training_of(store, challenger)
        promote(store, config, numbers, who, why, what=kind, judged_against=ranking, facts=facts)
    else:
        write_line(config, kind, who, **{"why": why, "over": dict(ranking), **facts})
    tags = {
        JUDGED_AGAINST: json.dumps(dict(ranking)), "decision_why": why[:MOST_TAG],
        VERDICTS: read_verdicts(config).digest, "decision": kind,
    }  # fmt: skip
    if facts.get("quarantine"):
        tags["quarantine"] = " ".join(facts["quarantine"])[:MOST_TAG]
    for key, value in tags.items():
        store.client.set_model_version_tag(challenger.name, challenger.number, key, value)


def judged_against(row: RegisteredVersion) -> dict[str, str | None]:
    """The numbers, by model, against which a version was judged; empty if it was not."""
    return dict(json.loads(row.tags.get(JUDGED_AGAINST, "{}")))


def judgement_holds(row: RegisteredVersion, ranking: Mapping[str, str | None], verdicts: str) -> bool:
    """Whether the judgement of a version still holds.

    A waiting version was judged against the champion, and people may since have accepted or rejected records.
    """
    decided = row.tags.get("decision")
    if decided in (WAITING, HELD):
        return judged_against(row) == ranking
    return bool(decided) and (decided != REFUSED or row.tags.get(VERDICTS, "") == verdicts)


def anchor_of(store: Store, champion: RegisteredVersion) -> RegisteredVersion:
    """The version against which results accumulate; the champion if none was set."""
    number = store.number(champion.name, ANCHOR)
    return champion if number is None else row_of(store, champion.name, number)


def statements_since(store: Store, anchor: RegisteredVersion) -> list[pd.DataFrame]:
    """The champions' statements in the contests of the versions after the anchor, the oldest first."""
    later = [row for row in reversed(rows_of(store, anchor.name)) if int(row.number) > int(anchor.number)]
    texts = [store.read_text(row.run_id, STATEMENTS) for row in later if row.tags.get("decision")]
    return [pd.read_csv(io.StringIO(text)) for text in texts if text]


def champions_since(store: Store, anchor: RegisteredVersion) -> "list[tuple[date, ContaminationModel]]":
    """The versions that ranked since the anchor, at most MOST_CHAMPIONS, with the days of their data."""
    # Imported here, so that a run with nothing new loads no model.
    from models.contamination import ContaminationModel

    later = [row for row in reversed(rows_of(store, anchor.name)) if int(row.number) > int(anchor.number)]
    ranked = [row for row in later if row.tags.get("promoted_at")][-MOST_CHAMPIONS:]
    texts = [store.load_number(row.name, row.number)[1] for row in ranked]
    days = [date.fromisoformat(row.tags["as_of"]) for row in ranked]
    return list(zip(days, map(ContaminationModel.from_files, texts), strict=True))


def move_anchor(store: Store, row: RegisteredVersion) -> None:
    """Let results accumulate from this version on."""
    with store_errors(store.uri):
        store.client.set_registered_model_alias(row.name, ANCHOR, row.number)


def next_step(config: TrainConfig, decision: Decision) -> str:
    """The next step for an operator; empty if there is nothing to do."""
    if decision.kind == REFUSED and decision.quarantine:
        named = [one for text in decision.quarantine for one in text.split(" ")]
        files = "; ".join(file_rows(config, one) for one in named)
        accept, reject = (" ".join(f"--{what} {one}" for one in named) for what in ("accept", "reject"))
        return (
            f"Next: look at {files}. Correct the file, or mlrisk retrain CONFIG --by NAME {accept} (they "
            f"are right) or {reject} (they must not teach)."
        )
    if decision.kind == REFUSED and decision.challenger is None:
        return "Next: look for a cut file; the champion and its map stay as they are until then."
    if decision.kind == REFUSED:
        number = decision.challenger
        return (
            f"Next: read decision.json of version {number}; where the records are right, a person may promote it: "
            f"mlrisk models promote CONFIG contamination {number} --by NAME."
        )
    if decision.kind == WAITING:
        return f"Next: mlrisk retrain CONFIG --approve NAME --version {decision.challenger}."
    return ""


def file_rows(config: TrainConfig, named: str) -> str:
    """Rows by their numbers in the file, as people look for them, for a name such as `survey:3-5`."""
    source, _, rows = named.partition(":")
    spec = getattr(config.sources, source, None)
    if spec is None:
        return named
    several = " (counted through these files)" if len(spec.paths) > 1 else ""
    return f"rows {rows} of {', '.join(spec.paths)}{several}"


def check_date(config: TrainConfig, champion: RegisteredVersion) -> None:
    """Refuse a date before the champion's; raises ConfigError as `rank` does."""
    if champion.tags["as_of"] > str(config.as_of):
        raise ConfigError(
            f"{champion.name} version {champion.number} ranks and knows records up to {champion.tags['as_of']}, as_of "
            f"is {config.as_of}: a challenger of an earlier date would forget them. Give --set as_of="
            f"{champion.tags['as_of']} or later, or another name"
        )
