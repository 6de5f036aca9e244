"""The casualty columns of the risk map: expected casualties of each cell, by activity, and if people return."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from features.base import (
    FeatureContext,
    Floats,
    Integers,
    by_parts,
    columns_by_parts,
    kept,
    new_array,
    parts_of,
    years_before,
)
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
    relative = severity / severity.mean()
    count = len(cells.probability)
    index = by_parts(
        count, lambda rows: cells.probability[rows] * presence(today.part(rows), power) * relative[units.place[rows]]
    )
    mean = index.mean()
    columns: dict[str, Floats] = dict.fromkeys(CASUALTY_COLUMNS, new_array(count, np.float64, np.nan))
    columns["casualty_index"] = by_parts(count, lambda rows: index[rows] / mean)
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
    total = units.total(index)

    def shared(of_unit: Floats) -> Floats:
        """The figure of each unit, (n_units,), as the parts of its cells."""
        return by_parts(count, lambda rows: of_unit[units.place[rows]] * (index[rows] / total[units.place[rows]]))

    hurt = shared(expected)
    columns |= {
        "casualties_per_year": hurt,
        "casualties_per_year_low": shared(low),
        "casualties_per_year_high": shared(high),
    }
    columns["killed_per_year"] = by_parts(count, lambda rows: hurt[rows] * severity[units.place[rows]])
    return columns | _by_activity(config, inputs, recent, hurt)


def activity_mix(config: Config, accidents: Accidents) -> Floats:
    """Shares of the casualties of recent accidents by activity, (len(ACTIVITIES),)."""
    return mix_of(accidents.activity, accidents.casualties, config.casualty.activity_mix)


def _by_activity(config: Config, inputs: Inputs, recent: Accidents, hurt: Floats) -> dict[str, Floats]:
    settings = config.casualty
    ground = ground_of(inputs.grid, inputs.sources, FeatureContext(config.as_of))
    today = people_today(inputs.grid, inputs.sources, settings)
    later = people_if_return(config, inputs.grid, inputs.sources)
    layers = new_array((len(hurt), len(ACTIVITIES)), np.float64)
    for cells in parts_of(len(hurt)):
        layers[cells] = activity_layers(ground.part(cells), today.part(cells), settings.exposure_power)
    parts = split(hurt, layers, activity_mix(config, recent))
    columns = {f"casualties_{name}_per_year": kept(parts[:, number]) for number, name in enumerate(ACTIVITIES)}

    def grown(power: float, cells: slice) -> Floats:
        here = ground.part(cells)
        before, after = (activity_layers(here, people.part(cells), power) for people in (today, later))
        times = np.divide(after, before, out=np.ones_like(before), where=before > 0)
        # People who return add to those who are there: danger is nowhere less than today.
        return np.asarray((parts[cells] * (np.maximum(times, 1.0) - 1)).sum(axis=1))

    powers = (settings.exposure_power, *settings.scenario.exposure_powers)

    def if_return(cells: slice) -> dict[str, Floats]:
        more = np.array([grown(power, cells) for power in powers])
        return {
            "casualties_per_year_if_return": parts[cells].sum(axis=1) + more[0],
            "casualties_return_increase": more[0],
            "casualties_return_increase_low": more.min(axis=0),
            "casualties_return_increase_high": more.max(axis=0),
        }

    return columns | columns_by_parts(len(hurt), if_return)


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
