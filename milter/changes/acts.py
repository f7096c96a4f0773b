"""The acts that a page may ask for, each typed to the letter.

Owns: their grammar, the command that does each, and what it will do in words.
Must not know: whether an act is possible now; who is asked for it.
Invariant: no part of an act can be taken for an option or for another argument of the command.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any

from domain_secure.policy.terms.domain import InvalidDomainError, parse_entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem

_SERVICE = re.compile(r"[A-Za-z0-9_\[][A-Za-z0-9_.:\[\]-]{0,120}/(?:inet|unix|pass)")
_HOURS = re.compile(r"(?:[1-9]|1[0-9]|2[0-4])h")
_MOST_REASON = 200  #: characters
FIELDS = ("act", "subject", "value", "reason")


@unique
class Kind(StrEnum):
    """What is done."""

    CONNECTOR = "connector"  #: subject: a service; value: ``on`` or ``off``
    PIN = "pin"  #: subject: a list entry; value: a pin of a certificate that waits
    PROMOTE = "promote"  #: subject: a list entry
    BYPASS = "bypass"  #: subject: a list entry; value: hours, as ``4h``; reason: one line


#: The words of the command that does it; there may be none in this release.
WORDS: Mapping[Kind, tuple[str, ...]] = {
    Kind.CONNECTOR: ("connector", "set"),
    Kind.PIN: ("partner", "pin"),
    Kind.PROMOTE: ("promote",),
    Kind.BYPASS: ("partner", "bypass"),
}


@dataclass(frozen=True, slots=True)
class Act:
    """One act, its parts in normal form."""

    kind: Kind
    subject: str
    value: str = ""
    reason: str = ""

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> "Act":
        """Return what the fields ``act``, ``subject``, ``value``, ``reason`` ask for; raises Problem."""
        act, subject, value, reason = (_text(fields, name) for name in FIELDS)
        try:
            kind = Kind(act)
        except ValueError:
            raise _misread("there is no such act", act) from None
        if kind is Kind.CONNECTOR:
            if not _SERVICE.fullmatch(subject) or value not in {"on", "off"} or reason:
                raise _misread("this is no connector and its switch", f"{subject} {value}")
            return cls(kind, subject, value)
        try:
            entry = str(parse_entry(subject))
        except InvalidDomainError as error:
            raise _misread(str(error), subject) from error
        return cls(kind, entry, _value(kind, value), _reason(kind, reason))

    @property
    def command(self) -> tuple[str, ...]:
        """Return the arguments of the command that does it."""
        words = WORDS[self.kind]
        match self.kind:
            case Kind.CONNECTOR:
                return (*words, self.subject, f"domain-secure={self.value}")
            case Kind.BYPASS:
                return (*words, self.subject, f"--for={self.value}", f"--reason={self.reason}")
            case Kind.PIN:
                return (*words, self.subject, self.value)
        return (*words, self.subject)

    @property
    def fields(self) -> dict[str, str]:
        """Return it as `parse` takes it."""
        return dict(zip(FIELDS, (self.kind, self.subject, self.value, self.reason), strict=True))

    @property
    def effect(self) -> str:
        """Return in a sentence or two what it will do."""
        what = self.kind if self.kind is not Kind.CONNECTOR else self._switch
        return _EFFECTS[what].format(who=self.subject, value=self.value, reason=self.reason)

    @property
    def _switch(self) -> str:
        return f"{'sending' if self.subject == _TRANSPORT else 'receiving'} {self.value}"


_TRANSPORT = "domain-secure/unix"
_EFFECTS = {
    "sending on": "Switch {who} on: mail to listed domains leaves over verified TLS only.",
    "sending off": "Switch {who} off: mail to listed domains leaves as all other mail does, perhaps "
    "unencrypted. That includes what waits in the queue.",
    "receiving on": "Switch {who} on: Postfix asks this daemon about each message that comes in by {who}, "
    "and mail of listed domains that is not proved is refused.",
    "receiving off": "Switch {who} off: nobody checks any more whether mail that comes in by {who} in the "
    "name of a listed domain is from that domain.",
    Kind.PIN: "Believe {value} for {who} from now on: neither its chain nor its dates are asked.",
    Kind.PROMOTE: "Enforce the rule of {who}, which was observed so far: what is not proved is refused.",
    Kind.BYPASS: "Bypass {who} for {value}: mail from it passes unproved and is marked as not "
    "secured, and mail to it leaves unproved, perhaps unencrypted. Reason: {reason}",
}


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str) or len(value) > 255 or (value and not value.isprintable()):
        raise _misread("this is no line of text", name)
    return value.strip()


def _value(kind: Kind, value: str) -> str:
    if kind is Kind.PIN:
        try:
            return str(Pin.parse(value))
        except ValueError as error:
            raise _misread(str(error), value) from error
    if kind is Kind.BYPASS and not _HOURS.fullmatch(value):
        raise _misread("a bypass lasts from 1h to 24h", value)
    if kind is Kind.PROMOTE and value:
        raise _misread("there is nothing to say besides the domain", value)
    return value


def _reason(kind: Kind, reason: str) -> str:
    if kind is Kind.BYPASS and not 0 < len(reason) <= _MOST_REASON:
        raise _misread("a bypass has a reason", f"of up to {_MOST_REASON} characters")
    if kind is not Kind.BYPASS and reason:
        raise _misread("no reason is asked for here", reason)
    return reason


def _misread(what: str, where: str) -> Problem:
    return Problem(what, repr(where), "go back to the status page and ask again")
