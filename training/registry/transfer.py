"""A version of another country in this one: what was learned there, without what holds there alone."""

import json
from collections.abc import Mapping
from pathlib import Path

from features.base import ConfigError, InputError
from models.level import Level
from training.registry.archive import checked_import
from training.registry.promotion import IMPORTED, assign_aliases
from training.registry.store import Store, Version
from training.settings import TrainConfig, grid_text

# What survey found at places of that country, and a bound on what is missed on its land, hold there alone.
LEFT_THERE = ("local_ratio.json", "out_of_bag.json")
MISSED = "missed_share.json"


def transfer_version(
    store: Store, config: TrainConfig, source: Path, by: str, *, key: Path | None = None, unsigned: bool = False
) -> Version:
    """Register the contamination version of another country, written by `export_version`, as one of this country.

    It ranks by the features that both countries have; the others count as unknown, and its area of applicability says
    where there is a basis to rank. Its level is that of no land here: contamination is an index of where. Raises
    InputError for a casualty version, cells of another size, or what `import_version` refuses.
    """
    card, texts, run_texts, signed_by = checked_import(source, key, unsigned)
    country, target = card.name.rsplit(".", 1)
    if target != "contamination":
        raise InputError(f"import ({source}) holds {card.name}: only a contamination model can be transferred")
    if country == config.name:
        raise ConfigError(f"import ({source}) is of {country} itself: leave out --transfer")
    wanted = f"{config.grid.cell_size_m:g} m"
    if not card.tags.grid.endswith(f" {wanted}"):
        raise InputError(f"import ({source}) learned on cells of {card.tags.grid}, the config has cells of {wanted}")
    name = f"{config.name}.contamination"
    tags = {
        "as_of": card.tags.as_of, "grid": grid_text(config), "transferred_from": f"{card.name} version {card.number}",
        "signed_by": signed_by or "nobody",
    }  # fmt: skip
    title = f"transferred {card.name} {card.number}"
    run_id = store.start_run(config, {}, {"kind": "transfer", "mlflow.runName": title})
    try:
        # Figures and warnings are of other land: only the report and the card travel.
        kept = {file: text for file, text in run_texts.items() if file.startswith(("report.", "model_card."))}
        store.log_results(run_id, {}, kept)
        version = store.register(run_id, name, _without_places(texts), tags)
        store.finish_run(run_id)
        facts = {"digest": version.digest, "run": run_id, "transferred_from": tags["transferred_from"]}
        (version,) = assign_aliases(store, config, [version], IMPORTED, by, facts)
    except BaseException:
        store.fail_run(run_id)
        raise
    return version


def _without_places(texts: Mapping[str, str]) -> dict[str, str]:
    """The files of a model without what was measured at places of its country."""
    kept = {file: text for file, text in texts.items() if file not in LEFT_THERE}
    empty = json.dumps({"score": [], "share": [], "blocks": 0})
    return kept | {"level.json": Level(kind="transfer").text(), MISSED: empty}
