"""From observe to enforce: what is clean, and that unknown is not."""

from datetime import UTC, datetime, timedelta

import pytest

from domain_secure.policy.decision.attribution import Attribution
from domain_secure.policy.decision.verdict import Effect, Verdict
from domain_secure.policy.promotion.promotion import Judged, Watched, gaps, judge, with_follower
from domain_secure.policy.terms.domain import Entry

UNTIL = datetime(2026, 11, 27, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
SINCE = UNTIL - WEEK
HOUR = timedelta(hours=1)


def message(verdict: Verdict = Verdict.PASS, whose: Attribution | None = None, hours: float = 1) -> Judged:
    """Return a message so many hours before the end."""
    effect = Effect.ACCEPT if verdict is Verdict.PASS else Effect.REJECT
    mends = () if verdict is Verdict.PASS else ("ask the partner",)
    return Judged(UNTIL - hours * HOUR, verdict, effect, "the detail", whose, mends)


def watched(*further: Judged, **changes: object) -> Watched:
    """Return a week in which all was seen, with five messages that passed."""
    plain: dict[str, object] = {
        "entry": Entry("woodgrovebank.test"),
        "since": SINCE,
        "until": UNTIL,
        "messages": [*(message() for _ in range(5)), *further],
        "first": SINCE - HOUR,
        "ran": [(SINCE - HOUR, UNTIL)],
    }
    return Watched(**{**plain, **changes})  # type: ignore[arg-type]


def test_clean() -> None:
    """A week of mail that passes is clean."""
    found = judge(watched(), 5)
    assert (found.is_clean, found.passed, found.unknown, found.down) == (True, 5, (), ())


@pytest.mark.parametrize("whose", [Attribution.PARTNER, None])
def test_a_failure_of_the_partners(whose: Attribution | None) -> None:
    """One message that would be refused speaks against it, also where nobody asked whose it was."""
    found = judge(watched(message(Verdict.EXPIRED, whose), message(Verdict.EXPIRED, whose, 2)), 5)
    assert not found.is_clean
    (failure,) = found.failures
    assert (failure.count, failure.last, failure.mends) == (2, UNTIL - HOUR, ("ask the partner",))


@pytest.mark.parametrize(
    ("changes", "is_clean"),
    [
        pytest.param({"messages": [], "first": None}, True, id="it never wrote"),
        pytest.param({"messages": [message(Verdict.EXPIRED)]}, False, id="it would be refused"),
        pytest.param({"messages": [message(Verdict.NO_TLS, Attribution.STRANGER)]}, True, id="a forgery"),
        pytest.param({"unrecorded": 1}, False, id="what nobody recorded"),
    ],
)
def test_who_goes_by_the_same_rule(changes: dict[str, object], is_clean: bool) -> None:
    """It would be enforced as well: what failed of it, or is not known, speaks against it."""
    other = watched(entry=Entry("*.woodgrovebank.test"), **changes)
    found = with_follower(judge(watched(), 5), other)
    assert (found.is_clean, found.passed) == (is_clean, 5)
    named = [one.detail for one in found.failures] + list(found.unknown)
    assert all("*.woodgrovebank.test, which goes by the same rule" in one for one in named)


def test_a_forgery_is_what_it_is_for() -> None:
    """A stranger's message is named, and speaks for enforcing."""
    found = judge(watched(message(Verdict.NO_TLS, Attribution.STRANGER)), 5)
    assert found.is_clean
    assert [one.is_forgery for one in found.forgeries] == [True]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"first": None, "messages": []}, "was ever seen"),
        ({"first": UNTIL - 30 * HOUR}, "first message came 30 hours ago, and 7 days are asked for"),
        ({"messages": [message()]}, "1 message passed, and 5 are asked for"),
        ({"ran": []}, "nobody watched for 7 days of 7 days"),
        ({"ran": [(SINCE, UNTIL - 24 * HOUR)]}, "nobody watched for 24 hours of 7 days"),
        ({"unrecorded": 3}, "3 of its messages were counted, and not recorded"),
    ],
)
def test_unknown_is_not_clean(changes: dict[str, object], words: str) -> None:
    """What was not watched, or not recorded, is said and speaks against it."""
    found = judge(watched(**changes), 5)
    assert not found.is_clean
    assert any(words in clause for clause in found.unknown), found.unknown


def test_a_night_is_named_and_no_obstacle() -> None:
    """Some hours without the daemon are told; the rest of the week is enough."""
    found = judge(watched(ran=[(SINCE, UNTIL - 10 * HOUR), (UNTIL - 4 * HOUR, UNTIL)]), 5)
    assert found.down == ((UNTIL - 10 * HOUR, UNTIL - 4 * HOUR),)
    assert found.is_clean


def test_gaps() -> None:
    """Before the first, between, and after the last; what overlaps or lies outside is none."""
    second = timedelta(seconds=1)
    assert gaps([], SINCE, UNTIL) == ((SINCE, UNTIL),)
    assert gaps([(SINCE - WEEK, SINCE - HOUR)], SINCE, UNTIL) == ((SINCE, UNTIL),)
    assert gaps([(SINCE, UNTIL), (SINCE + HOUR, SINCE + 2 * HOUR)], SINCE, UNTIL) == ()
    assert gaps([(SINCE + second, UNTIL - second)], SINCE, UNTIL) == ()
    assert gaps([(SINCE, UNTIL + HOUR)], SINCE, UNTIL) == ()
    assert gaps([(UNTIL + HOUR, UNTIL + WEEK)], SINCE, UNTIL) == ((SINCE, UNTIL),)
