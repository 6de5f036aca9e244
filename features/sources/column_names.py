"""Names of a file's columns for messages: without a header the first line may hold personal data."""

import re
from collections.abc import Iterable

LONGEST_NAME, MOST_NAMES = 40, 60
QUOTE = "'"
# Text that occurs in records and not in names of columns: decimals, days, mail, long numbers. A bare year may be a
# name.
VALUE = re.compile(
    r"""[-+]?\d+[.,]\d+ | [-+]?\d{5,} | \d{1,4}[-./]\d{1,2}[-./]\d{1,4} (?:[T\s].*)? | [-+]\d+
    | .*\b\d{4}-\d{2}-\d{2}\b.* | .*\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b.* | .*\S@\S.* | [+(]?\d[\d\s()/-]{6,}""",
    re.VERBOSE | re.DOTALL,
)


def shown_names(names: Iterable[object], mark: str = "", among: Iterable[object] | None = None) -> str:
    """The names one after another, each between `mark`, or a sentence if the first line holds values.

    `among` are all names of the first line, where only some of them are to be shown.

    >>> shown_names(["date", "pop_2020", "2015"])
    'date, pop_2020, 2015'
    >>> shown_names(["A Name", "1987-01-23", "44.2"])
    '3 columns, whose first line looks like a record and not like names: put a line of names above it'
    >>> shown_names(["A Name"], among=["A Name", "A Name", "1987-01-23"])
    '3 columns, whose first line looks like a record and not like names: put a line of names above it'
    """
    texts = [str(name).strip() for name in names]
    every = texts if among is None else [str(name).strip() for name in among]
    if any(VALUE.fullmatch(text) for text in every):
        return (
            f"{len(every)} columns, whose first line looks like a record and not like names: put a line of names above "
            "it"
        )
    cut = [text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}..." for text in texts[:MOST_NAMES]]
    more = [f"and {len(texts) - MOST_NAMES} more"] if len(texts) > MOST_NAMES else []
    return ", ".join([*(f"{mark}{text}{mark}" for text in cut), *more])
