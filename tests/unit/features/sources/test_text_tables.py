"""Delimited text: quotes that swallow rows, titles, separators, encodings; rows are named by their line."""

import csv
from pathlib import Path

import pandas as pd
import pytest

from features.base import ConfigError, InputError
from features.sources.encodings import decode
from features.sources.report import Tally
from features.sources.text_tables import read_text
from tests.support.source_files import table_of

HEADER = "E,N,date,notes"
ROWS = [f"{641_000 + number},4410000,2019-05-{number + 1:02},ok" for number in range(8)]


def read(text: str | bytes, encoding: str | None = None) -> tuple[pd.DataFrame, list[int], Tally]:
    tally = Tally()
    content = text.encode() if isinstance(text, str) else text
    table, lines = read_text("a.csv", content, encoding, tally)
    return table, lines.tolist(), tally


def with_notes(**notes: str) -> str:
    rows = [row.replace("ok", notes.get(f"n{number}", "ok")) for number, row in enumerate(ROWS)]
    return "\n".join([HEADER, *rows]) + "\n"


@pytest.mark.parametrize(
    ("notes", "why"),
    [
        (
            {"n1": '"12 inch', "n4": '"hill'},
            "line 3 ends in the middle of a text: it would swallow 3 lines up to line 6",
        ),
        ({"n1": '"12 inch'}, "line 3 never ends: it would swallow 6 lines up to line 9"),
        ({"n1": '"12 inch', "n4": 'hill"'}, "line 3 ends only in line 6, and each line between is a row by itself"),
        ({"n1": '"12 inch', "n2": 'hill"'}, "line 3 ends only in line 4"),
    ],
)
def test_a_quote_that_swallows_rows_is_refused_with_its_line(notes: dict[str, str], why: str) -> None:
    with pytest.raises(InputError, match=why):
        read(with_notes(**notes))


def test_texts_of_several_lines_and_quotes_within_a_line_are_read() -> None:
    table, lines, _ = read(with_notes(n1='"first line\nsecond, line"', n2='"say ""hill"""', n3='near "the" mill'))
    assert table["notes"].tolist()[1:4] == ["first line\nsecond, line", 'say "hill"', 'near "the" mill']
    assert lines == [2, 3, 5, 6, 7, 8, 9, 10]


@pytest.mark.parametrize(
    ("before", "line"),
    [("Register of accidents\n\n", 3), ("Register,,,\nof 2019,,,\n", 3), ("# exported 2024\n", 2), ("# a, b\n", 2)],
)
def test_titles_and_comments_above_the_header_are_passed_over(before: str, line: int) -> None:
    table, lines, tally = read(before + with_notes())
    assert list(table.columns) == HEADER.split(",")
    assert lines[0] == line + 1
    assert f"header read from line {line}: what stands above it is a title or a comment" in tally.notes


def test_a_separator_line_names_the_separator() -> None:
    table, lines, _ = read("sep=;\n" + with_notes().replace(",", ";").replace("641000;", "641000,5;"))
    assert table["E"].tolist()[0] == "641000,5"
    assert lines[0] == 3


def test_hxl_tags_are_no_row() -> None:
    table, _, tally = read(f"{HEADER}\n#geo+lon,#geo+lat,#date,\n" + "\n".join(ROWS))
    assert len(table) == 8
    assert "HXL tags in line 2 passed over" in tally.notes


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("641000,4410000", "line 4 has 2 fields and the header 4: it is cut"),
        ("641000,25,4410000,75,2019-05-01,ok", "numbers with a decimal comma need quotes"),
        ("641000,4410000,2019-05-01,North, hill", "a text that holds ',' needs quotes"),
    ],
)
def test_rows_of_another_length_get_advice_that_fits(row: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        read("\n".join([HEADER, *ROWS[:2], row, *ROWS[2:]]))


def test_blanks_before_quotes_a_last_ctrl_z_and_empty_columns_do_no_harm() -> None:
    rows = [f'{row[:-2]} "Village, North",' for row in ROWS]
    table, _, _ = read("\n".join([HEADER + ",", *rows]) + "\n\x1a")
    assert table["notes"].tolist() == ["Village, North"] * 8
    assert list(table.columns) == HEADER.split(",")


def test_a_zero_byte_and_a_column_twice_are_refused() -> None:
    with pytest.raises(InputError, match="line 3 holds a zero byte"):
        read(with_notes(n1="o\x00k"))
    with pytest.raises(InputError, match="columns of the same name: a"):
        read("a,b,a\n1,2,3\n")


def test_a_person_in_the_place_of_names_is_not_shown_where_a_name_stands_twice() -> None:
    """Of a first line that is a record, only the names that stood twice were judged, and a victim was among them."""
    line = "Zyxwvuta Qanareva,Zyxwvuta Qanareva,1987-01-23,46.7,39.8"
    with pytest.raises(InputError, match="5 columns, whose first line looks like a record") as refused:
        read("\n".join([line] * 3).encode())
    assert "Qanareva" not in str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251", "koi8_r"])
def test_the_encoding_is_found(encoding: str) -> None:
    rows = [row.replace("ok", "возле села Агдам") for row in ROWS]
    table, _, _ = read("\n".join([HEADER, *rows]).encode(encoding))
    assert table["notes"].tolist() == ["возле села Агдам"] * 8


def test_a_likely_encoding_is_noted_and_a_given_one_is_taken() -> None:
    content = with_notes(n1="Ağdam, Şuşa".replace(",", " ")).encode("cp1254")
    assert "encoding cp1254, the likeliest: if letters are wrong, give encoding" in read(content)[2].notes
    assert read(content, "cp1254")[2].notes == []
    with pytest.raises(InputError, match=r"not in utf-8 \(line 3\)"):
        read(content, "utf-8")
    with pytest.raises(ConfigError, match="encoding \\('klingon'\\) is not known"):
        read(content, "klingon")


def test_one_bad_line_does_not_change_the_others() -> None:
    content = "\n".join(["a,b", *[f"{number},Ağdam" for number in range(30)]]).encode() + b"\n31,A\xf0dam\n"
    decoded = decode(content, None, "a.csv")
    assert decoded.text.count("Ağdam") == 30
    assert "line 32" in decoded.note


def test_rows_are_named_by_their_line(tmp_path: Path) -> None:
    text = "\n\n".join([HEADER, *ROWS, "641000,4410000,2019-02-30,ok"])
    _, report = table_of(tmp_path, text)
    assert report.rows_read == 9
    assert "date not understood: line 19" in report.notes


def test_rows_of_several_files_are_named_with_their_file(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text(f"{HEADER}\n641000,4410000,2019-02-30,ok\n{ROWS[0]}\n")
    _, report = table_of(tmp_path, with_notes().replace("2019-05-03", ""), path=["a.csv", "b.csv"])
    assert {"no date: line 4 of a.csv", "date not understood: line 2 of b.csv"} <= set(report.notes)
    assert report.rows_read == report.rows_kept + sum(report.set_aside.values())


@pytest.mark.parametrize("where", ["header", "far below"])
def test_a_long_field_is_read_and_the_limit_of_the_process_stays(where):
    limit, rows = csv.field_size_limit(), ["1,b"] * (60 if where == "far below" else 0)
    text = "\n".join(["a,b", *rows, f"1,{'x' * 200_000}"])
    table, _ = read_text("table", text.encode(), None, Tally())
    assert len(table["b"].iloc[-1]) == 200_000
    assert csv.field_size_limit() == limit
