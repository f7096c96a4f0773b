"""The SMTP reply to a message that is not let in.

Sources: RFC 5321 section 4.5.3.1.5 (512 octets a reply line), RFC 3463 (enhanced status codes).
"""

from dataclasses import dataclass

from .decision import Decision
from .verdict import Effect

# 512 octets less "550 5.7.10 ", CR LF, and what Postfix may put around it.
_TEXT_LIMIT = 450


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply in its three parts."""

    code: str
    enhanced_status: str
    text: str

    def __str__(self) -> str:
        """Return the reply as it stands on the wire, without its line end."""
        return f"{self.code} {self.enhanced_status} {self.text}"


def reply_to(decision: Decision, reference: str) -> Reply | None:
    """Return what the client is told, or None where the message is let in.

    *reference* is the queue id, by which both administrators find the message in their logs.
    """
    deciding = decision.deciding
    if deciding is None or decision.effect not in {Effect.DEFER, Effect.REJECT}:
        return None
    code, enhanced_status = deciding.verdict.reply_status(decision.effect)
    tail = f" ({deciding.verdict.word}) [ref {reference or 'unknown'}]"
    body = _printable_ascii(f"{deciding.claim.domain}: {deciding.detail}")
    return Reply(code, enhanced_status, body[: _TEXT_LIMIT - len(tail)] + tail)


def _printable_ascii(text: str) -> str:
    """Return *text* with everything else as a question mark; certificates hold what strangers like."""
    return "".join(character if " " <= character <= "~" else "?" for character in text)
