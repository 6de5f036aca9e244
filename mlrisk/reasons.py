"""Reasons in words: which families of features raised or lowered a score, with their values and units."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from features.info import FeatureInfo

# Contributions below this share of all that moved the score are noise to a reader.
LEAST_SHARE = 0.03


def reasons_in_words(
    names: Sequence[str],
    values: NDArray[np.float32],
    contributions: NDArray[np.float64],
    infos: Mapping[str, FeatureInfo],
) -> NDArray[np.object_]:
    """Three reasons for each row, shape (n_rows, 3); empty text where there is no third.

    Contributions (on the log-odds) are summed by family, since features of one family stand in for each other; the
    family speaks through its strongest feature. The first two reasons raised the score where anything did; the third
    is what lowered it most, so that what speaks against is seen too. They say what moved the score, not what causes
    contamination.
    """
    families = sorted({_family(name, infos) for name in names})
    member = np.array([families.index(_family(name, infos)) for name in names])
    sums = np.stack([contributions[:, member == number].sum(axis=1) for number in range(len(families))], axis=1)
    texts = np.full((len(values), 3), "", dtype=object)
    least = LEAST_SHARE * np.abs(sums).sum(axis=1)
    for row, (total, floor) in enumerate(zip(sums, least, strict=True)):
        order = np.argsort(-total, kind="stable")
        raised = [family for family in order if total[family] > floor]
        lowered = [family for family in order[::-1] if total[family] < -floor]
        chosen = (raised[:2] + lowered[:1] + raised[2:] + lowered[1:])[:3]
        for place, family in enumerate(chosen):
            column = _strongest(contributions[row], member == family, total[family] > 0)
            texts[row, place] = _sentence(names[column], values[row, column], total[family] > 0, infos)
    return texts


def _strongest(contribution: NDArray[np.float64], members: NDArray[np.bool_], raised: bool) -> int:
    signed = contribution if raised else -contribution
    return int(np.argmax(np.where(members, signed, -np.inf)))


def _family(name: str, infos: Mapping[str, FeatureInfo]) -> str:
    return infos[name].family if name in infos else name


def _sentence(name: str, value: float, raised: bool, infos: Mapping[str, FeatureInfo]) -> str:
    info = infos.get(name)
    text, unit = (info.text, info.unit) if info else (name.replace("_", " "), "")
    effect = "raised the score" if raised else "lowered the score"
    return f"{text}: {quantity(float(value), unit)} {effect}"


def quantity(value: float, unit: str) -> str:
    """A value with its unit, with three significant digits.

    >>> quantity(1234.0, "m")
    '1.23 km'
    >>> quantity(float("nan"), "m")
    'unknown'
    """
    if not np.isfinite(value):
        return "unknown"
    if unit == "m" and abs(value) >= 1000:
        value, unit = value / 1000, "km"
    digits = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return digits if unit in ("", "1", "as given") else f"{digits} {unit}"
