"""The random audit cells of a map, once they were searched: what the map missed, without the map's own judgement."""

import pandas as pd

from features.base import Flags, Floats
from training.validation import horvitz_thompson

# A cell that was searched less than this was not audited.
AUDITED_SHARE = 0.5


def map_audit(
    cells: pd.DataFrame, share: Floats, found: Flags, low: Flags
) -> tuple[dict[str, dict[str, float]], tuple[str, ...]]:
    """Estimates of the found cells in all audited land and of those that were missed, and notes.

    `cells` is a risk map with `purpose`, `inclusion_prob` and `season_detection`; `share` (n,) of each was searched
    later, in `found` something was found, `low` are those in the lower half of the ranking or without a rank. Each
    drawn cell counts for 1 / (inclusion_prob x detection): the draw and the survey are both by chance. Empty where the
    map drew none, or none of them was searched.
    """
    if not {"purpose", "inclusion_prob", "season_detection"} <= set(cells.columns):
        return {}, ()
    drawn = cells["purpose"].eq("audit").to_numpy()
    seen = drawn & ((share >= AUDITED_SHARE) | found)
    if not seen.any():
        return {}, ()
    chance = cells["inclusion_prob"].to_numpy()[seen] * cells["season_detection"].to_numpy()[seen]
    unseen = int(drawn.sum() - seen.sum())
    note = (
        f"{unseen:,} of {int(drawn.sum()):,} audit cells of the map were not searched: the estimate is of the land of "
        "the others, and is unbiased only where chance alone left them out"
    )
    return {
        "all": horvitz_thompson(found[seen], chance),
        "missed": horvitz_thompson((found & low)[seen], chance),
    }, ((note,) if unseen else ())
