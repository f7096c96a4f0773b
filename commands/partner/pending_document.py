"""The certificates that nobody knows yet, as plain values with stable keys.

Owns: which of them still wait for somebody, and the command that settles each.
"""

from typing import Any

from domain_secure.policy.book.certificate_book import FILE_NAME, CertificateBook, PendingCertificate
from domain_secure.policy.configuration.configuration import Configuration, Method
from domain_secure.policy.decision.settling import pin_command


def pending_document(configuration: Configuration) -> list[dict[str, Any]]:
    """Return each unknown certificate that came with mail of a listed domain; raises Problem."""
    book = CertificateBook(configuration.state / FILE_NAME)
    try:
        return [
            _document(one, configuration) for one in book.pending() if not _is_settled(one, configuration)
        ]
    finally:
        book.close()


def _is_settled(pending: PendingCertificate, configuration: Configuration) -> bool:
    """Tell whether it has been pinned or become known meanwhile, or its domain has left the list.

    To know it settles nothing where a partner is proved by pins, and no chain is asked.
    """
    partner = configuration.partner(pending.entry)
    return (
        pending.entry not in configuration.receive
        or pending.fingerprint in partner.pins
        or pending.public_key in partner.pins
        or (pending.is_known and Method.PKIX in partner.methods)
    )


def _document(pending: PendingCertificate, configuration: Configuration) -> dict[str, Any]:
    return {
        "domain": pending.entry,
        "client": pending.client_address,
        "sha256": str(pending.fingerprint),
        "spki_sha256": str(pending.public_key) if pending.public_key else None,
        "first_seen": pending.first_seen.isoformat(),
        "last_seen": pending.last_seen.isoformat(),
        "count": pending.count,
        "methods": list(configuration.partner(pending.entry).methods),
        "settle": pin_command(pending.entry, pending.public_key or pending.fingerprint),
    }
