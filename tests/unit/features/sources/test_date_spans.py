"""Spans of time, words around a date, and calendars that are not read: what the field writes beside plain days."""

import pandas as pd
import pytest

from features.base import InputError
from features.sources.date_spans import SPANS
from features.sources.date_texts import DateReading
from features.sources.dates import ParsedDates, parse_dates
from features.sources.loose_dates import LOOSE
from tests.support.source_files import table_of


def read(*texts: str) -> ParsedDates:
    return parse_dates(pd.Series(list(texts), dtype=object), DateReading())


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Q3 2004", "2004-09-30"), ("2004-Q1", "2004-03-31"), ("2nd quarter 2004", "2004-06-30"),
        ("III квартал 2004", "2004-09-30"), ("2018-2019", "2019-12-31"), ("2018/19", "2019-12-31"),
        ("15-17.06.2019", "2019-06-17"), ("15.06.2019-02.07.2019", "2019-07-02"),
        ("15/06/2019 - 17/06/2019", "2019-06-17"), ("15 June 2019 to 3 July 2019", "2019-07-03"),
    ],
)  # fmt: skip
def test_a_span_is_its_last_day_and_says_so(text: str, day: str) -> None:
    parsed = read(text)
    assert str(parsed.days[0]) == day
    assert [phrase for phrase in parsed.readings if phrase.startswith("of ")]


@pytest.mark.parametrize("text", ["2019-2018", "17.06.2019-15.06.2019", "2018-13", "Q5 2004", "2019-2018-2017"])
def test_a_span_that_ends_before_it_begins_is_not_understood(text: str) -> None:
    assert read(text).not_understood.tolist() == [True]


@pytest.mark.parametrize(
    "text",
    [
        "15. 6. 2019.", "15.6.2019.", "2019.06.15.", "15_06_2019", "15\\06\\2019", "'2019-06-15",
        "«15» июня 2019 \u0433.", "15-\u0433\u043e июня 2019", "15.06.2019\u0433.", "15.VI.2019", "15/VI/2019",
        "15. juna 2019.", "15. lipnja 2019", "Sat Jun 15 10:00:00 UTC 2019", "15 juin 2019 à 14h30",
        "sábado, 15 de junio de 2019", "15 HAZİRAN 2019", "le 15 juin 2019", "15 iyunda 2019", "15062019",
        "1560556800000000", "15 Haziran 2019 Cumartesi", "15/06/2019 12:00 \u0635", "15 հունիսի 2019",
        "15 ივნისი 2019",
    ],
)  # fmt: skip
def test_one_day_with_the_signs_and_words_of_the_field(text: str) -> None:
    assert str(read(text).days[0]) == "2019-06-15"


def test_spreadsheets_show_a_month_with_the_end_of_its_year() -> None:
    parsed = read("Jun-19", "19-Jun")
    assert (str(parsed.days[0]), parsed.precision[0]) == ("2019-06-30", "month")
    assert parsed.not_understood.tolist() == [False, True]


@pytest.mark.parametrize(
    "text",
    ["1398-01-15", "\u06f1\u06f3\u06f9\u06f8/\u06f0\u06f1/\u06f1\u06f5", "15 فروردین 1398", "15/03/1440", "1398"],
)
def test_years_of_a_hijri_calendar_are_not_understood_and_named(text: str, tmp_path) -> None:
    assert read(text).hijri.tolist() == [True]
    with pytest.raises(InputError, match="1 have years of a Hijri calendar"):
        table_of(tmp_path, f"E,N,date\n641000,4401000,{text}\n")


@pytest.mark.parametrize("text", ["1900-01-00", "1900-01-01", "00.01.1900", "1899-12-30"])
def test_the_zero_of_spreadsheets_is_no_day_on_which_something_was_known(text: str, tmp_path) -> None:
    rows = f"E,N,date\n641000,4401000,{text}\n642000,4401000,2019-06-15\n"
    _, report = table_of(tmp_path, rows)
    assert report.set_aside == {"impossible date": 1}


def test_the_zero_of_unix_is_noted_with_its_rows(tmp_path) -> None:
    _, report = table_of(tmp_path, "E,N,date\n641000,4401000,1970-01-01\n642000,4401000,2019-06-15\n")
    assert any("1 dates of 1 January 1970" in note and "line 2" in note for note in report.notes)


def test_orders_of_magnitude_of_seconds_since_1970_are_told_apart() -> None:
    texts = ("1560556800", "1560556800000", "1560556800000000", "1560556800000000000")
    parsed = read(*texts)
    assert {str(day) for day in parsed.days} == {"2019-06-15"}
    assert len(parsed.readings) == len(texts)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("circa 1993", "1993-12-31"), ("ca. 1993", "1993-12-31"), ("~1993", "1993-12-31"), ("1993?", "1993-12-31"),
        ("1993 (approx)", "1993-12-31"), ("около 1993 \u0433.", "1993-12-31"), ("vers 1993", "1993-12-31"),
        ("spring 1993", "1993-12-31"), ("été 1993", "1993-12-31"), ("весной 1993 года", "1993-12-31"),
        ("primavera de 1993", "1993-12-31"), ("1993-cü ilin payızı", "1993-12-31"), ("winter 1993", "1994-03-31"),
        ("winter 1993/94", "1994-03-31"), ("зима 1993-1994", "1994-03-31"), ("early 1993", "1993-12-31"),
        ("mid-1993", "1993-12-31"), ("end of June 1993", "1993-06-30"), ("конец июня 1993", "1993-06-30"),
        ("1990s", "1999-12-31"), ("1990-\u0435 годы", "1999-12-31"), ("??.06.1993", "1993-06-30"),
        ("1993-06-xx", "1993-06-30"), ("approx. 15 June 1993", "1993-06-15"),
    ],
)  # fmt: skip
def test_a_loose_date_is_the_last_day_that_it_can_be_and_says_so(text: str, day: str) -> None:
    parsed = read(text)
    assert str(parsed.days[0]) == day
    assert parsed.readings[LOOSE].tolist() == [True]


@pytest.mark.parametrize(
    "text",
    ["before 1993", "after 1993", "since spring 1993", "last spring", "winter", "fall of Shusha 1992", "15.06.????"],
)
def test_a_bound_or_a_season_without_a_year_is_not_understood(text: str) -> None:
    assert read(text).not_understood.tolist() == [True]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1993 or 1994", "1994-12-31"), ("1993 или 1994", "1994-12-31"), ("June/July 1993", "1993-07-31"),
        ("Dec 1992 - Jan 1993", "1993-01-31"),
    ],
)  # fmt: skip
def test_two_months_or_years_are_a_span(text: str, day: str) -> None:
    parsed = read(text)
    assert str(parsed.days[0]) == day
    assert parsed.readings[SPANS].tolist() == [True]


@pytest.mark.parametrize(
    ("texts", "days", "words"),
    [
        (["930615", "930702"], ["1993-06-15", "1993-07-02"], "year, month, day"),
        (["150693", "20793"], ["1993-06-15", "1993-07-02"], "day, month, year"),
        (["061593", "070293"], ["1993-06-15", "1993-07-02"], "month, day, year"),
        (["199306", "200412"], ["1993-06-30", "2004-12-31"], "year and month"),
    ],
)
def test_six_figures_are_read_in_the_one_form_that_fits_the_column(
    texts: list[str], days: list[str], words: str
) -> None:
    parsed = read(*texts)
    assert [str(day) for day in parsed.days] == days
    assert parsed.readings[f"of six figures read as {words}"].all()


def test_six_figures_of_several_forms_are_not_understood_without_an_order() -> None:
    assert read("010203", "020304").not_understood.all()
    ordered = parse_dates(pd.Series(["010203", "020304"]), DateReading(order="DMY"))
    assert [str(day) for day in ordered.days] == ["2003-02-01", "2004-03-02"]
