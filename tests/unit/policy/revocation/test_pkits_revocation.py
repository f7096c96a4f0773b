"""NIST's PKITS with revocation lists: every case whose path is valid as long as nobody asks for revocation.

What deviates is listed with its reason, and must deviate; all of it is "unknown" where the suite knows more,
and nothing is good that the suite calls invalid.
"""

from functools import cache

import pytest

from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.revocation.judge import RevocationJudge
from domain_secure.policy.revocation.revocation import RevocationList, RevocationStatus
from domain_secure.policy.revocation.statements import MalformedRevocationListError, parse_revocation_list

from lab.pkits import MOMENT, TRUST_ANCHOR, TRUST_ANCHOR_LIST, Case, cases, certificate, revocation_list

GOOD, REVOKED, UNKNOWN = RevocationStatus.GOOD, RevocationStatus.REVOKED, RevocationStatus.UNKNOWN
_NOT_OF_THE_PATH = "the list is signed with a key that is not in the path, which is not looked for"
#: Valid by the suite.
DEVIATIONS = {
    "4.1.4": "DSA and SHA-1 are refused in lists as they are in certificates",
    "4.1.5": "the same; its certificates cannot even be read",
    "4.4.19": _NOT_OF_THE_PATH,
    "4.5.4": _NOT_OF_THE_PATH,
    "4.5.6": _NOT_OF_THE_PATH,
    "4.14.24": _NOT_OF_THE_PATH,
    "4.14.25": _NOT_OF_THE_PATH,
    "4.14.28": _NOT_OF_THE_PATH,
    "4.14.29": _NOT_OF_THE_PATH,
    "4.14.30": _NOT_OF_THE_PATH,
    "4.14.33": _NOT_OF_THE_PATH,
}
#: Invalid because a list says that a certificate is revoked, and yet not called revoked here.
UNSEEN = {
    "4.4.8": "the entry has a critical extension that nobody knows",
    "4.4.9": "the list has a critical extension that nobody knows",
    "4.4.20": _NOT_OF_THE_PATH,
    "4.4.21": _NOT_OF_THE_PATH,
    "4.5.5": _NOT_OF_THE_PATH,
    "4.5.7": _NOT_OF_THE_PATH,
    "4.14.31": _NOT_OF_THE_PATH,
    "4.14.32": _NOT_OF_THE_PATH,
}
CASES = [case for case in cases() if case.valid_without_revocation and case.number != "4.1.5"]
JUDGE = RevocationJudge()


@cache
def facts(name: str) -> Certificate:
    """Return a certificate of the suite."""
    return parse(certificate(name))


@cache
def readable_lists(*names: str) -> tuple[RevocationList, ...]:
    """Return those lists that can be read."""
    found = []
    for name in names:
        try:
            found.append(parse_revocation_list(revocation_list(name)))
        except MalformedRevocationListError:
            continue
    return tuple(found)


def status(case: Case) -> RevocationStatus:
    """Return what is known of the case's path."""
    path = [facts(name) for name in (*reversed(case.chain), TRUST_ANCHOR)]
    return JUDGE.judge(path, readable_lists(TRUST_ANCHOR_LIST, *case.revocation_lists), (), MOMENT).status


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
def test_revocation(case: Case) -> None:
    """Good exactly where the suite's path is valid, apart from the deviations."""
    if case.number in DEVIATIONS:
        assert case.valid
        assert status(case) is UNKNOWN
    else:
        assert (status(case) is GOOD) is case.valid, case.reason


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if "is revoked" in case.reason or "is listed" in case.reason],
    ids=lambda case: case.number,
)
def test_revoked_is_told_from_unknown(case: Case) -> None:
    """Where a list names the certificate, it is revoked and not merely unknown, apart from what is listed."""
    assert status(case) is (UNKNOWN if case.number in UNSEEN else REVOKED), case.reason
