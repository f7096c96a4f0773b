"""The certificates that nobody knows yet, as plain values with stable keys.

Owns: which of them still wait for somebody, and the command that settles each.
"""

from typing import Any

from domain_secure.policy.book.certificate_book import FILE_NAME, CertificateBook, PendingCertificate
from domain_secure.policy.configuration.configuration import Configuration


def pending_document(configuration: Configuration) -> list[dict[str, Any]]:
    """Return each unknown certificate that came with mail of a listed domain; raises Problem."""
    book = CertificateBook(configuration.state / FILE_NAME)
    try:
        return [_document(one) for one in book.pending() if not _is_settled(one, configuration)]
    finally:
        book.close()


def _is_settled(pending: PendingCertificate, configuration: Configuration) -> bool:
    """Tell whether it has been pinned meanwhile, or its domain has left the list."""
    pins = configuration.partner(pending.entry).pins
    return (
        pending.entry not in configuration.receive
        or pending.fingerprint in pins
        or pending.public_key in pins
    )


def _settling_command(pending: PendingCertificate) -> str:
    # Quoted, since the shell would look for files that match a wildcard entry.
    domain = f"'{pending.entry}'" if "*" in pending.entry else pending.entry
    return f"domain-secure partner pin {domain} {pending.fingerprint}"


def _document(pending: PendingCertificate) -> dict[str, Any]:
    return {
        "domain": pending.entry,
        "client": pending.client_address,
        "sha256": str(pending.fingerprint),
        "spki_sha256": str(pending.public_key) if pending.public_key else None,
        "first_seen": pending.first_seen.isoformat(),
        "last_seen": pending.last_seen.isoformat(),
        "count": pending.count,
        "settle": _settling_command(pending),
    }
