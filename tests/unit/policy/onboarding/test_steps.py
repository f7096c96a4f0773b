"""How it stands with each step, by what there is."""

from dataclasses import replace

import pytest

from domain_secure.policy.onboarding.steps import Facts, Standing, Step, Watched, standings
from domain_secure.policy.terms.direction import Direction

BOTH = frozenset(Direction)
DONE, LEFT, CANNOT = Standing.DONE, Standing.LEFT, Standing.CANNOT
NEW = Facts(
    directions=BOTH,
    is_probed=True,
    is_rule_agreed=True,
    is_received=False,
    is_enforced=False,
    is_sent=False,
    sending=None,
    watched=Watched(doubts=("no message was ever seen",)),
)
WATCHED = replace(NEW, is_received=True, is_sent=True, watched=Watched(passed=3))


def found(facts: Facts) -> dict[Step, Standing]:
    """Return how it stands with each step."""
    return {step: how for step, (how, _) in standings(facts).items()}


def test_in_their_order() -> None:
    """A new partner whose servers are good: everything but enforcing may be done."""
    assert found(NEW) == {
        Step.PROBE: DONE,
        Step.RULE: DONE,
        Step.OBSERVE: LEFT,
        Step.SEND: LEFT,
        Step.ENFORCE: CANNOT,
    }


@pytest.mark.parametrize(
    ("direction", "steps"),
    [
        (Direction.RECEIVE, [Step.PROBE, Step.RULE, Step.OBSERVE, Step.ENFORCE]),
        (Direction.SEND, [Step.PROBE, Step.RULE, Step.SEND]),
    ],
)
def test_one_direction(direction: Direction, steps: list[Step]) -> None:
    """What is about the other one is no step."""
    assert list(found(replace(NEW, directions=frozenset({direction})))) == steps


def test_mail_that_would_be_held_is_not_sent_so() -> None:
    """The reason is said; watching mail from there goes on all the same."""
    facts = replace(NEW, sending="the server does not offer STARTTLS")
    assert standings(facts)[Step.SEND] == (CANNOT, "the server does not offer STARTTLS")
    assert found(facts)[Step.OBSERVE] is LEFT


@pytest.mark.parametrize(
    ("watched", "why"),
    [
        (Watched(passed=3, strangers=9), None),
        (
            Watched(passed=1, doubts=("1 message passed", "nobody watched")),
            "1 message passed; nobody watched",
        ),
        (Watched(passed=3, failed={"untrusted": 2, "no-tls": 1}), "1 no-tls, 2 untrusted"),
        (Watched(passed=3, problem="it is locked"), "it is locked"),
    ],
)
def test_what_speaks_against_enforcing(watched: Watched, why: str | None) -> None:
    """None of its own may have failed, and what is not known to be clean is not taken for it."""
    how, reason = standings(replace(WATCHED, watched=watched))[Step.ENFORCE]
    assert how is (LEFT if why is None else CANNOT)
    assert (why or "") in reason


def test_what_is_enforced_stays_so() -> None:
    """Whatever came since: a step that is done is not undone by what is watched."""
    facts = replace(WATCHED, is_enforced=True, watched=Watched(failed={"untrusted": 1}))
    assert set(found(facts).values()) == {DONE}


def test_a_mode_alone_enforces_nothing() -> None:
    """Everybody's mode is enforce; a partner that is not listed is not enforced by that."""
    assert found(replace(NEW, is_enforced=True))[Step.ENFORCE] is CANNOT
