"""Numbers and bars of the last days."""

from datetime import timedelta

from domain_secure.milter.page.activity import BAR, BARS, activity, first_hour
from domain_secure.policy.decision.attribution import Attribution
from domain_secure.policy.history.outcomes import CategoryCount
from domain_secure.policy.history.partner_report import Category

from unit.policy.builders import NOW, WOODGROVE

PARTNER, STRANGER = Attribution.PARTNER, Attribution.STRANGER


def count(category: Category, number: int, whose: Attribution | None = None) -> CategoryCount:
    """Return so many of a category an hour ago."""
    return CategoryCount(NOW - timedelta(hours=1), WOODGROVE, category, whose, "TLSv1.3", number)


def test_each_kind_has_its_number() -> None:
    """Theirs, forgeries, what was let in, and what nobody told apart."""
    (strip,) = activity(
        [
            count(Category.PASSED, 1200),
            count(Category.REFUSED, 2, PARTNER),
            count(Category.DEFERRED, 1, PARTNER),
            count(Category.REFUSED, 10, STRANGER),
            count(Category.DEFERRED, 1, STRANGER),
            count(Category.OBSERVED, 3, PARTNER),
            count(Category.OBSERVED, 1, STRANGER),
            count(Category.REFUSED, 4),
        ],
        first_hour(NOW),
    )[WOODGROVE, "receive"]
    assert strip.told == (
        "1,200 passed, 3 let in unproved, 1 forgery let in, 2 refused, 1 deferred,"
        " 4 refused, whose is not known, 11 forgeries refused"
    )


def test_sessions_and_messages_are_not_added() -> None:
    """A message that was returned and the sessions that failed for it are two strips."""
    messages, sessions = activity(
        [count(Category.SENT, 5), count(Category.BOUNCED, 1), count(Category.FAILED, 3)], first_hour(NOW)
    )[WOODGROVE, "send"]
    assert (messages.told, sessions.told) == ("5 delivered, 1 returned", "3 failed sessions")


def test_the_bars_cover_seven_days() -> None:
    """The hour of now is in the last one."""
    first = first_hour(NOW)
    assert first <= NOW - timedelta(days=7) + BAR
    assert first + BARS * BAR > NOW
    assert activity([], first) == {}
