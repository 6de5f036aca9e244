"""Object stores: a folder given as an address such as s3://bucket/path, which fsspec and the store's library reach.

A store has no rename. Files go into a folder of their own in the store first, and are copied to their names there once
all have arrived: a transfer that fails leaves the earlier files as they were.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from features.base.addresses import ADDRESS, Address, Place, without_secrets
from features.base.errors import ConfigError, InputError, MlriskError
from features.base.temporary_folders import lasting_folder, temporary_folder

# Files on their way, and the first one that is tried.
INCOMING = ".mlrisk-"
# A summary vouches for all files of a map, so it leaves first and comes last.
SUMMARY = "summary.json"
# Azure's library starts a copy and does not wait for its end: there files are uploaded a second time.
COPIED_LATER = ("abfs", "abfss", "adl", "az")
# Protocols of the machine's own disk, which has folders to make.
ON_DISK = ("file", "local")


def try_address(what: str, address: Address) -> None:
    """Write a small object and remove it; ConfigError where that fails."""
    folder = ObjectFolder(what, address)
    name = f"{INCOMING}{uuid4().hex[:12]}"
    try:
        folder.write(name, b"mlrisk")
        folder.remove(name)
    except MlriskError as error:
        raise ConfigError(str(error)) from None


@contextmanager
def filled(what: str, place: Place) -> Iterator[Path]:
    """A local folder whose files lie in `place` after the block: `place` itself, or one that is uploaded and removed.

    The local folder may not be there yet. Nothing is uploaded if the block fails. MlriskError if the upload does.
    """
    if isinstance(place, Path):
        yield place
        return
    with temporary_folder() as scratch:
        yield scratch / "files"
        upload(what, scratch / "files", place)


def upload(what: str, folder: Path, address: Address) -> None:
    """Bring the files of a local folder to an address, the largest first, a summary last.

    Until all of them are in the store nothing changes there; then the store copies each to its name, without an earlier
    summary beside them. Raises MlriskError if it fails.
    """
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    order = sorted(sizes, key=lambda name: (name == SUMMARY, -sizes[name], name))
    target, earlier = ObjectFolder(what, address), "; what lies there is as it was"
    for left in [name for name in target.names() if name.startswith(INCOMING)]:
        target.remove(left)
    incoming = f"{INCOMING}{uuid4().hex[:12]}"
    try:
        for name in order:
            target.put(folder / name, f"{incoming}/{name}")
        _check_whole(ObjectFolder(what, address / incoming), sizes)
        if SUMMARY in sizes:
            earlier = f"; the map there has no {SUMMARY} until the next run has brought one"
            target.remove(SUMMARY)
        for name in order:
            if target.protocol in COPIED_LATER:
                target.put(folder / name, name)
            else:
                target.copy(f"{incoming}/{name}", name)
    except MlriskError as error:
        raise MlriskError(f"{error}{earlier}. Run the command again once the store answers") from None
    finally:
        with suppress(MlriskError):
            target.remove(incoming)


def _check_whole(folder: "ObjectFolder", sizes: dict[str, int]) -> None:
    if folder.sizes() != sizes:
        raise MlriskError(f"{folder.what} ({folder.address}): the store has not kept all files whole")


def local_copy(what: str, place: Place, names: Sequence[str]) -> Path:
    """A local path that holds what lies in `place`: a file, or a folder with those of `names` that are there.

    What is downloaded is removed when the process ends. Raises InputError if an address has none of them, MlriskError
    if its store does not answer.
    """
    if isinstance(place, Path):
        return place
    folder, there = lasting_folder(), ObjectFolder(what, place)
    if there.is_file():
        ObjectFolder(what, place.parent).get(place.name, folder / place.name)
        return folder / place.name
    found = sorted(set(names) & set(there.sizes()))
    if not found:
        raise InputError(f"{what} ({place}) has no {' or '.join(names)}: give the output folder of `mlrisk rank`")
    for name in found:
        there.get(name, folder / name)
    return folder


def file_sizes(what: str, place: Place) -> dict[str, int]:
    """The bytes of each file in a folder by its name; none if there is no folder."""
    if isinstance(place, Address):
        return ObjectFolder(what, place).sizes()
    return {path.name: path.stat().st_size for path in place.iterdir()} if place.is_dir() else {}


@dataclass(frozen=True)
class ObjectFolder:
    """A folder in an object store; every call raises MlriskError, with the setting and the address, if it fails."""

    what: str
    address: Address

    @property
    def protocol(self) -> str:
        """The part before ://."""
        return self.address.text.partition("://")[0]

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        """The file system of fsspec, and the folder in its own notation."""
        import fsspec

        # Without a protocol fsspec would take a folder of this machine.
        if not ADDRESS.match(self.address.text):
            raise ConfigError(f"{self.what} must name a folder of the store, such as s3://bucket/path, before a file")
        options = {"auto_mkdir": True} if self.protocol in ON_DISK else {}
        try:
            system, root = fsspec.core.url_to_fs(self.address.text, **options)
        except ImportError as error:
            raise ConfigError(f"{self.what} ({self.address}): {error}. {_remedy(self.protocol)}") from None
        # What another process has written since is to be listed.
        system.invalidate_cache()
        return system, str(root).rstrip("/")

    @contextmanager
    def _call(self, verb: str) -> Iterator[tuple[Any, str]]:
        try:
            yield self._opened
        except MlriskError:
            raise
        except Exception as error:  # noqa: BLE001 the library of each store raises errors of its own
            why = without_secrets(" ".join(str(error).split()))[:300] or type(error).__name__
            # Without the library's own error, which may repeat an address with its key.
            raise MlriskError(f"{self.what} ({self.address}) cannot be {verb}: {why}") from None

    def names(self) -> list[str]:
        """What lies directly in the folder, folders too, in order."""
        return sorted(self._entries())

    def sizes(self) -> dict[str, int]:
        """The bytes of each file directly in the folder by its name."""
        return {name: int(entry["size"]) for name, entry in self._entries().items() if entry["type"] == "file"}

    def _entries(self) -> dict[str, Any]:
        with self._call("read") as (system, root):
            try:
                entries = system.ls(root, detail=True)
            except FileNotFoundError:
                return {}
        # Some stores list the folder itself as an empty object.
        named = {str(entry["name"]).rstrip("/").rpartition("/")[2]: entry for entry in entries}
        return {name: entry for name, entry in named.items() if str(entry["name"]).strip("/") != root.strip("/")}

    def below(self, ending: str) -> list[str]:
        """The files with an ending anywhere below the folder, by their paths in it, in order."""
        with self._call("read") as (system, root):
            paths = [str(path).strip("/").removeprefix(root.strip("/")) for path in system.find(root)]
        return sorted(path.strip("/") for path in paths if path.endswith(ending))

    def is_file(self) -> bool:
        """Whether the address is that of an object, and not of a folder."""
        with self._call("read") as (system, root):
            return bool(system.isfile(root))

    def write(self, name: str, content: bytes) -> None:
        """Write an object, which is there as a whole or not at all."""
        with self._call("written") as (system, root):
            system.pipe_file(f"{root}/{name}", content)

    def read(self, name: str) -> bytes:
        """The content of an object; empty if there is none."""
        with self._call("read") as (system, root):
            try:
                return bytes(system.cat_file(f"{root}/{name}"))
            except FileNotFoundError:
                return b""

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """An object opened for reading."""
        with self._call("read") as (system, root):
            opened = system.open(f"{root}/{name}", "rb")
        with opened as stream:
            yield stream

    def put(self, file: Path, name: str) -> None:
        """Upload a file."""
        with self._call("written") as (system, root):
            system.put_file(str(file), f"{root}/{name}")

    def get(self, name: str, file: Path) -> None:
        """Download an object."""
        with self._call("read") as (system, root):
            system.get_file(f"{root}/{name}", str(file))

    def copy(self, name: str, other: str) -> None:
        """Copy an object within the store, over an earlier one."""
        with self._call("written") as (system, root):
            system.cp_file(f"{root}/{name}", f"{root}/{other}")

    def remove(self, name: str) -> None:
        """Remove an object, or a folder with all in it; nothing if there is none."""
        with self._call("written") as (system, root), suppress(FileNotFoundError):
            # Not `rm`, which takes a name as a pattern and would remove what it matches.
            for path in system.find(f"{root}/{name}"):
                system.rm_file(path)
            if self.protocol in ON_DISK and system.isdir(f"{root}/{name}"):
                system.rmdir(f"{root}/{name}")


def _remedy(protocol: str) -> str:
    """What to install for a protocol.

    >>> _remedy("s3")
    'Run `pip install s3fs`'
    """
    from fsspec.registry import known_implementations

    library = str(known_implementations.get(protocol, {}).get("class", "fsspec")).partition(".")[0]
    return "Give a local folder" if library == "fsspec" else f"Run `pip install {library}`"
