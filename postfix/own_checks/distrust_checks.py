"""The doctor's question whether mail may still go to a server by a certificate that is distrusted.

Owns: what Postfix cannot be told: of a single certificate, of an authority that is none of its own file's,
and where TLSA records decide (postconf(5) smtp_tls_policy_maps: what is believed is listed, and no more).
Asks nobody: it looks at what partners' servers showed when they were last probed.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

from domain_secure.policy.book.certificate_book import FILE_NAME, PROBE, CertificateBook, KnownChain
from domain_secure.policy.certificates.certificate import Chain
from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.certificates.issuers import linked
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.certificates.trust import ClientPurpose
from domain_secure.policy.configuration.configuration import Configuration, Partner, SendMethod
from domain_secure.policy.terms.domain import Entry
from domain_secure.postfix.findings.findings import Finding


def check_distrusted(configuration: Configuration, now: datetime) -> Iterator[Finding]:
    """Yield the partners on the send list whose servers get mail all the same; raises Problem and OSError."""
    distrusted = configuration.trust.distrusted
    if not distrusted or not configuration.send:
        return
    with closing(CertificateBook(configuration.state / FILE_NAME)) as book:
        shown = _last_shown(book.all())
    for (entry, source), (_, chain) in sorted(shown.items(), key=lambda one: one[0]):
        if entry not in configuration.send:
            continue
        on_the_way = [one for one in linked(chain[0], chain[1:]) if one.pins & distrusted]
        if on_the_way and _is_believed(chain, configuration, configuration.partner(entry), now):
            yield Finding.error(
                "distrusted-when-sending",
                f"mail to {entry} may go to a server by a certificate that is distrusted, and Postfix cannot "
                "be told of it",
                f"{source}: {on_the_way[0].certificate_pin}, {on_the_way[0].subject}",
                f"agree on other certificates and send by these alone (domain-secure partner set {entry} "
                f"send_method=pin pins=…), or take it off the list: domain-secure send remove {entry}",
            )


def _last_shown(every: tuple[KnownChain, ...]) -> dict[tuple[Entry, str], tuple[datetime, Chain]]:
    """Return the chain that each server showed last, by list entry and source."""
    shown: dict[tuple[Entry, str], tuple[datetime, Chain]] = {}
    for known in every:
        for origin in known.origins:
            key = origin.entry, origin.source
            is_newer = key not in shown or shown[key][0] < origin.last_seen
            if origin.source.startswith(f"{PROBE} ") and is_newer:
                shown[key] = origin.last_seen, known.chain
    return shown


def _is_believed(chain: Chain, configuration: Configuration, partner: Partner, now: datetime) -> bool:
    """Tell whether Postfix would believe a chain by what our tables can say; by DANE it may."""
    distrusted = configuration.trust.distrusted
    if partner.send_method is SendMethod.PIN:
        return not chain[0].pins.isdisjoint(partner.pins - distrusted)
    if partner.send_method is SendMethod.DANE:
        return True
    file = partner.send_ca_file or configuration.trust.ca_file
    anchors = TrustAnchors.load(file.read_bytes()).without(distrusted)
    path = validate(chain[0], chain[1:], anchors, ClientPurpose.ACCEPT_SERVER, now)
    return path.outcome is PathOutcome.TRUSTED
