"""What a verdict rests on, as plain values: names, chain, revocation, TLSA records, methods not asked.

Must not know: who reads it, or on what.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from domain_secure.policy.certificates.certificate_document import certificate_document
from domain_secure.policy.certificates.trust import CommonName
from domain_secure.policy.configuration.configuration import Condition, Configuration, Method
from domain_secure.policy.dane.tlsa import TlsaAnswer
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.names import dns_name_matches

from .decision import Finding
from .evidence import KnownCertificate
from .verdict import Verdict

_NOTHING_TO_GO_BY = {
    Method.PIN: "no pins were agreed on",
    Method.DANE: "there are no TLSA records",
}


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


def tlsa_document(answers: Mapping[Entry, TlsaAnswer]) -> dict[str, Any]:
    """Return what DNS says of the TLSA records of list entries."""
    return {
        entry: {
            "records": [str(record) for record in sorted(answer.records)],
            "failures": list(answer.failures),
        }
        for entry, answer in answers.items()
    }


def not_asked(finding: Finding) -> Iterator[tuple[str, str]]:
    """Yield the partner's methods and conditions that had no say, with the reason."""
    asked = {attempt.method for attempt in finding.attempts}
    passed = next((attempt.method for attempt in finding.attempts if attempt.verdict is Verdict.PASS), None)
    before: set[Method | Condition | None] = set()
    for method in finding.partner.methods:
        before.add(method)
        if method in asked:
            continue
        if not finding.attempts and finding.verdict is Verdict.DISTRUSTED:
            yield method, "the certificate itself is distrusted"
        elif not finding.attempts:
            yield method, f"{finding.verdict.word}, whatever the certificate"
        elif passed in before:
            yield method, f"{passed} has passed"
        else:
            yield method, _NOTHING_TO_GO_BY.get(method, "there is nothing to go by")
    for condition in finding.partner.require:
        if condition not in asked:
            yield condition, "the session did not prove to be the partner"
