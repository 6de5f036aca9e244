"""The output of `retrain`: the decision, its reasons, new records, and the paths of the map and the report."""

from mlrisk.cli.text.parts import Part, Table
from mlrisk.commands import RetrainResult
from training.retraining import FIRST, HELD, PROMOTED, REFUSED, UNCHANGED, WAITING

SENTENCES = {
    FIRST: "first: version {champion} ranks",
    UNCHANGED: "unchanged: version {champion} goes on ranking",
    PROMOTED: "promoted: version {champion} ranks from now on, version {before} did before",
    REFUSED: "refused: version {challenger} does not rank, version {champion} goes on",
    HELD: "held: version {challenger} was trained, results are too few to test it, version {champion} goes on",
    WAITING: "waiting: version {challenger} passed the gate, version {champion} goes on until a person signs",
}
NONE_RANKS = (
    "waiting: version {challenger} would be the first, a baseline ranks better, nothing ranks until a person signs"
)
CUT_FILE = "refused: these records train nothing, version {champion} goes on ranking and its map stays"


def retrained(done: RetrainResult) -> list[Part]:
    """The whole output, the decision first."""
    decision = done.decision
    # Records that are not used do not count as new.
    template = CUT_FILE if decision.kind == REFUSED and decision.challenger is None else SENTENCES[decision.kind]
    template = template if decision.champion else NONE_RANKS
    sentence = template.format(champion=decision.champion, before=decision.before, challenger=decision.challenger)
    rows = tuple(
        (check.name, check.verdict if check.passed else check.verdict.upper(), check.text) for check in decision.checks
    )
    return [
        sentence,
        *([done.next_step] if done.next_step else []),
        *([Table("gate", ("check", "", "figures"), rows)] if rows else []),
        *decision.notes,
        *done.notes,
        *(f"{path.name}: {path}" for path in done.report),
        *_ranked(done),
    ]


def _ranked(done: RetrainResult) -> list[Part]:
    if done.ranking is None:
        return []
    # Imports the modules of ranking, which a run without a new map does without.
    from mlrisk.cli.text.rank import ranked_map

    return ranked_map(done.ranking)
