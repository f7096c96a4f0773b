"""Whether a certificate ends soon."""

from datetime import timedelta

import pytest

from domain_secure.policy.certificates.expiry import Expiry, expiry_of, word_of

from unit.policy.builders import NOW

WARNING = timedelta(days=21)


@pytest.mark.parametrize(
    ("life", "left", "expiry"),
    [
        (365, 22, Expiry.LASTS),
        (365, 21, Expiry.ENDS_SOON),
        (365, 8, Expiry.ENDS_SOON),
        (365, 7, Expiry.ENDS_VERY_SOON),
        (365, 0, Expiry.ENDED),
        (365, -1, Expiry.ENDED),
        (47, 16, Expiry.LASTS),
        (47, 15, Expiry.ENDS_SOON),
        (47, 5, Expiry.ENDS_VERY_SOON),
        (47, 7, Expiry.ENDS_VERY_SOON),
        (12, 7.1, Expiry.LASTS),
        (6.6, 5, Expiry.ENDS_VERY_SOON),
        (3, 2, Expiry.ENDS_VERY_SOON),
    ],
)
def test_how_near(life: float, left: float, expiry: Expiry) -> None:
    """Three weeks ahead, and one; of a short life its last third, and never less than seven days."""
    end = NOW + timedelta(days=left)
    assert expiry_of(end - timedelta(days=life), end, NOW, WARNING) is expiry


def test_whoever_wants_less_is_warned_later() -> None:
    """The setting is the most that anybody is warned ahead."""
    end = NOW + timedelta(days=2)
    begin = end - timedelta(days=90)
    assert expiry_of(begin, end, NOW, timedelta(days=1)) is Expiry.LASTS
    assert expiry_of(begin, end, NOW + timedelta(days=1), timedelta(days=1)) is Expiry.ENDS_VERY_SOON


def test_words() -> None:
    """As documents have them."""
    assert list(map(word_of, Expiry)) == ["lasts", "ends-soon", "ends-very-soon", "ended"]
