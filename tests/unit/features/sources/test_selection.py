"""A where clause selects the same rows whatever the size of the file and wherever a column changes its kind."""

import pandas as pd
import pytest

from features.base import InputError
from features.sources.selection import select_rows

STATUS = ["1"] * 350 + ["A1"] * 50
TABLE = pd.DataFrame(
    {
        "status": STATUS, "size": [""] * 367 + ["25"] * 33, "2018": ["1", "2"] * 200, "Size (m2)": ["7"] * 400,
        "when": ["2019-05-01"] * 399 + [""], "spoken": ["01.05.2019"] * 400, "name": ["Šuša"] * 200 + [""] * 200,
        "code": ["010"] * 100 + ["10"] * 300,
    },
    dtype=object,
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("status IS NOT NULL", 400), ("status <> 1", 50), ("size IS NULL", 367), ("status = 'A1'", 50),
        ("size > 9", 33),
        ("status IN (1, 2)", 350), ("status LIKE 'a%'", 50), ("status ILIKE 'a%'", 50), ('"2018" = 2', 200),
        ('"Size (m2)" BETWEEN 5 AND 9', 400), ("\"when\" >= '2019-05-01'", 399), ("name = 'Šuša'", 200),
        ("name <> 'x'", 400), ("code = '010'", 100), ("code = '10'", 300), ("status = 'B'", 0),
    ],
)  # fmt: skip
def test_what_a_clause_selects(where: str, rows: int) -> None:
    assert len(select_rows("a.csv", TABLE, where)) == rows


def test_rows_come_in_the_order_of_the_table() -> None:
    assert select_rows("a.csv", TABLE, "size > 9").tolist() == list(range(367, 400))


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("status > 9", r"orders status as numbers, and it holds texts \(row 351\)"),
        ("spoken >= '2019-01-01'", r"compares spoken with a date as text, and it is written otherwise \(row 1\)"),
        ('"stauts" = 1', "names 'stauts'"),
        ("stauts = 1", "no such column: stauts"),
        ("status = ", "does not fit"),
        ("1) ; DROP TABLE t; --", "does not fit"),
    ],
)
def test_clauses_that_would_select_nonsense_are_refused(where: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        select_rows("a.csv", TABLE, where)
