"""What speaks for the author of a letter."""

import pytest

from domain_secure.policy.decision.decision import decide
from domain_secure.policy.decision.evidence import Evidence
from domain_secure.policy.dkim.message_signature import MessageSignature, SignatureStatus
from domain_secure.policy.reflector.alignment import (
    Means,
    aligned,
    by_certificate,
    has_authors_path,
    organizational_domain,
)
from domain_secure.policy.reflector.spf import SpfResult
from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.mailbox import Mailbox

from unit.policy.builders import NOW, claim, configuration, known, session
from unit.policy.reflector.test_letter import AUTHOR, REFLECTOR, letter

COVERED = frozenset({"from", "to", "date", "message-id"})
DOMAIN = Domain("woodgrovebank.test")


def signature(
    status: SignatureStatus = SignatureStatus.VALID,
    covered: frozenset[str] = COVERED,
    uncovered: frozenset[str] = frozenset(),
) -> MessageSignature:
    """Return a signature of the author's domain."""
    return MessageSignature(DOMAIN, "s1", status, "", uncovered, covered)


def test_spf_speaks_where_it_passes() -> None:
    """Nothing but a pass."""
    for result in SpfResult:
        found = aligned(letter(), REFLECTOR, result, ())
        assert (found.means is Means.SPF) is (result is SpfResult.PASS)
        assert found.is_known is (result is not SpfResult.TEMPERROR)
    assert aligned(letter(), REFLECTOR, None, None).means is None


@pytest.mark.parametrize(
    ("made", "is_aligned"),
    [
        (signature(), True),
        (signature(SignatureStatus.INVALID), False),
        (signature(SignatureStatus.UNKNOWN), False),
        (signature(covered=COVERED - {"date"}), False),
        (signature(covered=COVERED - {"message-id"}), False),
        (signature(covered=COVERED - {"from"}), False),
        (signature(covered=COVERED - {"to"}), False),
        (signature(covered=COVERED - {"to"} | {"cc"}), False),
        (signature(uncovered=frozenset({"sender"})), False),
    ],
)
def test_a_signature_covers_what_makes_the_letter_ours(made: MessageSignature, is_aligned: bool) -> None:
    """What an author signed for somebody else is not to be answered."""
    found = aligned(letter(), REFLECTOR, SpfResult.FAIL, (made,))
    assert (found.means is Means.DKIM) is is_aligned
    assert found.is_known is (made.status is not SignatureStatus.UNKNOWN)


def test_the_reverse_path_is_the_authors_whole_address() -> None:
    """Another user of the domain is another person."""
    author = Mailbox.parse(AUTHOR)
    assert has_authors_path(letter(sender=AUTHOR.upper()), author)
    assert not has_authors_path(letter(sender="other@woodgrovebank.test"), author)
    assert not has_authors_path(letter(sender=""), author)


def test_a_certificate_speaks_for_the_domain_that_it_proved() -> None:
    """And only where the whole message passed."""
    passed = decide([claim()], Evidence(session(), known("mail.woodgrovebank.test")), configuration(), NOW)
    failed = decide([claim()], Evidence(session(), known("evil.test")), configuration(), NOW)
    assert by_certificate(DOMAIN, passed)
    assert not by_certificate(Domain("evil.test"), passed)
    assert not by_certificate(DOMAIN, failed)


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("a.b.evil.test", "evil.test"),
        ("evil.test", "evil.test"),
        ("a.evil.co.uk", "evil.co.uk"),
        ("co.uk", "co.uk"),
    ],
)
def test_organizational_domains(domain: str, expected: str) -> None:
    """The one right under a public suffix."""
    assert organizational_domain(Domain(domain)) == expected
