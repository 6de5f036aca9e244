"""A table is shown in the width that the terminal has, without a broken word or number."""

import pytest

from mlrisk.cli.printing import print_parts
from mlrisk.cli.text.parts import Table

NARROW = Table("places", ("place", "cells"), (("Brcko", "1,204"), ("Doboj", "98")))
WIDE = Table(
    "decisions",
    ("model", "no.", "figures"),
    (
        (
            "a.contamination",
            "12",
            "recall at 10 % of the area 0.482 against 0.474 of the champion on the same 2,312 cells",
        ),
        ("b.contamination", "3", ""),
    ),
)


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def test_a_table_that_fits_has_a_row_a_line(capsys):
    print_parts([NARROW])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines if "Brcko" in line] == [["Brcko", "1,204"]]


def test_a_table_that_is_too_wide_has_a_line_a_cell(capsys):
    print_parts([WIDE])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "decisions",
        "a.contamination",
        "  no.: 12",
        "  figures: recall at 10 % of the area 0.482 against 0.474 of the champion on the",
        "    same 2,312 cells",
        "b.contamination",
        "  no.: 3",
    ]


def test_a_word_is_broken_only_where_it_alone_is_wider(capsys):
    print_parts([Table("one", ("what", "value"), (("digest", "f" * 64), ("path", "/".join(["folder"] * 20))))])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any("f" * 64 in line for line in lines)
    assert "".join(line.strip() for line in lines).endswith("/".join(["folder"] * 20))


def test_a_pipe_has_no_width(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS")
    print_parts([WIDE])
    assert len(capsys.readouterr().out.splitlines()) == 5
