"""Tables as web pages, XML of old programs and JSON: read under the names that they are saved under."""

import gzip
import json
import zipfile
from pathlib import Path

import pytest

from features.base import InputError
from features.sources.sheets import filled_sheets
from tests.support.source_files import kept, opened, table_of

HEADER = ("longitude", "latitude", "date")
ROWS = [("46.71", "39.75", "2019-01-01"), ("46.72", "39.75", "2019-01-02")]
EXCEL_2003 = """<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
{sheets}</Workbook>"""


def web_table(*rows: tuple[str, ...], close: bool = True) -> str:
    end = ("</td>", "</tr>") if close else ("", "")
    return "<table>" + "".join("<tr>" + "".join(f"<td>{c}{end[0]}" for c in row) + end[1] for row in rows) + "</table>"


def sheet(*rows: tuple[str, ...], name: str = "Accidents") -> str:
    made = [
        "<Row>" + "".join(f'<Cell><Data ss:Type="String">{cell}</Data></Cell>' for cell in row) + "</Row>"
        for row in rows
    ]
    return f'<Worksheet ss:Name="{name}"><Table>\n{"".join(made)}\n</Table></Worksheet>'


def book(*sheets: str) -> str:
    return EXCEL_2003.format(sheets="\n".join(sheets))


@pytest.mark.parametrize("name", ["a.xls", "a.csv"])
@pytest.mark.parametrize(
    "content",
    [
        f"<html><head><style>td {{x}}</style></head><body>{web_table(HEADER, *ROWS)}</body></html>",
        web_table(HEADER, *ROWS, close=False),
        f"<table><tr><td>{web_table(HEADER, *ROWS)}</td></tr></table>",
        book(sheet(HEADER, *ROWS)),
        book(sheet(HEADER, *ROWS)).encode("utf-16"),
    ],
    ids=["page", "unclosed", "in a layout", "Excel 2003", "UTF-16"],
)
def test_a_table_of_markup_is_read(tmp_path: Path, name: str, content: str | bytes) -> None:
    table, report = table_of(tmp_path, content, name=name)
    assert (report.rows_read, len(table)) == (2, 2)
    assert [str(day)[:10] for day in table["date"]] == ["2019-01-01", "2019-01-02"]


def test_cells_that_span_others_leave_them_empty(tmp_path: Path) -> None:
    rows = "<tr><td rowspan=2>46.71<td>39.75<td>2019-01-01<tr><td>39.76<td>2019-01-02"
    table, report = table_of(tmp_path, f"<table><tr><th>longitude<th>latitude<th>date{rows}</table>", name="a.xls")
    assert (len(table), report.set_aside) == (1, {"no geometry": 1})
    assert "no geometry: row 3" in report.notes


def test_excel_names_the_column_of_a_cell_after_empty_ones(tmp_path: Path) -> None:
    cells = "<Cell><Data>46.71</Data></Cell><Cell><Data>39.75</Data></Cell>"
    gap = f'<Row>{cells}<Cell ss:Index="4"><Data>3</Data></Cell></Row>'
    content = book(sheet((*HEADER, "killed"))).replace("</Row>\n", f"</Row>{gap}\n")
    table, _ = table_of(tmp_path, content, name="a.xls")
    assert table["killed"].tolist() == [3]


def test_several_sheets_of_markup_need_a_layer(tmp_path: Path) -> None:
    content = book(sheet(HEADER, *ROWS), sheet(("code", "meaning"), ("1", "a"), name="Codes"))
    with pytest.raises(InputError, match=r"holds 2 sheets \(Accidents, Codes\): give layer"):
        table_of(tmp_path, content, name="a.xls")
    assert len(table_of(tmp_path, content, name="a.xls", layer="Accidents")[0]) == 2
    assert filled_sheets(tmp_path / "a.xls") == ["Accidents", "Codes"]


RECORDS = [dict(zip(HEADER, row, strict=True)) for row in ROWS]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", json.dumps(RECORDS)),
        ("a.json", json.dumps({"status": 200, "data": RECORDS})),
        ("a.json", "\n".join(json.dumps(record) for record in RECORDS)),
        ("a.jsonl", "\n".join(json.dumps(record) for record in RECORDS)),
        ("a.json", json.dumps([{"date": r["date"], "at": f"{r['latitude']}, {r['longitude']}"} for r in RECORDS])),
        ("a.json", json.dumps([{"date": r["date"], "at": [39.75, float(r["longitude"])]} for r in RECORDS])),
        ("a.json", json.dumps([{"at": {"type": "Point", "coordinates": [46.71, 39.75]}} for _ in RECORDS])),
    ],
    ids=["list", "in an answer", "lines", "jsonl", "pairs", "lists", "GeoJSON in a column"],
)  # fmt: skip
def test_records_in_json_are_read(tmp_path: Path, name: str, content: str) -> None:
    table, report = table_of(tmp_path, content, name=name, duplicates="keep")
    assert (report.rows_read, len(table)) == (2, 2)
    assert table.to_crs(4326).geometry.x.round(4).between(46.71, 46.72).all()


def test_objects_in_a_record_are_columns(tmp_path: Path) -> None:
    records = [{"place": {"lon": 46.71, "lat": 39.75}, "date": "2019-01-01", "killed": None}]
    columns = {"longitude": "place.lon", "latitude": "place.lat"}
    assert len(table_of(tmp_path, json.dumps(records), name="a.json", columns=columns)[0]) == 1


def test_one_page_of_many_says_so(tmp_path: Path) -> None:
    content = json.dumps({"count": 900, "next": "https://", "results": RECORDS})
    _, report = table_of(tmp_path, content, name="a.json")
    assert "records from 'results'" in report.notes
    assert any("says there is more (900 records in all)" in note for note in report.notes)


def test_several_lists_of_records_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"several lists of records \(a, b\)"):
        table_of(tmp_path, json.dumps({"a": RECORDS, "b": RECORDS}), name="a.json")


def test_a_name_that_a_record_gives_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a record gives 'date' twice"):
        table_of(tmp_path, '[{"longitude": 46.71, "date": "2019-01-01", "date": "2018-01-01"}]', name="a.json")


def test_compressed_records_are_read(tmp_path: Path) -> None:
    content = json.dumps(RECORDS).encode()
    assert len(table_of(tmp_path, gzip.compress(content), name="a.json.gz")[0]) == 2
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("records.json", content)
    table, report = kept(opened(tmp_path, incidents="b.zip"), "incidents")
    assert len(table) == 2
    assert "records.json of the archive" in report.notes
