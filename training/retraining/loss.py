"""The loss of a challenger on an arena: the difference of one figure, on the same draws of blocks of land."""

from dataclasses import dataclass

import numpy as np

from features.base import Flags, Floats, Integers
from training.retraining.contest import Arena
from training.validation import figures_on_draws, pooled_score

DRAWS = 200
MANY_BLOCKS = 15


@dataclass(frozen=True)
class Loss:
    """Champion minus challenger in one figure: estimate, 90 % interval, and the draws (empty with few blocks)."""

    champion: float
    challenger: float
    draws: Floats

    @property
    def loss(self) -> float:
        """By how much the challenger is worse; negative where it is better."""
        return self.champion - self.challenger

    def share_beyond(self, margin: float) -> float:
        """Share of the draws in which the loss exceeds a margin; 1 or 0 by the estimate if there are too few blocks."""
        known = self.draws[np.isfinite(self.draws)]
        return float((known > margin).mean()) if len(known) else float(self.loss > margin)

    def figures(self) -> dict[str, float]:
        """The two figures, by how much the challenger is worse, and the bounds of the change where there are any."""
        bounds = self._change()
        change = {} if bounds is None else {"change_low": bounds[0], "change_high": bounds[1]}
        return {"champion": self.champion, "challenger": self.challenger, "loss": self.loss, **change}

    def sentence(self) -> str:
        """The two figures, and the bounds of the change where there are any."""
        text = f"champion {self.champion:.3f}, challenger {self.challenger:.3f}"
        bounds = self._change()
        if bounds is None:
            return text
        return f"{text}, change {-self.loss:+.3f} ({bounds[0]:+.3f} to {bounds[1]:+.3f})"

    def _change(self) -> tuple[float, float] | None:
        """The 90 % interval of challenger minus champion; None without draws."""
        known = self.draws[np.isfinite(self.draws)]
        if not len(known):
            return None
        low, high = np.quantile(-known, [0.05, 0.95])
        return float(low), float(high)


def loss_of(arena: Arena, figure: str, rows: Flags | None = None, seed: int = 0) -> Loss:
    """Loss in a figure of `ranking_figures` over the cells of an arena, or some of them, on the same draws for both."""
    chosen = np.ones(len(arena.cell), dtype=bool) if rows is None else rows
    judged = [
        figures_on_draws(
            pooled_score(score[chosen], arena.fold[chosen], arena.area[chosen]), arena.positive[chosen],
            blocks_of(arena, chosen), seed, DRAWS, arena.area[chosen],
        )
        for score in (arena.champion, arena.challenger)
    ]  # fmt: skip
    draws = judged[0].drawn[figure] - judged[1].drawn[figure]
    return Loss(judged[0].figures[figure], judged[1].figures[figure], draws)


def blocks_of(arena: Arena, rows: Flags) -> Integers:
    """Number of the block of land of each chosen cell; blocks are as large as in training if that leaves MANY_BLOCKS.

    A district is smaller than a country: its blocks are halved until there are enough to draw from, down to two cells.
    """
    return many_blocks(arena.centres_m[rows], arena.block_m, arena.cell_size_m)


def many_blocks(centres_m: Floats, side_m: float, cell_size_m: float) -> Integers:
    """Number of the square block of each place (n, 2), as in `blocks_of`."""
    block = _squares(centres_m, side_m)
    while len(np.unique(block)) < MANY_BLOCKS and side_m / 2 >= 2 * cell_size_m:
        side_m /= 2
        block = _squares(centres_m, side_m)
    return block


def _squares(centres_m: Floats, side_m: float) -> Integers:
    squares = np.floor(centres_m / side_m).astype(np.int64)
    return np.asarray(np.unique(squares, axis=0, return_inverse=True)[1].reshape(-1), dtype=np.int64)
