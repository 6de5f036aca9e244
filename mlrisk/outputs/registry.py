"""Planner outputs: one function a format, each of which takes a package and a folder and returns the files written."""

import json
import logging
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from features.base import MlriskError
from mlrisk.risk_map import Package
from mlrisk.settings import FORMATS

LOGGER = logging.getLogger(__name__)

Writer = Callable[[Package, Path], list[Path]]


@dataclass(frozen=True)
class LazyWriter:
    """A function of a module that is imported when it writes: a ranking that writes no PDF loads no matplotlib."""

    module: str
    function: str

    def __call__(self, package: Package, folder: Path) -> list[Path]:
        """Write the package into a folder; the files that were written."""
        files: list[Path] = getattr(import_module(f"mlrisk.outputs.{self.module}"), self.function)(package, folder)
        return files


# A new format is one module, one line here and its name in FORMATS of the settings. Formats are written in this order:
# the STAC item lists the files that are there, so it comes last.
WRITERS: dict[str, Writer] = {
    "parquet": LazyWriter("geoparquet", "write_parquet"),
    "cog": LazyWriter("geotiff", "write_cog"),
    "gpkg": LazyWriter("geopackage", "write_gpkg"),
    "csv": LazyWriter("task_tables", "write_csv"),
    "xlsx": LazyWriter("task_tables", "write_xlsx"),
    "kml": LazyWriter("kml", "write_kml"),
    "gpx": LazyWriter("gpx", "write_gpx"),
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
    folder: Path,
    formats: tuple[str, ...],
    summary: dict[str, object],
    more: Beside | None = None,
) -> tuple[Path, ...]:
    """Write every format, what `more` writes and summary.json beside `folder`, then move the files in, that one last.

    Raises MlriskError where the folder cannot be written. Files of earlier runs that this run does not write stay.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise MlriskError(f"output.folder ({folder}) cannot be written: {error.strerror or error}") from error
    try:
        for name in (name for name in WRITERS if name in formats):
            LOGGER.info("writing %s", name)
            WRITERS[name](package, scratch)
        if more is not None:
            more(package, scratch)
        written = {path.name: path.stat().st_size for path in sorted(scratch.iterdir())}
        text = json.dumps({**summary, "written": written}, indent=1, ensure_ascii=False, default=str)
        (scratch / "summary.json").write_text(text, encoding="utf-8")
        folder.mkdir(exist_ok=True)
        # A summary speaks for all files of a map: from the first one that is replaced the old one holds no more.
        (folder / "summary.json").unlink(missing_ok=True)
        files = sorted(scratch.iterdir(), key=lambda path: (path.name == "summary.json", path.name))
        for path in files:
            path.replace(folder / path.name)
    except OSError as error:
        raise MlriskError(f"output.folder ({folder}) cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    LOGGER.info("%d files in %s", len(files), folder)
    return tuple(folder / path.name for path in files)
