"""Whether a certificate ends soon."""

from datetime import datetime, timedelta

import pytest

from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.certificates.expiry import Expiry, ends_first, expiry_of, word_of

from lab.certificates import DAY, self_signed
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


@pytest.mark.parametrize(
    ("life", "warning", "soon", "very_soon"),
    [
        (365 * DAY, 21 * DAY, 21 * DAY, 7 * DAY),
        (365 * DAY, 30 * DAY, 30 * DAY, 10 * DAY),
        (63 * DAY, 21 * DAY, 21 * DAY, 7 * DAY),
        (60 * DAY, 21 * DAY, 20 * DAY, 7 * DAY),
        (90 * DAY, 90 * DAY, 30 * DAY, 10 * DAY),
        (18 * DAY, 21 * DAY, 7 * DAY, 7 * DAY),
        (365 * DAY, 2 * DAY, 2 * DAY, 2 * DAY),
    ],
)
def test_the_moment_itself(
    life: timedelta, warning: timedelta, soon: timedelta, very_soon: timedelta
) -> None:
    """It is soon from this moment on, and one second before it is not; likewise very soon, and ended."""
    second = timedelta(seconds=1)

    def at(left: timedelta) -> Expiry:
        end: datetime = NOW + left
        return expiry_of(end - life, end, NOW, warning)

    assert at(soon + second) is Expiry.LASTS
    assert at(soon) is (Expiry.ENDS_SOON if soon > very_soon else Expiry.ENDS_VERY_SOON)
    assert at(very_soon + second) is (Expiry.ENDS_SOON if soon > very_soon else Expiry.LASTS)
    assert at(very_soon) is Expiry.ENDS_VERY_SOON
    assert at(second) is Expiry.ENDS_VERY_SOON
    assert at(timedelta(0)) is Expiry.ENDED


def test_numbers() -> None:
    """Those of the metric, which alerts compare with."""
    assert [int(one) for one in Expiry] == [0, 1, 2, 3]


def test_which_ends_first() -> None:
    """Of several that end together the leaf; of none there is none."""
    early, late, same = (
        parse(self_signed("a.test", not_after=NOW + days * DAY).der) for days in (900, 901, 900)
    )
    assert ends_first([late, early, same]) == early
    assert ends_first([same, late, early]) == same
    with pytest.raises(ValueError, match="empty"):
        ends_first([])
