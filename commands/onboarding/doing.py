"""How each step of taking a partner on is done: by the edits and the waiting of the commands for it alone.

Owns: which keys a step writes, and in which order: a partner is watched before it is listed.
Must not know: whether a step may be done (``policy/onboarding``), and what is said.
"""

import argparse
from collections.abc import Callable, Collection, Mapping

from domain_secure.commands.in_force.receiving import in_force
from domain_secure.policy.configuration.configuration import Configuration, Mode
from domain_secure.policy.editing.editing import ListName, add
from domain_secure.policy.editing.partner_editing import add_pins, set_values
from domain_secure.policy.editing.policy_store import PolicyStore
from domain_secure.policy.onboarding.steps import Step
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import ExitStatus

_MODE = "mode"


class Doer:
    """Does the steps for one partner; what is written and waited for is told on standard output."""

    def __init__(
        self, arguments: argparse.Namespace, store: PolicyStore, entry: Entry, spelling: str
    ) -> None:
        self._arguments = arguments
        self._store = store
        self._entry = entry
        self._spelling = spelling
        self._written: dict[str, None] = {}

    @property
    def written(self) -> tuple[str, ...]:
        """Return the files, or the revisions of the fleet, that were written."""
        return tuple(self._written)

    def set_rule(
        self, values: Mapping[str, str], pins: Collection[Pin], configuration: Configuration
    ) -> ExitStatus:
        """Write keys and pins, and wait where mail goes by them already; raises Problem and OSError."""
        if pins:
            self._note(add_pins(self._store, self._spelling, list(pins)))
        if values:
            self._note(set_values(self._store, self._spelling, values))
        is_sent = self._entry in configuration.send
        return self._wait(
            receiving=self._entry in configuration.receive, sent_to=(self._entry,) if is_sent else ()
        )

    def do(self, step: Step, configuration: Configuration) -> ExitStatus:
        """Do one of the later steps, and return once it is in force; raises Problem and OSError."""
        doing: dict[Step, Callable[[Configuration], ExitStatus]] = {
            Step.OBSERVE: self._observe,
            Step.SEND: self._send,
            Step.ENFORCE: self._enforce,
        }
        return doing[step](configuration)

    def wait_again(self, step: Step) -> ExitStatus:
        """Return once a step that was done before is in force; raises Problem."""
        return self._wait(
            receiving=step is not Step.SEND, sent_to=(self._entry,) if step is Step.SEND else ()
        )

    def _observe(self, configuration: Configuration) -> ExitStatus:
        del configuration
        self._note(set_values(self._store, self._spelling, {_MODE: Mode.OBSERVE}))
        self._note(add(self._store, ListName.RECEIVE, [self._spelling]).files)
        return self._wait(receiving=True)

    def _send(self, configuration: Configuration) -> ExitStatus:
        del configuration
        self._note(add(self._store, ListName.SEND, [self._spelling]).files)
        return self._wait(sent_to=(self._entry,))

    def _enforce(self, configuration: Configuration) -> ExitStatus:
        # What everybody's mode is need not be said of one partner.
        mode = "" if configuration.mode is Mode.ENFORCE else str(Mode.ENFORCE)
        self._note(set_values(self._store, self._spelling, {_MODE: mode}))
        return self._wait(receiving=True)

    def _wait(self, *, receiving: bool = False, sent_to: Collection[Entry] = ()) -> ExitStatus:
        return in_force(self._arguments, self._store, receiving=receiving, sent_to=sent_to)

    def _note(self, files: Collection[object]) -> None:
        new = [one for one in map(str, files) if one not in self._written]
        self._written |= dict.fromkeys(new)
        if new:
            print(f"written: {', '.join(new)}")
