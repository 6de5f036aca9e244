"""Types that say which records each cell of a tile leaves out; distances and densities share them."""

from collections.abc import Iterator
from dataclasses import dataclass

from features.base import Integers


@dataclass(frozen=True, eq=False)
class OwnRecords:
    """Windows of a tile with the records that their cells own.

    `windows` (m, 4) holds row start, row stop, column start, column stop in the tile; windows do not overlap. The
    members of window w are `members[starts[w]:starts[w + 1]]`, indices of records. `cells` is True where every
    window is a single cell.
    """

    windows: Integers
    starts: Integers
    members: Integers
    cells: bool

    def each(self) -> Iterator[tuple[tuple[int, int, int, int], Integers]]:
        """Each window with its members."""
        for number, (top, bottom, left, right) in enumerate(self.windows.tolist()):
            yield (top, bottom, left, right), self.members[self.starts[number] : self.starts[number + 1]]


# Records by the rule that applies to them: their row numbers in the table, and the windows whose members index into
# these row numbers; None without owners.
OwnRecordsByRule = list[tuple[Integers, OwnRecords | None]]
