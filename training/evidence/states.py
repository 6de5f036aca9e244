"""Knowledge about cells: the three states, and the evidence of every cell at a date."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from features.base import Flags, Floats, by_parts

UNKNOWN, SEARCHED, FOUND = 0, 1, 2
STATE_NAMES = ("unknown", "searched", "found")
# A search decides a cell, and overrules weaker evidence of a hazard, only if it covers at least this share of it.
MOST_OF_CELL = 0.5
# From this probability on a cell of a polygon with counted devices is labelled found: nine of ten must be right.
SURE = 0.9
NO_BAG = -1


@dataclass(frozen=True, eq=False, kw_only=True)
class Evidence:
    """The evidence on the cells inside the area at `as_of`, arrays in `grid.cell_ids()` order.

    `state` is UNKNOWN, SEARCHED or FOUND; `share` is the part of the cell that the evidence covers and `weight` that
    share times the quality of the evidence, both in [0, 1] and 0 exactly where the state is unknown. `target` is the
    label for the model: 1 where found, 0 where searched or unknown, and in between in a cleared polygon whose devices
    were counted but not located. `bag` numbers that polygon, NO_BAG elsewhere: only the sum of its targets is known.
    `released` marks cells that recorded decisions of the authority released as a whole and where nothing was found
    since. `kind` names the kind of record that decided the state, by its place in KIND_NAMES, -1 where the state is
    unknown. `status`, a value of `Status`, is the status of work on the cell, from the same records. `settled` is the
    part of the cell that open areas on record and finished releases cover. `inclusion_prob`
    is the probability with which the cell was drawn for survey: 1 in a census, NaN where people chose the land or
    nobody looked. `counts` has the number of records by kind.
    """

    as_of: date
    state: NDArray[np.int8]
    share: Floats
    weight: Floats
    target: Floats
    bag: NDArray[np.int32]
    released: Flags
    status: NDArray[np.int8]
    settled: Floats
    counts: Mapping[str, int]
    kind: NDArray[np.int8]
    inclusion_prob: Floats

    @property
    def labelled(self) -> Flags:
        """Cells that a model may learn from."""
        return self.weight > 0

    @property
    def area(self) -> Floats:
        """Part of a cell that counts as land in validation: the whole of a found cell, for survey covers all of it."""
        return np.where(self.state == FOUND, 1.0, self.share)

    @property
    def certain(self) -> Flags:
        """Labelled cells by which a ranking can be judged: cells with soft labels are left out."""
        return np.asarray(self.labelled & ((self.state == FOUND) | (self.target < 1 - SURE)))

    @property
    def shown(self) -> NDArray[np.int8]:
        """The state that a map may show: a cell of which less than half was searched is shown as unknown."""

        def part(rows: slice) -> NDArray[np.int8]:
            partly = (self.state[rows] == SEARCHED) & (self.share[rows] < MOST_OF_CELL)
            return np.where(partly, np.int8(UNKNOWN), self.state[rows])

        return by_parts(len(self.state), part)
