"""Champion and challenger of casualty risk on the accidents since the champion's date."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from features.base import Flags, Floats, Integers
from features.table import FeatureTable
from models.casualty import CasualtyModel
from training.casualty import History, Moment, fit_casualty, patterns_of, scaled, unit_blocks
from training.evidence import NO_REGION, cell_regions
from training.settings import TrainConfig
from training.validation import Labels, block_times, deal, deviance

# Number of groups of regions, each judged by a model of the others.
FOLDS = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class CasualtyArena:
    """Units on which both models were judged, arrays (n,): accidents that happened, and those that each expected.

    Both expectations take their total from the newest accidents of the other regions, so that they differ only in where
    accidents lie: wars and awareness work make their number unpredictable. `centres_m` (n, 2) is the place of each
    unit, `side_m` its side, `block_m` that of the squares of land that are resampled as a whole.
    """

    observed: Floats
    champion: Floats
    challenger: Floats
    centres_m: Floats
    side_m: float
    block_m: float


def casualty_arena(
    config: TrainConfig, history: History | None, since: date, champion: CasualtyModel
) -> CasualtyArena | None:
    """Accidents after `since` that are known today, and what both models expected of the land as known at `since`.

    The champion was trained on none of them. The challenger's recipe learns from today's records without the newest
    accidents of the regions on which it is judged; the older ones of these regions are known to the champion too. None
    without dated accidents since then, or if no region can be held out.
    """
    if history is None or not history.dated or since >= config.as_of:
        return None
    known = history.accidents.known(config.as_of)
    fresh = known.chosen(known.dated & ~known.deminer)
    fresh = fresh.chosen(fresh.between(since, config.as_of))
    observed = history.accidents_by_unit(fresh, np.ones(len(fresh)))
    rows = history.rows(config.as_of, since)
    if rows is None or not observed.sum():
        return None
    units, then = history.units, history.moment(since)
    regions = units.most_common(cell_regions(units.cells, history.inputs.sources, config.validation))
    side_m = float(np.sqrt(units.area_km2.mean())) * 1000
    labels = Labels(
        labelled=np.ones(units.n_units, dtype=bool),
        positive=observed > 0,
        regions=regions,
        centres_m=units.centres_m,
        cell_size_m=side_m,
    )
    settings = config.validation.model_copy(update={"folds": FOLDS})
    # Scores of then are made anew and may have another sum than those that the champion ranked with.
    whole = scaled(champion.whole, champion.features, then, np.ones(units.n_units, dtype=bool))
    theirs = _expected(replace(champion, whole=whole), then, config.compute.threads)
    champions, challengers = np.full((2, units.n_units), np.nan)
    for members in deal(labels, settings, config.seed).values():
        here = np.isin(regions, members)
        learned = ~here & (regions != NO_REGION)
        if not here.any() or not observed[learned].sum():
            continue
        known_then = rows.period < len(rows.starts) - 1
        model = fit_casualty(config, rows.kept(known_then | learned[rows.unit]), then, unit_blocks(config, history), 0)
        ours = _expected(model, then, config.compute.threads)
        champions[here], challengers[here] = (_levelled(one, observed, learned)[here] for one in (theirs, ours))
    judged = np.isfinite(champions) & np.isfinite(challengers)
    if not observed[judged].sum():
        return None
    return CasualtyArena(
        observed=observed[judged],
        champion=champions[judged],
        challenger=challengers[judged],
        centres_m=units.centres_m[judged],
        side_m=side_m,
        block_m=config.contamination.block_m,
    )


def worse_by(arena: CasualtyArena, block: Integers, draws: int, seed: int = 0) -> Floats:
    """Share by which the challenger's deviance exceeds the champion's, in each draw of blocks of land, (draws,).

    With too few blocks to draw from it is the share on the units as they are, (1,).
    """
    place, times = block_times(block, seed, draws)
    weights = times[:, place] if len(times) else np.ones((1, len(place)))
    champion, challenger = (
        np.array([deviance(arena.observed, expected, weight) for weight in weights])
        for expected in (arena.champion, arena.challenger)
    )
    return np.asarray((challenger - champion) / np.maximum(champion, 1e-12))


def _expected(model: CasualtyModel, moment: Moment, threads: int) -> Floats:
    """Relative accidents expected in each unit; features that the moment lacks count as unknown."""
    values = FeatureTable(moment.features, moment.values).reindexed(model.features)
    return model.casualties(values, moment.exposure, patterns_of(model.pattern_names, moment), threads)[0]


def _levelled(expected: Floats, observed: Floats, learned: Flags) -> Floats:
    total = float(expected[learned].sum())
    return np.asarray(expected * (float(observed[learned].sum()) / total if total > 0 else np.nan))
