"""From newer results to a decision: new records, a challenger, the contest, the gate, and the next champion."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta

import pandas as pd

from models.casualty import CasualtyModel
from models.contamination import ContaminationModel
from training.casualty import open_history
from training.contamination import dataset_at
from training.evidence import Inputs, Ledger, open_inputs, open_ledger, read_verdicts
from training.evidence.fingerprint import fingerprint
from training.registry import (
    CHALLENGER,
    OvertakenError,
    RegisteredVersion,
    Store,
    only_one,
    row_of,
    rows_with,
    write_line,
)
from training.retraining.casualty_contest import CasualtyArena, casualty_arena
from training.retraining.contest import Contest, arena_table, contest, statements
from training.retraining.decision import HELD, PROMOTED, REFUSED, WAITING, Decision, no_change
from training.retraining.first import first_decision
from training.retraining.gate import judged_by_gate, untested
from training.retraining.memory import Memory, memory_of
from training.retraining.new_records import News
from training.retraining.news_notes import drift_sentence, label_shift, news_notes
from training.retraining.quarantine import (
    RECORDS,
    cells_looked_at,
    check_undecided,
    check_vanished,
    is_confirmed,
    news_of,
    quarantine,
    refuse_cut_file,
    texts_of,
    without_accepted,
)
from training.retraining.settling import (
    OVERTAKEN,
    STATEMENTS,
    Signature,
    anchor_of,
    champions_since,
    check_date,
    judgement_holds,
    move_anchor,
    settle,
    sign,
    statements_since,
    waiting_version,
)
from training.retraining.short_cut import (
    BY_RETRAIN,
    RetrainSession,
    begin,
    lock_path,
    record_last_run,
    unchanged_decision,
)
from training.settings import TrainConfig
from training.train import TrainingResult, train
from training.validation import population_stability

LOGGER = logging.getLogger(__name__)

Progress = Callable[[str], None]
# A challenger is judged at most this often if people promote other versions meanwhile.
MOST_ROUNDS = 3


def retrain(
    config: TrainConfig,
    inputs: Inputs | None = None,
    signature: Signature | None = None,
    progress: Progress = lambda _: None,
) -> Decision:
    """Train a challenger on what is known at `config.as_of` and let it rank if the gate holds; one run at a time.

    With a `signature` nothing is trained: the waiting version ranks from then on. If the run is killed at any point,
    the old champion goes on ranking, and the next run resumes from the finished steps.
    """
    with only_one(lock_path(config), config.retraining.lock_wait_s):
        session = begin(config, progress, from_files=inputs is None)
        signed = (signature, None if signature is None else waiting_version(config, session.store, signature))
        return unchanged_decision(config, session, signature) or decide(config, session, inputs, signed, progress)


def decide(
    config: TrainConfig,
    session: RetrainSession,
    inputs: Inputs | None,
    signed: tuple[Signature | None, RegisteredVersion | None],
    progress: Progress,
) -> Decision:
    """`retrain` for a caller that holds the lock and has a session; records the result for the next run.

    `signed` is a signature and the version that it is for (`waiting_version`), or None twice.
    """
    progress("sources")
    inputs = inputs or open_inputs(config)
    ledger = open_ledger(config, inputs)
    signature, waiting = signed
    if signature is not None and waiting is not None:
        decision = sign(config, session.store, waiting, signature, session.notes)
    else:
        decision = _judged_again(config, session, inputs, ledger, progress)
    decision = replace(decision, ledger=ledger)
    LOGGER.info("decision: %s, version %s ranks", decision.kind, decision.champion)
    # A model that was trained just now learned from every record: nothing is new to it.
    lines: tuple[str, ...] = (f"new records since {config.as_of}: none",)
    if decision.news is not None and decision.champion == decision.before:
        lines = news_notes(decision.news)
    if signature is None and not decision.keeps_map:
        record_last_run(
            config, session, inputs, ledger, decision.champion, decision.challenger or decision.champion, lines
        )
    return decision


def _judged_again(
    config: TrainConfig, session: RetrainSession, inputs: Inputs, ledger: Ledger, progress: Progress
) -> Decision:
    """The decision; the challenger is judged again if a person promoted another version meanwhile."""
    notes = session.notes
    for _ in range(MOST_ROUNDS - 1):
        try:
            return _decided(config, session.store, inputs, ledger, progress, notes)
        except OvertakenError as error:
            write_line(config, OVERTAKEN, "mlrisk", why=str(error))
            notes = (*notes, f"judged anew: {error}")
    return _decided(config, session.store, inputs, ledger, progress, notes)


def _decided(
    config: TrainConfig,
    store: Store,
    inputs: Inputs,
    ledger: Ledger,
    progress: Progress,
    notes: tuple[str, ...],
) -> Decision:
    name = f"{config.name}.contamination"
    ranking = store.champions(config.name)
    before = ranking[name]
    if before is None:
        return first_decision(config, store, inputs, ledger, progress, notes)
    progress("news")
    champion = row_of(store, name, before)
    check_date(config, champion)
    news = news_of(config, store, ledger, champion)
    mark = fingerprint(config, inputs, ledger)
    newest = next(iter(rows_with(store, name, "fingerprint", mark)), None)
    notes = (*notes, *news_notes(news))
    verdicts = read_verdicts(config)
    whole = check_vanished(news, verdicts, config.retraining)
    if not whole.passed:
        return refuse_cut_file(config, whole, before, notes, news)
    if newest is not None and (newest.number == before or judgement_holds(newest, ranking, verdicts.digest)):
        return no_change(newest, before, notes, news)
    challenger: TrainingResult | None = None
    if newest is None or newest.status != "FINISHED":
        challenger = train(config, inputs, progress, BY_RETRAIN, ledger)
        newest = rows_with(store, name, "fingerprint", mark)[0]
    else:
        notes = (*notes, f"version {newest.number} was trained by a run that was stopped: it is judged now")
    progress("champion against challenger")
    store.client.set_registered_model_alias(newest.name, CHALLENGER, newest.number)
    texts = [store.load_number(row.name, row.number)[1] for row in (champion, newest)]
    models = [ContaminationModel.from_files(text) for text in texts]
    since = date.fromisoformat(champion.tags["as_of"])
    found = contest(config, inputs, ledger, models[0], since, models[1], challenger)
    found = replace(found, looked_at=cells_looked_at(config, ledger))
    found = replace(found, casualty=_casualty_arena(config, store, inputs, ledger, since, challenger, ranking))
    progress("gate")
    memory = _memory(config, store, inputs, ledger, champion, found)
    psi = population_stability(json.loads(texts[0].get("reference.json", "{}")), found.now.learned)
    notes = (
        *notes, drift_sentence(list(zip(psi["feature"], psi["psi"], strict=True))), *label_shift(ledger, config, news)
    )  # fmt: skip
    return _judged(config, store, inputs, (champion, newest), (found, memory, ledger), ranking, notes, news, psi)


def _memory(
    config: TrainConfig, store: Store, inputs: Inputs, ledger: Ledger, champion: RegisteredVersion, found: Contest
) -> Memory | None:
    """All results since the anchor; its features are rebuilt if its date is not that of the champion."""
    anchor = anchor_of(store, champion)
    day = min(date.fromisoformat(anchor.tags["as_of"]), date.fromisoformat(champion.tags["as_of"]))
    window = config.as_of - timedelta(days=round(365.25 * config.retraining.memory_years))
    if day >= config.as_of:
        return None
    then = found.then
    if then is None or then.evidence.as_of != day:
        then = dataset_at(config, inputs, ledger.at(day))
    model = ContaminationModel.from_files(store.load_number(anchor.name, anchor.number)[1])
    return memory_of(
        config, without_accepted(config, ledger), then, model, anchor.number, max(day, window),
        rounds=[*statements_since(store, anchor), statements(found)], champions=champions_since(store, anchor),
    )  # fmt: skip


def _casualty_arena(
    config: TrainConfig,
    store: Store,
    inputs: Inputs,
    ledger: Ledger,
    since: date,
    trained: TrainingResult | None,
    ranking: Mapping[str, str | None],
) -> CasualtyArena | None:
    name = f"{config.name}.casualty"
    number = ranking[name]
    if number is None:
        return None
    history = trained.history if trained else open_history(config, inputs, ledger)
    return casualty_arena(config, history, since, CasualtyModel.from_files(store.load_number(name, number)[1]))


def _judged(
    config: TrainConfig,
    store: Store,
    inputs: Inputs,
    rows: tuple[RegisteredVersion, RegisteredVersion],
    judged: tuple[Contest, Memory | None, Ledger],
    ranking: Mapping[str, str | None],
    notes: tuple[str, ...],
    news: News,
    psi: pd.DataFrame,
) -> Decision:
    champion, challenger = rows
    found, memory, ledger = judged
    checks = (*judged_by_gate(found, config.retraining, memory), *check_undecided(config, ledger))
    records = quarantine(config, memory, ledger)
    suspicious = texts_of(records)
    passed = all(check.passed for check in checks)
    beaten = challenger.tags.get("beaten_by", "")
    notes = (beaten, *notes) if beaten else notes
    signs = config.retraining.policy == "approve" or (bool(beaten) and config.retraining.beaten == "sign")
    blind = passed and untested(checks)
    signs = signs or (blind and config.retraining.untested == "approve")
    kind = REFUSED if not passed else WAITING if signs else HELD if blind else PROMOTED
    why = "; ".join(check.text for check in checks if not check.passed) or beaten
    why = why or ("the newest results are too few to test anything" if blind else "the gate holds")
    facts = {
        "champion": champion.number, "challenger": challenger.number, "news": news.counts,
        "inputs": inputs.digests, "labels": challenger.tags.get("labels", ""), "run": challenger.run_id,
        "checks": {check.name: check.verdict for check in checks}, "quarantine": suspicious,
        RECORDS: list(records["key"]),
        "figures": {check.name: dict(check.figures) for check in checks if check.figures},
    }  # fmt: skip
    record = {"kind": kind, "notes": list(notes), **facts, "why": why, "checks": [vars(check) for check in checks]}
    texts_out = {
        "decision.json": json.dumps(record, indent=1, ensure_ascii=False, default=str),
        "contest.csv": arena_table(found).to_csv(index=False),
        STATEMENTS: statements(found).to_csv(index=False),
        "drift.csv": psi.to_csv(index=False),
    }
    store.log_results(challenger.run_id, {}, texts_out)
    settle(config, store, challenger, kind, f"policy {config.retraining.policy}", why, ranking, facts)
    if kind == PROMOTED and memory is not None and is_confirmed(memory, config.retraining):
        move_anchor(store, challenger)
    ranks = challenger.number if kind == PROMOTED else champion.number
    return Decision(
        quarantine=suspicious,
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
        dataset=found.now,
    )
