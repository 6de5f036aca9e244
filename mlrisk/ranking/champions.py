"""The model versions that rank today, loaded from the registry."""

import io
import logging
from dataclasses import dataclass

import pandas as pd

from features.base import ConfigError
from mlrisk.settings import Config
from models.casualty import CasualtyModel
from models.contamination import ContaminationModel
from models.field_rules import PriorModel
from training.registry import CHAMPION, Store, Version
from training.settings import grid_text

LOGGER = logging.getLogger(__name__)

NOT_JUDGED = pd.DataFrame(columns=["protocol", "fold", "ranking"])


@dataclass(frozen=True, eq=False, kw_only=True)
class Champions:
    """The models that rank today, with the validation and the warnings of their runs.

    `casualty` is None if no accident is on record; `versions` is empty if rules of the field rank.
    """

    contamination: ContaminationModel | PriorModel
    casualty: CasualtyModel | None
    versions: tuple[Version, ...]
    metrics: pd.DataFrame
    casualty_metrics: pd.DataFrame
    warnings: tuple[str, ...]


def load_champions(config: Config) -> Champions:
    """The champions of both targets; raises ConfigError for a version of other cells or of later records than as_of."""
    store = Store.existing(config)
    # Both are read at the same moment, because a pair from two promotions was never judged.
    numbers = store.champions(config.name)
    number = numbers[f"{config.name}.contamination"]
    if number is None:
        raise ConfigError(
            f"there is no champion of {config.name}.contamination: run `mlrisk train` first, or rank by "
            "rules of the field with ranking.policy: prior"
        )
    version, texts = store.load_number(f"{config.name}.contamination", number, CHAMPION)
    _check_champion(config, version)
    versions, casualty, judged_by = [version], None, version
    other = numbers[f"{config.name}.casualty"]
    if other is not None:
        casualty_version, casualty_texts = store.load_number(f"{config.name}.casualty", other, CHAMPION)
        _check_champion(config, casualty_version)
        casualty, versions = CasualtyModel.from_files(casualty_texts), [version, casualty_version]
        judged_by = casualty_version
    for one in versions:
        LOGGER.info("champion: %s version %s, trained on records up to %s", one.name, one.number, one.as_of)
    return Champions(
        contamination=ContaminationModel.from_files(texts),
        casualty=casualty,
        versions=tuple(versions),
        metrics=_read_csv(store.read_text(version.run_id, "validation.csv")),
        casualty_metrics=_read_csv(store.read_text(judged_by.run_id, "casualty_validation.csv")),
        warnings=_warnings(store, (version, judged_by)),
    )


# Files of the training runs that a ranking carries.
CARRIED = ("report.html", "report.json", "model_card.md")


def champion_reports(config: Config, champions: Champions) -> dict[str, str]:
    """Report and card of the versions that rank, by file name, which names a casualty model of another run."""
    if not champions.versions:
        return {}
    store, first = Store.existing(config), champions.versions[0]
    texts = {name: store.read_text(first.run_id, name) for name in CARRIED}
    for version in champions.versions[1:]:
        if version.run_id != first.run_id:
            texts |= {f"casualty_{name}": store.read_text(version.run_id, name) for name in CARRIED}
    return {name: text for name, text in texts.items() if text}


def _check_champion(config: Config, version: Version) -> None:
    """Refuse a model of other cells, or one trained on records that are later than the map's date."""
    if version.grid != grid_text(config):
        raise ConfigError(
            f"{version.name} version {version.number} was trained on cells of {version.grid}, the config asks for "
            f"{grid_text(config)}: train on this grid under another name, or set the grid back"
        )
    if version.as_of > str(config.as_of):
        raise ConfigError(
            f"{version.name} version {version.number} knows records up to {version.as_of}, as_of is {config.as_of}: "
            "rank with a later as_of, or train anew under another name"
        )


def _warnings(store: Store, versions: tuple[Version, ...]) -> tuple[str, ...]:
    """The warnings of the champions' runs, each once."""
    runs = dict.fromkeys(version.run_id for version in versions)
    lines = [line for run in runs for line in store.read_text(run, "warnings.txt").splitlines()]
    return tuple(dict.fromkeys(line for line in lines if line))


def _read_csv(text: str) -> pd.DataFrame:
    # A model of another country was judged there, not here.
    return pd.read_csv(io.StringIO(text)) if text.strip() else NOT_JUDGED
