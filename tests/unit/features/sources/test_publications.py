"""A published table whose columns nobody mapped is explained, in the message or in the report."""

import pytest

from features.base.errors import InputError
from tests.support.source_files import LEFT, table_of

ACLED = "event_date,event_type,sub_event_type,fatalities,E,N\n2020-05-03,Battles,Armed clash,2,{east},4410000\n"
ACLED = ACLED.format(east=LEFT + 5_000)


def test_an_acled_table_without_a_mapping_says_where_its_dates_are(tmp_path):
    _, report = table_of(tmp_path, ACLED, "conflict_events")
    assert "this looks like an ACLED table: date is event_date: give columns" in report.notes


def test_a_mapped_one_says_nothing(tmp_path):
    _, report = table_of(tmp_path, ACLED, "conflict_events", columns={"date": "event_date"})
    assert not any("looks like" in note for note in report.notes)


def test_a_column_that_is_not_there_is_explained(tmp_path):
    with pytest.raises(InputError, match="this looks like an ACLED table: date is event_date; give columns"):
        table_of(tmp_path, ACLED, "conflict_events", columns={"date": "day"})


def test_a_table_under_the_wrong_source_is_named(tmp_path):
    with pytest.raises(InputError, match="an ACLED table: it belongs under conflict_events"):
        table_of(tmp_path, ACLED, "incidents", columns={"date": "day"})


def precise(folder, column: str, codes: list[object], **spec: object):
    rows = "".join(f"2020-05-0{n},{LEFT + 5_000 + 1_000 * n},4410000,{code}\n" for n, code in enumerate(codes, start=1))
    columns = {"location_error_m": column, **spec.pop("columns", {})}
    return table_of(folder, f"date,E,N,{column}\n{rows}", "conflict_events", columns=columns, **spec)


@pytest.mark.parametrize(
    ("column", "metres"), [("where_prec", [1_000, 25_000, 25_000, 75_000]), ("GEO_PRECISION", [1_000, 25_000, 75_000])]
)
def test_codes_of_precision_are_read_as_metres(tmp_path, column, metres):
    table, report = precise(tmp_path, column, list(range(1, len(metres) + 1)))
    assert table["location_error_m"].tolist() == metres
    assert any(
        note.startswith(f"location_error_m: {column} holds codes of precision, read as") for note in report.notes
    )


def test_metres_of_the_config_come_before_those_of_a_publication(tmp_path):
    table, report = precise(tmp_path, "where_prec", [1, 2], values={"location_error_m": {"1": 300, "2": 9_000}})
    assert table["location_error_m"].tolist() == [300, 9_000]
    assert not any("codes of precision" in note for note in report.notes)


@pytest.mark.parametrize(("values", "noted"), [([1, 3, 2], True), ([1, 2, 500], False), ([2.5, 3, 4], False)])
def test_other_columns_that_may_hold_codes_are_noted(tmp_path, values, noted):
    _, report = precise(tmp_path, "accuracy", values)
    assert any("may be codes of precision" in note for note in report.notes) == noted
