"""``domain-secure setup``: a dialogue on a terminal, and the same by arguments without one."""

import argparse
import io
import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain_secure.commands.attach.attach import print_plan
from domain_secure.commands.terminal.common import configuration_path, print_json
from domain_secure.policy.editing.editing import parse_entries
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.attach.attachment import Plan

from .plan import Action, Facts, Own, Step, Wish, plan
from .steps import Doer, OwnFiles, facts_of


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``setup``."""
    del command
    parser.description = (
        "Leads to the first secured message with a partner, and can be run again: what is so already stays. "
        "Incoming mail is only watched at first. Stops at the first thing that cannot be done, and says what "
        "was done until then, with the command that undoes each step."
    )
    parser.add_argument("--partner", metavar="DOMAIN", help="the partner (default: asked for on a terminal)")
    parser.add_argument(
        "--cert", type=Path, metavar="FILE", help="our own certificate, as for `domain-secure cert import`"
    )
    parser.add_argument("--key-file", type=Path, metavar="FILE", help="its private key, if in a file apart")
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help="the password of the PFX or the private key"
    )
    parser.add_argument(
        "--partner-cert",
        action="append",
        default=[],
        metavar="FILE",
        help="a certificate that the partner's servers show; may be repeated",
    )
    parser.add_argument("--enforce", action="store_true", help="refuse from the start, instead of watching")
    side = parser.add_mutually_exclusive_group()
    side.add_argument("--no-send", action="store_true", help="leave sending as it is")
    side.add_argument("--no-receive", action="store_true", help="leave receiving as it is")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print one JSON document; needs --yes")
    parser.set_defaults(run=setup)


@dataclass(frozen=True, slots=True)
class _Done:
    """A step, and what became of it."""

    step: Step
    action: Action
    said: tuple[str, ...] = ()  #: what the command for it printed


def setup(arguments: argparse.Namespace) -> ExitStatus:
    """Do what is missing, and say what was done and how to undo it; raises Problem where it stops."""
    can_ask = sys.stdin.isatty() and not arguments.yes
    if not (can_ask or arguments.yes) or (arguments.json and not arguments.yes):
        raise Problem("nobody can be asked, and nothing was changed", "setup", "add --yes")
    wish = _wish(arguments)
    path = configuration_path(arguments)
    own = OwnFiles(arguments.cert, arguments.key_file, arguments.password_file)
    facts = facts_of(path, wish, own)
    if can_ask and facts.own in {Own.NONE, Own.REQUESTED}:
        own = _asked_own(own)
        facts = facts_of(path, wish, own)
    steps = plan(wish, facts)
    if not arguments.json:
        _announce(steps, facts)
    if can_ask:
        _agree("Do this?")
    doer = Doer(path, wish, own, lambda shown: _confirm(shown, ask=can_ask))
    done: list[_Done] = []
    problem = _carry_out(steps, doer, done, quiet=arguments.json)
    if arguments.json:
        print_json(_document(done, problem))
    else:
        _tell(done)
    if problem is not None:
        raise problem
    return doer.status


def _wish(arguments: argparse.Namespace) -> Wish:
    written = arguments.partner
    if written is None:
        if arguments.yes:
            raise Problem("no partner is named", "setup", "name the first one with --partner DOMAIN")
        written = _asked("The first partner, such as woodgrovebank.test: ")
    (entry,) = parse_entries([written])
    return Wish(
        entry,
        receive=not arguments.no_receive,
        send=not arguments.no_send,
        enforce=arguments.enforce,
        partner_certificates=tuple(arguments.partner_cert),
    )


def _asked(question: str) -> str:
    print(question, end="", flush=True)
    return sys.stdin.readline().strip()


def _asked_own(own: OwnFiles) -> OwnFiles:
    answer = _asked("Postfix shows no certificate of ours. Its file, with the key (empty: request one): ")
    return OwnFiles(Path(answer), own.key, own.password) if answer else own


def _agree(question: str) -> None:
    if _asked(f"{question} [y/N] ").lower() not in {"y", "yes"}:
        raise Problem("it was not agreed to", "setup", "run this again", ExitStatus.DIFFERENCE)


def _confirm(shown: Plan, *, ask: bool) -> None:
    """Show what attach changes, and let the person agree; raises Problem where he does not."""
    print_plan(shown)
    if ask:
        _agree("Apply this?")


def _announce(steps: Iterable[Step], facts: Facts) -> None:
    print(f"setup of {facts.host}:")
    for step in steps:
        words = {Action.DO: "", Action.ALREADY: " (already so)", Action.CANNOT: " (this cannot be done)"}
        print(f"  {step.name:<20} {step.what}{words[step.action]}")
    print()


def _carry_out(steps: Iterable[Step], doer: Doer, done: list[_Done], *, quiet: bool) -> Problem | None:
    """Do the steps one after the other, and note each; return what it stopped at."""
    for step in steps:
        if step.action is Action.ALREADY:
            done.append(_Done(step, Action.ALREADY))
            continue
        if step.action is Action.CANNOT:
            done.append(_Done(step, Action.CANNOT))
            return Problem(step.what, f"setup: {step.name}", step.fix, ExitStatus.DIFFERENCE)
        said = _Captured() if quiet else None
        try:
            if said is None:
                changed = doer.do(step)
            else:
                with redirect_stdout(said):
                    changed = doer.do(step)
        except (Problem, OSError) as error:
            done.append(_Done(step, Action.CANNOT, said.lines if said else ()))
            return error if isinstance(error, Problem) else _told(error, step)
        is_so = not changed and step.undo is not None
        done.append(_Done(step, Action.ALREADY if is_so else Action.DO, said.lines if said else ()))
    return None


class _Captured(io.TextIOWrapper):
    """What the commands print, for the document."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors="replace", write_through=True)

    @property
    def lines(self) -> tuple[str, ...]:
        """Return what was printed."""
        self.seek(0)
        return tuple(self.read().splitlines())


def _told(error: OSError, step: Step) -> Problem:
    fix = "run this as root" if isinstance(error, PermissionError) else "mend this, then run it again"
    return Problem(error.strerror or str(error), str(error.filename or f"setup: {step.name}"), fix)


def _tell(done: Iterable[_Done]) -> None:
    """Print what was done, and the way back, the last step first."""
    words = {Action.DO: "done", Action.ALREADY: "already so", Action.CANNOT: "NOT DONE"}
    done = tuple(done)
    print()
    for one in done:
        print(f"{words[one.action]:<10} {one.step.name:<20} {one.step.what}")
    if undo := _undo(done):
        print("\nto undo it:")
        for command in undo:
            print(f"    {command}")


def _undo(done: Iterable[_Done]) -> list[str]:
    commands = [one.step.undo for one in done if one.action is Action.DO and one.step.undo]
    return list(dict.fromkeys(reversed(commands)))


def _document(done: Iterable[_Done], problem: Problem | None) -> dict[str, Any]:
    done = tuple(done)
    return {
        "steps": [
            {
                "step": one.step.name,
                "outcome": {Action.DO: "done", Action.CANNOT: "not-done"}.get(one.action, "already"),
                "what": one.step.what,
                "undo": one.step.undo if one.action is Action.DO else None,
                "said": list(one.said),
            }
            for one in done
        ],
        "undo": _undo(done),
        "problem": {"what": problem.what, "where": problem.where, "fix": problem.fix} if problem else None,
    }
