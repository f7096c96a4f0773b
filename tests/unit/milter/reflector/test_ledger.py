"""How often somebody is answered, and that it is remembered."""

from dataclasses import replace
from pathlib import Path

import pytest

from domain_secure.milter.reflector.ledger import FILE_NAME, Entry, Ledger
from domain_secure.policy.configuration.configuration import DEFAULT_REFLECTOR
from domain_secure.policy.files.held_folder import UntrustedEntryError
from domain_secure.policy.reflector.reason import Reason
from domain_secure.policy.terms.mailbox import Mailbox

LIMITS = replace(DEFAULT_REFLECTOR, per_author=2, per_domain=3, per_client=4, per_day=5)
DAY = 86400.0


def entry(number: int, author: str = "a@evil.test", client: str = "192.0.2.1") -> Entry:
    """Return a letter of its own."""
    return Entry(Mailbox.parse(author), client, f"<{number}@evil.test>")


def test_a_letter_is_answered_once(tmp_path: Path) -> None:
    """Also after a restart, and while it may still be new."""
    assert Ledger(tmp_path).reserve(entry(1), LIMITS, 0.0) is None
    assert Ledger(tmp_path).refusal(entry(1), LIMITS, 1.0) is Reason.DUPLICATE
    assert Ledger(tmp_path).reserve(entry(1), LIMITS, 7 * DAY) is Reason.DUPLICATE
    assert Ledger(tmp_path).refusal(entry(1, "b@evil.test"), LIMITS, 1.0) is None, "another author's"


def test_an_answer_that_nobody_began_is_not_counted(tmp_path: Path) -> None:
    """The letter was put off, and comes again."""
    limits = replace(LIMITS, per_author=1)
    assert Ledger(tmp_path).reserve(entry(1), limits, 0.0) is None
    Ledger(tmp_path).release(entry(1))
    assert Ledger(tmp_path).reserve(entry(1), limits, 1.0) is None


def test_each_limit(tmp_path: Path) -> None:
    """An author with all behind a +, a domain with all under it, an IPv6 network, everybody."""
    ledger = Ledger(tmp_path)
    assert ledger.reserve(entry(1), LIMITS, 0.0) is None
    assert ledger.reserve(entry(2, "A+b@evil.test"), LIMITS, 0.0) is None
    assert ledger.reserve(entry(3, "a+c@evil.test"), LIMITS, 0.0) is Reason.AUTHOR_LIMIT
    assert ledger.reserve(entry(4, "b@sub.evil.test"), LIMITS, 0.0) is None
    assert ledger.reserve(entry(5, "c@other.evil.test"), LIMITS, 0.0) is Reason.DOMAIN_LIMIT
    assert ledger.reserve(entry(6, "a@one.test", "::ffff:192.0.2.1"), LIMITS, 0.0) is None
    assert ledger.reserve(entry(7, "a@two.test"), LIMITS, 0.0) is Reason.CLIENT_LIMIT
    assert ledger.reserve(entry(8, "a@two.test", "2001:db8::1"), LIMITS, 0.0) is None
    assert ledger.reserve(entry(9, "a@three.test", "2001:db8:0:1::1"), LIMITS, 0.0) is Reason.DAY_LIMIT
    assert ledger.reserve(entry(9, "a@three.test", "2001:db8:0:1::1"), LIMITS, DAY + 1) is None


def test_an_ipv6_network_is_one_client(tmp_path: Path) -> None:
    """A host may use all of its 64 bits."""
    limits = replace(LIMITS, per_client=1)
    assert Ledger(tmp_path).reserve(entry(1, "a@one.test", "2001:db8::1"), limits, 0.0) is None
    found = Ledger(tmp_path).reserve(entry(2, "a@two.test", "2001:db8::ffff:2"), limits, 0.0)
    assert found is Reason.CLIENT_LIMIT


def test_a_clock_that_was_ahead_gives_nothing_away(tmp_path: Path) -> None:
    """What is dated in the future counts, and for no longer than anything else."""
    limits = replace(LIMITS, per_author=1)
    assert Ledger(tmp_path).reserve(entry(1), limits, 100 * DAY) is None
    assert Ledger(tmp_path).reserve(entry(2), limits, 0.0) is Reason.AUTHOR_LIMIT
    assert Ledger(tmp_path).refusal(entry(2), limits, DAY - 1) is Reason.AUTHOR_LIMIT
    assert Ledger(tmp_path).refusal(entry(2), limits, DAY + 1) is None


def test_nobody_is_named_in_it(tmp_path: Path) -> None:
    """Digests alone, readable for the daemon's user alone."""
    Ledger(tmp_path).reserve(entry(1), LIMITS, 0.0)
    octets = (tmp_path / FILE_NAME).read_bytes()
    assert b"evil.test" not in octets
    assert b"192.0.2.1" not in octets
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o077 == 0


def test_a_file_that_is_none_grants_nothing(tmp_path: Path) -> None:
    """A link elsewhere is not followed."""
    (tmp_path / FILE_NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises((UntrustedEntryError, OSError)):
        Ledger(tmp_path).reserve(entry(1), LIMITS, 0.0)
    assert not (tmp_path / "elsewhere").exists()
