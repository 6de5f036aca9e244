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
