"""What a bypass lets in, and how that is told: never as secured."""

from datetime import datetime, timedelta

import pytest

from domain_secure.policy.bypass.bypass import Bypass
from domain_secure.policy.configuration.configuration import Condition, Configuration, Mode
from domain_secure.policy.decision.decision import Decision, decide, decide_about_session, undecidable
from domain_secure.policy.decision.evidence import Evidence
from domain_secure.policy.decision.marks import mark_headers
from domain_secure.policy.decision.verdict import Effect, Verdict
from domain_secure.policy.record.decision_document import mode_of
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry

from unit.policy.builders import NOW, claim, configuration, known, partner, session

WOODGROVE, FABRIKAM = Entry("woodgrovebank.test"), Entry("fabrikam.test")
IN_THE_CLEAR = Evidence(session(tls_version=None), None)


def bypass(direction: Direction = Direction.RECEIVE) -> Bypass:
    """Return a bypass of four hours."""
    end = NOW + timedelta(hours=4)
    return Bypass(WOODGROVE, (direction,), NOW, end, "anna", "tonight")


def bypassed(direction: Direction = Direction.RECEIVE, **changes: object) -> Configuration:
    """Return a configuration with that bypass, of two listed domains."""
    return configuration(WOODGROVE, FABRIKAM, bypasses=(bypass(direction),), **changes)


def decided(*claims: Entry, config: Configuration | None = None, at: datetime = NOW) -> Decision:
    """Return the decision about a message in the clear."""
    return decide([claim(one) for one in claims or (WOODGROVE,)], IN_THE_CLEAR, config or bypassed(), at)


def test_let_in_and_marked_as_failed() -> None:
    """What is let in bears the mark of a failure, which names the bypass."""
    decision = decided()
    assert (decision.verdict, decision.effect) == (Verdict.NO_TLS, Effect.ACCEPT)
    assert list(mark_headers(decision, "mx1.test", "mx1.test", "Q1")) == [
        ("X-Domain-Secure", "fail (woodgrovebank.test; no-tls; none) by mx1.test; ref=Q1; bypass"),
        (
            "Authentication-Results",
            (
                'mx1.test; x-domain-secure=fail reason="no-tls" header.d=woodgrovebank.test policy.tls=none '
                "policy.bypass=yes"
            ),
        ),
    ]
    assert mode_of(decision.findings[0]) == "bypass"


def test_what_proves_itself_passes_as_ever() -> None:
    """A session that proves to be the partner needs no bypass, and its mark says nothing of one."""
    decision = decide([claim()], Evidence(session(), known(WOODGROVE)), bypassed(), NOW)
    assert decision.verdict is Verdict.PASS
    assert "bypass" not in str(mark_headers(decision, "mx1.test", "mx1.test", "Q1"))
    assert mode_of(decision.findings[0]) == "enforce"


@pytest.mark.parametrize("claims", [(FABRIKAM,), (WOODGROVE, FABRIKAM)])
def test_nobody_elses_mail(claims: tuple[Entry, ...]) -> None:
    """Another partner's mail is refused, also where the message claims the one with the bypass as well."""
    assert decided(*claims).effect is Effect.REJECT


@pytest.mark.parametrize("hours", [-1, 4, 5])
def test_its_time_alone(hours: int) -> None:
    """Before its start and from its end on mail is refused."""
    assert decided(at=NOW + timedelta(hours=hours)).effect is Effect.REJECT


def test_a_clock_that_was_set_back_makes_it_no_longer() -> None:
    """Where a later time is known to have been, that one counts."""
    evidence = Evidence(session(tls_version=None), None, known_time=NOW + timedelta(hours=4))
    assert decide([claim()], evidence, bypassed(), NOW).effect is Effect.REJECT


def test_the_other_direction() -> None:
    """A bypass for what we send lets nothing in."""
    assert decided(config=bypassed(Direction.SEND)).effect is Effect.REJECT


def test_a_session_that_proves_it_needs_no_bypass() -> None:
    """What only a message could lack is not held against the session, so that no bypass is told of."""
    rules = bypassed(partners={WOODGROVE: partner(require=(Condition.DKIM,))})
    decision = decide_about_session([claim()], Evidence(session(), known(WOODGROVE)), rules, NOW)
    assert (decision.verdict, decision.effect) == (Verdict.PASS, Effect.ACCEPT)
    assert decision.findings[0].is_bypassed is False


def test_a_fault_of_ours_is_no_matter_of_a_bypass() -> None:
    """What could not be judged at all is deferred."""
    assert undecidable([claim()], bypassed()).effect is Effect.DEFER


def test_observed_mail_is_observed() -> None:
    """Where nothing would be refused a bypass changes nothing, and is not named."""
    finding = decided(config=bypassed(mode=Mode.OBSERVE)).findings[0]
    assert mode_of(finding) == "observe"
