"""From newer results to a decision: what is new, a challenger, the contest, the gate, and who ranks from now on."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd

from models.casualty import CasualtyModel
from models.contamination import ContaminationModel
from training.casualty import open_history
from training.evidence import FOUND, SEARCHED, Inputs, Ledger, open_inputs, open_ledger
from training.evidence.fingerprint import fingerprint
from training.registry import (
    CHALLENGER,
    CHAMPION,
    TARGETS,
    RegisteredVersion,
    Store,
    only_one,
    promote,
    row_of,
    rows_with,
    write_line,
)
from training.retraining.casualty_contest import CasualtyArena, casualty_arena
from training.retraining.contest import Contest, arena_table, contest
from training.retraining.decision import FIRST, PROMOTED, REFUSED, WAITING, Decision, no_change
from training.retraining.gate import drift_sentence, judged_by_gate
from training.retraining.new_records import News, counts_by_kind, news_since
from training.retraining.short_cut import BY_RETRAIN, RetrainSession, begin, lock_path, note_down, unchanged_decision
from training.settings import TrainConfig
from training.train import Trained, train
from training.validation import population_stability

Progress = Callable[[str], None]


def retrain(
    config: TrainConfig,
    inputs: Inputs | None = None,
    approve: str | None = None,
    progress: Progress = lambda _: None,
) -> Decision:
    """Train a challenger on what is known at `config.as_of` and let it rank if the gate holds; one run at a time.

    `approve` is the name of a person who signs, where the policy asks for one. Killed at any point, the old champion
    goes on ranking, and the next run takes up what was finished.
    """
    with only_one(lock_path(config), config.retraining.lock_wait_s):
        begun = begin(config, progress, from_files=inputs is None)
        return unchanged_decision(config, begun, approve) or decide(config, begun, inputs, approve, progress)


def decide(
    config: TrainConfig, begun: RetrainSession, inputs: Inputs | None, approve: str | None, progress: Progress
) -> Decision:
    """`retrain` for a caller that holds the lock and has begun; what it came to is written down for the next run."""
    progress("sources")
    inputs = inputs or open_inputs(config)
    ledger = open_ledger(config, inputs)
    decision = replace(_decided(config, begun.store, inputs, ledger, approve, progress, begun.notes), ledger=ledger)
    # Whoever has just been trained on all there is knows it all.
    told: tuple[str, ...] = (f"new records since {config.as_of}: none",)
    if decision.news is not None and decision.champion == decision.before:
        told = _news_notes(decision.news)
    note_down(config, begun, inputs, ledger, decision.champion, decision.challenger or decision.champion, told)
    return decision


def _decided(
    config: TrainConfig,
    store: Store,
    inputs: Inputs,
    ledger: Ledger,
    approve: str | None,
    progress: Progress,
    notes: tuple[str, ...],
) -> Decision:
    name = f"{config.name}.contamination"
    before = store.number(name, CHAMPION)
    if before is None:
        trained = train(config, inputs, progress, BY_RETRAIN, ledger)
        number = trained.versions[0].number
        facts = {"versions": {version.name: version.number for version in trained.versions}}
        write_line(config, FIRST, approve or "policy", inputs=inputs.digests, **facts)
        return Decision(
            kind=FIRST,
            champion=number,
            before=None,
            challenger=None,
            notes=(*notes, "there was no champion: this version ranks"),
            study=trained.study,
        )
    progress("news")
    champion = row_of(store, name, before)
    news = _news(config, store, ledger, champion)
    mark = fingerprint(config, inputs, ledger)
    known = next(iter(rows_with(store, name, "fingerprint", mark)), None)
    notes = (*notes, *_news_notes(news))
    if known is not None and (known.number == before or known.tags.get("decision")):
        return _unchanged(config, store, inputs, known, before, approve, notes, news)
    taught: Trained | None = None
    if known is None or known.status != "FINISHED":
        taught = train(config, inputs, progress, BY_RETRAIN, ledger)
        known = rows_with(store, name, "fingerprint", mark)[0]
    else:
        notes = (*notes, f"version {known.number} was trained by a run that was stopped: it is judged now")
    progress("champion against challenger")
    store.client.set_registered_model_alias(known.name, CHALLENGER, known.number)
    texts = [store.load_number(row.name, row.number)[1] for row in (champion, known)]
    models = [ContaminationModel.from_files(text) for text in texts]
    since = date.fromisoformat(champion.tags["as_of"])
    found = contest(config, inputs, ledger, models[0], since, models[1], taught)
    found = replace(found, casualty=_casualty_arena(config, store, inputs, ledger, since, taught))
    progress("gate")
    psi = population_stability(json.loads(texts[0].get("reference.json", "{}")), found.now.learned)
    notes = (
        *notes, drift_sentence(list(zip(psi["feature"], psi["psi"], strict=True))), *_label_shift(ledger, config, news)
    )  # fmt: skip
    return _judged(config, store, inputs, (champion, known), found, approve, notes, news, psi)


def _casualty_arena(
    config: TrainConfig, store: Store, inputs: Inputs, ledger: Ledger, since: date, taught: Trained | None
) -> CasualtyArena | None:
    name = f"{config.name}.casualty"
    number = store.number(name, CHAMPION)
    if number is None:
        return None
    history = taught.history if taught else open_history(config, inputs, ledger)
    return casualty_arena(config, history, since, CasualtyModel.from_files(store.load_number(name, number)[1]))


def _judged(
    config: TrainConfig,
    store: Store,
    inputs: Inputs,
    rows: tuple[RegisteredVersion, RegisteredVersion],
    found: Contest,
    approve: str | None,
    notes: tuple[str, ...],
    news: News,
    psi: pd.DataFrame,
) -> Decision:
    champion, challenger = rows
    checks = judged_by_gate(found, config.retraining)
    passed = all(check.passed for check in checks)
    waits = config.retraining.policy == "approve" and approve is None
    kind = REFUSED if not passed else WAITING if waits else PROMOTED
    why = "; ".join(check.text for check in checks if not check.passed) or "the gate holds"
    facts = {
        "champion": champion.number, "challenger": challenger.number, "why": why, "news": news.counts,
        "inputs": inputs.digests, "labels": challenger.tags.get("labels", ""), "run": challenger.run_id,
    }  # fmt: skip
    record = {"kind": kind, "notes": list(notes), "checks": [vars(check) for check in checks], **facts}
    texts_out = {
        "decision.json": json.dumps(record, indent=1, ensure_ascii=False, default=str),
        "contest.csv": arena_table(found).to_csv(index=False),
        "drift.csv": psi.to_csv(index=False),
    }
    store.log_results(challenger.run_id, {}, texts_out)
    _settle(config, store, challenger, kind, approve or "policy auto", why, facts)
    ranks = challenger.number if kind == PROMOTED else champion.number
    return Decision(
        kind=kind,
        champion=ranks,
        before=champion.number,
        challenger=challenger.number,
        checks=checks,
        notes=notes,
        news=news,
        contest=found,
        psi=psi,
        facts=facts,
        study=found.now,
    )


def _settle(
    config: TrainConfig,
    store: Store,
    challenger: RegisteredVersion,
    kind: str,
    who: str,
    why: str,
    facts: Mapping[str, Any],
) -> None:
    """Write the decision down, then let it take effect, then mark it as done: whoever is killed does it once more."""
    write_line(config, kind, who, **facts)
    if kind == PROMOTED:
        promote(store, _together(store, config, challenger), who, why[:1000])
    for key, value in (("decision_why", why[:4000]), ("decision", kind)):
        store.client.set_model_version_tag(challenger.name, challenger.number, key, value)


def _together(store: Store, config: TrainConfig, challenger: RegisteredVersion) -> dict[str, str]:
    """The versions of the challenger's run, both models: they rank together."""
    mark = challenger.tags["fingerprint"]
    rows = [row for t in TARGETS for row in rows_with(store, f"{config.name}.{t}", "fingerprint", mark)]
    return {row.name: row.number for row in rows if row.run_id == challenger.run_id}


def _unchanged(
    config: TrainConfig,
    store: Store,
    inputs: Inputs,
    known: RegisteredVersion,
    before: str,
    approve: str | None,
    notes: tuple[str, ...],
    news: News,
) -> Decision:
    """Nothing new: no version changes, but for one that waits and is signed now."""
    decided = known.tags.get("decision", "")
    if decided == WAITING and approve is not None:
        facts = {"champion": before, "challenger": known.number, "why": "signed", "inputs": inputs.digests}
        _settle(config, store, known, PROMOTED, approve, "the gate holds, signed", facts)
        return Decision(
            kind=PROMOTED,
            champion=known.number,
            before=before,
            challenger=known.number,
            notes=(*notes, f"signed by {approve}"),
            news=news,
        )
    return no_change(known, before, notes, news)


def _news(config: TrainConfig, store: Store, ledger: Ledger, champion: RegisteredVersion) -> News:
    since = date.fromisoformat(champion.tags["as_of"])
    return news_since(ledger, config.as_of, store.read_text(champion.run_id, "records.txt"), since)


def _news_notes(news: News) -> tuple[str, ...]:
    told = [f"new records since {news.since}: {_counted(news.new)}"]
    if len(news.late):
        told.append(
            f"recorded by {news.since} and not known to the champion: {_counted(news.late)}. They teach the challenger "
            "and judge nobody"
        )
    if news.gone:
        told.append(f"{len(news.gone):,} records that the champion learned from are gone or were changed")
    return tuple(told)


def _counted(frame: pd.DataFrame) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts_by_kind(frame).items()) or "none"


def _label_shift(ledger: Ledger, config: TrainConfig, news: News) -> tuple[str, ...]:
    """Share of found cells in the newest results beside that of what was known before."""
    if news.since >= config.as_of:
        return ()
    then, fresh = ledger.at(news.since), ledger.between(news.since, config.as_of)
    rates = []
    for evidence in (then, fresh):
        found, searched = (int((evidence.state[evidence.labelled] == state).sum()) for state in (FOUND, SEARCHED))
        rates.append(f"{found / (found + searched):.1%} of {found + searched:,}" if found + searched else "none")
    return (f"label shift: found {rates[1]} labelled cells in the newest results, {rates[0]} before",)
