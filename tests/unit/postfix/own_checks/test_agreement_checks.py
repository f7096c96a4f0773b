"""What `check` says of agreements that end, and of keys that do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from configurations import make_configuration, make_partner

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.timed_pin import TimedPin
from domain_secure.postfix.own_checks.agreement_checks import check_agreements

WOODGROVE = "woodgrovebank.test"
NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
DAY = timedelta(days=1)
OLD, NEXT = (Pin.public_key(digits * 32) for digits in ("aa", "bb"))


def rules(**rule: Any) -> Configuration:
    """Return a configuration with one partner's rule."""
    return make_configuration(partners={Entry(WOODGROVE): make_partner(WOODGROVE, **rule)})


def found(**rule: Any) -> list[str]:
    """Return the words of the findings, with the severity of each."""
    return [f"{one.word}: {one.severity}" for one in check_agreements(rules(**rule), NOW)]


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(0), ["agreement-expired: warning"]),
        (-30 * DAY, ["agreement-expired: warning"]),
        (20 * DAY, ["agreement-expires: note"]),
        (22 * DAY, []),
    ],
)
def test_an_agreement_that_ends_is_told(left: timedelta, words: list[str]) -> None:
    """Ahead by as much as a certificate is, and from its end on for ever."""
    assert found(agreement_until=NOW + left) == words


def test_a_rule_without_an_agreement_is_left_alone() -> None:
    """Nothing was accepted, so nothing ends."""
    assert found() == []


@pytest.mark.parametrize(
    ("pins", "timed", "words"),
    [
        ((), [(OLD, None, 5)], ["agreed-keys-end: warning"]),
        ((), [(OLD, None, -5)], ["agreed-keys-end: warning"]),
        ((), [(OLD, None, 30)], []),
        ((), [(OLD, None, 5), (NEXT, 4, None)], []),
        ((), [(OLD, None, 5), (NEXT, 6, None)], ["agreed-keys-end: warning"]),
        ((NEXT,), [(OLD, None, 5)], []),
    ],
)
def test_a_last_key_that_ends_is_told(
    pins: tuple[Pin, ...], timed: list[tuple[Pin, int | None, int | None]], words: list[str]
) -> None:
    """Where no other counts at that moment; a gap before the next one is told too."""
    given = tuple(
        TimedPin(
            pin, None if begins is None else NOW + begins * DAY, None if ends is None else NOW + ends * DAY
        )
        for pin, begins, ends in timed
    )
    assert found(pins=frozenset(pins), timed_pins=given) == words
