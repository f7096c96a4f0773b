"""The doctor's questions about what partners' servers show: would we refuse it, in either direction.

Must not know: Postfix, sockets.  It looks at the book that probes keep, and asks for TLSA records only
where the answer hangs on them.
Invariant: a partner is named only where none of its servers showed lately what our rule accepts; Postfix
takes the next server after one that is not verified.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain_secure.policy.book.certificate_book import FILE_NAME, IMPORT, PROBE, CertificateBook, KnownChain
from domain_secure.policy.certificates.certificate import Chain
from domain_secure.policy.certificates.gateways import RECIPES, Gateway, gateway_of_host
from domain_secure.policy.certificates.issuers import issuer_locations
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.configuration.configuration import Configuration, Method, Partner, SendMethod
from domain_secure.policy.dane.tlsa import TlsaAnswer
from domain_secure.policy.decision.decision import Finding as Judgement
from domain_secure.policy.decision.decision import decide_about_session
from domain_secure.policy.decision.evidence import Evidence, KnownCertificate, Session
from domain_secure.policy.decision.settling import settling_steps
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.sending.server_verdict import ServerVerdict, ShownServer, judge_server
from domain_secure.policy.terms.domain import Domain, Entry, InvalidDomainError, entry_base, parse_domain
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.tls import TlsVersion
from domain_secure.postfix.findings.findings import Finding

_MOST = 1000  #: of the certificates seen last; a partner's servers show a handful
# Servers of one partner are probed together: one that was seen long before the others is one no longer.
_TOGETHER = timedelta(minutes=10)
# The book does not keep what else was negotiated; it is judged as if it were good.
_CIPHER = "TLS_AES_256_GCM_SHA384"
_CERTAIN = frozenset({Verdict.UNTRUSTED, Verdict.NAME_MISMATCH, Verdict.EXPIRED})

AskTlsa = Callable[[Domain], TlsaAnswer]  #: of the mail servers of a domain


@dataclass(frozen=True, slots=True)
class _Server:
    """What one server of a partner showed last."""

    host: Domain
    target: str
    chain: Chain
    seen: datetime


def check_partner_servers(
    configuration: Configuration,
    now: datetime,
    ask_tlsa: AskTlsa,
    only: Domain | None = None,
    probed: datetime | None = None,
) -> Iterator[Finding]:
    """Yield the partners whose servers show what we would not accept; raises Problem and OSError.

    About *only* one listed domain when given, and by what was seen since it was *probed*.
    """
    with closing(CertificateBook(configuration.state / FILE_NAME)) as book:
        known = book.all(_MOST)
    if not known:
        return
    try:
        anchors = TrustAnchors.load(configuration.trust.ca_file.read_bytes())
    except FileNotFoundError:
        return  # a finding of its own
    servers = _servers(known, probed)
    imported: dict[Entry, list[Chain]] = {}
    for one in known:
        for origin in one.origins:
            if origin.source == IMPORT:
                imported.setdefault(origin.entry, []).append(one.chain)
    for entry, shown in sorted(servers.items()):
        if _is_about(entry, configuration.send, only):
            yield from _check_sending(entry, shown, configuration, anchors, now)
        if _is_about(entry, configuration.receive, only):
            receiving = _Receiving(entry, configuration, anchors, now, ask_tlsa)
            yield from receiving.check(shown, imported.get(entry, ()))


def _is_about(entry: Entry, listed: DomainList, only: Domain | None) -> bool:
    return entry in listed and (only is None or listed.match(only) == entry)


def _servers(known: tuple[KnownChain, ...], since: datetime | None) -> dict[Entry, tuple[_Server, ...]]:
    """Return the servers that were probed last, by list entry; each with what it showed last."""
    newest: dict[Entry, dict[str, _Server]] = {}
    for one in known:
        for origin in one.origins:
            word, _, target = origin.source.partition(" ")
            host = _host(target)
            # The book keeps whole seconds.
            is_before = since is not None and origin.last_seen < since.replace(microsecond=0)
            if word != PROBE or host is None or is_before:
                continue
            of_entry = newest.setdefault(origin.entry, {})
            former = of_entry.get(target)
            if former is None or origin.last_seen > former.seen:
                of_entry[target] = _Server(host, target, one.chain, origin.last_seen)
    return {entry: _together(tuple(of_entry.values())) for entry, of_entry in newest.items()}


def _together(servers: tuple[_Server, ...]) -> tuple[_Server, ...]:
    last = max(server.seen for server in servers)
    return tuple(server for server in servers if last - server.seen <= _TOGETHER)


def _host(target: str) -> Domain | None:
    """Return the host of a probe's target, ``host[address]``; None: a client that was probed back."""
    try:
        return parse_domain(target.partition("[")[0])
    except InvalidDomainError:
        return None


def _check_sending(
    entry: Entry,
    servers: tuple[_Server, ...],
    configuration: Configuration,
    anchors: TrustAnchors,
    now: datetime,
) -> Iterator[Finding]:
    partner = configuration.partner(entry)
    # Mail goes elsewhere, or DNS says what is right: `probe` asks both.
    if partner.via is not None or partner.send_method is SendMethod.DANE:
        return
    if partner.send_ca_file is not None:
        anchors = TrustAnchors.load(partner.send_ca_file.read_bytes())
    nexthop = entry_base(entry)
    verdicts: list[ServerVerdict] = []
    for server in servers:
        shown = ShownServer(server.host, server.chain, str(TlsVersion.TLS_1_3), _CIPHER)
        verdicts.append(judge_server(shown, partner, nexthop, anchors, now))
    if any(verdict.is_good for verdict in verdicts):
        return
    gateway = _gateway(servers, partner)
    yield Finding.error(
        "partner-server-refused",
        f"mail to {entry} waits: {verdicts[0].detail}"
        + (f"; its servers are {gateway.service}'s" if gateway else ""),
        _proof(servers[0]),
        _recipe(entry, gateway)
        or f"see with `domain-secure probe {nexthop}` what the rule would have to be, and ask the partner",
    )


def _gateway(servers: tuple[_Server, ...], partner: Partner) -> Gateway | None:
    """Return the gateway that all servers are of, if it has a recipe and the rule is not of it."""
    gateways = {gateway_of_host(server.host) for server in servers}
    if len(gateways) != 1 or (gateway := gateways.pop()) is None or gateway.word not in RECIPES:
        return None
    return None if partner.send_names == RECIPES[gateway.word].send_names else gateway


def _recipe(entry: Entry, gateway: Gateway | None) -> str | None:
    if gateway is None:
        return None
    return f"run domain-secure partner set {entry} gateway={gateway.word} (docs/gateways.md)"


def _proof(server: _Server) -> str:
    seen = f"{server.seen:%Y-%m-%d %H:%M} UTC"
    return f"{server.target} showed {server.chain[0].certificate_pin} at {seen}"


_Judged = tuple[Judgement, KnownCertificate]


def _may_pass(judged: _Judged) -> bool:
    """Tell whether a certificate passes, or may once more is known, as an issuer that can be fetched."""
    judgement, known = judged
    last = known.path.without_issuer
    if judgement.verdict is Verdict.UNKNOWN_CERTIFICATE and last is not None:
        return bool(issuer_locations(last))
    return judgement.verdict not in _CERTAIN


@dataclass(frozen=True, slots=True)
class _Receiving:
    """How mail from one partner would fare with what its servers show."""

    entry: Entry
    configuration: Configuration
    anchors: TrustAnchors
    now: datetime
    ask_tlsa: AskTlsa

    def check(self, servers: tuple[_Server, ...], imported: Iterable[Chain]) -> Iterator[Finding]:
        """Yield a finding where none of the *servers* shows what would pass; *imported* were given to us."""
        partner = self.configuration.partner(self.entry)
        # It shows other certificates when it sends.
        if partner.receive_names or Method.POSTFIX in partner.methods:
            return
        judged = [self._judged(server.chain) for server in servers]
        if any(map(_may_pass, judged)):
            return
        tlsa = self.ask_tlsa(entry_base(self.entry)) if Method.DANE in partner.methods else TlsaAnswer()
        if tlsa.records:
            judged = [self._judged(server.chain, {self.entry: tlsa}) for server in servers]
        if tlsa.failures:
            what = f"whether a TLSA record vouches for what the servers of {self.entry} show"
            yield Finding.not_looked_at(what, tlsa.failures[0], "see to the resolver, and ask again")
            return
        if any(map(_may_pass, judged)) or self._sends_elsewhere(servers, imported):
            return
        judgement, known = judged[0]
        purpose = self.configuration.trust.client_purpose
        steps = settling_steps(self.entry, judgement, known, purpose, self.now)
        fix = "; ".join(f"{step.what}: {step.command}" if step.command else step.what for step in steps)
        yield Finding.warning(
            "partner-certificate-refused",
            f"mail from {self.entry} that comes with what its servers show does not pass: {judgement.detail}",
            _proof(servers[0]),
            fix or "ask the partner which certificate it sends with",
        )

    def _sends_elsewhere(self, servers: tuple[_Server, ...], imported: Iterable[Chain]) -> bool:
        """Tell whether the servers are a gateway's, and a certificate that was imported passes."""
        is_gateways = all(gateway_of_host(server.host) for server in servers)
        return is_gateways and any(_may_pass(self._judged(chain)) for chain in imported)

    def _judged(self, chain: Chain, tlsa: Mapping[Entry, TlsaAnswer] | None = None) -> _Judged:
        leaf, *others = chain
        purpose = self.configuration.trust.client_purpose
        path = validate(leaf, others, self.anchors, purpose, self.now)
        known = KnownCertificate(leaf, path, RevocationStatus.UNKNOWN, tuple(others))
        session = Session(TlsVersion.TLS_1_3, _CIPHER, leaf.certificate_pin, leaf.public_key_pin, None, None)
        evidence = replace(Evidence(session, known), tlsa=tlsa)
        claim = Claim(self.entry, entry_base(self.entry), "envelope")
        decision = decide_about_session((claim,), evidence, self.configuration, self.now)
        return decision.findings[0], known
