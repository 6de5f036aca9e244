"""A cache of arrays on disk under keys of their input, so that they are computed only once."""

import hashlib
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class ArrayCache:
    """A folder of .npz files of at most `most_bytes` together; the least recently read ones are removed first.

    A cache may be deleted at any time; if it cannot be read or written, arrays are only computed again.
    """

    folder: Path
    most_bytes: float

    def read(self, key: str) -> Arrays | None:
        """The arrays of a key, None if there are none or the file is damaged."""
        path = self._path(key)
        try:
            with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            os.utime(path)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return None
        return arrays

    def write(self, key: str, arrays: Arrays) -> None:
        """Keep arrays under a key; does nothing if the folder cannot be written."""
        beside = self.folder / f".{secrets.token_hex(8)}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                with beside.open("wb") as file:
                    np.savez(file, allow_pickle=False, **dict(arrays))
                beside.replace(self._path(key))
            finally:
                beside.unlink(missing_ok=True)
            self._shrink()
        except OSError:
            return

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"

    def _shrink(self) -> None:
        files = sorted(((path, path.stat()) for path in self.folder.glob("*.npz")), key=lambda file: file[1].st_mtime)
        over = sum(stat.st_size for _, stat in files) - self.most_bytes
        for path, stat in files:
            if over <= 0:
                return
            path.unlink(missing_ok=True)
            over -= stat.st_size


def key_of(parts: Iterable[str | bytes | NDArray[Any]]) -> str:
    """A key of texts, bytes and arrays; other parts, or the same in another order, give another key.

    >>> key_of(["a", "bc"]) == key_of(["ab", "c"])
    False
    """
    sha = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            # The layout is not part of the content.
            plain = np.ascontiguousarray(part)
            sha.update(f"{plain.dtype.str}{plain.shape}\0".encode())
            sha.update(plain.data if plain.size else b"")
        else:
            content = part.encode() if isinstance(part, str) else part
            sha.update(f"{len(content)}\0".encode() + content)
    return sha.hexdigest()
