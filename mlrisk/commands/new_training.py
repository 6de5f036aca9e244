"""`mlrisk train`: a model that would be the same as before is neither trained nor registered again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from features.base import ConfigError, Progress, no_progress
from mlrisk.settings import Config
from training.evidence import Inputs, Ledger, files_digest, read_verdicts
from training.registry import CHAMPION, TARGETS, RegisteredVersion, Store, rows_with
from training.settings import digest_of, program_digest
from training.train import TrainingResult, train

# Tags of versions with the digest of all inputs of a training, and of those of the casualty model.
MARK, CASUALTY_MARK = "made_from", "casualty_made_from"
# Settings that a training does not read.
NOT_TRAINED = ("tracking", "compute", "output", "ranking", "retraining")
# Settings of contamination that casualties read: where their features hold a held-out score, all but those that choose
# the recipe or the spread of the final model; otherwise the sizes of blocks of land.
BLOCKS = ("block_m", "own_block_m")
NOT_OF_HELD_OUT_SCORE = ("members", "local_width_cells", "local_prior_finds", "tuning", "screening", "region_weights")
# Settings of validation that casualties read.
JUDGING = ("regions", "folds", "block_m", "buffer_m")


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
        if not stays and kept:
            ranks = kept[0].number == store.number(kept[0].name, CHAMPION)
            stays = (
                f"nothing that casualties depend on changed: {kept[0].name} version {kept[0].number} "
                f"{'ranks as before' if ranks else 'would come out again'}, and its figures are those of its own run"
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
    settings = config.model_dump(mode="json", exclude=set(NOT_TRAINED))
    read = {MARK: settings, CASUALTY_MARK: _read_by_casualties(config, settings)}
    return {name: digest_of({**shared, "settings": json.dumps(known)}) for name, known in read.items()}


def _read_by_casualties(config: Config, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the settings on which the casualty model and its figures depend."""
    contamination, validation = settings["contamination"], settings["validation"]
    scored = config.casualty.contamination_every_years > 0
    kept = [name for name in contamination if name not in NOT_OF_HELD_OUT_SCORE] if scored else BLOCKS
    judged = {name: validation[name] for name in JUDGING}
    return {
        **{name: value for name, value in settings.items() if name not in ("prior", "validation", "contamination")},
        "contamination": {name: contamination[name] for name in kept},
        "validation": {**judged, "by region": "leave_region_out" in config.validation.protocols},
    }


def _made_from(
    store: Store, config: Config, target: str, tag: str, marks: Mapping[str, str]
) -> list[RegisteredVersion]:
    rows = rows_with(store, f"{config.name}.{target}", tag, marks[tag])
    return [row for row in rows if row.status == "FINISHED"]
