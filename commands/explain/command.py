"""``domain-secure explain``: which verdict would this message get, and why.

The same code decides as in the daemon; only the session is described by arguments instead of by Postfix.
"""

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from domain_secure.commands.terminal.common import configuration_path, note, print_json
from domain_secure.milter.knowledge.knowledge import CertificateKnowledge, Sources
from domain_secure.milter.knowledge.live_configuration import Live, read_live
from domain_secure.policy.book.certificate_book import FILE_NAME, CertificateBook
from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.claims.claims import envelope_claims
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.dane.tlsa import TlsaAnswer
from domain_secure.policy.decision.decision import (
    NOT_LISTED,
    Decision,
    Inquiries,
    decide_with,
    exempted,
)
from domain_secure.policy.decision.evidence import KnownCertificate, Session
from domain_secure.policy.decision.exemption import exemption_of
from domain_secure.policy.decision.reasoning import known_certificate_document, not_asked, tlsa_document
from domain_secure.policy.decision.reply import reply_to
from domain_secure.policy.dkim.message_signature import MessageSignature
from domain_secure.policy.revocation.kept_revocation import KeptRevocation
from domain_secure.policy.revocation.revocation_store import FOLDER, RevocationStore
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.tls import TlsVersion
from domain_secure.postfix.dns.dkim_key_lookup import DkimKeyLookup
from domain_secure.postfix.dns.dns_lookup import system_lookup
from domain_secure.postfix.dns.tlsa_lookup import TlsaLookup

from .message_file import MessageFile
from .reasoning import print_certificate, print_tlsa
from .shown_certificate import shown_certificate

_LIKELY_CIPHER = "TLS_AES_256_GCM_SHA384"


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``explain``."""
    del command
    parser.add_argument(
        "--from",
        dest="reverse_path",
        required=True,
        metavar="ADDRESS",
        help="the envelope sender; '<>' for none",
    )
    parser.add_argument("--client", required=True, metavar="ADDRESS", help="IP address of the sending server")
    parser.add_argument(
        "--fingerprint",
        metavar="DIGEST",
        help="of the client certificate it shows: SHA-256 in any spelling, or a thumbprint as of `cert list`",
    )
    parser.add_argument(
        "--public-key",
        metavar="DIGEST",
        help="SHA-256 of that certificate's public key, where the certificate is not known",
    )
    parser.add_argument(
        "--tls",
        default="TLSv1.3",
        metavar="VERSION",
        help="TLSv1.2, TLSv1.3 … or none (default: %(default)s)",
    )
    parser.add_argument("--cipher", default=_LIKELY_CIPHER, help="the cipher suite (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "message",
        nargs="?",
        type=Path,
        metavar="FILE",
        help="the message, for its author headers; - reads standard input",
    )
    parser.set_defaults(run=explain)


@dataclass(slots=True)
class _Reasoning:
    """A decision, and what was found out on the way to it."""

    decision: Decision
    certificate: KnownCertificate | None = None
    tlsa: Mapping[Entry, TlsaAnswer] = field(default_factory=dict)


def explain(arguments: argparse.Namespace) -> ExitStatus:
    """Print the verdict with every step that led to it; 1 when the message would not be let in unhindered.

    Raises Problem where what the daemon knows cannot be read.
    """
    live = read_live(load, configuration_path(arguments))
    configuration = live.configuration
    book = CertificateBook(configuration.state / FILE_NAME)
    session = _session(arguments, *shown_certificate(arguments.fingerprint, arguments.public_key, book))
    claims = envelope_claims((arguments.reverse_path,), configuration.receive)
    message = MessageFile.read(arguments.message) if arguments.message is not None else None
    if message is not None:
        claims |= message.claims(configuration.receive)
    shown = (session.certificate_pin, session.public_key_pin)
    why = exemption_of(_client_address(arguments.client), configuration, shown)
    if why is not None:
        found = _Reasoning(exempted(claims, configuration, why))
    else:
        found = _reason(arguments.client, session, claims, message, live, book)
    if message is None and any(finding.partner.require for finding in found.decision.findings):
        note("name the message as FILE as well: what is required of it besides its session is in there")
    if arguments.json:
        print_json(_document(found, configuration))
    else:
        _print(found, configuration)
    return ExitStatus.DIFFERENCE if found.decision.verdict.is_failure else ExitStatus.DONE


def _reason(
    client: str,
    session: Session,
    claims: frozenset[Claim],
    message: MessageFile | None,
    live: Live,
    book: CertificateBook,
) -> _Reasoning:
    configuration, now = live.configuration, datetime.now(UTC)
    sources = Sources(
        tlsa=TlsaLookup(lambda: configuration, system_lookup),
        revocation=KeptRevocation(
            RevocationStore(configuration.state / FOLDER), live.revocation_lists, lambda: now
        ),
        keys=DkimKeyLookup(system_lookup),
    )
    if claims and session.certificate_pin is not None:
        # The daemon defers where its book cannot be read: what it would do with ours is another question.
        book.chain(session.certificate_pin)
    knowledge = CertificateKnowledge(book, sources)
    deadline = time.monotonic() + configuration.inbound.probe_timeout
    found = _Reasoning(NOT_LISTED)

    def certificate(entries: tuple[Entry, ...]) -> KnownCertificate | None:
        found.certificate = knowledge.known_certificate(session, entries, client, live, now, note=False)
        return found.certificate

    def tlsa(entries: tuple[Entry, ...]) -> Mapping[Entry, TlsaAnswer]:
        found.tlsa = knowledge.tlsa(entries, deadline)
        return found.tlsa

    def signatures() -> tuple[MessageSignature, ...] | None:
        return message.signed(claims).signatures(knowledge.keys, deadline, now) if message else None

    found.decision = decide_with(
        Inquiries(certificate, tlsa, signatures), claims, session, configuration, now
    )
    if found.certificate is None and claims:
        # A pin decides without it; whoever asks why wants to see it all the same.
        certificate(tuple(sorted({claim.entry for claim in claims})))
    return found


def _session(arguments: argparse.Namespace, certificate: Pin | None, public_key: Pin | None) -> Session:
    try:
        clear = arguments.tls.lower() == "none"
        return Session(
            tls_version=None if clear else TlsVersion.parse(arguments.tls),
            cipher=None if clear else arguments.cipher,
            certificate_pin=certificate,
            public_key_pin=public_key,
            trusted_subject=None,
            trusted_issuer=None,
        )
    except ValueError as error:
        raise Problem(str(error), "--tls", "correct the value") from error


def _client_address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise Problem(
            f"{text!r} is not an IP address", "--client", "give the address of the sending server"
        ) from error


def _document(found: _Reasoning, configuration: Configuration) -> dict[str, Any]:
    decision = found.decision
    reply = reply_to(decision, "QUEUEID", configuration.inbound.help_url)
    return {
        "verdict": decision.verdict.word,
        "effect": decision.effect,
        "reply": str(reply) if reply else None,
        "findings": [
            {
                "domain": finding.claim.entry,
                "claimed": finding.claim.domain,
                "claimed_in": finding.claim.source,
                "names": list(finding.partner.client_names),
                "verdict": finding.verdict.word,
                "method": finding.method,
                "mode": "bypass" if finding.is_bypassed else finding.partner.mode,
                "detail": finding.detail,
                "attempts": [
                    {"method": attempt.method, "verdict": attempt.verdict.word, "detail": attempt.detail}
                    for attempt in finding.attempts
                ],
                "not_asked": dict(not_asked(finding)),
            }
            for finding in decision.findings
        ],
        "certificate": known_certificate_document(found.certificate, _entries(decision), configuration)
        if found.certificate
        else None,
        "tlsa": tlsa_document(found.tlsa),
    }


def _entries(decision: Decision) -> tuple[Entry, ...]:
    return tuple(dict.fromkeys(finding.claim.entry for finding in decision.findings))


def _print(found: _Reasoning, configuration: Configuration) -> None:
    decision = found.decision
    if not decision.findings:
        print("claims     no domain of the receive list: the message is not touched")
    for finding in decision.findings:
        print(f"claims     {finding.claim.domain} in {finding.claim.source}, listed as {finding.claim.entry}")
        print(f"  names    {', '.join(finding.partner.client_names)}")
        for attempt in finding.attempts:
            print(f"  {attempt.method:<8} {attempt.verdict.word}: {attempt.detail}")
        for method, reason in not_asked(finding):
            print(f"  {method:<8} not asked: {reason}")
        print(f"  verdict  {finding.verdict.word}: {finding.detail}")
        if finding.is_bypassed:
            print("  mode     bypass: it is let in unproved, and marked as not secured")
        if finding.partner.mode == "observe":
            print("  mode     observe: nothing is refused for this domain")
    if found.certificate is not None:
        print_certificate(known_certificate_document(found.certificate, _entries(decision), configuration))
    print_tlsa(tlsa_document(found.tlsa))
    print(f"verdict    {decision.verdict.word}")
    print(f"effect     {decision.effect} (on_failure = {configuration.on_failure})")
    if reply := reply_to(decision, "QUEUEID", configuration.inbound.help_url):
        print(f"reply      {reply}")
