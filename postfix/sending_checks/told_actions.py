"""What the tables of others tell Postfix to do with a message: FILTER, REDIRECT and BCC.

Owns: where such tables are named: header and body checks, restrictions of smtpd(8), and what these name.
Must not know: which of it is bad.
Each of the three acts on all recipients of a message, whatever the row was found by, so that no row is passed
over because of its key.  Sources: header_checks(5), access(5), SMTPD_ACCESS_README, RESTRICTION_CLASS_README.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from domain_secure.postfix.attach.client_certificates import RESTRICTION_PARAMETERS
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.programs import PostfixInstance, Service
from domain_secure.postfix.instance.table_rows import UnlistedError, rows

_CONTENT = (
    "header_checks",
    "mime_header_checks",
    "nested_header_checks",
    "body_checks",
    "milter_header_checks",
)
_ACTION = re.compile(r"(FILTER|REDIRECT|BCC)\s+(.*\S)", re.IGNORECASE | re.DOTALL)
_ASKS_TABLE = re.compile(r"check_\w+_(?:access|maps)")
_POLICY = "check_policy_service"


@dataclass(frozen=True, slots=True)
class Action:
    """One row that sends a message, or a copy, elsewhere."""

    verb: str  #: ``FILTER``, ``REDIRECT`` or ``BCC``
    argument: str
    place: str  #: the setting and the row, for a person


@dataclass(slots=True)
class Told:
    """All that was found, and what was not looked at."""

    actions: list[Action] = field(default_factory=list)
    unlisted: dict[str, str] = field(default_factory=dict)  #: why, by setting and table
    policy_services: dict[str, str] = field(default_factory=dict)  #: the setting, by service


def told_actions(
    instance: PostfixInstance, services: Iterable[Service], own_policy_services: Iterable[str]
) -> Told:
    """Return what the tables tell; *own_policy_services* are ours, which tell none of it.

    Raises Problem when Postfix cannot be asked, PermissionError and NoPermission for what only root may read.
    """
    search = _Search(instance, frozenset(own_policy_services))
    for service in services:
        if service.program == "cleanup":
            for name, value in instance.service_parameters(service, *_CONTENT).items():
                for table in split_elements(value):
                    search.read(table, f"{service.key}: {name}", restricts=False)
        elif service.program == "smtpd":
            search.restrictions_of(service)
    return search.told


class _Search:
    def __init__(self, instance: PostfixInstance, own: frozenset[str]) -> None:
        self.told = Told()
        self._instance = instance
        self._own = own
        self._seen: set[str] = set()
        self._map_types = instance.map_types

    def restrictions_of(self, service: Service) -> None:
        """Read the tables that a service of smtpd(8) asks about a client or an address."""
        names = [*RESTRICTION_PARAMETERS, "smtpd_restriction_classes"]
        values = self._instance.service_parameters(service, *names)
        classes = split_elements(values.pop("smtpd_restriction_classes", ""))
        values |= self._instance.service_parameters(service, *classes) if classes else {}
        for name, value in values.items():
            self._read_restrictions(value, f"{service.key}: {name}")

    def read(self, table: str, place: str, *, restricts: bool) -> None:
        """Read one table, once; where it *restricts*, its rows may name further restrictions."""
        if table in self._seen:
            return
        self._seen.add(table)
        try:
            for row in rows(self._instance, table):
                if found := _ACTION.match(row.value):
                    shown = f"{place} has {table}: {row.key or row.pattern or 'anything'} = {row.value}"
                    self.told.actions.append(Action(found[1].upper(), found[2], shown))
                elif restricts:
                    self._read_restrictions(row.value, f"{place}, {table}")
        except UnlistedError as error:
            self.told.unlisted.setdefault(f"{place} = {table}", str(error))

    def _read_restrictions(self, text: str, place: str) -> None:
        words = iter(split_elements(text))
        for word in words:
            if _ASKS_TABLE.fullmatch(word.lower()):
                for table in _tables(next(words, "")):
                    self.read(table, place, restricts=True)
            elif word.lower() == _POLICY:
                service = next(iter(split_elements(next(words, "").strip("{ }"))), "")
                if service and service not in self._own:
                    self.told.policy_services.setdefault(service, place)
            elif self._is_table(word):
                self.read(word, place, restricts=True)

    def _is_table(self, word: str) -> bool:
        """Tell whether a word is a table without a check in front of it, as old configurations have it."""
        kind, colon, _ = word.removeprefix("proxy:").partition(":")
        return bool(colon) and kind in self._map_types


def _tables(argument: str) -> Iterator[str]:
    """Yield the table that is asked; braces may hold it together with options."""
    if argument.startswith("{"):
        argument = next(iter(split_elements(argument[1:-1])), "")
    if argument:
        yield argument
