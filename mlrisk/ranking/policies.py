"""Ranking policies: from the risk map to the order in which cells are surveyed."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.base import ConfigError, Flags, Floats, Integers, by_parts, new_array
from mlrisk.risk_map import with_columns
from mlrisk.settings import POLICY_NAMES
from training.evidence import CLEARANCE, NON_TECHNICAL_SURVEY, WORKS

EVIDENCE_OPEN = "evidence_open"
Policy = Callable[[pd.DataFrame], Floats]
# The assumed detection of earlier surveys where no check of theirs is on record; unverified, as that of the teams.
EARLIER_DETECTION = 0.8
# Share of a cell that stays in question even where areas on record or released cover practically all of it.
LEAST_REST = 0.05
# Ends of an interval are kept this far from 0 and 1 for logarithms.
LEAST = 1e-6
# Number of cells that are sorted at a time.
SORTED_AT_ONCE = 1 << 20


def by_contamination(risk: pd.DataFrame) -> Floats:
    """The model's raw score in log-odds, which also orders cells to which calibration gave the same probability.

    Where an earlier search leaves less to find the odds fall by its factor, and the score accordingly.
    """
    return np.asarray(risk["contamination_score"].to_numpy(dtype=np.float64) + np.log(_odds_left(risk)))


def by_casualty(risk: pd.DataFrame) -> Floats:
    """Casualties expected in a year if nothing is done; raises ConfigError without a casualty model."""
    return _casualties(risk, "casualty")


def by_harm_per_day(risk: pd.DataFrame) -> Floats:
    """Casualties a year that a team-day of survey is expected to avert; cells that no team can work come last.

    `team_days` and `detection` are those of the quickest team; without them every cell costs the same.
    """
    averted = _casualties(risk, "harm_per_day") * residual_factor(risk) * _column(risk, "detection", 1.0)
    return np.asarray(averted / _column(risk, "team_days", 1.0))


def by_search(risk: pd.DataFrame) -> Floats:
    """Finds per team-day at the moment when the optimal search reaches the cell (Koopman 1957; Stone 1975).

    p a / days with a = -ln(1 - detection): the return on effort at which the cell is first worth survey. Land that was
    searched before has its residual probability.
    """
    detection = _column(risk, "detection", EARLIER_DETECTION)
    chance = risk["contamination"].to_numpy(dtype=np.float64) * residual_factor(risk)
    return np.asarray(chance * -np.log1p(-detection) / _column(risk, "team_days", 1.0))


def by_authority(risk: pd.DataFrame) -> Floats:
    """The authority's weighted criteria (`need`, 0 to 1) where contamination is to be expected: their product.

    Without `need` only danger to life counts, the first of the criteria.
    """
    return np.asarray(risk["contamination"].to_numpy(dtype=np.float64) * _column(risk, "need", 1.0))


def by_explore(risk: pd.DataFrame) -> Floats:
    """Uncertainty of the log-odds, which shows where a survey teaches the model most; doubled out of domain.

    Width in log-odds and not in probability, which would be the order of contamination again.
    """
    low, high = (risk[name].to_numpy(dtype=np.float64) for name in ("contamination_low", "contamination_high"))
    low, high = np.clip(low, LEAST, 1 - LEAST), np.clip(high, LEAST, 1 - LEAST)
    width = np.log(high / (1 - high)) - np.log(low / (1 - low))
    return np.asarray(width * np.where(risk["in_domain"].to_numpy(), 1.0, 2.0))


def by_prior(risk: pd.DataFrame) -> Floats:
    """The score of the rules of the field, 0 to 1, reduced where an earlier search leaves less to find."""
    return np.asarray(risk["contamination_score"].to_numpy(dtype=np.float64) * _odds_left(risk))


# A new policy is one function, one line here and its name in POLICY_NAMES of the settings.
POLICIES: dict[str, Policy] = {
    "contamination": by_contamination,
    "casualty": by_casualty,
    "harm_per_day": by_harm_per_day,
    "search": by_search,
    "authority": by_authority,
    "explore": by_explore,
    "prior": by_prior,
}
if tuple(POLICIES) != POLICY_NAMES:
    raise RuntimeError(
        f"POLICIES ({', '.join(POLICIES)}) and POLICY_NAMES ({', '.join(POLICY_NAMES)}) must be the same"
    )


def policy_of(name: str) -> Policy:
    """The policy of a name; raises ConfigError that lists the known ones."""
    if name not in POLICIES:
        raise ConfigError(f"ranking.policy ({name}) is no policy: choose from {', '.join(POLICIES)}")
    return POLICIES[name]


def harm_column(risk: pd.DataFrame) -> str:
    """The column by which clearance is ranked: victims a year expected on the cell.

    Without a casualty model it is contamination, and the score if there is no probability.
    """
    return next(
        name for name in ("casualties_per_year", "contamination", "contamination_score") if risk[name].notna().all()
    )


def ranked(risk: pd.DataFrame, policy: str) -> pd.DataFrame:
    """The risk map with `priority` and `rank`, which counts from 1 within each kind of `work`.

    Both are empty where there is no basis to rank (out of domain) and where there is no work. Survey is ranked by the
    policy, clearance by harm. Land where a find or an accident is still open comes first. Ties are broken by the
    contamination score and then by cell_id, so the order of rows never matters.
    """
    of_policy, harm = policy_of(policy), harm_column(risk)

    def priorities(rows: slice) -> Floats:
        land = risk.iloc[rows]
        cleared = land["work"].eq(CLEARANCE).to_numpy()
        return np.where(cleared, land[harm].to_numpy(dtype=np.float64), of_policy(land))

    priority = by_parts(len(risk), priorities)
    in_domain = risk["in_domain"].to_numpy()
    rankable = in_domain & risk["work"].isin(WORKS).to_numpy()
    open_, score = risk["status"].eq(EVIDENCE_OPEN).to_numpy(), risk["contamination_score"].to_numpy()
    keys = risk["cell_id"].to_numpy(), score, priority
    rank = new_array(len(risk), np.int32)
    for name in WORKS:
        of_work, done = rankable & risk["work"].eq(name).to_numpy(), 0
        for first in (open_, ~open_):
            done = _number(rank, of_work & first, keys, done)
    priority[~rankable] = np.nan
    columns = {"priority": priority, "rank": pd.arrays.IntegerArray(rank, ~rankable)}
    return with_columns(risk, columns)


def _number(rank: NDArray[np.int32], chosen: Flags, keys: tuple[Integers, Floats, Floats], done: int) -> int:
    """Number the `chosen` cells (n,) in `rank` from `done` + 1 on, by the last of the keys first; the last number."""
    cell_id, score, priority = keys
    for rows in _descending(priority, chosen):
        order = np.lexsort((cell_id[rows], -score[rows], -priority[rows]))
        rank[rows[order]] = np.arange(done + 1, done + len(rows) + 1, dtype=np.int32)
        done += len(rows)
    return done


def _descending(priority: Floats, chosen: Flags) -> Iterator[Integers]:
    """Rows of the `chosen` cells (n,), about a million at a time: every priority is below those of the part before.

    Cells without a priority are in the last part. Sorting part by part gives the order of all.
    """
    parts = -(-np.count_nonzero(chosen) // SORTED_AT_ONCE)
    if parts <= 1:
        yield np.flatnonzero(chosen)
        return
    step = max(1, len(priority) // SORTED_AT_ONCE)
    some = priority[::step][chosen[::step]]
    some = some[np.isfinite(some)]
    edges = np.unique(np.quantile(some, np.arange(1, parts) / parts))[::-1] if len(some) else some
    above = np.zeros(len(priority), dtype=bool)
    for edge in edges:
        mine = chosen & ~above & (priority >= edge)
        yield np.flatnonzero(mine)
        above |= mine
    yield np.flatnonzero(chosen & ~above)


def residual_factor(risk: pd.DataFrame) -> Floats:
    """Factor on the contamination of each cell for earlier surveys, 1 where nobody searched or evidence is open.

    Bayes: a factor f on the odds of p is f / (1 - p + p f) on p; (1 - d) / (1 - p d) for a search of detection d.
    """
    left = _odds_left(risk)
    chance = risk["contamination"].to_numpy(dtype=np.float64)
    return np.asarray(left / (1 - chance + chance * left))


def new_finds(risk: pd.DataFrame) -> Floats:
    """Cells with EO that the work on each cell is expected to find, (n,), 0 on new land where EO is found already.

    In areas on record all contaminated cells count, because technical survey and clearance are sent to them.
    """

    def of_rows(rows: slice) -> Floats:
        land = risk.iloc[rows]
        chance = land["contamination"].to_numpy(dtype=np.float64) * residual_factor(land)
        old = land["work"].eq(NON_TECHNICAL_SURVEY).to_numpy() & land["evidence"].eq("found").to_numpy()
        return np.where(old, 0.0, chance)

    return by_parts(len(risk), of_rows)


def odds_left(searched: Flags, dealt_with: Flags, settled: Floats, detection: float = EARLIER_DETECTION) -> Floats:
    """Factor on the odds that survey finds more, (n,), after earlier searches and records.

    1 - `detection` on land that was searched without a find. Where the EO of a cell was `dealt_with` (it lies in an
    area on record or in land released since), survey can only add what lies in the rest of the cell, the part
    1 - `settled`.

    >>> odds_left(np.array([False, True, False]), np.array([False, False, True]), np.array([0.0, 0.0, 0.4])).round(2)
    array([1. , 0.2, 0.6])
    """
    left = np.where(searched, 1 - detection, 1.0)
    return np.asarray(np.where(dealt_with, np.maximum(1 - settled, LEAST_REST), left))


def _odds_left(risk: pd.DataFrame) -> Floats:
    return _column(risk, "odds_left", 1.0)


def _casualties(risk: pd.DataFrame, policy: str) -> Floats:
    casualties = risk["casualties_per_year"].to_numpy(dtype=np.float64)
    if not np.isfinite(casualties).all():
        raise ConfigError(f"ranking.policy ({policy}) needs a casualty model: no accident is known, use contamination")
    return np.asarray(casualties)


def _column(risk: pd.DataFrame, name: str, otherwise: float) -> Floats:
    """A column, or one value for every cell if the map has no such column."""
    return risk[name].to_numpy(dtype=np.float64) if name in risk else np.full(len(risk), otherwise)
