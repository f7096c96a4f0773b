"""``domain-secure partner cert list`` and ``remove``: what is known of a partner's certificates."""

import argparse
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from domain_secure.commands.terminal.common import (
    add_to_document,
    configuration_of,
    note,
    print_json,
    print_table,
)
from domain_secure.policy.book.certificate_book import FILE_NAME, IMPORT, CertificateBook, KnownChain
from domain_secure.policy.certificates.certificate import Chain
from domain_secure.policy.certificates.issuers import linked
from domain_secure.policy.certificates.presented_names import names_of, some
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.editing.editing import parse_entries
from domain_secure.policy.terms.domain import Entry, entry_base
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.thumbprint import find, sha1_of


class _Known:
    """A certificate that is named by its thumbprints."""

    def __init__(self, known: KnownChain, entry: Entry) -> None:
        self.chain = known.chain
        self.certificate = known.chain[0]
        self.origins = tuple(one for one in known.origins if one.entry == entry)
        self.sha1 = sha1_of(self.certificate.der)
        self.sha256 = self.certificate.certificate_pin.digest
        self.spki_sha256 = self.certificate.public_key_pin.digest


def add_parsers(actions: Any) -> None:
    """Declare ``list`` and ``remove`` among the actions of ``partner cert``."""
    listing = actions.add_parser("list", help="print what is known of a partner's certificates")
    listing.add_argument("--json", action="store_true", help="print one JSON document")
    listing.set_defaults(run=run_list)
    remove = actions.add_parser(
        "remove",
        help="forget a partner's certificate",
        description="Forget what is known of a certificate. Where the partner's servers still show it, it is "
        "learned again; to believe it no more, whatever shows it, see `distrust`.",
    )
    remove.set_defaults(run=run_remove)
    for action in (listing, remove):
        action.add_argument("domain", metavar="DOMAIN", help="the partner, as on the list")
    remove.add_argument("thumbprint", metavar="THUMBPRINT", help="SHA-1 or SHA-256, or how it begins")


def run_list(arguments: argparse.Namespace) -> ExitStatus:
    """Print each certificate with where it was seen, and until when it is valid."""
    entry = entry_of(configuration := configuration_of(arguments), arguments.domain)
    with closing(CertificateBook(configuration.state / FILE_NAME)) as book:
        documents = [_document(one, configuration) for one in _known(book, entry)]
    every = sorted(map(str, configuration.trust.distrusted))
    if arguments.json:
        print_json({"domain": entry, "certificates": documents, "distrusted": every})
        return ExitStatus.DONE
    if documents:
        rows = [
            (
                one["thumbprint"],
                some(one["names"]),
                one["not_after"][:10],
                one["last_seen"][:10],
                ("imported" if one["imported"] else "seen") + (", DISTRUSTED" if one["distrusted"] else ""),
            )
            for one in documents
        ]
        print_table(("thumbprint", "names", "not after", "last seen", "how"), rows)
    else:
        print(f"no certificate of {entry} is known: see `domain-secure partner cert add` and `probe`")
    for one in every:
        print(f"distrusted, for every partner: {one}")
    return ExitStatus.DONE


def run_remove(arguments: argparse.Namespace) -> ExitStatus:
    """Forget a certificate of a partner."""
    entry = entry_of(configuration := configuration_of(arguments), arguments.domain)
    listing = f"domain-secure partner cert list {entry}"
    with closing(CertificateBook(configuration.state / FILE_NAME)) as book:
        known = find(arguments.thumbprint, _known(book, entry), listing)
        pin = known.certificate.certificate_pin
        if not book.remove(pin, entry):
            raise Problem("it was forgotten already", str(pin), f"see `{listing}`")
    add_to_document({"domain": entry, "thumbprint": known.sha1.upper(), "sha256": str(pin)})
    print(f"removed    {known.sha1.upper()}, {known.certificate.subject or 'no subject'}")
    rule = configuration.partner(entry)
    if {pin, known.certificate.public_key_pin} & rule.pins:
        note(f"it is pinned for {entry}, and passes by that: see `domain-secure partner set {entry} pins=`")
    if configuration.inbound.probe:
        note("it is known again once a server of the partner shows it")
    return ExitStatus.DONE


def entry_of(configuration: Configuration, domain: str) -> Entry:
    """Return the list entry under which the book has a partner's certificates; raises Problem."""
    (entry,) = parse_entries([domain])
    if entry.startswith("*."):
        return entry
    base = entry_base(entry)
    return configuration.receive.match(base) or configuration.send.match(base) or entry


def distrusted_in(chain: Chain, configuration: Configuration) -> list[str]:
    """Return which of a certificate and of the authorities it leads to are distrusted, as they are listed."""
    distrusted = configuration.trust.distrusted
    if not distrusted:
        return []
    return sorted({str(pin) for one in linked(chain[0], chain[1:]) for pin in one.pins & distrusted})


def _known(book: CertificateBook, entry: Entry) -> list[_Known]:
    every = (_Known(one, entry) for one in book.all())
    return [one for one in every if one.origins]


def _document(known: _Known, configuration: Configuration) -> dict[str, Any]:
    certificate = known.certificate
    last = max(one.last_seen for one in known.origins)
    return {
        "thumbprint": known.sha1.upper(),
        "sha256": str(certificate.certificate_pin),
        "spki_sha256": str(certificate.public_key_pin),
        "subject": certificate.subject,
        "names": list(names_of(certificate)),
        "issuer": certificate.issuer,
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "is_past": certificate.not_after < datetime.now(UTC),
        "distrusted": distrusted_in(known.chain, configuration),
        "imported": any(one.source == IMPORT for one in known.origins),
        "first_seen": min(one.first_seen for one in known.origins).isoformat(),
        "last_seen": last.isoformat(),
        "sources": [one.source for one in known.origins],
    }
