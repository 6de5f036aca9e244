"""Detached Ed25519 signatures of exported versions, which prove their author and that nobody changed them since."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.base import ConfigError, InputError, read_bytes

# Signed messages begin with this, so that no signature made for another purpose fits.
CONTEXT = "mlrisk exported version 1"
MOST_KEY_BYTES = 1 << 16
HOW = "make one with `mlrisk models keys NAME`"


def signature_path(export: Path) -> Path:
    """The file of the signature, beside the export.

    >>> signature_path(Path("version.zip")).name
    'version.zip.sig'
    """
    return export.with_name(f"{export.name}.sig")


def make_keys(name: Path) -> tuple[Path, Path]:
    """Write NAME.key, which signs and stays with the authority, and NAME.pub, which importers need.

    Raises ConfigError if one of them exists: a key is never overwritten.
    """
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private, public = (name.with_name(f"{name.name}{ending}") for ending in (".key", ".pub"))
    if taken := [path for path in (private, public) if path.exists()]:
        raise ConfigError(f"keys ({taken[0]}) exist: give another name")
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    known = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    private.touch(mode=0o600)
    private.write_bytes(secret)
    public.write_bytes(known)
    return private, public


def sign(texts: Mapping[str, str], key: Path) -> str:
    """The signature of the files of an export by a private key in PEM, as one line of base64."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    private = _loaded(key, lambda data: load_pem_private_key(data, None), Ed25519PrivateKey, "--sign")
    return base64.b64encode(private.sign(_message(texts))).decode() + "\n"


def verify(texts: Mapping[str, str], signature: Path, key: Path) -> str:
    """The fingerprint of the public key that signed the files of an export; InputError if it did not."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    public = _loaded(key, form.load_pem_public_key, Ed25519PublicKey, "--key")
    try:
        given = base64.b64decode(read_bytes(signature, MOST_KEY_BYTES).strip(), validate=True)
        public.verify(given, _message(texts))
    except OSError as error:
        raise InputError(
            f"there is no signature ({signature}): {error.strerror or error}. Bring it with the export, or give "
            "--unsigned where you know another way that it is genuine"
        ) from error
    except (ValueError, InvalidSignature) as error:
        raise InputError(
            f"the signature ({signature}) is not of this export by this key ({key}): somebody changed the export, or "
            "another key signed it. Nothing was imported"
        ) from error
    raw = public.public_bytes(form.Encoding.Raw, form.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def _message(texts: Mapping[str, str]) -> bytes:
    """The message to sign: the digest of every file by name, the same for a folder and for its archive."""
    lines = [f"{hashlib.sha256(texts[name].encode()).hexdigest()}  {name}" for name in sorted(texts)]
    return "\n".join([CONTEXT, *lines]).encode()


def _loaded(path: Path, load: Any, kind: type, option: str) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        key = load(read_bytes(path, MOST_KEY_BYTES))
    except OSError as error:
        raise ConfigError(f"{option} ({path}) cannot be read: {error.strerror or error}; {HOW}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{option} ({path}) is no Ed25519 key in PEM without a passphrase: {HOW}") from error
    if not isinstance(key, kind):
        raise ConfigError(f"{option} ({path}) is no Ed25519 key of the right half: {HOW}")
    return key
