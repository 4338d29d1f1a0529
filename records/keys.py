"""The installation's keys: the one that signs the ledger and the one that encrypts one-time-code secrets.

They are made at first use, readable by their owner only, and never replaced: several processes that start at once end
up with the same keys, because a key file appears whole or not at all and the first one wins.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from crisis.chain import fingerprint
from records.unusable import Unusable

LEDGER_KEY = "ledger.key"
CODES_KEY = "codes.key"


@dataclass(frozen=True)
class Keys:
    """The keys of one installation."""

    ledger: Ed25519PrivateKey
    codes: Fernet

    @property
    def public_key_pem(self) -> str:
        """What others need to verify the ledger."""
        return self.ledger.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def fingerprint(self) -> str:
        """Which key this is: SHA-256 of the raw public key."""
        return fingerprint(self.ledger.public_key())


def open_keys(folder: Path) -> Keys:
    """Read the keys in ``folder``; make what is missing.

    Raises:
        Unusable: a key file holds something else, or the folder cannot be read or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        pem = _read_or_make(folder / LEDGER_KEY, _new_ledger_key())
        codes = _read_or_make(folder / CODES_KEY, Fernet.generate_key())
    except OSError as error:
        where = error.filename or folder
        raise Unusable(f"{where}: cannot be read or made ({error.strerror}): give this user the right to it") from None
    return Keys(ledger=_ledger_key(folder / LEDGER_KEY, pem), codes=_codes_key(folder / CODES_KEY, codes))


def _ledger_key(path: Path, pem: bytes) -> Ed25519PrivateKey:
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise Unusable(f"{path}: is not an Ed25519 key: put the installation's own key back")
    return private


def _codes_key(path: Path, key: bytes) -> Fernet:
    try:
        return Fernet(key.strip())
    except ValueError:
        raise Unusable(f"{path}: is not the key of one-time codes: put the installation's own key back") from None


def _new_ledger_key() -> bytes:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _read_or_make(path: Path, fresh: bytes) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    # mkstemp makes the file 0600; the link puts it in place whole, and fails if another process was first.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(fresh)
            file.flush()
            os.fsync(file.fileno())
        Path(path).hardlink_to(name)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()
    return path.read_bytes()
