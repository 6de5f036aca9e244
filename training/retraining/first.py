"""The first version of a country: nothing ranks yet, so that it is judged against nothing but the baselines."""

from collections.abc import Callable

from training.evidence import Inputs, Ledger
from training.evidence.fingerprint import fingerprint
from training.registry import CHAMPION, OvertakenError, Store, row_of, rows_with
from training.retraining.decision import FIRST, WAITING, Decision
from training.retraining.settling import judgement_holds, settle
from training.retraining.short_cut import BY_RETRAIN
from training.settings import TrainConfig
from training.train import train


def first_decision(
    config: TrainConfig,
    store: Store,
    inputs: Inputs,
    ledger: Ledger,
    progress: Callable[[str], None],
    notes: tuple[str, ...],
) -> Decision:
    """Train the first version: FIRST, or WAITING for a person where a baseline ranks better.

    Raises OvertakenError if another version became champion meanwhile.
    """
    name = f"{config.name}.contamination"
    ranking = store.champions(config.name)
    for row in rows_with(store, name, "fingerprint", fingerprint(config, inputs, ledger)):
        if row.tags.get("decision") == WAITING and judgement_holds(row, ranking, ""):
            return _waiting(row.number, (*notes, f"nothing new since version {row.number} was trained"))
    trained = train(config, inputs, progress, BY_RETRAIN, ledger)
    first = next(version for version in trained.versions if version.name == name)
    if first.alias == CHAMPION:
        return Decision(
            kind=FIRST,
            champion=first.number,
            before=None,
            challenger=None,
            notes=(*notes, "there was no champion: this version ranks"),
            dataset=trained.dataset,
        )
    if not trained.beaten or store.champions(config.name) != ranking:
        raise OvertakenError(f"{name}: another version became champion while version {first.number} was trained")
    facts = {"champion": None, "challenger": first.number, "inputs": inputs.digests, "run": first.run_id}
    why = "; ".join(trained.beaten)
    row = row_of(store, name, first.number)
    settle(config, store, row, WAITING, f"policy {config.retraining.policy}", why, ranking, facts)
    return _waiting(first.number, (*trained.beaten, *notes))


def _waiting(number: str, notes: tuple[str, ...]) -> Decision:
    return Decision(kind=WAITING, champion="", before=None, challenger=number, notes=notes, keeps_map=True)
