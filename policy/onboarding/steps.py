"""Which steps lead from a domain that nobody knows here to one whose mail is proved: a function of facts.

Owns: the order, which step is done, which may be done now, and why one may not.
Must not know: how a step is done, and what a person is asked.
Invariants: what is done is told by the configuration in force, and never by what was kept of an earlier run;
nothing is refused before it was watched, and nothing is held that would be held for certain.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique

from domain_secure.policy.terms.direction import Direction


@unique
class Step(StrEnum):
    """The steps, in their order; the words are stable, for scripts."""

    PROBE = "probe"  #: look at the mail servers; changes nothing
    RULE = "rule"  #: what is demanded: names, method, pins
    OBSERVE = "observe"  #: mail from there is judged, marked and counted, and none is refused
    SEND = "send"  #: mail to there leaves over verified TLS with our certificate, or waits
    ENFORCE = "enforce"  #: mail from there that does not prove itself is refused


@unique
class Standing(StrEnum):
    """How it stands with a step."""

    DONE = "done"
    LEFT = "left"
    CANNOT = "cannot"  #: not now; what is in the way is said


#: What each step is about, after its number.
WORDS: Mapping[Step, str] = {
    Step.PROBE: "its mail servers, as they are now",
    Step.RULE: "what is demanded of it",
    Step.OBSERVE: "mail from it is judged, marked and counted; none is refused",
    Step.SEND: "mail to it leaves over verified TLS with our certificate shown, or waits",
    Step.ENFORCE: "mail from it that does not prove itself is refused",
}


@dataclass(frozen=True, slots=True)
class Watched:
    """What the days watched speak for, judged by the rule as it is now: see `policy/promotion`."""

    passed: int = 0
    failed: Mapping[str, int] = field(default_factory=dict)  #: the partner's own, by reason
    strangers: int = 0  #: of others, in its name
    unknown: int = 0  #: were counted, and cannot be judged again
    doubts: tuple[str, ...] = ()  #: clauses: why what passed does not speak for it
    problem: str | None = None  #: why it is not known


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is."""

    directions: frozenset[Direction]  #: that are wanted
    is_probed: bool
    is_rule_agreed: bool  #: it is as a person wanted it, or nothing had to be changed
    is_received: bool  #: on the receive list
    is_enforced: bool  #: its mode, or everybody's
    is_sent: bool  #: on the send list
    sending: str | None  #: why mail to it would be held; None: it would be delivered
    watched: Watched


def steps_of(directions: frozenset[Direction]) -> tuple[Step, ...]:
    """Return the steps for these directions, in their order."""
    left_out = set()
    if Direction.RECEIVE not in directions:
        left_out |= {Step.OBSERVE, Step.ENFORCE}
    if Direction.SEND not in directions:
        left_out.add(Step.SEND)
    return tuple(step for step in Step if step not in left_out)


def standings(facts: Facts) -> dict[Step, tuple[Standing, str]]:
    """Return how it stands with each step, in order, and what is in the way of one that cannot be done."""
    done = {
        Step.PROBE: facts.is_probed,
        Step.RULE: facts.is_rule_agreed,
        Step.OBSERVE: facts.is_received,
        Step.SEND: facts.is_sent,
        Step.ENFORCE: facts.is_received and facts.is_enforced,
    }
    in_the_way = {
        Step.RULE: "" if facts.is_probed else "its servers were not looked at yet",
        Step.SEND: facts.sending or "",
        Step.ENFORCE: against_enforcing(facts),
    }
    found: dict[Step, tuple[Standing, str]] = {}
    for step in steps_of(facts.directions):
        if done[step]:
            found[step] = Standing.DONE, ""
        elif why := in_the_way.get(step, ""):
            found[step] = Standing.CANNOT, why
        else:
            found[step] = Standing.LEFT, ""
    return found


def against_enforcing(facts: Facts) -> str:
    """Return what speaks against refusing mail now, or nothing."""
    watched = facts.watched
    if not facts.is_received:
        return "it is not watched yet"
    if watched.problem:
        return f"what was watched is not known: {watched.problem}"
    if watched.failed:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(watched.failed.items()))
        return f"messages of its own would be refused or deferred: {reasons}"
    return "; ".join(watched.doubts)
