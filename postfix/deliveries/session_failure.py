"""The event of a session that came to nothing, for one list entry that it was for.

Owns: which of its lines says why.  Must not know: which sessions belong to which request.
"""

from datetime import datetime

from domain_secure.policy.sending.delivery import FailureReason, SessionFailure
from domain_secure.policy.terms.domain import Entry
from domain_secure.postfix.log_lines.failure_text import settled
from domain_secure.postfix.log_lines.log_line import parse_stamp

from .client_process import Failed


def session_failure(
    failed: Failed, entry: Entry, queue_id: str, unmatched: FailureReason, now: datetime
) -> SessionFailure:
    """Return the event; *unmatched* is what it means that no pin or record of the entry's fits."""
    reason = settled(
        failed.cause, failed.details, chain_is_trusted=failed.chain_is_trusted, unmatched=unmatched
    )
    detail = next((detail.text for detail in failed.details), failed.text)
    return SessionFailure(
        parse_stamp(failed.stamp, now),
        entry,
        queue_id,
        failed.relay or "none",
        reason,
        detail,
        tuple(failed.lines),
    )
