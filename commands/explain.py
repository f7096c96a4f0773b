"""``domain-secure explain``: which verdict would this message get, and why.

The same code decides as in the daemon; only the session is described by arguments instead of by Postfix.
"""

import argparse
import sys
import time
from datetime import UTC, datetime
from email import message_from_bytes, policy
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from ..milter.knowledge import CertificateKnowledge, Sources
from ..milter.live_configuration import Live, read_live
from ..policy.certificate_book import CertificateBook
from ..policy.claims import HEADER_NAMES, envelope_claims, header_claims
from ..policy.configuration import OnFailure
from ..policy.decision import Decision, decide_with, exempted
from ..policy.evidence import Claim, Session
from ..policy.exemption import exemption_of
from ..policy.pin import Pin
from ..policy.problems import ExitStatus, Problem
from ..policy.reading import load
from ..policy.reply import reply_to
from ..policy.revocation_evidence import KeptRevocation
from ..policy.revocation_store import FOLDER, RevocationStore
from ..policy.tls import TlsVersion
from ..postfix.dns_lookup import system_lookup
from ..postfix.tlsa_lookup import TlsaLookup
from .common import configuration_path, print_json

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
    parser.add_argument("--fingerprint", metavar="SHA256", help="SHA-256 of the client certificate it shows")
    parser.add_argument("--public-key", metavar="SHA256", help="SHA-256 of that certificate's public key")
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


def explain(arguments: argparse.Namespace) -> ExitStatus:
    """Print the verdict with every step that led to it; 1 when the message would not be let in unhindered."""
    live = read_live(load, configuration_path(arguments))
    configuration = live.configuration
    session = _session(arguments)
    claims = envelope_claims((arguments.reverse_path,), configuration.receive)
    if arguments.message is not None:
        claims |= _claims_of_message(arguments.message, live)
    why = exemption_of(_client_address(arguments.client), configuration.inbound)
    if why is not None:
        decision = exempted(claims, configuration, why)
    else:
        now = datetime.now(UTC)
        kept = RevocationStore(configuration.state / FOLDER)
        sources = Sources(
            tlsa=TlsaLookup(lambda: configuration, system_lookup),
            revocation=KeptRevocation(kept, live.revocation_lists, lambda: now),
        )
        knowledge = CertificateKnowledge(
            CertificateBook(configuration.state / "certificates.sqlite"), sources
        )
        deadline = time.monotonic() + configuration.inbound.probe_timeout
        decision = decide_with(
            lambda entries: knowledge.known_certificate(
                session, entries, arguments.client, live, now, note=False
            ),
            lambda entries: knowledge.tlsa(entries, deadline),
            claims,
            session,
            configuration,
            now,
        )
    if arguments.json:
        print_json(_document(decision))
    else:
        _print(decision, configuration.on_failure)
    return ExitStatus.DIFFERENCE if decision.verdict.is_failure else ExitStatus.DONE


def _session(arguments: argparse.Namespace) -> Session:
    try:
        clear = arguments.tls.lower() == "none"
        return Session(
            tls_version=None if clear else TlsVersion.parse(arguments.tls),
            cipher=None if clear else arguments.cipher,
            certificate_pin=Pin.certificate(arguments.fingerprint) if arguments.fingerprint else None,
            public_key_pin=Pin.public_key(arguments.public_key) if arguments.public_key else None,
            trusted_subject=None,
            trusted_issuer=None,
        )
    except ValueError as error:
        raise Problem(str(error), "--tls, --fingerprint, --public-key", "correct the value") from error


def _client_address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise Problem(
            f"{text!r} is not an IP address", "--client", "give the address of the sending server"
        ) from error


def _claims_of_message(path: Path, live: Live) -> frozenset[Claim]:
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise Problem(
            f"cannot read the message ({error.strerror})", str(path), "name a readable file"
        ) from error
    message = message_from_bytes(content, policy=policy.compat32)
    claims: frozenset[Claim] = frozenset()
    for name, value in message.raw_items():
        if name.strip().lower() in HEADER_NAMES:
            octets = str(value).encode("utf-8", "surrogateescape")
            claims |= header_claims(name, octets, live.configuration.receive)
    return claims


def _document(decision: Decision) -> dict[str, Any]:
    reply = reply_to(decision, "QUEUEID")
    return {
        "verdict": decision.verdict.word,
        "effect": decision.effect,
        "reply": str(reply) if reply else None,
        "findings": [
            {
                "domain": finding.claim.entry,
                "claimed": finding.claim.domain,
                "claimed_in": finding.claim.source,
                "verdict": finding.verdict.word,
                "method": finding.method,
                "mode": finding.partner.mode,
                "detail": finding.detail,
                "attempts": [
                    {"method": attempt.method, "verdict": attempt.verdict.word, "detail": attempt.detail}
                    for attempt in finding.attempts
                ],
            }
            for finding in decision.findings
        ],
    }


def _print(decision: Decision, on_failure: OnFailure) -> None:
    if not decision.findings:
        print("claims     no domain of the receive list: the message is not touched")
    for finding in decision.findings:
        print(f"claims     {finding.claim.domain} in {finding.claim.source}, listed as {finding.claim.entry}")
        print(f"  names    {', '.join(finding.partner.names)}")
        for attempt in finding.attempts:
            print(f"  {attempt.method:<8} {attempt.verdict.word}: {attempt.detail}")
        print(f"  verdict  {finding.verdict.word}: {finding.detail}")
        if finding.partner.mode == "observe":
            print("  mode     observe: nothing is refused for this domain")
    print(f"verdict    {decision.verdict.word}")
    print(f"effect     {decision.effect} (on_failure = {on_failure})")
    if reply := reply_to(decision, "QUEUEID"):
        print(f"reply      {reply}")
