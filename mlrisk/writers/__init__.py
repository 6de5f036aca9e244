"""Planner outputs: one function a format, each of which takes a package and a folder and returns the files written."""

from collections.abc import Callable
from pathlib import Path

from mlrisk.package import Package

Writer = Callable[[Package, Path], list[Path]]

# Each function imports its writer when called: a run that writes Parquet alone must not pay for Bokeh and GDAL.


def _parquet(package: Package, folder: Path) -> list[Path]:
    from mlrisk.writers.parquet import write_parquet

    return write_parquet(package, folder)


def _cog(package: Package, folder: Path) -> list[Path]:
    from mlrisk.writers.cog import write_cog

    return write_cog(package, folder)


def _gpkg(package: Package, folder: Path) -> list[Path]:
    from mlrisk.writers.gpkg import write_gpkg

    return write_gpkg(package, folder)


def _csv(package: Package, folder: Path) -> list[Path]:
    from mlrisk.writers.sheets import write_csv

    return write_csv(package, folder)


def _xlsx(package: Package, folder: Path) -> list[Path]:
    from mlrisk.writers.sheets import write_xlsx

    return write_xlsx(package, folder)


def _kml(package: Package, folder: Path) -> list[Path]:
    from mlrisk.writers.kml import write_kml

    return write_kml(package, folder)


def _html(package: Package, folder: Path) -> list[Path]:
    from mlrisk.writers.page import write_html

    return write_html(package, folder)


def _pdf(package: Package, folder: Path) -> list[Path]:
    from mlrisk.writers.pdf import write_pdf

    return write_pdf(package, folder)


def _stac(package: Package, folder: Path) -> list[Path]:
    from mlrisk.writers.stac import write_stac

    return write_stac(package, folder)


def _shp(package: Package, folder: Path) -> list[Path]:
    from mlrisk.writers.esri import write_shp

    return write_shp(package, folder)


def _fgdb(package: Package, folder: Path) -> list[Path]:
    from mlrisk.writers.esri import write_fgdb

    return write_fgdb(package, folder)


# They are written in this order: the STAC item lists the files that are there, so it comes last.
WRITERS: dict[str, Writer] = {
    "parquet": _parquet,
    "cog": _cog,
    "gpkg": _gpkg,
    "csv": _csv,
    "xlsx": _xlsx,
    "kml": _kml,
    "html": _html,
    "pdf": _pdf,
    "shp": _shp,
    "fgdb": _fgdb,
    "stac": _stac,
}
# Written where the config asks for them: GeoPackage holds the same, and more.
OPTIONAL = ("shp", "fgdb")
