"""The casualty columns of the risk map: expected casualties of each cell, by activity, and if people return."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from features.base import FeatureContext, Floats, Integers, years_before
from mlrisk.risk_map import MAIN, MORE
from mlrisk.settings import Config
from models.casualty import CasualtyModel
from training.casualty import (
    Accidents,
    History,
    activity_layers,
    expected_casualties,
    ground_of,
    killed_share,
    mix_of,
    people_if_return,
    people_today,
    presence,
    read_accidents,
    split,
    units_of,
)
from training.evidence import Inputs
from training.settings import ACTIVITIES

CASUALTY_COLUMNS = (MAIN, *MORE)
# Number of cells whose layers of activities are in memory at a time.
CELLS_AT_ONCE = 1 << 18


@dataclass(frozen=True, eq=False)
class CellContamination:
    """The contamination of the cells as on the map, (n_cells,): its probability and its raw score."""

    cell_id: Integers
    probability: Floats
    score: Floats


def casualty_columns(
    config: Config, inputs: Inputs, model: CasualtyModel | None, cells: CellContamination
) -> Mapping[str, Floats]:
    """The columns of CASUALTY_COLUMNS, (n_cells,); if no accident is on record all but the index are NaN.

    A unit's figure is shared among its cells in proportion to contamination x exposure x severity, so that the cells
    sum to the unit.
    """
    units = units_of(config, inputs.grid, inputs.sources)
    accidents = read_accidents(inputs.sources, config.casualty)
    recent = recent_accidents(config, accidents)
    settings = config.casualty
    today = people_today(inputs.grid, inputs.sources, settings)
    power = settings.exposure_power
    severity = np.ones(units.n_units) if recent is None else killed_share(units, recent, _widest(config))
    index = cells.probability * presence(today, power) * (severity / severity.mean())[units.place]
    columns = dict.fromkeys(CASUALTY_COLUMNS, np.full(len(index), np.nan))
    columns["casualty_index"] = index / index.mean()
    if model is None or accidents is None or recent is None:
        return columns
    history = History(
        config=config,
        inputs=inputs,
        units=units,
        people=today,
        accidents=accidents,
        score=lambda _: _score(model, cells),
        as_dated=model.dated,
    )
    expected, low, high = expected_casualties(model, history.moment(config.as_of), config.compute.threads)
    part = index / units.total(index)[units.place]
    hurt = expected[units.place] * part
    columns["casualties_per_year"] = hurt
    columns["casualties_per_year_low"], columns["casualties_per_year_high"] = (
        low[units.place] * part,
        high[units.place] * part,
    )
    columns["killed_per_year"] = hurt * severity[units.place]
    return columns | _by_activity(config, inputs, recent, hurt)


def activity_mix(config: Config, accidents: Accidents) -> Floats:
    """Shares of the casualties of recent accidents by activity, (len(ACTIVITIES),)."""
    return mix_of(accidents.activity, accidents.casualties, config.casualty.activity_mix)


def _by_activity(config: Config, inputs: Inputs, recent: Accidents, hurt: Floats) -> dict[str, Floats]:
    settings = config.casualty
    ground = ground_of(inputs.grid, inputs.sources, FeatureContext(config.as_of))
    today = people_today(inputs.grid, inputs.sources, settings)
    later = people_if_return(config, inputs.grid, inputs.sources)
    parts = split(hurt, activity_layers(ground, today, settings.exposure_power), activity_mix(config, recent))
    columns = {f"casualties_{name}_per_year": parts[:, number] for number, name in enumerate(ACTIVITIES)}

    def grown(power: float, cells: slice) -> Floats:
        here = ground.part(cells)
        before, after = (activity_layers(here, people.part(cells), power) for people in (today, later))
        times = np.divide(after, before, out=np.ones_like(before), where=before > 0)
        # People who return add to those who are there: danger is nowhere less than today.
        return np.asarray((parts[cells] * (np.maximum(times, 1.0) - 1)).sum(axis=1))

    powers = (settings.exposure_power, *settings.scenario.exposure_powers)
    more = np.empty((len(powers), len(hurt)))
    for start in range(0, len(hurt), CELLS_AT_ONCE):
        cells = slice(start, start + CELLS_AT_ONCE)
        more[:, cells] = [grown(power, cells) for power in powers]
    columns["casualties_per_year_if_return"] = parts.sum(axis=1) + more[0]
    columns["casualties_return_increase"] = more[0]
    columns["casualties_return_increase_low"] = more.min(axis=0)
    columns["casualties_return_increase_high"] = more.max(axis=0)
    return columns


def recent_accidents(config: Config, accidents: Accidents | None) -> Accidents | None:
    """Accidents of the population in the years that the model learns from; undated ones are all recent."""
    if accidents is None:
        return None
    recorded = accidents.known(config.as_of)
    recorded = recorded.chosen(~recorded.deminer)
    if not recorded.dated.any():
        return recorded if len(recorded) else None
    start = years_before(config.as_of, config.casualty.window_years)
    recent = recorded.chosen(recorded.between(start, config.as_of))
    return recent if len(recent) else None


def _widest(config: Config) -> float:
    return max(config.casualty.kernel_bandwidths_m)


def _score(model: CasualtyModel, cells: CellContamination) -> Floats:
    """The held-out scores that the model was trained on, (n_cells,); the ranking model's own for other cells."""
    score = expit(cells.score)
    if len(model.scored_cells):
        # Cells are in the order of the grid, from north to south, while ids grow from south to north.
        order = np.argsort(model.scored_cells)
        ids, kept = model.scored_cells[order], model.scores[order]
        place = np.searchsorted(ids, cells.cell_id).clip(max=len(ids) - 1)
        held_out = (ids[place] == cells.cell_id) & np.isfinite(kept[place])
        score = np.where(held_out, kept[place], score)
    return np.asarray(score)
