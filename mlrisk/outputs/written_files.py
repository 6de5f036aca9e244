"""Checks of written files: GDAL reports some errors only in its log and leaves an incomplete file."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from features.base import MlriskError

# The logger in which rasterio notes every error that GDAL signals.
GDAL_LOG, GDAL_ERROR = "rasterio._env", "GDAL signalled an error"


class WriteError(MlriskError):
    """A file could not be written completely."""


class _Errors(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if message.startswith(GDAL_ERROR) or record.levelno >= logging.ERROR:
            self.messages.append(message)


@contextmanager
def failing_writes(what: str) -> Iterator[None]:
    """Raise WriteError for the format `what` if writing fails or GDAL reports an error in its log."""
    errors, logger = _Errors(), logging.getLogger(GDAL_LOG)
    level, logger.level = logger.level, min(logging.INFO, logger.level or logging.INFO)
    logger.addHandler(errors)
    try:
        yield
    except MlriskError:
        raise
    except (OSError, MemoryError, *_library_errors()) as error:  # type: ignore[misc]
        raise _failed(what, error, errors.messages) from error
    finally:
        logger.removeHandler(errors)
        logger.level = level
    if errors.messages:
        raise _failed(what, None, errors.messages)


def check_raster(path: Path, shape: tuple[int, int], known: list[int]) -> None:
    """Raise WriteError if a raster has another shape, or a band another number of `known` pixels, than was written."""
    import rasterio

    with rasterio.open(path) as image:
        if image.shape != shape or image.count != len(known):
            raise WriteError(
                f"{path.name} has {image.count} bands of {image.shape}, {len(known)} of {shape} were given"
            )
        for band, wanted in enumerate(known, start=1):
            found = sum(
                int(np.count_nonzero(image.read_masks(band, window=window))) for _, window in image.block_windows(band)
            )
            if found != wanted:
                raise WriteError(
                    f"{path.name} has {found:,} pixels in band {band}, {wanted:,} were given: it has a hole"
                )


def check_layers(path: Path, rows: dict[str, int]) -> None:
    """Raise WriteError if a GeoPackage is damaged or a layer has another number of rows than was written."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        (state,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise WriteError(f"{path.name} is damaged: {state}")
        for layer, wanted in rows.items():
            name = layer.replace('"', '""')
            (found,) = database.execute(f'SELECT count(*) FROM "{name}"').fetchone()  # noqa: S608 a layer of ours
            if found != wanted:
                raise WriteError(f"{path.name}: layer {layer} has {found:,} rows, {wanted:,} were given")


def _library_errors() -> tuple[type[Exception], ...]:
    """Errors of libraries when a write fails, besides OSError; no library is imported only for this."""
    from pyogrio.errors import DataLayerError, DataSourceError
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import RasterioError

    # rasterio raises SystemError if GDAL fails without a message.
    return (sqlite3.Error, DataLayerError, DataSourceError, CPLE_BaseError, RasterioError, SystemError)


def _failed(what: str, error: BaseException | None, messages: list[str]) -> WriteError:
    if isinstance(error, MemoryError):
        why = "there is not enough memory: end other programs, or rank a smaller area at a time"
    else:
        texts = [str(error)] if error is not None else []
        why = "; ".join(dict.fromkeys([*texts, *messages]))[:300] or type(error).__name__
        why += ". Check that the disk has room and the memory is enough"
    return WriteError(f"{what} could not be written whole: {why}. The map from before is as it was")
