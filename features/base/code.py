"""Digest of the program's code, because other code may give other values under the same version."""

import hashlib
from pathlib import Path


def package_digest(folder: Path) -> str:
    """SHA-256 over the names and bytes of all files of a package, without Python's compiled ones."""
    sha = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            content = path.read_bytes()
            sha.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    return sha.hexdigest()
