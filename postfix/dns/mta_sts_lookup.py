"""Find the MTA-STS policy of a domain.

Owns: where the record and the policy are.
Must not know: how DNS and HTTPS are spoken; both are passed in.
Source: RFC 8461 sections 3.1 and 3.3: the policy comes over HTTPS from a host of a fixed name, whose
certificate is verified; no redirect is followed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from domain_secure.policy.sending.mta_sts import InvalidPolicyError, StsPolicy, parse_policy, record_id
from domain_secure.policy.terms.domain import Domain

from .dns_lookup import Lookups, LookupStatus

#: Returns the content at a URL; raises an Exception whose argument says why there is none.
Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class StsFinding:
    """What there is: nothing at all, a policy, or a record without a usable one."""

    policy: StsPolicy | None = None
    problem: str | None = None


def find_policy(domain: Domain, lookup: Lookups, fetch: Fetch) -> StsFinding:
    """Return what *domain* publishes; raises nothing."""
    record = lookup(f"_mta-sts.{domain}", "TXT")
    if record.status is LookupStatus.FAILED:
        return StsFinding(problem=record.detail)
    if record_id(_text(one) for one in record.records) is None:
        return StsFinding()
    try:
        return StsFinding(parse_policy(fetch(f"https://mta-sts.{domain}/.well-known/mta-sts.txt")))
    except InvalidPolicyError as error:
        return StsFinding(problem=f"its policy is invalid: {error}")
    except Exception as error:  # noqa: BLE001 - whatever a stranger's web server causes is a finding
        return StsFinding(problem=f"there is a record, and its policy cannot be fetched: {error}")


def _text(record: object) -> str:
    strings: tuple[bytes, ...] = getattr(record, "strings", ())
    return b"".join(strings).decode("ascii", "replace")
