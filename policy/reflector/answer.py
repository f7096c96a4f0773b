"""The answer: what was seen of a session, for whoever sent by it.

Owns: what is told and in which words.  Must not know: how it is sent.
Invariants: nothing of the letter is repeated but its Message-ID, which was read strictly; whatever somebody
else's certificate says is cut short and put into printable ASCII; every line is of our own making.
Sources: RFC 3834 section 3 (form of automatic answers), RFC 5322, RFC 2045 (plain text in ASCII).
"""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from domain_secure.policy.certificates.purposes import Purpose, purposes_of
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.dane.tlsa import TlsaAnswer
from domain_secure.policy.decision.decision import Decision, Finding
from domain_secure.policy.decision.evidence import KnownCertificate, Session
from domain_secure.policy.decision.reasoning import known_certificate_document, not_asked, tlsa_document
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.mailbox import Mailbox

from .alignment import Alignment
from .mending import mending

_WIDTH = 76
_LABEL = 13
_LONGEST = 300  #: of what somebody else chose
_SHOWN_NAMES = 20
_SHOWN_CHAIN = 8
_PURPOSES = {Purpose.CLIENT: "TLS client", Purpose.SERVER: "TLS server"}


@dataclass(frozen=True, slots=True)
class Seen:
    """All that is known of the session that brought a letter."""

    author: Mailbox
    identifier: str  #: the letter's Message-ID, in its brackets
    reflector: str  #: the address that was written to
    host: str  #: our name
    queue_id: str
    received: datetime  #: aware
    client_address: str
    session: Session | None
    alignment: Alignment
    decision: Decision  #: about the author's domain alone, by the session
    known: KnownCertificate | None
    tlsa: Mapping[Entry, TlsaAnswer]
    is_listed: bool  #: whether the domain has to prove itself here


def answer_to(seen: Seen, configuration: Configuration, identifier: str) -> EmailMessage:
    """Return the answer, to be sent with an empty reverse-path; *identifier* is its own Message-ID."""
    # Loads the grammar of header fields, for which a daemon that answers no letters should not pay.
    from email.policy import SMTP  # noqa: PLC0415

    # Where a field would be broken, a long Message-ID becomes encoded words, which no program takes for one.
    message = EmailMessage(policy=SMTP.clone(max_line_length=None))
    message["From"] = f"<{seen.reflector}>"
    message["To"] = f"<{seen.author}>"
    message["Subject"] = f"Your session with {seen.host} ({seen.queue_id})"
    message["Date"] = format_datetime(seen.received)
    message["Message-ID"] = identifier
    message["In-Reply-To"] = seen.identifier
    message["References"] = seen.identifier
    message["Auto-Submitted"] = "auto-replied"
    message["Precedence"] = "bulk"
    message["X-Auto-Response-Suppress"] = "All"
    text = "\n".join(_lines(seen, configuration))
    message.set_content(f"{text}\n", cte="7bit", charset="us-ascii")
    return message


def _lines(seen: Seen, configuration: Configuration) -> Iterator[str]:
    domain = seen.author.domain
    yield from textwrap.wrap(
        f"This is an automatic answer: a letter from you to {seen.reflector} came in, and this is what "
        f"{seen.host} saw of the session that brought it. Your letter was read by nobody and is gone. It was "
        f"taken for yours by this: {seen.alignment.detail}.",
        _WIDTH,
    )
    yield from ("", "The session")
    yield from _session(seen)
    yield from ("", "The certificate")
    yield from _certificate(seen, configuration)
    yield from ("", f"Does it prove {domain}?")
    for finding in seen.decision.findings:
        yield from _finding(finding)
    for answer in tlsa_document(seen.tlsa).values():
        for line in [*answer["records"], *(f"unknown: {one}" for one in answer["failures"])]:
            yield from _row("TLSA", line)
    yield from _row("verdict", seen.decision.verdict.word)
    yield from _row("here", _standing(seen))
    yield from ("", "What to mend")
    yield from textwrap.wrap(
        mending(seen.decision.verdict), _WIDTH, initial_indent="  ", subsequent_indent="  "
    )


def _standing(seen: Seen) -> str:
    if seen.is_listed:
        return "mail from your domain has to prove itself to this server"
    return (
        "mail from your domain need not prove itself to this server; it was judged by the rules that would "
        "hold if it had to and nothing else were agreed on"
    )


def _session(seen: Seen) -> Iterator[str]:
    session = seen.session
    yield from _row("received", f"{seen.received:%Y-%m-%d %H:%M:%S} UTC, as {seen.queue_id}")
    yield from _row("client", f"[{seen.client_address}]")
    if session is None:
        yield from _row("TLS", "not known: Postfix did not tell of it in the two ways that have to agree")
    elif session.tls_version is None:
        yield from _row("TLS", "none: the letter came in the clear")
    else:
        yield from _row("TLS", f"{session.tls_version}, {session.cipher}")


def _certificate(seen: Seen, configuration: Configuration) -> Iterator[str]:
    session = seen.session
    if session is None or session.certificate_pin is None:
        yield from _row("shown", "none")
        return
    yield from _row("certificate", str(session.certificate_pin))
    yield from _row("public key", str(session.public_key_pin))
    if seen.known is None:
        if session.trusted_subject:
            yield from _row("common name", session.trusted_subject)
        yield from _row(
            "content",
            "not known: Postfix tells the digests alone, and the server that sent the letter did not show "
            "this certificate when it was asked on port 25",
        )
        return
    entries = tuple(one.claim.entry for one in seen.decision.findings)
    yield from _content(seen.known, known_certificate_document(seen.known, entries, configuration))


def _content(known: KnownCertificate, document: Mapping[str, Any]) -> Iterator[str]:
    leaf = known.certificate
    yield from _row("subject", leaf.subject or "(none)")
    yield from _row("issuer", leaf.issuer or "(none)")
    yield from _row("valid", f"{leaf.not_before:%Y-%m-%d %H:%M} to {leaf.not_after:%Y-%m-%d %H:%M} UTC")
    # Those that count come first, whatever else is in it.
    names = sorted(document["names"], key=lambda name: name["matches"] is None)
    for name in names[:_SHOWN_NAMES]:
        told = f"counts for {name['matches']}" if name["matches"] else "does not count"
        yield from _row("name", f"{_printable(name['name'])}: {told}")
    if len(names) > _SHOWN_NAMES:
        yield from _row("name", f"and {len(names) - _SHOWN_NAMES} more")
    if document["common_name"] is not None:
        told = "counts, as there is no DNS name" if document["common_name_counts"] else "does not count"
        yield from _row("common name", f"{_printable(document['common_name'])}: {told}")
    purposes = sorted(_PURPOSES[one] for one in purposes_of(leaf))
    yield from _row("purposes", ", ".join(purposes) or "neither TLS client nor TLS server")
    for link in document["chain"][:_SHOWN_CHAIN]:
        until = f"{link['not_before'][:10]} to {link['not_after'][:10]}"
        yield from _row("chain", f"{_printable(link['subject']) or '(no subject)'}, {until}")
    yield from _row("path", f"{document['path']}: {document['path_detail']}")
    detail = f": {document['revocation_detail']}" if document["revocation_detail"] else ""
    yield from _row("revocation", f"{document['revocation']}{detail}")


def _finding(finding: Finding) -> Iterator[str]:
    yield from _row("names", f"one of these or a host under it: {', '.join(finding.partner.client_names)}")
    for attempt in finding.attempts:
        yield from _row(str(attempt.method), f"{attempt.verdict.word}: {attempt.detail}")
    for method, why in not_asked(finding):
        yield from _row(str(method), f"not asked: {why}")
    if not finding.attempts:
        yield from _row("because", finding.detail)


def _row(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        _printable(text),
        _WIDTH,
        initial_indent=f"  {label:<{_LABEL}}",
        subsequent_indent=" " * (_LABEL + 2),
        break_on_hyphens=False,
        break_long_words=False,
    )


def _printable(text: str) -> str:
    """Return text that somebody else wrote, cut short and in printable ASCII."""
    return "".join(one if " " <= one <= "~" else "?" for one in text[:_LONGEST])
