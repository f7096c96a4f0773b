"""An agreement as a file: one TOML document, and behind it the signature over every octet before it.

Owns: the form, its limits, and what a signature covers.
Must not know: whose key may sign for whom; that is the reader's part.
Invariant: what comes out was signed as it is by the key that it names; whatever else a file holds is one
Problem, with the key where it stands.
Sources: TOML 1.0.0, RFC 8032 (Ed25519).
"""

import base64
import binascii
import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from domain_secure.policy.revisions.revision import PublicKey
from domain_secure.policy.terms.pin import PinKind
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.terms.spelled_digest import read_digest
from domain_secure.policy.terms.timed_pin import time_text

from .agreement import ROLES, Agreement
from .agreement_reading import FORMAT, agreement_of

if TYPE_CHECKING:  # loading it takes longer than most commands run
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LARGEST = 256 * 1024  #: octets; the largest that the limits of its lists allow is a quarter of that

_SIGNATURE = "[signature]"
_SIGNED = 'key = "{key}"\nvalue = "{value}"'
_CONTEXT = b"domain-secure agreement 1\n"  #: so that the signature of another protocol is never one of ours
_HEAD = (
    "# What the domains below announce to their partners for mutual TLS between mail servers.\n"
    "# A partner compares it with his rule: domain-secure agreement diff FILE\n\n"
)
_DAMAGED = "ask the partner for the file once more; it must come byte for byte, as an attachment"


@dataclass(frozen=True, slots=True)
class SignedAgreement:
    """An agreement, and the key that signed it."""

    agreement: Agreement
    key: PublicKey


def fingerprint(key: PublicKey) -> str:
    """Return the SHA-256 digest of a key, in groups that can be read over the telephone."""
    digits = hashlib.sha256(key.raw).hexdigest()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def is_key(text: str, key: PublicKey) -> bool:
    """Tell whether *text* is a key's fingerprint in any spelling, or the key itself; raises ValueError."""
    if text.strip().lower().startswith("ed25519:"):
        return PublicKey.parse(text.strip()) == key
    spelled = read_digest(text)
    if spelled.kind is PinKind.PUBLIC_KEY:
        raise ValueError(f"{text!r} is the pin of a certificate's key, and no signing key's fingerprint")
    return spelled.digest == hashlib.sha256(key.raw).hexdigest()


def write_agreement(agreement: Agreement, private: "Ed25519PrivateKey") -> bytes:
    """Return the file: the document, and the signature behind it."""
    import tomlkit  # noqa: PLC0415 - the daemon reads rules and writes nothing

    body = _HEAD + tomlkit.dumps(_document(agreement)) + "\n"
    signature = base64.b64encode(private.sign(_CONTEXT + body.encode())).decode()
    key = PublicKey.of(private)
    return f"{body}{_SIGNATURE}\n{_SIGNED.format(key=key, value=signature)}\n".encode()


def read_agreement(octets: bytes, where: str) -> SignedAgreement:
    """Return what a file says; raises Problem for a file that is not one, or is not as it was signed."""
    if len(octets) > LARGEST:
        raise Problem(f"the file has more than {LARGEST // 1024} KiB", where, "name the file that was meant")
    try:
        text = octets.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise Problem("the file is not UTF-8", where, _DAMAGED) from error
    body, found, rest = text.rpartition(f"\n{_SIGNATURE}\n")
    if not found:
        raise Problem(
            "there is no signature in it", where, "name a file that `domain-secure agreement export` wrote"
        )
    body += "\n"
    written = _parsed(rest, f"{where}: signature")
    key, signature = _signature(written, f"{where}: signature")
    if rest.strip() != _SIGNED.format_map(written):
        raise Problem("behind the signature stands what nobody signed", f"{where}: signature", _DAMAGED)
    if not key.verifies(signature, _CONTEXT + body.encode()):
        raise Problem("the signature is not of this text", f"{where}: signature", _DAMAGED)
    return SignedAgreement(agreement_of(_parsed(body, where), where), key)


def _parsed(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise Problem(f"the file is not valid TOML ({reason})", where, _DAMAGED) from error


def _signature(table: Mapping[str, object], where: str) -> tuple[PublicKey, bytes]:
    key, value = table.get("key"), table.get("value")
    if not isinstance(key, str) or not isinstance(value, str) or table.keys() != {"key", "value"}:
        raise Problem("the signature is not a key and a value", where, _DAMAGED)
    try:
        return PublicKey.parse(key), base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem("the signature cannot be read", where, _DAMAGED) from error


def _document(agreement: Agreement) -> dict[str, Any]:
    document: dict[str, Any] = {
        "format": FORMAT,
        "domains": list(agreement.domains),
        "issued": time_text(agreement.issued),
        "valid_until": time_text(agreement.valid_until),
        "server_names": list(agreement.server_names),
        "client_names": list(agreement.client_names),
        "mx": list(agreement.mx),
        "contacts": list(agreement.contacts),
        "keys": [],
    }
    for one in agreement.keys:
        table = {
            "spki_sha256": one.public_key.digest,
            "shown_as": [role for role in ROLES if role in one.shown_as],
        }
        if one.certificate is not None:
            table["certificate_sha256"] = one.certificate.digest
        table |= _times(one.begins, one.ends)
        document["keys"].append(table)
    if agreement.authorities:
        document["authorities"] = [
            {"subject": one.subject, "certificate_sha256": one.certificate.digest}
            for one in agreement.authorities
        ]
    return document


def _times(begins: datetime | None, ends: datetime | None) -> dict[str, str]:
    times = {"from": begins, "until": ends}
    return {name: time_text(moment) for name, moment in times.items() if moment is not None}
