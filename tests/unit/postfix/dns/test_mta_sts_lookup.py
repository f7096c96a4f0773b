"""Where an MTA-STS policy comes from."""

import pytest

from domain_secure.policy.sending.mta_sts import StsMode
from domain_secure.policy.terms.domain import Domain
from domain_secure.postfix.dns.dns_lookup import Lookup
from domain_secure.postfix.dns.mta_sts_lookup import StsFinding, find_policy

from unit.postfix.dns_answers import failed, found, zone

WOODGROVE = Domain("woodgrovebank.test")
RECORD = found("TXT", '"v=STSv1; " "id=1"')
POLICY = b"version: STSv1\nmode: testing\nmx: a.test\nmax_age: 1\n"


def sought(answer: Lookup | None, content: bytes | Exception) -> tuple[StsFinding, list[str]]:
    """Return what is found, and the URLs that were fetched."""
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        if isinstance(content, Exception):
            raise content
        return content

    lookup = zone({(f"_mta-sts.{WOODGROVE}", "TXT"): answer} if answer else {})
    return find_policy(WOODGROVE, lookup, fetch), asked


def test_policy_is_fetched_from_its_fixed_place() -> None:
    """Only where the record says that there is one."""
    finding, asked = sought(RECORD, POLICY)
    assert finding.policy is not None
    assert finding.policy.mode is StsMode.TESTING
    assert asked == [f"https://mta-sts.{WOODGROVE}/.well-known/mta-sts.txt"]


@pytest.mark.parametrize("answer", [None, found("TXT", '"v=spf1 -all"')])
def test_no_record(answer: Lookup | None) -> None:
    """Nobody is asked for a policy then."""
    assert sought(answer, POLICY) == (StsFinding(), [])


@pytest.mark.parametrize(
    ("answer", "content", "problem"),
    [
        (failed("TXT of x: no answer"), POLICY, "TXT of x"),
        (RECORD, b"mode: enforce", "invalid"),
        (RECORD, ValueError("no answer in time"), "no answer in time"),
    ],
)
def test_what_is_not_known_is_told(answer: Lookup, content: bytes | Exception, problem: str) -> None:
    """A record without a usable policy is not the same as no record."""
    finding, _ = sought(answer, content)
    assert finding.policy is None
    assert problem in (finding.problem or "")
