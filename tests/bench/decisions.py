"""The decision alone: what a message claims and the verdict on it, with a long list.

Owns: the messages, the evidence, and a plain look-up to compare with.
Must not know: Postfix, the milter protocol.
"""

import random
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from configurations import make_configuration, make_partner

from domain_secure.milter.knowledge.knowledge import CertificateKnowledge
from domain_secure.milter.knowledge.live_configuration import Live
from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.milter.session.inbound import Inbound
from domain_secure.milter.session.joined import RecentRequests
from domain_secure.milter.session.macros import MilterFacts
from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.certificates.trust import ClientPurpose
from domain_secure.policy.claims.claims import envelope_claims, header_claims
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.decision.decision import decide
from domain_secure.policy.decision.evidence import Evidence, KnownCertificate, Session
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.tls import TlsVersion

from .measurement import Measurement
from lab.certificates import Authority

PART = "decision"
UNLISTED_GOAL = "<= 5 µs"
LISTED_GOAL = "<= 10 µs"

_REFERENCE = "re and a set"
_ROUNDS = 7
# So many different messages that a processor's caches do not hold their part of the list.
_SAMPLE = 2000
_ADDRESS = re.compile(rb"<[^@>]*@([^>]*)>")

Message = tuple[str, bytes]  #: reverse-path, value of From
Case = tuple[str, Callable[[], None]]


def measure(domains: int) -> list[Measurement]:
    """Return microseconds per message with *domains* listed, for each way its decision may end."""
    listed = [f"partner-{number:07d}.test" for number in range(domains)]
    cases = _cases(listed)
    rounds = [[_microseconds(run) for _, run in cases] for _ in range(_ROUNDS + 1)][1:]  # the first warms up
    reference, *rest = (
        Measurement(PART, what, "µs", values)
        for (what, _), values in zip(cases, zip(*rounds, strict=True), strict=True)
    )
    goals = (UNLISTED_GOAL, LISTED_GOAL, LISTED_GOAL, "")
    return [
        reference,
        *(
            one.against(reference, called=_REFERENCE, goal=goal)
            for one, goal in zip(rest, goals, strict=True)
        ),
    ]


def _cases(listed: Sequence[str]) -> list[Case]:
    chosen = random.Random(0).choices(listed, k=_SAMPLE)
    strangers = _messages(f"stranger-{number:04d}.example.test" for number in range(_SAMPLE))
    partners = _messages(chosen)
    configuration = make_configuration(receive=DomainList(map(Entry, listed)).prepare())
    certificate = _known_certificate()
    shown = {domain: _evidence(domain, certificate) for domain in chosen}
    known = [shown[domain] for domain in chosen]
    unknown = [Evidence(evidence.session, None) for evidence in known]
    pins = known[0].session.pins if known[0].session else frozenset()
    pinned = replace(
        configuration,
        partners=MappingProxyType({Entry(domain): make_partner(domain, pins=pins) for domain in chosen}),
    )
    return [
        (f"{_REFERENCE} of {len(listed):,}", _plain_lookup(strangers, frozenset(listed))),
        ("unlisted", _decision(strangers, unknown, configuration, Verdict.NONE)),
        ("listed, passes by pin", _decision(partners, unknown, pinned, Verdict.PASS)),
        ("listed, passes by pkix", _decision(partners, known, configuration, Verdict.PASS)),
        ("unlisted, with all bookkeeping", _bookkeeping(strangers, configuration)),
    ]


def _messages(domains: Iterable[str]) -> list[Message]:
    return [
        (f"<adele.vance@{domain}>", f" Adele Vance <adele.vance@{domain}>".encode()) for domain in domains
    ]


def _microseconds(run: Callable[[], None]) -> float:
    # Processor time: what else the machine does is not the decision's.
    started = time.process_time()
    run()
    return (time.process_time() - started) / _SAMPLE * 1e6


def _plain_lookup(messages: Sequence[Message], listed: frozenset[str]) -> Callable[[], None]:
    def run() -> None:
        for reverse_path, author in messages:
            found = _ADDRESS.search(author)
            assert found
            assert found[1].decode().lower() not in listed
            assert reverse_path.strip("<>").rpartition("@")[2].lower() not in listed

    return run


def _decision(
    messages: Sequence[Message],
    evidence: Sequence[Evidence],
    configuration: Configuration,
    expected: Verdict,
) -> Callable[[], None]:
    receive = configuration.receive
    now = datetime.now(UTC)

    def run() -> None:
        for (reverse_path, author), each in zip(messages, evidence, strict=True):
            claims = envelope_claims((reverse_path, reverse_path[1:-1]), receive) | header_claims(
                "From", author, receive
            )
            assert decide(claims, each, configuration, now).verdict is expected

    return run


def _bookkeeping(messages: Sequence[Message], configuration: Configuration) -> Callable[[], None]:
    """Return the daemon's whole work on a message apart from callbacks: evidence, metrics, log, marks."""
    live = Live(configuration, TrustAnchors.load(b""))
    inbound = Inbound(
        lambda: live,
        RecentRequests(time.monotonic),
        CertificateKnowledge(CertificateBook(Path("/nonexistent/certificates.sqlite"))),
        Metrics(),
        lambda _: None,
        lambda _: None,
    )

    def run() -> None:
        for reverse_path, author in messages:
            facts = MilterFacts(
                "192.0.2.1", "25000", None, None, None, None, False, reverse_path[1:-1], "mail.contoso.test"
            )
            transaction = inbound.begin(facts, reverse_path)
            transaction.note_author("From", author)
            assert inbound.end(transaction, "4ZabcD0z1y").reply is None

    return run


def _known_certificate() -> KnownCertificate:
    authority = Authority.create("Authority")
    certificate = parse(authority.issue("mail.partner.test", dns_names=["mail.partner.test"]).der)
    path = validate(
        certificate,
        (),
        TrustAnchors.load(authority.certificate_pem),
        ClientPurpose.REQUIRE,
        datetime.now(UTC),
    )
    return KnownCertificate(certificate, path, RevocationStatus.UNKNOWN)


def _evidence(domain: str, known: KnownCertificate) -> Evidence:
    """Return the evidence of a session in which *domain*'s own server showed a trusted certificate."""
    own = replace(known, certificate=replace(known.certificate, dns_names=(f"mail.{domain}",)))
    return Evidence(
        Session(
            TlsVersion.TLS_1_3,
            "TLS_AES_256_GCM_SHA384",
            own.certificate.certificate_pin,
            own.certificate.public_key_pin,
            None,
            None,
        ),
        own,
    )
