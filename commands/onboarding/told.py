"""What ``partner add`` says: what is known, what is not, and what to do next.

Owns: the words.  Must not decide: whether mail passes, and which step may be done.
"""

import io
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from domain_secure.commands.terminal.common import ALREADY_SO, DEFAULT_CONFIGURATION
from domain_secure.commands.terminal.documents import answer
from domain_secure.commands.terminal.listed import quoted
from domain_secure.policy.configuration.configuration import Condition, Partner
from domain_secure.policy.onboarding.kept_onboarding import Onboarding
from domain_secure.policy.onboarding.proposal import Change
from domain_secure.policy.onboarding.steps import WORDS, Standing, Step, Watched
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry

from .look import Passing

Standings = Mapping[Step, tuple[Standing, str]]

INDENT = "   "  #: of what is said about a step
_LABELS = {Direction.SEND: "mail to it", Direction.RECEIVE: "mail from it"}
_KEYS = (
    "names",
    "receive_names",
    "send_names",
    "mx",
    "methods",
    "require",
    "send_method",
    "minimum_tls",
    "pins",
)
_REVOCATION_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Next:
    """One thing to do, and the command for it."""

    what: str
    command: str


def heading(entry: Entry, former: Onboarding | None, is_received: bool, is_sent: bool) -> Iterator[str]:
    """Yield where the partner stands before this run."""
    lists = [word for word, listed in (("receive", is_received), ("send", is_sent)) if listed]
    where = f"on the {' and the '.join(lists)} list" if lists else "on no list"
    how = f"begun on {day(former.begun)} by {former.by}" if former else "not looked at before"
    yield f"{entry}: {how}, {where}"
    yield ""


def step_heading(step: Step) -> Iterator[str]:
    """Yield the line above all that is said of a step."""
    yield f"{tuple(Step).index(step) + 1} {step}: {WORDS[step]}"


def looked(
    document: Mapping[str, Any],
    ways: Mapping[Direction, Passing],
    directions: Collection[Direction],
    rule: Partner,
) -> Iterator[str]:
    """Yield what would pass today, and what nobody can know from outside."""
    yield f"{INDENT}would it pass today, with {_rule_in_words(rule, directions)}?"
    yield from _passes(ways, directions)
    silent = [_name(one) for one in document["servers"] if one["certificate_requested"] is False]
    if silent and Direction.SEND in directions:
        yield (
            f"{INDENT}- {', '.join(silent)} does not ask for our certificate, and so cannot know that mail "
            "is ours: tell its administrator"
        )
    yield f"{INDENT}not known:"
    for text in not_known(document, directions, rule):
        yield f"{INDENT}- {text}"
    yield ""


def _name(server: Mapping[str, Any]) -> str:
    return server["host"] or server["address"]  # type: ignore[no-any-return]


def now_passes(ways: Mapping[Direction, Passing], directions: Collection[Direction]) -> Iterator[str]:
    """Yield what would pass by the rule that was just written."""
    yield f"{INDENT}would it pass now?"
    yield from _passes(ways, directions)


def _passes(ways: Mapping[Direction, Passing], directions: Collection[Direction]) -> Iterator[str]:
    for direction, label in _LABELS.items():
        if direction in directions:
            yield f"{INDENT}- {label:<12} {_passing(ways[direction], direction)}"


def _passing(way: Passing, direction: Direction) -> str:
    if way.passes is None:
        return f"not known: {way.detail}"
    word = "yes" if way.passes else "no"
    condition = ", if it sends with the certificate above" if direction is Direction.RECEIVE else ""
    return f"{word}{condition}: {way.detail}"


def not_known(document: Mapping[str, Any], directions: Collection[Direction], rule: Partner) -> Iterator[str]:
    """Yield what a look at its servers does not tell, each with what would."""
    command = quoted(rule.entry)
    if Direction.RECEIVE in directions:
        yield (
            "which certificate it shows when it sends: these are the servers that receive; its first message "
            "will tell"
        )
        if Condition.DKIM in rule.require:
            yield "whether it signs all of its messages (DKIM)"
        receiving = document["receiving"]
        if receiving and receiving["revocation"] == _REVOCATION_UNKNOWN:
            why = receiving["revocation_detail"] or "nobody was asked"
            yield f"whether the certificate was revoked: {why}"
    if Direction.SEND in directions:
        asked = [server["certificate_requested"] for server in document["servers"] if server["tls_version"]]
        if asked and not any(one is False for one in asked):
            yield (
                "whether it refuses who does not show our certificate: "
                f"`domain-secure probe {command} --mutual` tries"
            )
        yield "how mail to it fared until now: `domain-secure suggest` reads that in Postfix's log"
    unreached = [_name(one) for one in document["servers"] if not one["tls_version"]]
    if unreached:
        yield f"what {', '.join(unreached)} would show: no TLS session came about"


def rule(
    former: Partner,
    wanted: Partner,
    changes: Sequence[Change],
    ways: Mapping[Direction, Passing],
    directions: Collection[Direction],
) -> Iterator[str]:
    """Yield what is demanded, what the person changes of it, and what is proposed besides at which price."""
    yield from step_heading(Step.RULE)
    for key in _KEYS:
        was, will = _value(former, key), _value(wanted, key)
        if was != will:
            yield f"{INDENT}{key}: {will} (was: {was})"
    for change in changes:
        about = " and ".join(_LABELS[one] for one in change.directions)
        yield f"{INDENT}{about} would pass with: {' '.join(change.options)}"
        yield f"{INDENT}- at this price: {change.weakens}"
    failing = [one for one in _LABELS if one in directions and ways[one].passes is False]
    if not changes and failing:
        about = " and ".join(_LABELS[one] for one in failing)
        yield f"{INDENT}no setting of ours lets {about} pass: only its administrator can mend that"
    elif not changes and former == wanted:
        yield f"{INDENT}nothing has to be changed: {_rule_in_words(wanted, directions)}"


def _value(one: Partner, key: str) -> str:
    value = getattr(one, key)
    texts = sorted(map(str, value)) if isinstance(value, frozenset) else value
    return (", ".join(map(str, texts)) if isinstance(texts, (list, tuple)) else str(texts)) or "none"


def _rule_in_words(one: Partner, directions: Collection[Direction]) -> str:
    parts = [f"names {', '.join(one.names)}"]
    if Direction.RECEIVE in directions:
        parts.append(f"proved by {' or '.join(one.methods)}")
    if Direction.SEND in directions:
        parts.append(f"its servers verified by {one.send_method}")
    return ", ".join(parts)


def proposal_left(changes: Sequence[Change]) -> Iterator[str]:
    """Yield that proposals were not taken."""
    if changes:
        yield f"{INDENT}NOT DONE: what weakens a demand is for a person to choose"
    yield ""


def already(step: Step, entry: Entry) -> str:
    """Return that a step was done before."""
    words = {
        Step.OBSERVE: f"{entry} is on the receive list",
        Step.SEND: f"{entry} is on the send list",
        Step.ENFORCE: f"mail from {entry} that does not prove itself is refused",
    }
    return f"{ALREADY_SO}: {words[step]}"


def cannot(why: str) -> Iterator[str]:
    """Yield why a step cannot be done now."""
    yield f"{INDENT}NOT DONE: {why}"
    yield ""


def done(step: Step, entry: Entry) -> Iterator[str]:
    """Yield what holds from here on."""
    words = {
        Step.OBSERVE: f"mail from {entry} is judged and marked from now on; none is refused",
        Step.SEND: f"mail to {entry} leaves over verified TLS from now on, or waits in the queue",
        Step.ENFORCE: f"mail from {entry} that does not prove itself is refused from now on",
    }
    yield f"{INDENT}{words[step]}"
    yield ""


def price_question(change: Change) -> str:
    """Return what is asked before a proposal is taken."""
    return f"Take it, at this price: {' '.join(change.options)}?"


def question(step: Step) -> str:
    """Return what is asked before a step."""
    return {
        Step.OBSERVE: "Watch mail from it?",
        Step.SEND: "Send to it over verified TLS alone?",
        Step.ENFORCE: "Refuse what does not prove itself?",
    }[step]


def summary(entry: Entry, way: Onboarding, standing: Standings, watching: Watched | None) -> Iterator[str]:
    """Yield where the partner stands now, step by step."""
    yield f"{entry} stands here now:"
    for step, (how, why) in standing.items():
        at = way.done.get(step)
        when = f" since {day(at)}" if at and how is Standing.DONE and step is not Step.PROBE else ""
        reason = f", not yet possible: {why}" if how is Standing.CANNOT else ""
        yield f"{INDENT}{step:<8} {'done' if how is Standing.DONE else 'left'}{when}{reason}"
    if watching is not None:
        yield f"{INDENT}watched  {watched_in_words(watching)}"


def watched_in_words(watching: Watched) -> str:
    """Return what became of the mail that was watched."""
    if watching.problem:
        return f"not known: {watching.problem}"
    if watching == Watched(doubts=watching.doubts):
        return "no message yet"
    failed = sum(watching.failed.values())
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(watching.failed.items()))
    parts = [
        f"{watching.passed} passed",
        f"{failed} of its own would not" + (f" ({reasons})" if reasons else ""),
    ]
    if watching.strangers:
        parts.append(f"{watching.strangers} in its name came from strangers, as far as can be told")
    if watching.unknown:
        parts.append(f"{watching.unknown} cannot be judged again")
    return "; ".join(parts)


def program(path: Path) -> str:
    """Return our command as it has to be called for the configuration at *path*."""
    named = "" if path == DEFAULT_CONFIGURATION else f" --config {shlex.quote(str(path))}"
    return f"domain-secure{named}"


def next_steps(
    entry: Entry, standing: Standings, changes: Sequence[Change], command: str
) -> tuple[Next, ...]:
    """Return what to do next with our *command*, the nearest first."""
    name = quoted(entry)
    again = f"{command} partner add {name}"
    how = {step: found for step, (found, _) in standing.items()}
    left = [step for step, found in how.items() if found is not Standing.DONE]
    found: list[Next] = []
    if changes:
        options = " ".join(option for change in changes for option in change.options)
        found.append(Next("if the price is right, take the proposal", f"{again} {options} --yes"))
    if left:
        found.append(
            Next("give its administrator what he needs from you", f"{command} partner invite {name}")
        )
    if how.get(Step.OBSERVE) is Standing.DONE and how.get(Step.ENFORCE) is not Standing.DONE:
        found += [
            Next("see what comes from it", f"{command} log show receive --domain {name}"),
            Next("settle certificates that nobody knows yet", f"{command} pending"),
        ]
    if how.get(Step.SEND) is Standing.CANNOT and not changes:
        found.append(Next("once its administrator has mended that, go on", again))
    elif {Step.OBSERVE, Step.SEND} & set(left) and not changes:
        found.append(Next("go on", again))
    if how.get(Step.OBSERVE) is Standing.DONE and how.get(Step.ENFORCE) is not Standing.DONE:
        found.append(Next("after some days of watching, enforce", f"{command} promote {name}"))
    if any(how.get(step) is Standing.DONE for step in (Step.OBSERVE, Step.SEND)):
        found.append(Next("to take all of it back", f"{command} partner remove {name}"))
    return tuple(found)


def further(steps: Sequence[Next]) -> Iterator[str]:
    """Yield what to do next; each command stays whole, to be copied."""
    if steps:
        yield "next:"
    for one in steps:
        yield f"{INDENT}{one.what}: {one.command}"


def day(at: datetime) -> str:
    """Return a day as it is where the person is."""
    return at.astimezone().strftime("%Y-%m-%d")


@contextmanager
def indented() -> Iterator[None]:
    """Indent what the commands of a step print; where a document is asked for it is kept as it is."""
    if answer() is not None:
        yield
        return
    with redirect_stdout(io.StringIO()) as said:
        try:
            yield
        finally:
            lines = said.getvalue().splitlines()
    for line in lines:
        print(f"{INDENT}{line}")
