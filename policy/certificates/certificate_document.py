"""A certificate as a JSON document for people: what it is for, whose, from when to when, and its pins.

Must not know: whether it is trusted.
Invariant: it shows no local part of an address, whatever the certificate holds.
"""

from typing import Any

from domain_secure.policy.terms.printable import without_local_parts

from .certificate import Certificate

_LONGEST_TEXT = 300
_MOST_NAMES = 20


def certificate_document(certificate: Certificate) -> dict[str, Any]:
    """Return subject, issuer, names, dates and pins."""
    return {
        "subject": _shown(certificate.subject),
        "issuer": _shown(certificate.issuer),
        "names": [_shown(name) for name in certificate.dns_names[:_MOST_NAMES]],
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "certificate": str(certificate.certificate_pin),
        "public_key": str(certificate.public_key_pin),
    }


def _shown(text: str) -> str:
    return without_local_parts(text)[:_LONGEST_TEXT]
