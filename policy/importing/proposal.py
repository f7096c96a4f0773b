"""What an import proposes, and what it leaves out.

Owns: the form of a proposal, and that nothing gets into one that the configuration would not take.
Must not know: whose settings they were.
"""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain_secure.policy.configuration.configuration import LogLevel, Mode
from domain_secure.policy.configuration.settings import PARTNER, settings_of
from domain_secure.policy.terms.domain import Entry, InvalidDomainError, parse_entry
from domain_secure.policy.terms.printable import printable
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.toml import toml_edit

_PROGRAM = "domain-secure"

Value = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands."""

    file: str
    line: int  #: from 1

    def __str__(self) -> str:
        """Return ``file:line``."""
        return f"{self.file}:{self.line}"

    def problem(self, what: str, fix: str) -> Problem:
        """Return what is wrong here, in one line whatever the file names are like."""
        return Problem(printable(what), str(self), fix)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that has no equivalent, or not the same one."""

    place: Place
    what: str  #: as it is written there
    reason: str  #: one clause, or several, without a full stop


@dataclass(frozen=True, slots=True)
class Aside:
    """A setting that is known, and is about something else."""

    place: Place
    name: str
    of: str  #: what has it, such as a command's output


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done to put a proposal in force."""

    command: str  #: with the program's name
    why: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A configuration that demands what was demanded, as far as that can be said in it."""

    receive: tuple[Entry, ...]
    send: tuple[Entry, ...]
    partners: Mapping[Entry, Mapping[str, Value]]  #: keys of the partner table, by entry
    log: Mapping[str, LogLevel]  #: by direction
    left_out: tuple[LeftOut, ...]
    asides: tuple[Aside, ...]
    steps: tuple[Step, ...]
    mode: Mode = Mode.ENFORCE

    @property
    def commands(self) -> tuple[str, ...]:
        """Return the commands that do the same to a configuration which is there already."""
        calls = [[name, "add", *entries] for name, entries in self._lists if entries]
        partners = {entry: dict(keys) for entry, keys in self.partners.items()}
        if self.mode is not Mode.ENFORCE:
            for entry in dict.fromkeys((*self.receive, *self.send)):
                partners.setdefault(entry, {})["mode"] = str(self.mode)
        for entry, keys in partners.items():
            values = [
                f"{key}={value if isinstance(value, str) else ','.join(value)}" for key, value in keys.items()
            ]
            calls.append(["partner", "set", entry, *values])
        calls.extend(["log", direction, str(level)] for direction, level in self.log.items())
        return tuple(shlex.join([_PROGRAM, *call]) for call in calls)

    @property
    def _lists(self) -> tuple[tuple[str, tuple[Entry, ...]], ...]:
        return (("receive", self.receive), ("send", self.send))

    def configuration(self) -> str:
        """Return the proposal in TOML."""
        text = "" if self.mode is Mode.ENFORCE else f'mode = "{self.mode}"\n'
        for name, entries in self._lists:
            if entries:
                text = toml_edit.set_value(text, (name, "domains"), entries)
        for direction, level in self.log.items():
            text = toml_edit.set_value(text, ("log", direction), str(level))
        # Table by table: there may be tens of thousands.
        tables = [toml_edit.table_text((PARTNER, entry), keys) for entry, keys in self.partners.items()]
        return "\n".join([*([text] if text else []), *tables])


@dataclass(slots=True)
class Gathering:
    """A proposal while it is read together."""

    receive: dict[Entry, None] = field(default_factory=dict)
    send: dict[Entry, None] = field(default_factory=dict)
    partners: dict[Entry, dict[str, Value]] = field(default_factory=dict)
    log: dict[str, LogLevel] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    asides: list[Aside] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def leave_out(self, place: Place, what: str, reason: str) -> None:
        """Name what has no equivalent."""
        self.left_out.append(LeftOut(place, what, reason))

    def set_aside(self, place: Place, name: str, of: str) -> None:
        """Name what is about something else."""
        self.asides.append(Aside(place, name, of))

    def entry(self, place: Place, text: str, what: str) -> Entry | None:
        """Return the list entry that *text* is, or leave out *what* and return None."""
        try:
            return parse_entry(text)
        except InvalidDomainError as error:
            self.leave_out(place, what, f"no entry of a list: {error}")
            return None

    def partner(self, place: Place, entry: Entry, keys: Mapping[str, Value], what: str) -> bool:
        """Set keys of a partner's table, all or none; where they cannot be, leave out *what*."""
        known = settings_of(PARTNER)
        try:
            for key, value in keys.items():
                known[key].kind.parse(value if isinstance(value, str) else list(value))
        except ValueError as error:
            self.leave_out(place, what, f"{key} of a partner cannot be so: {error}")
            return False
        if keys:
            self.partners.setdefault(entry, {}).update(keys)
        return True

    def finish(self, mode: Mode, after: Iterable[Step] = ()) -> Proposal:
        """Return what was gathered, with the steps that come last."""
        return Proposal(
            receive=tuple(self.receive),
            send=tuple(self.send),
            partners=self.partners,
            log=self.log,
            left_out=tuple(sorted(self.left_out, key=lambda one: (one.place.file, one.place.line))),
            asides=tuple(self.asides),
            steps=(*self.steps, *after),
            mode=mode,
        )
