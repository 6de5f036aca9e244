"""Figures of a ranking from sums along the order of survey; ties count at their expected value over random orders."""

import numpy as np
from scipy.special import digamma

from features.base import Floats, Integers
from training.validation.survey_order import Sums

AREA_SHARES = (0.01, 0.05, 0.10, 0.20)
HAZARD_SHARES = (0.80, 0.90, 0.95)


def ranking_figures(sums: Sums) -> dict[str, Floats]:
    """Figures by name, each (draws,); NaN where a draw has no positive or no negative.

    `roc_auc`; `pr_auc`, the average precision; `height`, the mean number of negative cells ranked at or above a
    positive, and `rheight`, that over all negatives (RELand, 2024; a tie counts by half, so rheight is 1 - roc_auc);
    `rate_auc`, the area under the prediction-rate curve of recall against area (Chung and Fabbri, 2003); `recall_5`;
    `pai_5`, recall over the share of area (Chainey et al., 2008); `pei_5`, that over the best that any ranking could
    reach (Hunt, 2016); `area_90`, the share of the area at which 90 % of the positive area is reached. All of them
    weight cells by their area.
    """
    total, found = sums.area.sum(axis=1), sums.hits.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        judged = np.where((found > 0) & (total - found > 1e-12 * total), 1.0, np.nan)
        misses = sums.area - sums.hits
        above = (sums.hits * (np.cumsum(misses, axis=1) - misses / 2)).sum(axis=1) / found
        before = (sums.hits * (sums.area_to - sums.area / 2)).sum(axis=1) / found
        figures = {
            "roc_auc": judged * (1 - above / (total - found)),
            "pr_auc": judged * average_precision(sums),
            "base_rate": found / total,
            "height": judged * above,
            "rheight": judged * above / (total - found),
            "rate_auc": np.where(found > 0, 1 - before / total, np.nan),
        }
        for share in AREA_SHARES:
            recall = recall_at(sums, share)
            percent = round(100 * share)
            figures[f"recall_{percent}"] = recall
            figures[f"pai_{percent}"] = recall / share
            figures[f"pei_{percent}"] = recall / np.minimum(1.0, share * total / found)
        for share in HAZARD_SHARES:
            figures[f"area_{round(100 * share)}"] = area_to_reach(sums, share) / total
    return figures


def recall_at(sums: Sums, share: float) -> Floats:
    """Share of the positive area within the first `share` of the area, (draws,); NaN without a positive."""
    ends, cumulative = sums.area_to, sums.hits_to
    budget = share * ends[:, -1]
    row, at = _reached(ends, budget)
    area, hits = sums.area[row, at], sums.hits[row, at]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(area > 0, np.clip((budget - (ends[row, at] - area)) / area, 0, 1), 1.0)
        return np.asarray((cumulative[row, at] - hits + part * hits) / cumulative[:, -1])


def area_to_reach(sums: Sums, share: float) -> Floats:
    """Expected area at which `share` of the positive area is found, (draws,); NaN without a positive.

    The j-th of k positives among m tied cells stands at j (m + 1) / (k + 1) on average; a cell is searched whole.
    """
    ends, cumulative = sums.area_to, sums.hits_to
    target = share * cumulative[:, -1]
    row, at = _reached(cumulative, target * (1 - 1e-12))
    area, hits, found = sums.area[row, at], sums.hits[row, at], sums.found[at]
    with np.errstate(divide="ignore", invalid="ignore"):
        each = hits / found
        wanted = np.clip(np.ceil((target - (cumulative[row, at] - hits)) / each - 1e-9), 1, found)
        reached = ends[row, at] - area + wanted * each + wanted * (area - hits) / (found + 1)
    return np.where(cumulative[:, -1] > 0, reached, np.nan)


def average_precision(sums: Sums) -> Floats:
    """Average precision, (draws,), that of scikit-learn without ties; NaN without a positive.

    In a tie of m cells with k positives the cell at place j is a positive with k/m, and the cells before it hold (j -
    1)(k - 1)/(m - 1) of the others: summed over j this has a closed form in the digamma function. Exact if all cells
    have the same area; within a tie cells of different areas are taken at their means.
    """
    at = np.flatnonzero(sums.found > 0)
    area, hits = sums.area[:, at], sums.hits[:, at]
    m, k = sums.count[at].astype(float), sums.found[at]
    area_before, hits_before = sums.area_to[:, at] - area, sums.hits_to[:, at] - hits
    each = hits / k
    with np.errstate(divide="ignore", invalid="ignore"):
        top, base = hits_before + each, area_before + each
        precision = np.where(base > 0, top / base, 0.0)
        # Ties are few where scores are, and the digamma function is slow.
        ties = np.flatnonzero(m > 1)
        if len(ties):
            step = m[ties] - 1
            precision[:, ties] = _tied_precision(
                top[:, ties],
                base[:, ties],
                (hits[:, ties] - each[:, ties]) / step,
                (area[:, ties] - each[:, ties]) / step,
                m[ties],
                precision[:, ties],
            )
        return np.asarray((hits * precision).sum(axis=1) / hits.sum(axis=1))


def _tied_precision(
    top: Floats, base: Floats, top_step: Floats, base_step: Floats, m: Floats, otherwise: Floats
) -> Floats:
    """Mean precision over the places of ties of m cells, (draws, ties); `otherwise` where a tie has no area."""
    tied = base_step > 1e-12 * base
    start = np.where(tied, base, 1.0) / np.where(tied, base_step, 1.0)
    places = digamma(start + m) - digamma(start)
    mean = (m * top_step / base_step + (top - top_step * start) / base_step * places) / m
    return np.where(tied, mean, otherwise)


def _reached(cumulative: Floats, target: Floats) -> tuple[Integers, Integers]:
    """Row and segment in which each row's running sum first reaches its target."""
    last = cumulative.shape[1] - 1
    at = [min(int(np.searchsorted(row, value)), last) for row, value in zip(cumulative, target, strict=True)]
    return np.arange(len(at)), np.array(at, dtype=np.int64)
