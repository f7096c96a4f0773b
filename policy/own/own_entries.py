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
from pathlib import Path
from typing import Any, TypeVar

from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.certificates.certificate_file import encoded_certificates

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


def read_inventory(folder: Path | None) -> Inventory:
    """Return what lies below *folder*, nothing where there is none; raises OSError."""
    if folder is None:
        return Inventory()
    set_aside: list[SetAside] = []
    certificates = list(_readable(folder / CERTIFICATES, read_certificate, set_aside))
    requests = list(_readable(folder / REQUESTS, read_request, set_aside))
    return Inventory(
        tuple(sorted(certificates, key=lambda one: one.imported, reverse=True)),
        tuple(sorted(requests, key=lambda one: one.made, reverse=True)),
        tuple(set_aside),
    )


def _readable(kind: Path, read: Callable[[Path], T], set_aside: list[SetAside]) -> Iterator[T]:
    for place in sorted(kind.iterdir()) if kind.is_dir() else ():
        try:
            yield read(place)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            set_aside.append((place, why or type(error).__name__))


def read_certificate(place: Path) -> OwnCertificate:
    """Return the certificate at *place*; raises OSError, ValueError, KeyError, TypeError."""
    about = _about(place)
    chain = tuple(parse(der) for der in encoded_certificates((place / CHAIN).read_bytes()))
    if chain[0].certificate_pin.digest != place.name:
        raise ValueError("it holds another certificate")
    return OwnCertificate(
        key_file=_existing(place / KEY),
        chain=chain,
        friendly_name=str(about["friendly_name"]),
        exportable=about["exportable"] is True,
        imported=_time(about["imported"]),
    )


def read_request(place: Path) -> PendingRequest:
    """Return the request at *place*; raises as `read_certificate`."""
    about = _about(place)
    return PendingRequest(
        key_file=_existing(place / KEY),
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


def _about(place: Path) -> dict[str, Any]:
    about = json.loads((place / ABOUT).read_bytes())
    if not isinstance(about, dict):
        raise TypeError(f"{ABOUT} is not an object")
    return about


def _existing(path: Path) -> Path:
    path.stat()
    return path


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    # Without a zone it could not be compared with any other.
    return moment if moment.tzinfo else _OLDEST
