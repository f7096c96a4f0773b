"""``domain-secure partner add``: step by step, on a terminal or by arguments; stops anywhere and goes on.

Owns: the order of looking, telling, asking and doing.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.commands.probe.command import keep
from domain_secure.commands.probe.probe_output import print_probe
from domain_secure.commands.terminal.common import configuration_path, note, policy_store, print_json
from domain_secure.commands.terminal.fitting import fitted
from domain_secure.commands.terminal.listed import covering, quoted
from domain_secure.milter.knowledge.live_configuration import Live, read_live
from domain_secure.policy.configuration.configuration import Configuration, Mode
from domain_secure.policy.configuration.reading import load, parse
from domain_secure.policy.editing.person import who
from domain_secure.policy.onboarding.followers import followers
from domain_secure.policy.onboarding.kept_onboarding import Onboarding, keep_onboarding, kept_onboardings
from domain_secure.policy.onboarding.proposal import Change, own_rule, rule_with
from domain_secure.policy.onboarding.steps import Facts, Standing, Step, Watched, standings
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import ExitStatus, Problem

from . import told
from .doing import Doer
from .look import Look, Passing, passing, watched
from .outcome import End
from .wish import Wish, wish_of

_LATER = (Step.OBSERVE, Step.SEND, Step.ENFORCE)
_HANGING = 5


class _Stopped(Exception):  # noqa: N818 - it is no error
    """The person leaves here."""


def run_add(arguments: argparse.Namespace) -> ExitStatus:
    """Look, tell, and do what is asked for and may be done; raises Problem where a step fails."""
    walk = _Walk(arguments, wish_of(arguments))
    try:
        walk.look_at_servers()
        walk.agree_on_rule()
        for step in _LATER:
            walk.go_through(step)
    except _Stopped:
        print()
    finally:
        walk.keep()
    return walk.end()


class _Walk:
    """One run of the command, as far as it came."""

    def __init__(self, arguments: argparse.Namespace, wish: Wish) -> None:
        self._arguments = arguments
        self._wish = wish
        self._path = configuration_path(arguments)
        self._now = datetime.now(UTC)
        self._live = _read(self._path)
        self._rule = own_rule(self._configuration, wish.entry)
        self._former = kept_onboardings(self._configuration.state).get(wish.entry)
        directions = wish.directions or (self._former or wish).directions or frozenset(Direction)
        if wish.reaches(Step.OBSERVE) and not wish.forced and Direction.RECEIVE in directions:
            _refuse_to_weaken(self._configuration, wish.entry)
        begun = self._former or Onboarding(self._now, who(), directions)
        self._way = replace(begun, directions=directions)
        self._proposal: tuple[Change, ...] = ()  #: what was not taken
        self._outcomes: dict[Step, str] = {}
        self._written: dict[str, None] = {}
        self._seen: Watched | None = None  #: by the rule as it is
        self._document: dict[str, Any] = {}  #: what ``probe`` says by the rule as it is

    @property
    def _configuration(self) -> Configuration:
        return self._live.configuration

    @property
    def _is_watched(self) -> bool:
        return self._wish.entry in self._configuration.receive

    @property
    def _ways(self) -> Mapping[Direction, Passing]:
        return passing(self._document)

    def look_at_servers(self) -> None:
        """Tell where the partner stood, and what its servers show now."""
        entry = self._wish.entry
        self._tell(told.heading(entry, self._former, self._is_watched, entry in self._configuration.send))
        if (other := self._configuration.partner(entry).entry) != entry:
            note(f"{entry} follows the rule of {other}, until it has one of its own")
        lists = (self._configuration.receive, self._configuration.send)
        for one in dict.fromkeys(
            one for listed in lists for one in followers(self._configuration, listed, entry)
        ):
            note(f"{one} goes by the rule of {entry}: what is written for that holds for it as well")
        self._tell(told.step_heading(Step.PROBE))
        asked = rule_with(self._rule, self._wish.values, self._wish.pins, self._configuration)
        self._look = Look(self._live, asked, self._now)
        self._document = self._look.document(self._rule)
        if not self._arguments.json:
            # Both are told below, in both directions alike.
            print_probe({**self._document, "receiving": None, "suggestion": None})
        self._tell(told.looked(self._document, self._ways, self._way.directions, self._rule))
        found = f"{self._document['verdict']}: {self._document['detail']}"
        self._way = replace(self._way, found=found)
        self._note_done(Step.PROBE)

    def agree_on_rule(self) -> None:
        """Settle what is demanded: what the person wrote, then what is proposed besides."""
        wish, configuration = self._wish, self._configuration
        values, pins = dict(wish.values), list(wish.pins)
        wanted = rule_with(self._rule, values, pins, configuration)
        changes = self._look.proposal(wanted, self._way.directions)
        after = passing(self._look.document(wanted))
        self._tell(told.rule(self._rule, wanted, changes, after, self._way.directions))
        left = list(changes)
        if wish.reaches(Step.RULE):
            for change in changes:
                if wish.can_ask and self._is_agreed(told.price_question(change)):
                    values |= dict(change.values)
                    pins += change.pins
                    left.remove(change)
        self._proposal = tuple(left)
        if wish.reaches(Step.RULE) and rule_with(self._rule, values, pins, configuration) != self._rule:
            self._write_rule(values, pins)
        else:
            self._outcomes[Step.RULE] = "left" if left else "already"
        self._tell(told.proposal_left(left))
        if left:
            self._note_undone(Step.RULE)
        elif wish.reaches(Step.RULE):
            self._note_done(Step.RULE, again=False)

    def _write_rule(self, values: Mapping[str, str], pins: list[Pin]) -> None:
        doer = self._doer()
        with told.indented():
            status = doer.set_rule(values, pins, self._configuration)
        self._take_in(doer)
        self._require_in_force(status, Step.RULE)
        self._outcomes[Step.RULE] = "left" if self._proposal else "done"
        self._document = self._look.document(self._rule)
        self._tell(told.now_passes(self._ways, self._way.directions))

    def go_through(self, step: Step) -> None:
        """Do one of the later steps where it is asked for and may be done; tell what becomes of it."""
        standing = self._standing()
        if step not in standing:
            return
        how, why = standing[step]
        if not self._wish.reaches(step):
            self._outcomes[step] = "already" if how is Standing.DONE else "left"
            return
        if step is Step.ENFORCE and self._wish.forced and self._is_watched and how is Standing.CANNOT:
            how = Standing.LEFT
        self._tell(told.step_heading(step))
        if how is Standing.DONE:
            self._outcomes[step] = "already"
            with told.indented():
                print(told.already(step, self._wish.entry))
                status = self._doer().wait_again(step)
            self._require_in_force(status, step)
            self._tell(("",))
        elif how is Standing.CANNOT:
            self._outcomes[step] = "cannot"
            self._tell(told.cannot(why))
        elif self._wish.can_ask and not self._is_agreed(told.question(step)):
            self._outcomes[step] = "left"
            self._tell(("",))
        else:
            self._do(step)

    def _do(self, step: Step) -> None:
        doer = self._doer()
        with told.indented():
            status = doer.do(step, self._configuration)
        self._take_in(doer)
        self._require_in_force(status, step)
        self._outcomes[step] = "done"
        self._note_done(step)
        if step is not Step.ENFORCE:
            self._keep_certificates()
        self._tell(told.done(step, self._wish.entry))

    def _require_in_force(self, status: ExitStatus, step: Step) -> None:
        if status is not ExitStatus.DONE:
            raise Problem(
                "it is written, and not in force on every node yet",
                f"partner add {self._wish.entry}: {step}",
                "see `domain-secure fleet status`, then run this again",
                status,
            )

    def _keep_certificates(self) -> None:
        """Let the first message be decided at once, with what its servers have just shown."""
        try:
            keep((self._look.found,), self._live, self._now)
        except Problem as problem:
            note(f"the certificates are not kept: {problem}")

    def _doer(self) -> Doer:
        store = policy_store(self._arguments)
        return Doer(self._arguments, store, self._wish.entry, self._wish.spelling)

    def _take_in(self, doer: Doer) -> None:
        """Go on with what is on disk by now."""
        self._live, self._seen = _read(self._path), None
        self._rule = own_rule(self._configuration, self._wish.entry)
        self._written |= dict.fromkeys(doer.written)

    def _note_done(self, step: Step, *, again: bool = True) -> None:
        if again or step not in self._way.done:
            self._way = replace(self._way, done={**self._way.done, step: datetime.now(UTC)})

    def _note_undone(self, step: Step) -> None:
        kept = {one: at for one, at in self._way.done.items() if one is not step}
        self._way = replace(self._way, done=kept)

    def _standing(self) -> told.Standings:
        sending = self._ways[Direction.SEND]
        return standings(
            Facts(
                directions=self._way.directions,
                is_probed=True,
                is_rule_agreed=not self._proposal,
                is_received=self._is_watched,
                is_enforced=self._rule.mode is Mode.ENFORCE,
                is_sent=self._wish.entry in self._configuration.send,
                sending=None if sending.passes else sending.detail,
                watched=self._watched() or Watched(),
            )
        )

    def _watched(self) -> Watched | None:
        """Return what was watched, None where nothing is."""
        if not self._is_watched or Direction.RECEIVE not in self._way.directions:
            return None
        if self._seen is None:
            self._seen = watched(self._configuration, self._wish.entry)
        return self._seen

    def _is_agreed(self, question: str) -> bool:
        """Return whether the person says yes; raises _Stopped where he leaves."""
        print(f"{told.INDENT}{question} [y/n/q] ", end="", flush=True)
        answer = sys.stdin.readline()
        word = answer.strip().lower()
        if not answer or word in {"q", "quit"}:
            raise _Stopped
        return word in {"y", "yes"}

    def _tell(self, lines: Iterable[str]) -> None:
        """Print for a person; a document says the same by its keys."""
        if not self._arguments.json:
            with fitted(_HANGING):
                for line in lines:
                    print(line)

    def keep(self) -> None:
        """Keep how far the partner came, unless nothing was to be changed; raises Problem and OSError."""
        if not self._wish.only_looks and Step.PROBE in self._way.done:
            keep_onboarding(self._configuration.state, self._wish.entry, self._way)

    def end(self) -> ExitStatus:
        """Tell where the partner stands and what comes next; return the exit status."""
        standing, seen = self._standing(), self._watched()
        steps = told.next_steps(self._wish.entry, standing, self._proposal, told.program(self._path))
        end = End(
            wish=self._wish,
            way=self._way,
            rule=self._rule,
            probed=self._document,
            ways=self._ways,
            proposal=self._proposal,
            outcomes=self._outcomes | {Step.PROBE: "done"},
            standing=standing,
            watched=seen,
            next=steps,
            written=tuple(self._written),
        )
        if self._arguments.json:
            print_json(end.document())
        else:
            self._tell(told.summary(self._wish.entry, self._way, standing, seen))
            for line in told.further(steps):
                print(line)
        return end.status


def _refuse_to_weaken(configuration: Configuration, entry: Entry) -> None:
    """Raise the Problem of mail that is refused already, and would be let in if *entry* were only watched."""
    if entry in configuration.receive:
        return  # what is listed stays as it is
    above = covering(configuration.receive, entry)
    if above is not None and configuration.partner(above).mode is Mode.ENFORCE:
        raise Problem(
            f"mail from {entry} is enforced already, as {above}, and would only be watched at first",
            f"partner add {entry}",
            f"see `domain-secure partner show {quoted(above)}`, or give --force if that is meant",
            ExitStatus.DIFFERENCE,
        )
    for one in followers(configuration, configuration.receive, entry):
        if configuration.partner(one).mode is Mode.ENFORCE:
            raise Problem(
                f"{one} is enforced, goes by the rule of {entry}, and would only be watched with it",
                f"partner add {entry}",
                f"write `domain-secure partner set {quoted(one)} mode=enforce` first, which gives it a rule "
                "of its own, or give --force if that is meant",
                ExitStatus.DIFFERENCE,
            )


def _read(path: Path) -> Live:
    """Return what holds at *path*, or what would without a file; raises Problem."""

    def configured(file: Path) -> Configuration:
        return load(file) if file.exists() else parse(b"", file)

    return read_live(configured, path)
