"""The files of an exported version, folder or archive, read as untrusted input: limited in size and in names."""

import re
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from features.base import InputError, read_bytes, refuse_special

CARD, MODEL, RUN = "version.json", "model", "run"
MOST_FILES, MOST_FILE_BYTES, MOST_BYTES = 1_000, 128 << 20, 256 << 20
# Only plain names: no part of a path, no quote, no control character.
MODEL_FILE = re.compile(r"[a-z][a-z0-9_]{0,63}\.(json|txt|csv)")
RUN_FILE = re.compile(r"[a-z][a-z0-9_]{0,63}\.(json|txt|csv|md|html)")


def files_of(source: Path) -> dict[str, str]:
    """The content of every file of an export by its place in it, such as model/booster.txt; nothing is unpacked.

    Raises InputError, with the reason, if it is no export: links, devices, other names, more bytes than a version has,
    duplicate entries, texts that are not UTF-8.
    """
    try:
        refuse_special(source)
        contents = _of_folder(source) if source.is_dir() else _of_archive(source)
        texts = {}
        for name, content in sorted(contents.items()):
            try:
                texts[name] = content.decode("utf-8")
            except UnicodeDecodeError as error:
                raise InputError(f"import ({source}): {name} is no text in UTF-8") from error
    # Errors of zipfile for an archive that is truncated, encrypted, or compressed by an unknown method.
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, ValueError) as error:
        raise InputError(f"import ({source}) cannot be read: {error or type(error).__name__}") from error
    if CARD not in texts:
        raise InputError(f"import ({source}) is no exported version: it has no {CARD}")
    return texts


def _of_folder(source: Path) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    left = MOST_BYTES
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        if path.is_symlink():
            raise InputError(f"import ({source}) holds links ({name!r:.80}): a version holds files alone")
        if path.is_dir() and name in (MODEL, RUN):
            continue
        _check_name(source, name, len(contents))
        contents[name] = read_bytes(path, min(MOST_FILE_BYTES, left))
        left -= len(contents[name])
    return contents


def _of_archive(source: Path) -> dict[str, bytes]:
    if not zipfile.is_zipfile(source):
        raise InputError(f"import ({source}) is no folder and no .zip: give what `mlrisk models export` wrote")
    contents: dict[str, bytes] = {}
    with zipfile.ZipFile(source) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename not in (f"{MODEL}/", f"{RUN}/")]
        if sum(entry.file_size for entry in entries) > MOST_BYTES:
            raise InputError(f"import ({source}) unpacks to more than {MOST_BYTES >> 20} MB: this is no model version")
        for entry in entries:
            name = entry.filename
            _check_name(source, name, len(contents))
            if name in contents:
                raise InputError(f"import ({source}) holds {name} twice: one of them is not what it says")
            if (entry.external_attr >> 16) & 0o170000 == 0o120000:
                raise InputError(f"import ({source}) holds links ({name}): a version holds files alone")
            with archive.open(entry) as stream:
                content = stream.read(MOST_FILE_BYTES + 1)
            if len(content) > MOST_FILE_BYTES or len(content) != entry.file_size:
                raise InputError(f"import ({source}): {name} has not the size that the archive promises")
            contents[name] = content
    return contents


def _check_name(source: Path, name: str, already: int) -> None:
    if not is_export_file(name):
        raise InputError(f"import ({source}) holds {name!r:.80}, which is no file of a version")
    if already >= MOST_FILES:
        raise InputError(f"import ({source}) holds more than {MOST_FILES} files: this is no model version")


def is_export_file(name: str) -> bool:
    r"""Whether a name is one that an export writes: the card, or a file right in one of its two folders.

    >>> names = ("version.json", "model/booster.txt", "model/../../x", "/etc/x", "run/a\n.txt")
    >>> [is_export_file(name) for name in names]
    [True, True, False, False, False]
    """
    folder, *rest = PurePosixPath(name).parts or ("",)
    if name != "/".join([folder, *rest]):
        return False
    if not rest:
        return name == CARD
    pattern = {MODEL: MODEL_FILE, RUN: RUN_FILE}.get(folder)
    return len(rest) == 1 and pattern is not None and pattern.fullmatch(rest[0]) is not None
