"""Our own certificates and the requests that wait for one: the store below ``<state>/keys``.

Owns: what a request leaves, what an import brings, and what is forgotten.
Must not know: Postfix, and which certificate is in use (``enabled_certificates``).
Invariant: a key that was made here as not exportable stays so.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.files.held_folder import HeldFolder
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import Problem

from .certificate_request import make_request
from .key_bundle import Bundle
from .key_folder import KeyFolder, put_entry
from .own_certificate import OwnCertificate, PendingRequest
from .own_entries import (
    ABOUT,
    CERTIFICATES,
    CHAIN,
    KEY,
    REQUEST,
    REQUESTS,
    Inventory,
    about_file,
    chain_file,
    read_certificate,
    read_inventory,
    read_request,
)
from .own_import import Assembled, assemble, in_order
from .private_key import KeyType, PrivateKey, generate, to_pem
from .superseded import superseded


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks for."""

    key_type: KeyType
    subject: x509.Name
    names: Sequence[Entry]
    friendly_name: str
    exportable: bool
    renews: str | None = None  #: SHA-256 of the certificate it is to replace


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    own: OwnCertificate
    is_new: bool
    answers: PendingRequest | None  #: the request whose key it was
    unrelated: tuple[Certificate, ...]  #: certificates of the file that are not part of its chain


class OwnCertificates:
    """The store.  Every method raises Problem where the folder cannot be used."""

    def __init__(self, state: Path) -> None:
        self.folder = KeyFolder(state)

    def inventory(self) -> Inventory:
        """Return everything that is there."""
        with self.folder.reading() as folder:
            return read_inventory(folder)

    def request(self, wish: Wish, now: datetime) -> tuple[PendingRequest, bytes]:
        """Make a key and a request; return it as it is kept, and in PEM for the authority."""
        key = generate(wish.key_type)
        pem = make_request(key, wish.subject, wish.names)
        about = about_file(
            subject=wish.subject.rfc4514_string(),
            names=list(wish.names),
            friendly_name=wish.friendly_name,
            exportable=wish.exportable,
            made=now.isoformat(),
            renews=wish.renews,
        )
        files = {KEY: to_pem(key), REQUEST: pem, ABOUT: about}
        place = PurePath(REQUESTS, _identifier(key))
        with self.folder.writing() as folder:
            put_entry(folder, place, files)
            return read_request(folder, place), pem

    def take_in(
        self, bundle: Bundle, now: datetime, *, friendly_name: str | None, exportable: bool
    ) -> Imported:
        """Keep what *bundle* brings; a pending request it answers is gone then.

        Raises RefusedImportError, and Problem where *exportable* is asked for a key that was made here as
        not exportable.
        """
        with self.folder.writing() as folder:
            found = read_inventory(folder)
            known = [one for own in found.certificates for one in own.chain[1:]]
            assembled = assemble(bundle, (*found.requests, *found.certificates), known, now)
            leaf = assembled.chain[0]
            former = next((one for one in found.certificates if one.certificate == leaf), None)
            request = next((one for one in found.requests if one.holds_key_of(leaf)), None)
            earlier = former or request
            about = about_file(
                friendly_name=friendly_name
                or (earlier and earlier.friendly_name)
                or bundle.friendly_name
                or "",
                exportable=_exportable(assembled, exportable=exportable),
                imported=(former.imported if former else now).isoformat(),
                exported=former and former.exported and former.exported.isoformat(),
            )
            own = _keep(folder, assembled, former, about)
            if request is not None:
                folder.remove(request.key_file.parent.relative_to(folder.path))
        return Imported(own, former is None, request, assembled.unrelated)

    def assembled(self, bundle: Bundle, now: datetime) -> Assembled:
        """Return what `take_in` would take; raises RefusedImportError, and changes nothing."""
        found = self.inventory()
        known = [one for own in found.certificates for one in own.chain[1:]]
        return assemble(bundle, (*found.requests, *found.certificates), known, now)

    def note_export(self, own: OwnCertificate, now: datetime) -> None:
        """Note that a key leaves the box."""
        about = about_file(
            friendly_name=own.friendly_name,
            exportable=own.exportable,
            imported=own.imported.isoformat(),
            exported=now.isoformat(),
        )
        with self.folder.writing() as folder:
            folder.replace(PurePath(CERTIFICATES, own.sha256, ABOUT), about)

    def prune(
        self, in_use: Collection[str], kept: Collection[str], now: datetime
    ) -> tuple[OwnCertificate, ...]:
        """Forget what `superseded` names, with the keys, and return it."""
        with self.folder.writing() as folder:
            gone = superseded(read_inventory(folder), in_use, kept, now)
            for own in gone:
                folder.remove(own.key_file.parent.relative_to(folder.path))
        return gone

    def remove(self, own: OwnCertificate | PendingRequest) -> None:
        """Forget a certificate or a request, with its key."""
        with self.folder.writing() as folder:
            folder.remove(own.key_file.parent.relative_to(folder.path))


def _keep(
    folder: HeldFolder, assembled: Assembled, former: OwnCertificate | None, about: bytes
) -> OwnCertificate:
    chain = assembled.chain
    if former is not None:
        # A certificate that comes again alone keeps the chain it had.
        chain = max(chain, in_order(chain[0], (*chain, *former.chain)), key=len)
    files = {CHAIN: chain_file(chain), ABOUT: about}
    if former is None or assembled.holder is None:
        files = {KEY: to_pem(assembled.key), **files}
    place = PurePath(CERTIFICATES, chain[0].certificate_pin.digest)
    put_entry(folder, place, files)
    return read_certificate(folder, place)


def _exportable(assembled: Assembled, *, exportable: bool) -> bool:
    holder = assembled.holder
    if holder is None:
        return exportable
    if exportable and not holder.exportable:
        raise Problem(
            "the key was made on this box as not exportable, and stays so",
            "--exportable",
            "leave it out, or make a new request with --exportable",
        )
    return holder.exportable


def _identifier(key: PrivateKey) -> str:
    info = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(info).hexdigest()
