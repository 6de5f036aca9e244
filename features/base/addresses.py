"""Addresses of folders and files in object stores, such as s3://bucket/path, beside paths on this machine."""

import re
from dataclasses import dataclass
from pathlib import Path

from features.base.errors import ConfigError

# A drive letter of Windows is no protocol.
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


@dataclass(frozen=True)
class Address:
    """A folder or file in an object store. Its text holds no password: `place_of` refuses one."""

    text: str

    def __str__(self) -> str:
        return self.text

    def __truediv__(self, name: str) -> "Address":
        return Address(f"{self.text.rstrip('/')}/{name}")

    @property
    def name(self) -> str:
        """The part after the last slash."""
        return self.text.rstrip("/").rpartition("/")[2]

    @property
    def parent(self) -> "Address":
        """The address without the part after the last slash."""
        return Address(self.text.rstrip("/").rpartition("/")[0])


Place = Path | Address


def place_of(what: str, given: str | Place) -> Place:
    """A path, or an address if the text begins with a protocol.

    Raises ConfigError for `what`, an option or key, if an address holds a password or a query: files would repeat it.

    >>> str(place_of("output.folder", "s3://maps/karabakh"))
    's3://maps/karabakh'
    """
    if not isinstance(given, str):
        return given
    if not ADDRESS.match(given):
        return Path(given)
    if without_secrets(given) != given:
        raise ConfigError(
            f"{what} ({without_secrets(given)}): the address holds a password or a query, which files would repeat: "
            "leave it out, and give it as the library of the store reads it, such as AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY in the environment"
        )
    return Address(given)


def without_secrets(text: str) -> str:
    """A text in which passwords and queries of addresses are masked.

    >>> without_secrets("no s3://anna:secret@maps/x?key=1 there")
    'no s3://anna:***@maps/x?*** there'
    """
    text = re.sub(r"(://[^/:@\s]*:)[^@\s]*@", r"\1***@", text)
    return re.sub(r"(://[^\s'\"?]*\?)[^\s'\"]+", r"\1***", text)
