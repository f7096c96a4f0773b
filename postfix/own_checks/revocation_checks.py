"""The doctor's questions about revocation: which lists end soon or have ended, which locations are of no use.

Must not know: Postfix.  Asks nobody: it looks at the files that are configured and at what the daemon kept.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from domain_secure.policy.certificates.trust import Revocation
from domain_secure.policy.configuration.configuration import Configuration, Method
from domain_secure.policy.revocation.list_choice import newest
from domain_secure.policy.revocation.location_report import read_failures
from domain_secure.policy.revocation.revocation import RevocationList, ends
from domain_secure.policy.revocation.revocation_store import FOLDER, RevocationStore
from domain_secure.policy.revocation.statements import read_crl_files
from domain_secure.postfix.findings.findings import Finding

_SOON, _VERY_SOON = timedelta(days=21), timedelta(days=7)
# Many lists are made for a week or a day; one that is renewed in time is no finding.
_LAST_PART, _VERY_LAST_PART = 3, 6  #: a third, a sixth of the time a list is made for


def check_revocation_lists(configuration: Configuration, now: datetime) -> Iterator[Finding]:
    """Yield the lists that have ended or end soon; raises Problem and PermissionError."""
    trust = configuration.trust
    if trust.revocation is Revocation.OFF or not any(
        Method.PKIX in configuration.partner(entry).methods for entry in configuration.receive
    ):
        return
    key = f"{configuration.path}: [trust] crl_files"
    fetch = "put the authority's present list there, and renew it regularly"
    for one in newest(read_crl_files(trust.crl_files, configuration.path)):
        yield from _check(one, key, fetch, now, trust.revocation)
    for stored in RevocationStore(configuration.state / FOLDER).all():
        for statement in stored.statements:
            if isinstance(statement, RevocationList):
                mend = "read the daemon's log for revocation-not-fetched, and mend the way to that server"
                yield from _check(statement, stored.url, mend, now, trust.revocation)


def check_revocation_locations(configuration: Configuration) -> Iterator[Finding]:
    """Yield the locations that the daemon asked last in vain, or asks never; raises PermissionError."""
    wanted = configuration.trust.revocation
    if wanted is Revocation.OFF:
        return
    for one in read_failures(configuration.state):
        proof = f"{one.url}: {one.failure}; named by the certificate of {one.certificate}"
        fix = one.fix or "mend the way to that server, then run domain-secure cert revocation refresh"
        what = f"{'an OCSP responder' if one.kind == 'OCSP' else 'a revocation list'} is of no use"
        if not one.is_missed:
            yield Finding.note("revocation-not-fetched", what, proof, fix)
        elif wanted is Revocation.REQUIRE:
            effect = "mail of partners whose certificates it is for is deferred"
            yield Finding.error("revocation-not-fetched", f"{what}, and {effect}", proof, fix)
        else:
            effect = "a revoked certificate would be accepted"
            yield Finding.warning("revocation-not-fetched", f"{what}, and {effect}", proof, fix)


def _check(one: RevocationList, where: str, fix: str, now: datetime, wanted: Revocation) -> Iterator[Finding]:
    end = ends(one)
    left, made_for = end - now, end - one.this_update
    proof = f"{where}: list of {one.issuer}, next update {end:%Y-%m-%d %H:%M} UTC"
    if left < timedelta(0):
        what = "a revocation list is out of date"
        if wanted is Revocation.REQUIRE:
            effect = "mail of partners whose certificates it is for is deferred"
            yield Finding.error("crl-expired", f"{what}, and {effect}", proof, fix)
        else:
            effect = "a certificate that was revoked since then would be accepted"
            yield Finding.warning("crl-expired", f"{what}, and {effect}", proof, fix)
    elif left < min(_VERY_SOON, made_for / _VERY_LAST_PART):
        yield Finding.warning("crl-expires", f"a revocation list ends in {_days(left)}", proof, fix)
    elif left < min(_SOON, made_for / _LAST_PART):
        yield Finding.note("crl-expires", f"a revocation list ends in {_days(left)}", proof, fix)


def _days(left: timedelta) -> str:
    if left < timedelta(days=2):
        return f"{left // timedelta(hours=1)} hours"
    return f"{left.days} days"
