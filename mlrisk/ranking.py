"""Ranking policies: from what is known of each cell to the order in which cells are surveyed."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import ConfigError

Policy = Callable[[pd.DataFrame], NDArray[np.float64]]


def by_contamination(risk: pd.DataFrame) -> NDArray[np.float64]:
    """The model's raw score: it orders cells that calibration has given one probability."""
    return np.asarray(risk["contamination_score"].to_numpy(dtype=np.float64))


def by_casualty(risk: pd.DataFrame) -> NDArray[np.float64]:
    """Casualties to be expected in a year if nothing is done; raises ConfigError where no accident is known."""
    casualties = risk["casualties_per_year"].to_numpy(dtype=np.float64)
    if not np.isfinite(casualties).all():
        raise ConfigError("ranking.policy (casualty) needs a casualty model: no accident is known, use contamination")
    return np.asarray(casualties)


# A new policy is one function and one line.
POLICIES: dict[str, Policy] = {
    "contamination": by_contamination,
    "casualty": by_casualty,
}


def ranked(risk: pd.DataFrame, policy: str) -> pd.DataFrame:
    """The risk map with `priority` and `rank`; rank 1 is surveyed first.

    Both are empty where there is no basis to rank (out of domain) and on land that the authority has released. Ties
    are broken by the contamination score and then by cell_id, so the order of rows never matters.
    """
    priority = POLICIES[policy](risk)
    rankable = risk["in_domain"].to_numpy() & ~risk["released"].to_numpy()
    rows = np.flatnonzero(rankable)
    score, cell_id = risk["contamination_score"].to_numpy(), risk["cell_id"].to_numpy()
    order = rows[np.lexsort((cell_id[rows], -score[rows], -priority[rows]))]
    rank = np.zeros(len(risk), dtype=np.int32)
    rank[order] = np.arange(1, len(order) + 1, dtype=np.int32)
    return risk.assign(priority=np.where(rankable, priority, np.nan), rank=pd.arrays.IntegerArray(rank, ~rankable))
