"""The evidence of cells as it is written kind by kind, weak kinds first."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.base import Floats, new_array
from training.evidence.record_kinds import KIND_NAMES, NO_KIND, state_of_kind
from training.evidence.states import FOUND, MOST_OF_CELL, SEARCHED, UNKNOWN

# A search of less than this share of a cell is no evidence on it, nor is an event whose place is that uncertain.
LEAST_SHARE = 0.1


@dataclass(frozen=True, eq=False, kw_only=True)
class Layers:
    """State, share, weight, kind and inclusion probability of the cells, written kind by kind."""

    state: NDArray[np.int8]
    share: Floats
    weight: Floats
    kind: NDArray[np.int8]
    inclusion_prob: Floats

    @classmethod
    def unknown(cls, size: int) -> "Layers":
        """Layers of cells about which nothing is known."""
        return cls(
            state=new_array(size, np.int8, UNKNOWN),
            share=new_array(size, np.float64),
            weight=new_array(size, np.float64),
            kind=new_array(size, np.int8, NO_KIND),
            inclusion_prob=new_array(size, np.float64, np.nan),
        )

    def lay(
        self,
        name: str,
        kind_weight: float,
        place: NDArray[np.int32],
        value: Floats,
        drawn: Floats,
    ) -> None:
        """Write one kind over the weaker evidence below; pairs are sorted by place, `value` is a share of the cell."""
        if not len(place):
            return
        first = np.flatnonzero(np.diff(place, prepend=-1))
        cells, best = place[first], np.maximum.reduceat(value, first)
        # Of several draws the one of greatest probability counts: a census besides a sample makes the cell certain.
        surest = np.fmax.reduceat(np.where(value >= LEAST_SHARE, drawn, np.nan), first)
        self.inclusion_prob[cells] = np.fmax(self.inclusion_prob[cells], surest)
        state, touched = state_of_kind(name), best >= LEAST_SHARE
        if state == SEARCHED:
            touched &= (self.state[cells] != FOUND) | (best >= MOST_OF_CELL)
        # A second record of less weight never takes weight from a cell in the same state. A search of equal weight
        # replaces the weaker kind below it, in which devices may have been counted.
        weight = kind_weight * best
        more = (weight >= self.weight[cells]) if state == SEARCHED else (weight > self.weight[cells])
        stronger = touched & ((self.state[cells] != state) | more)
        cells, best = cells[stronger], best[stronger]
        self.state[cells], self.share[cells], self.weight[cells] = state, best, kind_weight * best
        self.kind[cells] = KIND_NAMES.index(name)
