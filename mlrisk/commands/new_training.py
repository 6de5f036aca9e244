"""`mlrisk train`: a model that would be the same as before is neither trained nor registered again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from features.base import ConfigError, Progress, no_progress
from mlrisk.settings import Config
from training.evidence import Inputs, Ledger, files_digest, read_verdicts
from training.registry import CHAMPION, TARGETS, RegisteredVersion, Store, rows_with
from training.settings import digest_of, program_digest
from training.train import TrainingResult, train

# Tags of versions with the digest of all inputs of a training, and of those of the casualty model.
MARK, CASUALTY_MARK = "made_from", "casualty_made_from"
# Settings that a training does not read, and further ones that casualties do not.
NOT_TRAINED = ("tracking", "compute", "output", "ranking", "retraining")
NOT_OF_CASUALTIES = (*NOT_TRAINED, "contamination", "prior")


@dataclass(frozen=True)
class Unchanged:
    """The versions that a training of the same files, settings and code registered."""

    versions: tuple[RegisteredVersion, ...]


def train_what_is_new(
    config: Config,
    inputs: Inputs | None = None,
    progress: Progress = no_progress,
    ledger: Ledger | None = None,
    only: str | None = None,
    again: bool = False,
) -> TrainingResult | Unchanged:
    """Train, judge and register the models of a config, unless the same was trained before.

    Files, settings, date and code decide whether a model would be the same. The casualty model that ranks stays where
    nothing that it depends on changed, and with `only` contamination in any case. `again` trains both in any case.
    """
    if only not in (None, "contamination"):
        raise ConfigError(f"--only ({only}) must be contamination: the casualty model reads its score")
    marks = marks_of(config)
    Store.of(config).check_open_to(config.name)
    stays = "only the contamination model was trained: the casualty model stays as it was" if only else ""
    if marks and not again:
        store = Store.of(config)
        versions = [row for target in TARGETS for row in _made_from(store, config, target, MARK, marks)[:1]]
        if versions:
            return Unchanged(tuple(versions))
        kept = _made_from(store, config, "casualty", CASUALTY_MARK, marks)
        if not stays and kept and kept[0].number == store.number(kept[0].name, CHAMPION):
            stays = (
                f"nothing that casualties depend on changed: {kept[0].name} version {kept[0].number} ranks as before, "
                "and its figures are those of its own run"
            )
    # A training of one model is not to be taken for a whole one later.
    tags = {MARK: f"{only} {marks[MARK]}"} if marks and only else marks
    return train(config, inputs, progress, tags, ledger, casualties_stay=stays)


def marks_of(config: Config) -> Mapping[str, str]:
    """Digests of all inputs of a training, and of those of the casualty model; empty if a file cannot be read."""
    parts = config.grid, config.sources, config.casualty, config.contamination
    files = files_digest(config, parts)
    if not files:
        return {}
    shared = {
        "files": files,
        "as_of": str(config.as_of),
        "verdicts": read_verdicts(config).digest,
        "code": program_digest("features", "models", "training"),
    }
    # With a held-out contamination score among its features the casualty model depends on how contamination is learned.
    left_out = NOT_OF_CASUALTIES if not config.casualty.contamination_every_years else NOT_TRAINED
    excluded = {MARK: NOT_TRAINED, CASUALTY_MARK: left_out}
    return {
        name: digest_of({**shared, "settings": json.dumps(config.model_dump(mode="json", exclude=set(without)))})
        for name, without in excluded.items()
    }


def _made_from(
    store: Store, config: Config, target: str, tag: str, marks: Mapping[str, str]
) -> list[RegisteredVersion]:
    rows = rows_with(store, f"{config.name}.{target}", tag, marks[tag])
    return [row for row in rows if row.status == "FINISHED"]
