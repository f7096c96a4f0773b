"""The key that signs our agreement files: made on first use, and kept beside our other private keys.

Owns: its place, ``<state>/keys/agreement/signing``, and when a file was issued last.
Invariant: each file is issued later than the one before, whatever the clock says.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from domain_secure.policy.own.key_folder import KeyFolder, put_entry
from domain_secure.policy.revisions.revision import PublicKey
from domain_secure.policy.terms.timed_pin import parse_time, time_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from domain_secure.policy.files.held_folder import HeldFolder

PLACE = PurePath("agreement", "signing")
_KEY, _ISSUED = "key.pem", "issued"
_FIX = "put it back from a backup; or remove the folder, and let each partner confirm a new key's fingerprint"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key, and when it signs."""

    private: "Ed25519PrivateKey"
    issued: datetime
    is_new: bool


def public_key(state: Path) -> PublicKey | None:
    """Return the public half, None where no key was made yet; raises Problem."""
    with KeyFolder(state).reading() as folder:
        private = folder and _read(folder)
    return PublicKey.of(private) if private else None


def to_sign(state: Path, now: datetime) -> SigningKey:
    """Return the key, made where there is none, and note that it signs at a moment; raises Problem.

    The moment is *now*, or one second after the last one where the clock has gone back since.
    """
    from domain_secure.fleet.store.signing import new_key  # noqa: PLC0415 - only who signs needs it

    with KeyFolder(state).writing() as folder:
        private, last = _read(folder), None
        is_new = private is None
        if private is None:
            private, pem = new_key()
            put_entry(folder, PLACE, {_KEY: pem})
        with suppress(FileNotFoundError, ValueError):
            last = parse_time(folder.read(PLACE / _ISSUED).decode().strip())
        issued = now.replace(microsecond=0)
        if last is not None and issued <= last:
            issued = last + timedelta(seconds=1)
        folder.replace(PLACE / _ISSUED, f"{time_text(issued)}\n".encode())
    return SigningKey(private, issued, is_new)


def _read(folder: "HeldFolder") -> "Ed25519PrivateKey | None":
    from domain_secure.fleet.store.signing import key_of  # noqa: PLC0415 - as above

    try:
        pem = folder.read(PLACE / _KEY)
    except FileNotFoundError:
        return None
    return key_of(pem, folder.path / PLACE / _KEY, _FIX)
