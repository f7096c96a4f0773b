"""What ``probe`` found out about one domain, as one document of plain values with stable keys.

Owns: the verdict about the domain as a whole, out of those about its servers.
Must not know: how it is printed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum, unique
from typing import Any

from domain_secure.milter.knowledge.live_configuration import Live
from domain_secure.policy.certificates.certificate_document import certificate_document
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.claims.claims import envelope_claims
from domain_secure.policy.configuration.configuration import Partner
from domain_secure.policy.dane.tlsa import TlsaAnswer
from domain_secure.policy.decision.decision import Decision, decide_about_session
from domain_secure.policy.decision.evidence import Evidence, KnownCertificate, Session
from domain_secure.policy.revocation.revocation import RevocationSource, RevocationStatus
from domain_secure.policy.sending.delivery import FailureReason
from domain_secure.policy.sending.mutual_proof import Mutual, Shown, conclude
from domain_secure.policy.sending.mutual_proof import Session as MutualSession
from domain_secure.policy.sending.send_suggestion import suggest
from domain_secure.policy.sending.server_verdict import (
    ServerVerdict,
    ShownServer,
    judge_server,
    matching_name,
    matching_record,
)
from domain_secure.policy.terms.domain import Entry, entry_base
from domain_secure.policy.terms.names import any_name_matches
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.terms.tls import TlsVersion
from domain_secure.postfix.dns.mta_sts_lookup import StsFinding
from domain_secure.postfix.probe.domain_probe import DomainProbe, ServerProbe

_NONE_SHOWN = "the partner demands a certificate, and none of ours was shown"


@unique
class Outcome(StrEnum):
    """What would become of a message sent now."""

    DELIVERED = "delivered"
    HELD = "held"
    UNREACHABLE = "unreachable"
    NO_MAIL = "no-mail"  #: the domain takes none (RFC 7505)


@dataclass(frozen=True, slots=True)
class Found:
    """All that was learned about one list entry."""

    entry: Entry
    probed: DomainProbe
    sts: StsFinding
    mutual: Mapping[str, Mapping[Shown, MutualSession]] | None = None  #: by address; None: not asked for


def probe_document(found: Found, live: Live, revocation: RevocationSource, now: datetime) -> dict[str, Any]:
    """Return the document of one list entry."""
    configuration, probed = live.configuration, found.probed
    partner, anchors = sending_rule(found.entry, live)
    nexthop = entry_base(found.entry)
    verdicts = [
        (server, _verdict(server, judge_server(shown_server(server), partner, nexthop, anchors, now)))
        for server in probed.servers
    ]
    good = next((server for server, verdict in verdicts if verdict.is_good), None)
    shown = [shown_server(server) for server in probed.servers if server.result.chain]
    suggestion = suggest(shown, partner, nexthop, anchors, now) if good is None else None
    outcome = _outcome(probed, good, [verdict for _, verdict in verdicts])
    return {
        "domain": found.entry,
        "listed": {
            "receive": found.entry in configuration.receive,
            "send": found.entry in configuration.send,
        },
        "verdict": outcome,
        "detail": _detail(outcome, good, verdicts),
        "send_method": partner.send_method,
        "servers": [_server(server, verdict, found, live, now) for server, verdict in verdicts],
        "failures": list(probed.failures),
        "mta_sts": _sts(found.sts, probed.servers),
        "receiving": _receiving(found.entry, good or _with_chain(probed.servers), live, revocation, now),
        "suggestion": {"commands": list(suggestion.commands), "weakens": suggestion.weakens}
        if suggestion
        else None,
    }


def shown_server(server: ServerProbe) -> ShownServer:
    """Return what a server showed, as it is judged."""
    result = server.result
    return ShownServer(server.host, result.chain, result.tls_version, result.cipher, server.tlsa)


def _verdict(server: ServerProbe, judged: ServerVerdict) -> ServerVerdict:
    """Return what was judged, unless there was no session to be judged, or it ended before a word was said.

    Postfix looks at the server's certificate first.
    """
    result = server.result
    if result.reason is FailureReason.CLIENT_CERTIFICATE:
        return ServerVerdict(result.reason, _refused(server, result.failure))
    if result.reason is not None:
        return ServerVerdict(result.reason, result.failure or "")
    if judged.is_good and result.refusal is FailureReason.CLIENT_CERTIFICATE:
        return ServerVerdict(result.refusal, _refused(server, result.remark))
    if judged.is_good and result.refusal is not None:
        return ServerVerdict(result.refusal, result.remark or "")
    return judged


def _refused(server: ServerProbe, said: str | None) -> str:
    """Return that a server does not accept our certificate, or that it was shown none."""
    what = "the partner refuses our certificate" if server.result.shows_ours else _NONE_SHOWN
    return f"{what}: {said}" if said else what


def _outcome(probed: DomainProbe, good: ServerProbe | None, verdicts: Sequence[ServerVerdict]) -> Outcome:
    if probed.takes_no_mail:
        return Outcome.NO_MAIL
    if good is not None:
        return Outcome.DELIVERED
    if any(verdict.reason and verdict.reason.is_security for verdict in verdicts):
        return Outcome.HELD
    return Outcome.UNREACHABLE


def _detail(
    outcome: Outcome, good: ServerProbe | None, verdicts: Sequence[tuple[ServerProbe, ServerVerdict]]
) -> str:
    if good is not None:
        # Postfix takes the next server after a failed check.
        passed_over = any(verdict.reason and verdict.reason.is_security for _, verdict in verdicts)
        by = good.host or good.result.target.address
        return f"over verified TLS by {by}{'; another would be passed over' if passed_over else ''}"
    if outcome is Outcome.NO_MAIL:
        return "the domain says that it takes no mail (null MX)"
    if outcome is Outcome.HELD:
        reasons = {verdict.reason for _, verdict in verdicts if verdict.reason and verdict.reason.is_security}
        if reasons == {FailureReason.CLIENT_CERTIFICATE}:
            shown = any(server.result.shows_ours for server, _ in verdicts)
            what = "the partner refuses our certificate" if shown else _NONE_SHOWN
            return f"{what}, and mail would wait in the queue"
        return "no server is what the rule demands, and mail would wait in the queue"
    return "no server answers" if verdicts else "there is no server to ask"


def _server(
    server: ServerProbe, verdict: ServerVerdict, found: Found, live: Live, now: datetime
) -> dict[str, Any]:
    result, partner = server.result, live.configuration.partner(found.entry)
    document: dict[str, Any] = {
        "host": server.host,
        "address": result.target.address,
        "port": result.target.port,
        "preference": server.preference,
        "verdict": verdict.reason.word if verdict.reason else "good",
        "detail": verdict.detail,
        "tls_version": result.tls_version,
        "cipher": result.cipher,
        "certificate_requested": result.certificate_requested,
        "remark": result.remark,
        "chain": [certificate_document(one) for one in result.chain],
        "names": list(result.chain[0].dns_names) if result.chain else [],
        "certificate": str(result.chain[0].certificate_pin) if result.chain else None,
        "public_key": str(result.chain[0].public_key_pin) if result.chain else None,
        "path": _path(server, live, _anchors(partner, live), now),
        "distrusted": _distrusted(server, live),
        "name": matching_name(result.chain[0], partner) if result.chain else None,
        "tlsa": _tlsa(server, found, now),
    }
    if found.mutual is not None:
        document["mutual"] = _mutual(found.mutual.get(result.target.address, {}))
    return document


def sending_rule(entry: Entry, live: Live) -> tuple[Partner, TrustAnchors]:
    """Return the rule, and who is trusted, as Postfix has both: without what is distrusted."""
    partner, distrusted = live.configuration.partner(entry), live.configuration.trust.distrusted
    anchors = _anchors(partner, live)
    if not distrusted:
        return partner, anchors
    return replace(partner, pins=partner.pins - distrusted), anchors.without(distrusted)


def _distrusted(server: ServerProbe, live: Live) -> list[str]:
    """Return which certificates that a server showed are distrusted."""
    distrusted = live.configuration.trust.distrusted
    return [str(one.certificate_pin) for one in server.result.chain if one.pins & distrusted]


def _anchors(partner: Partner, live: Live) -> TrustAnchors:
    """Return the authorities that count when we send to a partner; raises Problem."""
    if partner.send_ca_file is None:
        return live.anchors
    try:
        return TrustAnchors.load(partner.send_ca_file.read_bytes())
    except OSError as error:
        raise Problem(
            f"the authorities of {partner.entry} cannot be read ({error.strerror})",
            f"send_ca_file = {partner.send_ca_file}",
            "make the file readable",
        ) from error


def _path(server: ServerProbe, live: Live, anchors: TrustAnchors, now: datetime) -> dict[str, Any] | None:
    if not server.result.chain:
        return None
    leaf, *others = server.result.chain
    trust = live.configuration.trust
    path = validate(leaf, others, anchors, trust.client_purpose, now, trust.distrusted)
    return {"outcome": path.outcome, "detail": path.detail}


def _tlsa(server: ServerProbe, found: Found, now: datetime) -> dict[str, Any]:
    chain = server.result.chain
    match = matching_record(shown_server(server), entry_base(found.entry), now) if chain else None
    return {
        "records": [str(record) for record in sorted(server.tlsa.records)],
        "match": str(match) if match else None,
        "failures": list(server.tlsa.failures),
    }


def _mutual(sessions: Mapping[Shown, MutualSession]) -> dict[str, Any]:
    return {
        "verdict": conclude(sessions) if sessions else Mutual.UNKNOWN,
        "sessions": {
            which: {"asked": one.asked, "refusal": one.refusal, "last_step": one.last_step}
            for which, one in sessions.items()
        },
    }


def _sts(finding: StsFinding, servers: Iterable[ServerProbe]) -> dict[str, Any] | None:
    if finding.problem is not None:
        return {"problem": finding.problem, "mode": None, "mx": [], "not_covered": []}
    if (policy := finding.policy) is None:
        return None
    hosts = dict.fromkeys(server.host for server in servers)
    return {
        "problem": None,
        "mode": policy.mode,
        "mx": list(policy.mx),
        "not_covered": [host for host in hosts if host is not None and not policy.allows(host)],
    }


def _with_chain(servers: Iterable[ServerProbe]) -> ServerProbe | None:
    return next((server for server in servers if server.result.chain), None)


def _receiving(
    entry: Entry, server: ServerProbe | None, live: Live, revocation: RevocationSource, now: datetime
) -> dict[str, Any] | None:
    """Return what a message from the partner would come to, sent with this very certificate."""
    configuration = live.configuration
    if entry not in configuration.receive or server is None:
        return None
    leaf, *others = server.result.chain
    partner, trust = configuration.partner(entry), configuration.trust
    # It shows another certificate when it sends.
    if partner.receive_names and any_name_matches(leaf.dns_names, partner.client_names) is None:
        return None
    path = validate(leaf, others, live.anchors, trust.client_purpose, now, trust.distrusted)
    known = KnownCertificate(leaf, path, RevocationStatus.UNKNOWN, tuple(others))
    if path.certificates:
        asked = revocation.find(path.certificates).result()
        known = KnownCertificate(leaf, path, asked.status, tuple(others), asked.detail)
    decision = _decision(entry, server, known, live, now)
    finding = decision.findings[0]
    return {
        "verdict": finding.verdict.word,
        "method": finding.method,
        "detail": finding.detail,
        "revocation": known.revocation,
        "revocation_detail": known.revocation_detail or None,
    }


def _decision(
    entry: Entry, server: ServerProbe, known: KnownCertificate, live: Live, now: datetime
) -> Decision:
    # A wildcard's own base is not on the list: some host under it is.
    domain = f"probe.{entry_base(entry)}" if entry.startswith("*.") else entry
    session = Session(
        tls_version=_version(server.result.tls_version),
        cipher=server.result.cipher,
        certificate_pin=Pin.certificate(known.certificate.certificate_pin.digest),
        public_key_pin=Pin.public_key(known.certificate.public_key_pin.digest),
        trusted_subject=None,
        trusted_issuer=None,
    )
    tlsa: dict[Entry, TlsaAnswer] = {entry: server.tlsa}
    claims = envelope_claims((f"postmaster@{domain}",), live.configuration.receive)
    return decide_about_session(claims, Evidence(session, known, tlsa), live.configuration, now)


def _version(text: str | None) -> TlsVersion | None:
    try:
        return TlsVersion.parse(text or "")
    except ValueError:
        return None
