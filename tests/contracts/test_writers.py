"""Every writer of WRITERS: files that say what they are, in the folder that was given, the same bytes each time."""

import zipfile
import zlib
from pathlib import Path

import pandas as pd
import pytest

from features.base import NOT_EVIDENCE
from mlrisk.outputs.registry import WRITERS
from mlrisk.settings.config import FORMATS
from tests.support.sample_package import sample_package

every_format = pytest.mark.parametrize("name", WRITERS)
# What belongs to another file of the same name: the parts of a shapefile, and styles that lie beside what they style.
PARTS = {".cpg", ".dbf", ".prj", ".shp", ".shx", ".qml"}

# The driver of file geodatabases numbers and dates its tables itself.
DATED = {"fgdb"}


@pytest.fixture(scope="module")
def package():
    return sample_package(rows=24, columns=30)


@pytest.fixture(scope="module")
def written(package, tmp_path_factory):
    """What each writer returned, and its folder; written once for all tests."""
    kept: dict[str, tuple[Path, list[Path]]] = {}

    def of(name):
        if name not in kept:
            folder = tmp_path_factory.mktemp(name)
            # The catalogue's item lists the files that are there.
            before = ["parquet"] if name == "stac" else []
            for other in before:
                WRITERS[other](package, folder)
            kept[name] = folder, WRITERS[name](package, folder)
        return kept[name]

    return of


def contents(path):
    """The bytes of a file as a reader sees them: members of an archive, streams of a PDF unpacked."""
    data = path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return b"".join(archive.read(name) for name in archive.namelist())
    if data.startswith(b"%PDF"):
        parts = [part.partition(b"endstream")[0].strip(b"\r\n") for part in data.split(b"stream\r\n")[1:]]
        parts += [part.partition(b"endstream")[0].strip(b"\r\n") for part in data.split(b"stream\n")[1:]]
        return data + b"".join(zlib.decompressobj().decompress(part) for part in parts if part[:1] == b"x")
    if path.suffix == ".ics":
        # Lines of a calendar are folded.
        return data.replace(b"\r\n ", b"")
    return data


def test_the_table_and_the_settings_name_the_same():
    assert tuple(WRITERS) == FORMATS


@every_format
def test_it_returns_the_files_that_it_wrote_and_writes_nowhere_else(name, written):
    folder, files = written(name)
    made = {path for path in folder.rglob("*") if path.is_file()} - (
        {folder / "risk.parquet"} if name == "stac" else set()
    )
    assert set(files) == made
    assert len(files) == len(set(files)) > 0
    assert all(path.stat().st_size for path in files)


@every_format
def test_every_file_says_that_it_is_no_evidence_of_absence(name, written):
    _, files = written(name)
    own = [path for path in files if path.suffix not in PARTS]
    assert own
    for path in own:
        text = contents(path)
        sentences = (NOT_EVIDENCE.encode(), NOT_EVIDENCE.encode("utf-16-be"))
        assert any(sentence in text for sentence in sentences), path.name


@pytest.mark.parametrize("name", [name for name in WRITERS if name not in DATED])
def test_the_same_package_gives_the_same_bytes(name, package, written, tmp_path):
    _, files = written(name)
    if name == "stac":
        WRITERS["parquet"](package, tmp_path)
    again = WRITERS[name](package, tmp_path)
    assert [path.name for path in again] == [path.name for path in files]
    for path, other in zip(files, again, strict=True):
        assert path.read_bytes() == other.read_bytes(), path.name


@every_format
def test_the_package_stays_as_it_is(name, package, tmp_path):
    before = package.risk.copy(), package.tasks.copy(), package.hazards.copy()
    WRITERS[name](package, tmp_path)
    for table, kept in zip((package.risk, package.tasks, package.hazards), before, strict=True):
        pd.testing.assert_frame_equal(pd.DataFrame(table), pd.DataFrame(kept))


@every_format
def test_no_file_holds_what_a_planner_does_not_need(name, written):
    """The sample carries a column of names on its settlements; a writer passes on only the columns that it knows."""
    for path in written(name)[1]:
        assert b"victim_name" not in contents(path), path.name
