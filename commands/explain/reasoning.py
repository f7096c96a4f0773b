"""What a verdict rests on, as text and as a document: names, chain with dates, revocation, TLSA records."""

from collections.abc import Iterable, Mapping
from typing import Any

from domain_secure.policy.certificates.certificate_document import certificate_document
from domain_secure.policy.certificates.trust import CommonName
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.dane.tlsa import TlsaAnswer
from domain_secure.policy.decision.evidence import KnownCertificate
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.names import dns_name_matches

_SHOWN_NAMES = 20


def known_certificate_document(
    known: KnownCertificate, entries: Iterable[Entry], configuration: Configuration
) -> dict[str, Any]:
    """Return what is known of a peer certificate, and which of its names count for the list entries."""
    certificate, path = known.certificate, known.path
    accepted = tuple(
        dict.fromkeys(name for entry in entries for name in configuration.partner(entry).client_names)
    )
    return {
        "certificate": str(certificate.certificate_pin),
        "public_key": str(certificate.public_key_pin),
        "names": [
            {"name": name, "kind": "dns", "matches": _matched(name, accepted)}
            for name in certificate.dns_names
        ],
        "common_name": certificate.common_name,
        "common_name_counts": not certificate.dns_names
        and configuration.trust.common_name is CommonName.WITHOUT_SAN,
        "path": path.outcome,
        "path_detail": path.detail,
        "chain": [
            certificate_document(one) for one in path.certificates or (certificate, *known.intermediates)
        ],
        "revocation": known.revocation,
        "revocation_mode": configuration.trust.revocation,
        "revocation_detail": known.revocation_detail or None,
    }


def _matched(name: str, accepted: Iterable[Any]) -> str | None:
    return next((one for one in accepted if dns_name_matches(name, one)), None)


def print_certificate(document: Mapping[str, Any]) -> None:
    """Print what :func:`known_certificate_document` returned."""
    print(f"certificate {document['certificate']}")
    # Those that count come first, whatever else is in it.
    names = sorted(document["names"], key=lambda name: name["matches"] is None)
    for name in names[:_SHOWN_NAMES]:
        verdict = f"counts for {name['matches']}" if name["matches"] else "counts for none of them"
        print(f"  name     {printable(name['name'])}: {verdict}")
    if len(document["names"]) > _SHOWN_NAMES:
        print(f"  name     … and {len(document['names']) - _SHOWN_NAMES} more, see --json")
    if document["common_name"] is not None:
        counts = "counts, as there is no DNS name" if document["common_name_counts"] else "does not count"
        print(f"  name     common name {printable(document['common_name'])}: {counts}")
    for link in document["chain"]:
        subject = printable(link["subject"]) or "(no subject)"
        print(f"  chain    {subject}, {link['not_before'][:10]} to {link['not_after'][:10]}")
    print(f"  path     {document['path']}: {printable(document['path_detail'])}")
    detail = f": {printable(document['revocation_detail'])}" if document["revocation_detail"] else ""
    print(f"  revoked  {document['revocation']}{detail} (revocation = {document['revocation_mode']})")


def tlsa_document(answers: Mapping[Entry, TlsaAnswer]) -> dict[str, Any]:
    """Return what DNS says of the TLSA records of list entries."""
    return {
        entry: {
            "records": [str(record) for record in sorted(answer.records)],
            "failures": list(answer.failures),
        }
        for entry, answer in answers.items()
    }


def print_tlsa(document: Mapping[str, Any]) -> None:
    """Print what :func:`tlsa_document` returned."""
    for entry, answer in document.items():
        said = [*answer["records"], *(f"unknown: {failure}" for failure in answer["failures"])]
        for line in said or ("no record that DNSSEC vouches for",):
            print(f"tlsa       {entry}: {line}")


def printable(text: str) -> str:
    """Return text that a stranger wrote, fit for a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)
