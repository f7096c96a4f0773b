"""The SMTP reply to a message that is not let in.

Owns: its form: a clause for the partner's administrator, the page that explains it where one is configured,
the reason word, and the reference.  The word and the reference come last, and whoever reads a reply goes by
them.
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


def reply_to(decision: Decision, reference: str, help_url: str | None = None) -> Reply | None:
    """Return what the client is told, or None where the message is let in.

    *reference* is the queue id, by which both administrators find the message in their logs; *help_url* as
    in `worded_reply`.
    """
    deciding = decision.deciding
    if deciding is None or decision.effect not in {Effect.DEFER, Effect.REJECT}:
        return None
    status = deciding.verdict.reply_status(decision.effect)
    clause = f"{deciding.claim.domain}: {deciding.detail}"
    return worded_reply(status, clause, deciding.verdict.word, reference, help_url)


def worded_reply(
    status: tuple[str, str], clause: str, word: str, reference: str, help_url: str | None = None
) -> Reply:
    """Return the reply with these words; the clause is cut off where the line would become too long.

    *status* is the reply code and the enhanced status code, *word* the reason.
    *help_url* is the page for refused partners, without a fragment: the reason word becomes one, so that each
    reason may have its section there.
    """
    page = f"; see {help_url}#{word}" if help_url else ""
    return Reply(*status, reply_text(clause, f"{page} ({word}) [ref {reference or 'unknown'}]"))


def reply_text(body: str, tail: str) -> str:
    """Return the text of a reply that fits on a line: *body* is cut short, *tail* is not."""
    return _printable_ascii(body)[: _TEXT_LIMIT - len(tail)] + tail


def _printable_ascii(text: str) -> str:
    """Return *text* with everything else as a question mark; certificates hold what strangers like."""
    return "".join(character if " " <= character <= "~" else "?" for character in text)
