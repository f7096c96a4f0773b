"""How much is looked at before a certificate is given up: each bound from both its sides."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.certificates.certification_path import PathOutcome, PathValidation
from domain_secure.policy.certificates.path_faults import shown
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.certificates.trust import ClientPurpose

from lab.certificates import DAY, Authority, Issued

NOW = datetime.now(UTC).replace(microsecond=0)
TRUSTED, _, UNTRUSTED, _ = PathOutcome
ROOT = Authority.create("Lab Root")
SUB = ROOT.authority("Lab Sub")
LEAF = SUB.issue("mail.woodgrovebank.test")


def judge(
    leaf: Issued, intermediates: Sequence[Certificate], anchors: Iterable[Issued] = (ROOT,)
) -> PathValidation:
    """Validate a certificate with these intermediates in this order."""
    trusted = TrustAnchors.of(parse(one.der) for one in anchors)
    return validate(parse(leaf.der), intermediates, trusted, ClientPurpose.REQUIRE, NOW)


def parsed(*issued: Issued) -> list[Certificate]:
    """Return certificates."""
    return [parse(one.der) for one in issued]


@pytest.mark.parametrize(("authorities", "outcome"), [(8, TRUSTED), (9, UNTRUSTED)])
def test_length_of_a_path(authorities: int, outcome: PathOutcome) -> None:
    """Ten certificates, the host's and the root's among them; whichever way round they come."""
    chain = [ROOT]
    for number in range(authorities):
        chain.append(chain[-1].authority(f"Sub {number}"))
    leaf = chain[-1].issue("x")
    assert judge(leaf, parsed(*chain[1:])).outcome is outcome
    assert judge(leaf, parsed(*chain[:0:-1])).outcome is outcome


def unrelated(number: int, **dates: datetime) -> list[Certificate]:
    """Return so many authorities that have nothing to do with it."""
    one = Authority.create("Other")
    return parsed(*(one.authority(f"Other {position}", **dates) for position in range(number)))


@pytest.mark.parametrize(("number", "outcome"), [(99, TRUSTED), (100, UNTRUSTED)])
def test_number_of_intermediates(number: int, outcome: PathOutcome) -> None:
    """A hundred are looked at, the first ones."""
    assert judge(LEAF, [*unrelated(number), *parsed(SUB)]).outcome is outcome
    assert judge(LEAF, [*parsed(SUB), *unrelated(number)]).outcome is TRUSTED


@pytest.mark.parametrize(
    ("not_before", "not_after", "is_current"),
    [
        (NOW, NOW + DAY, True),
        (NOW - DAY, NOW, True),
        (NOW + timedelta(seconds=1), NOW + DAY, False),
        (NOW - DAY, NOW - timedelta(seconds=1), False),
    ],
)
def test_current_ones_come_first(not_before: datetime, not_after: datetime, *, is_current: bool) -> None:
    """Those out of date do not use up the bound; both ends of the dates are inside."""
    others = unrelated(100, not_before=not_before, not_after=not_after)
    assert judge(LEAF, [*others, *parsed(SUB)]).outcome is (UNTRUSTED if is_current else TRUSTED)


@pytest.mark.parametrize(("impostors", "outcome"), [(62, TRUSTED), (63, UNTRUSTED)])
def test_number_of_signatures(impostors: int, outcome: PathOutcome) -> None:
    """Sixty-four are checked; beyond that nobody knows whether an issuer is missing, and none is named."""
    other = Authority.create("Other")
    named = [other.authority("", subject=SUB.certificate.subject) for _ in range(impostors)]
    found = judge(LEAF, parsed(*named, SUB))
    assert found.outcome is outcome
    assert found.without_issuer is None
    assert judge(LEAF, parsed(SUB, *named)).outcome is TRUSTED


def test_number_of_signatures_of_a_missing_issuer() -> None:
    """As long as all could be checked the missing issuer is named."""
    other = Authority.create("Other")
    for number, is_named in ((31, True), (64, False)):
        named = [other.authority("", subject=SUB.certificate.subject) for _ in range(number)]
        assert (judge(LEAF, parsed(*named)).without_issuer is not None) is is_named


@pytest.mark.parametrize(("others", "outcome"), [(15, TRUSTED), (16, UNTRUSTED)])
def test_number_of_ways(others: int, outcome: PathOutcome) -> None:
    """Sixteen ways to an anchor are judged."""
    for_mail = [(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)]
    cross = [ROOT.authority("Lab Sub", key=SUB.key, extensions=for_mail) for _ in range(others)]
    assert judge(LEAF, parsed(*cross, SUB)).outcome is outcome
    assert judge(LEAF, parsed(SUB, *cross)).outcome is TRUSTED


@pytest.mark.parametrize(
    ("name", "text"),
    [("", "no name"), ("CN=a", "CN=a"), ("x" * 100, "x" * 100), ("x" * 101, "x" * 100 + "…")],
)
def test_name_in_a_reply(name: str, text: str) -> None:
    """A hundred characters of it."""
    assert shown(name) == text


@pytest.mark.parametrize(("octets", "fault"), [(65536, None), (65537, "its size is above 64 KiB")])
def test_size_of_a_certificate(octets: int, fault: str | None) -> None:
    """Sixty-four KiB are looked at."""
    root = Authority.create("Root", key="ed25519")  # whose signatures are of one length
    padding, leaf = 65000, root.issue("x")
    while len(leaf.der) != octets:
        extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\0" * padding)
        leaf = root.issue("x", extensions=[(extension, False)])
        padding += octets - len(leaf.der)
    found = judge(leaf, [], [root])
    assert found.detail == (fault or "chain leads to CN=Root")
