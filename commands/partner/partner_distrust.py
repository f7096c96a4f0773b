"""``domain-secure partner cert distrust`` and ``undistrust``: what authenticates nobody, come what may."""

import argparse
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from domain_secure.commands.fleet.fleet_wait import add_no_wait, add_wait
from domain_secure.commands.in_force.receiving import in_force
from domain_secure.commands.terminal.common import add_to_document, configuration_of, note, policy_store
from domain_secure.policy.book.certificate_book import FILE_NAME, CertificateBook
from domain_secure.policy.book.named_certificate import NamedCertificate
from domain_secure.policy.certificates.certificate import MAXIMUM_FILE_OCTETS, Certificate, read_certificates
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.certificates.path_validation import TrustAnchors
from domain_secure.policy.configuration.configuration import Configuration, SendMethod
from domain_secure.policy.editing.draft import Written
from domain_secure.policy.editing.policy_store import PolicyStore
from domain_secure.policy.editing.trust_editing import distrust, undistrust
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin, PinKind
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.thumbprint import digits_of, find

from .partner_certificates import entry_of

_KEY = re.compile(r"^\s*spki-?sha-?256\s*[:=]\s*", re.IGNORECASE)
_DIGITS = 64  #: of SHA-256


def add_parsers(actions: Any) -> None:
    """Declare ``distrust`` and ``undistrust`` among the actions of ``partner cert``."""
    refuse = actions.add_parser(
        "distrust",
        help="let a certificate, an authority or a key authenticate nobody",
        description="Let a certificate, of a host or of an authority, or a key authenticate nobody any more, "
        "for every partner and by every method. A fleet does so on every node.",
    )
    refuse.add_argument("--key", action="store_true", help="the key of the certificate as well")
    refuse.set_defaults(run=run_distrust)
    allow = actions.add_parser("undistrust", help="take that back")
    allow.set_defaults(run=run_undistrust)
    for action in (refuse, allow):
        action.add_argument(
            "domain", nargs="?", metavar="DOMAIN", help="look among this partner's certificates alone"
        )
        action.add_argument(
            "thumbprint",
            metavar="THUMBPRINT",
            help="SHA-1 or SHA-256 of a certificate that is known here, or how it begins; any SHA-256; "
            "spki-sha256:HEX for a key; or a file with the certificate",
        )
        add_wait(action)
        add_no_wait(action)


def run_distrust(arguments: argparse.Namespace) -> ExitStatus:
    """Put a certificate, and with ``--key`` its key, or a key alone on the list."""
    configuration = configuration_of(arguments)
    pin, certificate = _named(configuration, arguments)
    pins = [pin]
    if arguments.key:
        if certificate is None:
            raise Problem(
                "the certificate is not known here, nor so its key",
                repr(arguments.thumbprint),
                "name a file with the certificate, or the key as spki-sha256:HEX",
            )
        pins.append(certificate.public_key_pin)
    store = policy_store(arguments)
    _tell_written(pins, distrust(store, pins))
    for one in pins:
        print(f"distrusted {one}{f', {certificate.subject}' if certificate else ''}")
    if certificate is None:
        note("no certificate with this digest is known here; should one come, it authenticates nobody")
    _tell_limits(configuration)
    return _finished(arguments, store)


def run_undistrust(arguments: argparse.Namespace) -> ExitStatus:
    """Take a certificate, and its key, or a key alone off the list."""
    configuration = configuration_of(arguments)
    listed = configuration.trust.distrusted
    digits = digits_of(_KEY.sub("", arguments.thumbprint)) or ""
    pins = [pin for pin in sorted(listed) if digits and pin.digest.startswith(digits)]
    if len({pin.digest for pin in pins}) > 1:
        raise Problem(f"{len(pins)} of the list begin so", repr(arguments.thumbprint), "give more digits")
    if not pins or pins[0].kind is PinKind.CERTIFICATE:
        pins = sorted({*pins, *_of_certificate(configuration, arguments, pins)})
    if not pins:
        raise Problem(
            "it is not distrusted",
            repr(arguments.thumbprint),
            "see `domain-secure partner cert list DOMAIN`, or [trust] distrusted",
        )
    store = policy_store(arguments)
    _tell_written(pins, undistrust(store, pins))
    for one in pins:
        print(f"distrusted no more: {one}")
    return _finished(arguments, store)


def _tell_written(pins: Sequence[Pin], written: Sequence[Written]) -> None:
    add_to_document({"pins": list(map(str, pins)), "written": list(map(str, written))})
    print(f"written: {', '.join(map(str, written))}" if written else "nothing to change")


def _of_certificate(
    configuration: Configuration, arguments: argparse.Namespace, found: list[Pin]
) -> frozenset[Pin]:
    """Return what of a certificate that is named is on the list, its key included; raises Problem.

    What was *found* there already needs not be known here any more.
    """
    try:
        _, certificate = _named(configuration, arguments)
    except Problem:
        if found:
            return frozenset()
        raise
    return certificate.pins & configuration.trust.distrusted if certificate else frozenset()


def _named(configuration: Configuration, arguments: argparse.Namespace) -> tuple[Pin, Certificate | None]:
    """Return what is named, and the certificate where it is known; raises Problem."""
    text: str = arguments.thumbprint
    if (file := Path(text)).is_file():
        certificate = _read(file)
        return certificate.certificate_pin, certificate
    entry = None if arguments.domain is None else entry_of(configuration, arguments.domain)
    every = map(NamedCertificate, _certificates(configuration, entry))
    known = list({one.sha256: one for one in every}.values())
    is_key = _KEY.match(text) is not None
    digits = digits_of(_KEY.sub("", text)) or ""
    if is_key or (len(digits) == _DIGITS and all(one.sha256 != digits for one in known)):
        if len(digits) != _DIGITS:
            raise Problem("this is not the digest of a key", repr(text), "write spki-sha256: and 64 digits")
        key = Pin.public_key(digits)
        owner = next((one.certificate for one in known if one.certificate.public_key_pin == key), None)
        return (key, owner) if is_key or owner else (Pin.certificate(digits), None)
    listing = f"domain-secure partner cert list {entry or 'DOMAIN'}"
    certificate = find(text, known, listing).certificate
    return certificate.certificate_pin, certificate


def _certificates(configuration: Configuration, entry: Entry | None) -> Iterator[Certificate]:
    """Yield what the book knows, authorities included, and the authorities of ``ca_file``."""
    with closing(CertificateBook(configuration.state / FILE_NAME)) as book:
        for known in book.all():
            if entry is None or any(origin.entry == entry for origin in known.origins):
                yield from known.chain
    try:
        anchors = TrustAnchors.load(configuration.trust.ca_file.read_bytes())
    except OSError as error:
        note(f"the authorities cannot be read ({error.strerror}): {configuration.trust.ca_file}")
        return
    for group in anchors.by_subject.values():
        yield from group


def _read(file: Path) -> Certificate:
    try:
        with file.open("rb") as stream:
            return read_certificates(stream.read(MAXIMUM_FILE_OCTETS + 1))[0]
    except OSError as error:
        raise Problem(f"cannot read it ({error.strerror})", str(file), "name a readable file") from error
    except MalformedCertificateError as error:
        raise Problem(f"this is no certificate: {error}", str(file), "name PEM, DER or PKCS#7") from error


def _tell_limits(configuration: Configuration) -> None:
    """Say what Postfix cannot be told where we send."""
    methods = {configuration.partner(entry).send_method for entry in configuration.send}
    if methods - {SendMethod.PIN}:
        note(
            "when we send, Postfix goes without what of this is in ca_file, in send_ca_file or pinned; of "
            "other certificates, and where TLSA records decide, it cannot be told: `domain-secure check` "
            "names partners whose servers showed one"
        )


def _finished(arguments: argparse.Namespace, store: PolicyStore) -> ExitStatus:
    configuration = configuration_of(arguments)
    return in_force(
        arguments, store, receiving=bool(configuration.receive), sent_to=tuple(configuration.send)
    )
