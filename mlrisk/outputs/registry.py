"""Planner outputs: one function for each format, which takes a package and a folder and returns the files written."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from features.base import MlriskError, Place, filled
from mlrisk.outputs.scratch import move_in, scratch_folder
from mlrisk.outputs.written_files import failing_writes
from mlrisk.risk_map import Package
from mlrisk.settings import FORMATS
from training import reporting

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class LazyWriter:
    """A function of a module that is imported when it writes: a ranking that writes no PDF loads no matplotlib."""

    module: str
    function: str

    def __call__(self, package: Package, folder: Path) -> list[Path]:
        """Write the package into a folder; returns the written files."""
        from mlrisk.outputs.clean_package import clean_package

        return self.write_clean(clean_package(package), folder)

    def write_clean(self, package: Package, folder: Path) -> list[Path]:
        """Write a package that `clean_package` has returned; returns the written files."""
        files: list[Path] = getattr(import_module(f"mlrisk.outputs.{self.module}"), self.function)(package, folder)
        return files


# A new format is one module, one line here, its name in FORMATS of the settings and its files in ASSETS of stac.py.
# Formats are written in this order: the STAC item lists the files that are there, so it comes last.
WRITERS: dict[str, LazyWriter] = {
    "parquet": LazyWriter("geoparquet", "write_parquet"),
    "cog": LazyWriter("geotiff", "write_cog"),
    "gpkg": LazyWriter("geopackage", "write_gpkg"),
    "qgz": LazyWriter("qgis_project", "write_qgz"),
    "csv": LazyWriter("task_tables", "write_csv"),
    "xlsx": LazyWriter("task_tables", "write_xlsx"),
    "kml": LazyWriter("kml", "write_kml"),
    "gpx": LazyWriter("gpx", "write_gpx"),
    "calendar": LazyWriter("survey_calendar", "write_calendar"),
    "html": LazyWriter("map_page", "write_html"),
    "pdf": LazyWriter("task_sheets_pdf", "write_pdf"),
    "shp": LazyWriter("esri", "write_shp"),
    "fgdb": LazyWriter("esri", "write_fgdb"),
    "stac": LazyWriter("stac", "write_stac"),
}
if tuple(WRITERS) != FORMATS:
    raise RuntimeError(f"WRITERS ({', '.join(WRITERS)}) and FORMATS ({', '.join(FORMATS)}) must name the same formats")


Beside = Callable[[Package, Path], None]


def write_package(
    package: Package,
    folder: Place,
    formats: tuple[str, ...],
    summary: dict[str, object],
    more: Beside | None = None,
) -> tuple[Place, ...]:
    """Write every format, the files of `more` and summary.json beside `folder`, then move them in, the summary last.

    To an address they are uploaded at the end, see `features.base.object_store`.

    Raises MlriskError if one of them cannot be written completely; the earlier map is then unchanged. Files of earlier
    runs that this run does not write stay.
    """
    from mlrisk.outputs.clean_package import clean_package

    clean = clean_package(package)
    with filled("output.folder", folder) as local, scratch_folder(local) as scratch:
        for name in (name for name in WRITERS if name in formats):
            LOGGER.info("writing %s", name)
            with failing_writes(name):
                WRITERS[name].write_clean(clean, scratch)
        if more is not None:
            with failing_writes("reports"):
                more(package, scratch)
        with failing_writes("summary.json"):
            written = {path.name: path.stat().st_size for path in sorted(scratch.iterdir())}
            text = reporting.json_text({**summary, "written": written})
            (scratch / "summary.json").write_text(text, encoding="utf-8")
        files = sorted(path.name for path in scratch.iterdir())
        files.sort(key=lambda name: name == "summary.json")
        try:
            move_in(scratch, local, files)
        except OSError as error:
            raise MlriskError(f"output.folder ({folder}) cannot be written: {error.strerror or error}") from error
    LOGGER.info("%d files in %s", len(files), folder)
    return tuple(folder / name for name in files)
