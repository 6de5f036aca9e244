"""From raw scores to probabilities: a curve learned on scores of land that was held out of the fit."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from features.base import Flags, Floats, Integers

# With fewer positives than the first number the data support no more than Platt's two parameters; with more than the
# second, isotonic regression needs no assumption on the shape (Platt 1999; Kull, Silva Filho and Flach 2017;
# Niculescu-Mizil and Caruana 2005).
PLATT_BELOW = 200
ISOTONIC_FROM = 1_000
# Some thousand training cells cannot support a probability nearer to 0 or 1.
LOWEST = 1e-5
CURVE_POINTS = 201


@dataclass(frozen=True)
class Calibration:
    """A rising piecewise linear curve from raw score (log-odds) to probability, flat beyond its ends.

    `between_regions` is the standard deviation of the log-odds by which whole regions lie above or below the curve, NaN
    where there were fewer than two regions. The curve cannot know where new land lies: the interval has to cover it.
    """

    method: str
    score: tuple[float, ...]
    probability: tuple[float, ...]
    between_regions: float = float("nan")

    def __call__(self, raw: Floats) -> Floats:
        """Probability in (0, 1) of each raw score."""
        return np.interp(raw, self.score, self.probability)


def calibrate(raw: Floats, positive: Flags, area: Floats) -> Calibration:
    """Fit the curve on out-of-fold raw scores and survey results; a row is weighted by its searched `area`.

    Platt scaling under 200 positives, beta calibration to 1,000, isotonic regression above. Scores that order held-out
    land in reverse give the base rate everywhere. Raises ValueError when one of the classes is missing.
    """
    positives = int(positive.sum())
    if positives in (0, len(positive)):
        raise ValueError(f"calibration needs found and searched cells, got {positives} found of {len(positive)}")
    knots = np.unique(np.quantile(raw, np.linspace(0, 1, CURVE_POINTS)))
    if positives >= ISOTONIC_FROM:
        method = "isotonic"
        probability = _isotonic(raw, positive, area, knots)
    else:
        method = "platt" if positives < PLATT_BELOW else "beta"
        fitted = LogisticRegression(C=1e6, max_iter=1000).fit(_inputs(raw, method), positive, sample_weight=area)
        probability = fitted.predict_proba(_inputs(knots, method))[:, 1]
    if probability[-1] <= probability[0]:
        method, probability = "base rate", np.full(len(knots), np.average(positive, weights=area))
    # Beta calibration can fall at an end. A falling stretch is noise: a higher raw score never means a lower
    # probability.
    probability = np.clip(np.maximum.accumulate(probability), LOWEST, 1 - LOWEST)
    return Calibration(method, tuple(knots.tolist()), tuple(probability.tolist()))


def cross_calibrated(raw: Floats, positive: Flags, area: Floats, fold: Integers) -> Floats:
    """Probability of each row from a curve that was fitted on the other folds, for judging.

    The curve of all folds has seen the base rate of each of them. NaN where the other folds are empty or lack one of
    the classes, and where `raw` is NaN.
    """
    probability = np.full(len(raw), np.nan)
    known = np.isfinite(raw)
    for number in np.unique(fold[known]):
        rows, others = known & (fold == number), known & (fold != number)
        if 0 < int(positive[others].sum()) < int(others.sum()):
            probability[rows] = calibrate(raw[others], positive[others], area[others])(raw[rows])
    return probability


def between_regions(probability: Floats, positive: Flags, area: Floats, region: Integers) -> float:
    """Standard deviation of the regions' log-odds about the curve, freed of sampling noise; NaN under two regions.

    Found over expected varies as a log-normal factor of each region beyond the binomial noise of its cells: moment
    estimate after Breslow (1984), Applied Statistics 33, 38; for rare finds the log of that factor is the shift of the
    log-odds. Cells of a region are taken as independent, so that the estimate errs on the wide side.
    """
    _, place = np.unique(region, return_inverse=True)
    found = np.bincount(place, weights=area * positive)
    expected = np.bincount(place, weights=area * probability)
    noise = np.bincount(place, weights=area * probability * (1 - probability))
    if len(found) < 2:
        return float("nan")
    expected *= found.sum() / expected.sum()
    excess = ((found - expected) ** 2 - noise).sum() / (expected**2).sum()
    return float(np.sqrt(np.log1p(max(excess, 0.0))))


def _isotonic(raw: Floats, positive: Flags, area: Floats, knots: Floats) -> Floats:
    """Isotonic regression whose steps are posterior means under Jeffreys' prior.

    A step in which ordnance was found in all of 40 cells is no certainty: it gives 40.5 / 41, not 1 (Jeffreys 1946).
    """
    fitted = IsotonicRegression(out_of_bounds="clip").fit(raw, positive, sample_weight=area)
    steps, step = np.unique(fitted.predict(raw), return_inverse=True)
    found, cells = np.bincount(step, weights=area * positive), np.bincount(step, weights=area)
    return np.asarray(np.interp(fitted.predict(knots), steps, (found + 0.5) / (cells + 1)))


def _inputs(raw: Floats, method: str) -> Floats:
    if method == "platt":
        return raw[:, None]
    score = np.clip(expit(raw), 1e-9, 1 - 1e-9)
    return np.column_stack([np.log(score), -np.log1p(-score)])
