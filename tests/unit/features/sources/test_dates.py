"""Dates in the forms of the field; what is not understood is never taken for a missing date."""

import pandas as pd
import pytest

from features.base import InputError
from features.sources.date_texts import DateReading
from features.sources.dates import ParsedDates, latest_hours, parse_dates
from features.sources.months import month_of
from tests.support.source_files import table_of


def read(*texts: object, **how: object) -> ParsedDates:
    return parse_dates(pd.Series(list(texts), dtype=object), DateReading(**how))


def days(*texts: object, **how: object) -> list[str]:
    return [str(day) for day in read(*texts, **how).days]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "12 iyun 2019", "12 июня 2019 \u0433.", "12 Haziran 2019", "12 juin 2019", "12 de junio de 2019",
        "12 Junho 2019",
        "12 червня 2019", "12 يونيو 2019", "12 حزيران 2019", "12 ژوئن 2019", "12 جون 2019", "12. juni 2019.",
        "June 12, 2019", "12th June 2019", "Wed 12 Jun 2019", "12-Jun-19", "2019-cu il 12 iyun", "12-Jun-2019 14:30",
        "2019-06-12", "20190612", "201906121430", "20190612143000", "12.06.2019", "2019/6/12", "2019-06-12T23:30:00",
        "2019-06-12 (approx.)", "43628", "43628.5", "1560297600", "1560297600000", "٢٠١٩-٠٦-١٢",
    ],
)  # fmt: skip
def test_one_day_in_the_forms_of_the_field(text: str) -> None:
    assert days(text) == ["2019-06-12"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "language"),
    [
        ("yanvar fevral mart aprel may iyun iyul avqust sentyabr oktyabr noyabr dekabr", "az"),
        ("января февраля марта апреля мая июня июля августа сентября октября ноября декабря", "ru"),
        ("Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık", "tr"),
        ("janvier février mars avril mai juin juillet août septembre octobre novembre décembre", "fr"),
        ("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre", "es"),
        ("janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro", "pt"),
        ("يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر", "ar"),
        ("січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня", "uk"),
        ("ژانویه فوریه مارس آوریل مه ژوئن ژوئیه اوت سپتامبر اکتبر نوامبر دسامبر", "fa"),
        ("jan feb mar apr may jun jul aug sep oct nov dec", "en"),
    ],
)  # fmt: skip
def test_the_months_of_every_language(names: str, language: str) -> None:
    assert [month_of(name) for name in names.split()] == list(range(1, 13)), language


@pytest.mark.parametrize(
    ("text", "day", "precision"),
    [
        ("2019-00-00", "2019-12-31", "year"), ("00/00/2019", "2019-12-31", "year"), ("2019", "2019-12-31", "year"),
        ("2019-05-00", "2019-05-31", "month"), ("00.05.2019", "2019-05-31", "month"),
        ("05.2019", "2019-05-31", "month"),
        ("Mar-2019", "2019-03-31", "month"), ("март 2019", "2019-03-31", "month"), ("2019-W12", "2019-03-24", "day"),
    ],
)  # fmt: skip
def test_parts_of_a_date_are_the_latest_day_that_they_can_be(text: str, day: str, precision: str) -> None:
    parsed = read(text)
    assert (str(parsed.days[0]), parsed.precision[0]) == (day, precision)


@pytest.mark.parametrize("text", ["", "-", "0000-00-00", "n/a", "unknown", "неизвестно", "naməlum", None])
def test_texts_that_say_that_nobody_knows_are_missing(text: str | None) -> None:
    parsed = read(text)
    assert str(parsed.days[0]) == "NaT"
    assert not parsed.not_understood[0]


@pytest.mark.parametrize(
    "text",
    ["2019-02-30", "31.04.2019", "someday", "2019-05-12 - 2019-05-14", "1.55147E+12", "99999", "123456", "last spring",
     "12 foo 2019", "2019-13-01", "20191301"],
)  # fmt: skip
def test_what_is_not_understood_is_not_missing(text: str) -> None:
    parsed = read(text)
    assert str(parsed.days[0]) == "NaT"
    assert parsed.not_understood[0]


def test_numbers_that_stand_for_days_are_named() -> None:
    parsed = read(43628, 1560297600, "2019-06-12")
    assert {phrase: flags.tolist() for phrase, flags in parsed.readings.items()} == {
        "read as day numbers of a spreadsheet": [True, False, False],
        "read as seconds since 1970": [False, True, False],
    }


def test_a_column_with_both_orders_says_so_and_counts_the_ambiguous() -> None:
    parsed = read("25/03/2019", "03/25/2019", "03/04/2019", "05/05/2019")
    assert [str(day) for day in parsed.days] == ["2019-03-25", "2019-03-25", "2019-04-03", "2019-05-05"]
    assert parsed.ambiguous.tolist() == [False, False, True, False]
    assert parsed.readings["with the month first"].tolist() == [False, True, False, False]
    assert parsed.readings["with the day first"].tolist() == [True, False, False, False]


def test_a_given_order_is_the_only_one() -> None:
    assert days("03/04/2019", "25/03/2019", order="MDY") == ["2019-03-04", "NaT"]
    assert read("03/04/2019", "25/03/2019", order="MDY").not_understood.tolist() == [False, True]
    assert days("19/03/04", order="YMD") == ["2019-03-04"]


def test_times_in_utc_count_for_the_latest_local_day() -> None:
    times = ["2019-12-31T20:00:00Z", "2019-12-31T12:00:00+00:00", "2019-12-31T00:00:00Z", "2019-12-31T20:00:00+04:00"]
    parsed = read(*times, latest_hours=latest_hours(46.7))
    assert [str(day) for day in parsed.days] == ["2020-01-01", "2019-12-31", "2019-12-31", "2019-12-31"]
    assert len(parsed.readings) == 2
    assert days(*times, zone="Asia/Baku") == ["2020-01-01", "2019-12-31", "2019-12-31", "2019-12-31"]
    assert days("2020-01-01T02:00:00Z", zone="America/Bogota") == ["2019-12-31"]


ROWS = "E,N,date\n647000,4410000,{}\n647100,4410000,2019-05-01\n647200,4410000,2019-05-02\n647300,4410000,\n"


def test_a_record_whose_date_is_not_understood_is_never_known_at_any_time(tmp_path) -> None:
    table, report = table_of(tmp_path, ROWS.format("last spring"))
    assert len(table) == 2
    assert report.set_aside == {"date not understood": 1, "no date": 1}
    assert "date: 1 values are no dates that are understood, such as 'last spring' (line 2)" in report.notes


def test_a_column_that_is_not_understood_is_refused_with_an_example(tmp_path) -> None:
    text = ROWS.replace("2019-05-01", "next spring").format("last spring")
    with pytest.raises(
        InputError, match=r"date: 2 values are no dates .* such as 'last spring', 'next spring' \(lines 2, 3"
    ):
        table_of(tmp_path, text)


def test_the_year_stands_in_for_a_date_that_is_not_understood(tmp_path) -> None:
    text = "E,N,date,year\n647000,4410000,spring,2018\n647100,4410000,2019-05-01,2019\n647200,4410000,2019-05-02,2019\n"
    table, report = table_of(tmp_path, text)
    assert [str(day)[:10] for day in table["date"]] == ["2018-12-31", "2019-05-01", "2019-05-02"]
    assert report.set_aside == {}


def test_a_record_date_that_is_not_understood_sets_the_record_aside(tmp_path) -> None:
    text = "E,N,hazard_type,record_date\n647000,4410000,CHA,2019-05-01\n647100,4410000,CHA,x9\n647200,4410000,CHA,\n"
    table, report = table_of(tmp_path, text, "hazard_areas")
    assert len(table) == 2
    assert report.set_aside == {"date not understood": 1}
