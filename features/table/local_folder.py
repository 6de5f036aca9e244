"""A folder of features on this machine, with the calls of one in an object store."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from features.base import ConfigError, MlriskError

PART = ".part"


@dataclass(frozen=True)
class LocalFolder:
    """A folder whose files appear whole or not at all; MlriskError where one cannot be written."""

    path: Path

    def below(self, ending: str) -> list[str]:
        """The files with an ending anywhere below the folder, by their paths in it, in order.

        Raises ConfigError if the folder is a file.
        """
        if self.path.exists() and not self.path.is_dir():
            raise ConfigError(
                f"{self.path} is a file, and features are written as a folder with a file for each tile: remove it, or "
                "name another folder with --out"
            )
        return sorted(file.relative_to(self.path).as_posix() for file in self.path.rglob(f"*{ending}"))

    def read(self, name: str) -> bytes:
        """The content of a file; empty if there is none."""
        return (self.path / name).read_bytes() if (self.path / name).is_file() else b""

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """A file opened for reading."""
        with (self.path / name).open("rb") as stream:
            yield stream

    def write(self, name: str, content: bytes) -> None:
        """Write beside and rename, so that a file under its name is complete even after a power cut."""
        beside = self.path / f".{name}{PART}"
        with self._writing():
            self.path.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path / name)

    def remove(self, name: str) -> None:
        """Remove a file, if there is one."""
        with self._writing():
            (self.path / name).unlink(missing_ok=True)

    def remove_parts(self, names: Iterable[str]) -> None:
        """Remove what a killed run has written of these files."""
        with self._writing():
            for name in names:
                (self.path / f".{name}{PART}").unlink(missing_ok=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = error.strerror or error
            raise MlriskError(f"the folder of features ({self.path}) cannot be written: {why}") from error
