"""Hazards that a map missed, estimated from its random audit cells once these are searched."""

import pandas as pd

from features.base import Flags, Floats
from training.validation import horvitz_thompson

# A cell of which less than this share was searched was not audited.
AUDITED_SHARE = 0.5


def map_audit(
    cells: pd.DataFrame, share: Floats, found: Flags, low: Flags
) -> tuple[dict[str, dict[str, float]], tuple[str, ...]]:
    """Estimates of all found cells in the audited land and of the missed ones, with notes.

    `cells` is a risk map with `purpose`, `inclusion_prob` and `season_detection`; `share` (n,) is the part of each cell
    that was searched later, `found` (n,) marks cells with a find, `low` (n,) cells in the lower half of the ranking or
    without a rank. Each drawn cell counts for 1 / (inclusion_prob x detection), because both the draw and the detection
    are by chance. Empty if the map drew no cells, or none of them was searched.
    """
    if not {"purpose", "inclusion_prob", "season_detection"} <= set(cells.columns):
        return {}, ()
    drawn = cells["purpose"].eq("audit").to_numpy()
    audited = drawn & ((share >= AUDITED_SHARE) | found)
    if not audited.any():
        return {}, ()
    chance = cells["inclusion_prob"].to_numpy()[audited] * cells["season_detection"].to_numpy()[audited]
    not_audited = int(drawn.sum() - audited.sum())
    note = (
        f"{not_audited:,} of {int(drawn.sum()):,} audit cells of the map were not searched: the estimate is of the "
        "land of the others, and is unbiased only where chance alone left them out"
    )
    return {
        "all": horvitz_thompson(found[audited], chance),
        "missed": horvitz_thompson((found & low)[audited], chance),
    }, ((note,) if not_audited else ())
