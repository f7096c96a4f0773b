"""The entries of our own certificates and pending requests: which files each has, and what stands in them.

Owns: ``certificates/SHA-256/`` with key.pem, chain.pem and about.json, and ``requests/SHA-256 of the public
key/`` with key.pem, request.pem and about.json.
Must not know: who may write them, and when (``own_certificates``).
Invariant: an entry that cannot be read is set aside with the reason, and keeps nobody from using the others.
"""

import json
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any, TypeVar

from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.certificates.certificate_file import encoded_certificates
from domain_secure.policy.files.held_folder import HeldFolder
from domain_secure.policy.terms.kept_json import parse_json

from .own_certificate import OwnCertificate, PendingRequest

CERTIFICATES, REQUESTS = "certificates", "requests"
KEY, CHAIN, REQUEST, ABOUT = "key.pem", "chain.pem", "request.pem", "about.json"

_OLDEST = datetime.fromtimestamp(0, UTC)

T = TypeVar("T", OwnCertificate, PendingRequest)
SetAside = tuple[Path, str]  #: what cannot be read, and why


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything below the folder."""

    certificates: tuple[OwnCertificate, ...] = ()  #: the one imported last first
    requests: tuple[PendingRequest, ...] = ()  #: the one made last first
    set_aside: tuple[SetAside, ...] = ()


def read_inventory(folder: HeldFolder | None) -> Inventory:
    """Return what lies in *folder*, nothing where there is none; raises OSError."""
    if folder is None:
        return Inventory()
    set_aside: list[SetAside] = []
    certificates = list(_readable(folder, CERTIFICATES, read_certificate, set_aside))
    requests = list(_readable(folder, REQUESTS, read_request, set_aside))
    return Inventory(
        tuple(sorted(certificates, key=lambda one: one.imported, reverse=True)),
        tuple(sorted(requests, key=lambda one: one.made, reverse=True)),
        tuple(set_aside),
    )


def _readable(
    folder: HeldFolder, kind: str, read: Callable[[HeldFolder, PurePath], T], set_aside: list[SetAside]
) -> Iterator[T]:
    try:
        names = folder.names(kind)
    except FileNotFoundError:
        return
    for place in (PurePath(kind, name) for name in names):
        try:
            yield read(folder, place)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            set_aside.append((folder.path / place, why or type(error).__name__))


def read_certificate(folder: HeldFolder, place: PurePath) -> OwnCertificate:
    """Return the certificate at *place*; raises OSError, ValueError, KeyError, TypeError."""
    about = _about(folder, place)
    chain = tuple(parse(der) for der in encoded_certificates(folder.read(place / CHAIN)))
    if chain[0].certificate_pin.digest != place.name:
        raise ValueError("it holds another certificate")
    return OwnCertificate(
        key_file=_existing(folder, place / KEY),
        chain=chain,
        friendly_name=str(about["friendly_name"]),
        exportable=about["exportable"] is True,
        imported=_time(about["imported"]),
        exported=_time(about["exported"]) if about.get("exported") else None,
    )


def read_request(folder: HeldFolder, place: PurePath) -> PendingRequest:
    """Return the request at *place*; raises as `read_certificate`."""
    about = _about(folder, place)
    return PendingRequest(
        key_file=_existing(folder, place / KEY),
        identifier=place.name,
        subject=str(about["subject"]),
        names=tuple(map(str, about["names"])),
        friendly_name=str(about["friendly_name"]),
        exportable=about["exportable"] is True,
        made=_time(about["made"]),
        renews=about["renews"],
    )


def about_file(**facts: Any) -> bytes:
    """Return the content of about.json."""
    return json.dumps(facts, indent=1, ensure_ascii=False).encode() + b"\n"


def chain_file(chain: Iterable[Certificate]) -> bytes:
    """Return certificates in PEM, one after the other."""
    return "".join(ssl.DER_cert_to_PEM_cert(one.der) for one in chain).encode()


def _about(folder: HeldFolder, place: PurePath) -> dict[str, Any]:
    about = parse_json(folder.read(place / ABOUT))
    if not isinstance(about, dict):
        raise TypeError(f"{ABOUT} is not an object")
    return about


def _existing(folder: HeldFolder, place: PurePath) -> Path:
    folder.stat(place)
    return folder.path / place


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    # Without a zone it could not be compared with any other.
    return moment if moment.tzinfo else _OLDEST
