"""The doctor's questions about our own certificates: do they end soon, is the store whole.

Must not know: what Postfix makes of the files (``file_checks`` reads those that Postfix names).
"""

from collections.abc import Iterator
from datetime import datetime

from domain_secure.policy.certificates.expiry import Expiry, ends_first, expiry_of
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.own.enabled_certificates import EnabledCertificates
from domain_secure.policy.own.own_certificate import days_left, told_days
from domain_secure.policy.own.own_certificates import OwnCertificates
from domain_secure.policy.own.watch_list import WatchList, list_beside
from domain_secure.policy.own.watched_certificates import Standing, look_at_watched
from domain_secure.policy.terms.thumbprint import sha1_of
from domain_secure.postfix.findings.findings import Finding, Severity


def check_own_certificates(configuration: Configuration, now: datetime) -> Iterator[Finding]:
    """Yield what is to be done about our certificates; raises Problem where they cannot be looked at."""
    by_certificate: dict[str, list[str]] = {}
    chains = EnabledCertificates(configuration.state).chains()
    for role, chain in chains.items():
        by_certificate.setdefault(chain[0].certificate_pin.digest, []).append(role)
    for chain in dict.fromkeys(chains.values()):
        first = ends_first(chain)
        expiry = expiry_of(first.not_before, first.not_after, now, configuration.trust.expiry_warning)
        if expiry is Expiry.LASTS:
            continue
        roles = " and ".join(by_certificate[chain[0].certificate_pin.digest])
        thumbprint = sha1_of(chain[0].der)[:8].upper()
        what = f"our certificate, shown as {roles}, "
        if first is not chain[0]:
            what += f"needs the authority {first.subject}, which "
        ending = "has expired" if expiry is Expiry.ENDED else f"ends in {told_days(days_left(first, now))}"
        yield Finding(
            Severity.WARNING if expiry is Expiry.ENDS_SOON else Severity.ERROR,
            "own-certificate-expires",
            what + ending,
            f"{thumbprint}: valid until {first.not_after:%Y-%m-%d %H:%M} UTC",
            f"run domain-secure cert request --renew {thumbprint}, and enable what is issued",
        )
    yield from _check_watched(configuration, now)
    for place, why in OwnCertificates(configuration.state).inventory().set_aside:
        yield Finding.warning(
            "own-certificate-set-aside",
            "a certificate or a request of ours cannot be read, and is not used",
            f"{place}: {why}",
            "import the certificate again, or remove the folder",
        )


def _check_watched(configuration: Configuration, now: datetime) -> Iterator[Finding]:
    watch_list = WatchList(list_beside(configuration.path), configuration.state)
    for place in watch_list.unconfirmed():
        yield Finding.warning(
            "watched-unconfirmed",
            "a place that an earlier release watched for renewed certificates is watched no more",
            f"{place}: it stands in a list that not root alone may write",
            "run domain-secure cert import --watch with it, or cert refresh --forget with it",
        )
    for look in look_at_watched(watch_list, configuration.state, now):
        proof = f"{look.path}: {look.detail}"
        if look.standing is Standing.NOT_SEEN:
            yield Finding.not_looked_at("a watched place", proof, "run this as root")
        elif look.standing is Standing.WAITS:
            what = "a renewed certificate of ours lies ready, and was not taken in"
            yield Finding.warning("renewal-waits", what, proof, look.fix)
        elif look.standing is Standing.REFUSED:
            yield Finding.error(
                "renewal-refused",
                "a renewed certificate of ours is not put to use, as something would be lost",
                proof,
                look.fix,
            )
        elif look.standing is Standing.UNUSABLE:
            what = "what lies in a watched place cannot be taken in"
            fix = f"{look.fix}; then domain-secure cert refresh takes it in"
            yield Finding.warning("renewal-unusable", what, proof, fix)
