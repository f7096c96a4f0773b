"""The counters by words that programs read, beside the titles that people know from elsewhere."""

from collections.abc import Mapping

WORDS = {
    "Domain Secure Messages Received": "messages_received",
    "Domain Secure Messages Sent": "messages_sent",
    "Domain Secure Outbound Session Failures": "outbound_session_failures",
    "Refused or deferred on receipt": "refused_or_deferred",
    "Sent without verified TLS": "sent_unverified",
}


def counts(counters: Mapping[str, int]) -> dict[str, int]:
    """Return counters, which are by title, by their words; raises KeyError for a title without one."""
    return {WORDS[title]: number for title, number in counters.items()}
