"""How mail fares with a partner, in words."""

from typing import Any

import pytest

from domain_secure.milter.page.states import State
from domain_secure.milter.page.traffic import received, sent

from unit.milter.status_documents import NOW, outcome

THEIRS, FORGED = "partner", "stranger"


def known(*outcomes: tuple[str, str | None, float]) -> dict[str, Any]:
    """Return what is known last: category, whose it was, and how many hours ago."""
    return {
        "success": None,
        "failure": None,
        "outcomes": [
            outcome(hours, "expired" if whose else category)
            | {"category": category, "attribution": whose, "client": "192.0.2.7"}
            for category, whose, hours in outcomes
        ],
    }


@pytest.mark.parametrize(
    ("outcomes", "state", "word"),
    [
        ((), State.QUIET, "nothing yet"),
        ((("passed", None, 1),), State.GOOD, "passes"),
        ((("passed", None, 90), ("refused", FORGED, 1)), State.GOOD, "passes"),
        ((("refused", FORGED, 1),), State.QUIET, "forgeries alone"),
        ((("observed", FORGED, 1),), State.QUIET, "forgeries alone"),
        ((("passed", None, 2), ("refused", THEIRS, 1)), State.FAILING, "is refused"),
        (
            (("passed", None, 3), ("refused", THEIRS, 2), ("refused", FORGED, 1)),
            State.FAILING,
            "is refused",
        ),
        ((("passed", None, 2), ("deferred", THEIRS, 1)), State.FAILING, "is deferred"),
        ((("passed", None, 1), ("deferred", THEIRS, 2)), State.GOOD, "passes"),
        ((("passed", None, 2), ("observed", THEIRS, 1)), State.ATTENTION, "is let in unproved"),
        ((("refused", None, 1),), State.FAILING, "is refused"),
    ],
)
def test_received(outcomes: Any, state: State, word: str) -> None:
    """The partner's own last message counts; forgeries do not, and what was let in was not refused."""
    found = received(known(*outcomes), "enforce", NOW)
    assert (found.state, found.word) == (state, word)


def test_forgeries_are_told_and_decide_nothing() -> None:
    """They are there to read."""
    found = received(known(("passed", None, 2), ("refused", FORGED, 1)), "enforce", NOW)
    assert [(one.label, one.is_now) for one in found.further] == [("last forgery refused", False)]
    assert found.failure is None


def test_what_an_earlier_release_wrote_of_an_observed_partner() -> None:
    """Whatever failed was let in."""
    latest = known() | {"failure": outcome(1, "no-tls")}
    assert received(latest, "observe", NOW).word == "is let in unproved"


@pytest.mark.parametrize(
    ("outcomes", "waiting", "state", "word"),
    [
        ((), 0, State.QUIET, "nothing yet"),
        ((("sent", None, 1),), 0, State.GOOD, "is delivered"),
        ((("sent", None, 2), ("bounced", None, 1)), 0, State.GOOD, "is delivered"),
        ((("failed", None, 2), ("bounced", None, 1)), 0, State.FAILING, "was returned"),
        ((("failed", None, 2), ("bounced", None, 1)), None, State.FAILING, "was returned"),
        ((("bounced", None, 1),), 0, State.QUIET, "was returned"),
        ((("sent", None, 2), ("failed", None, 1)), 0, State.FAILING, "last session failed"),
        ((("failed", None, 1),), 2, State.FAILING, "2 messages held"),
        ((("sent", None, 2), ("unverified", None, 1)), 0, State.FAILING, "left unverified"),
        ((("failed", None, 1),), None, State.FAILING, "last session failed, held or not is not known"),
    ],
)
def test_sent(outcomes: Any, waiting: int | None, state: State, word: str) -> None:
    """What was returned is not held, and whether anything is held is said only where it is known."""
    found = sent(known(*outcomes), waiting, NOW)
    assert (found.state, found.word) == (state, word)
