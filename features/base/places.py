"""Checks that files and folders can be written, before any work begins."""

import errno
import os
import re
import tempfile
from pathlib import Path

from features.base.addresses import Address, Place, without_secrets
from features.base.errors import ConfigError
from features.base.object_store import try_address

WHY = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk is full",
    errno.EROFS: "it lies on a disk that can only be read",
    errno.EACCES: "this user has no write access",
    errno.EPERM: "this user has no write access",
    errno.ENAMETOOLONG: "the name is too long",
}


def nearest_folder(folder: Place) -> Path:
    """The folder, or the nearest that is there and would hold it; for an address, that of temporary files."""
    if isinstance(folder, Address):
        return Path(tempfile.gettempdir())
    there = folder
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    return there


def try_folder(what: str, folder: Place) -> None:
    """Raise ConfigError for `what`, an option or key, if no file can be written into a folder; creates nothing.

    In an object store a small object is written and removed.
    """
    if isinstance(folder, Address):
        try_address(what, folder)
        return
    refuse_address(what, folder)
    there = nearest_folder(folder)
    if not there.is_dir():
        raise ConfigError(f"{what} ({folder}) cannot be a folder: {there} is a file. Give another place")
    try:
        with tempfile.TemporaryFile(dir=there, prefix=".mlrisk-") as stream:
            stream.write(b"0" * 4096)
            stream.flush()
    except OSError as error:
        raise ConfigError(
            f"{what} ({folder}) cannot be written: {write_obstacle(error)}. Give another place"
        ) from error


def try_file(what: str, file: Path | None) -> None:
    """The same check for a file, whose folder must exist. None is ignored."""
    if file is None:
        return
    if file.is_dir():
        raise ConfigError(f"{what} ({file}) is a folder: give the name of a file in it")
    if not file.parent.is_dir():
        raise ConfigError(f"{what} ({file}): there is no folder {file.parent}. Make it first, or give another place")
    try_folder(what, file.parent)
    if file.exists() and not os.access(file, os.W_OK):
        raise ConfigError(f"{what} ({file}) cannot be written: this user has no write access. Give another place")


def refuse_address(what: str, path: Path) -> None:
    """Raise ConfigError if a path was an address of an object store, where `what` takes none.

    >>> refuse_address("--json", Path("s3://maps/report.json"))
    Traceback (most recent call last):
    features.base.errors.ConfigError: --json (s3:/maps/report.json) is an address, and must be a place on this machine
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", path.as_posix()):
        raise ConfigError(f"{what} ({without_secrets(str(path))}) is an address, and must be a place on this machine")


def write_obstacle(error: OSError) -> str:
    """The reason why a file cannot be written, in words.

    >>> write_obstacle(OSError(errno.ENOSPC, "x"))
    'the disk is full'
    """
    return WHY.get(error.errno or 0, str(error.strerror or error))
