"""What gives a message to other recipients than its sender named, beyond the tables of cleanup(8).

Owns: commands that smtpd(8) rewrites, domains that cleanup(8) masquerades, and what becomes of an address of
our own: further aliases, of the queue's tables and of local(8).
Must not know: which of it is bad.
Sources: postconf(5) smtpd_command_filter, masquerade_domains, masquerade_classes, alias_maps, forward_path;
ADDRESS_REWRITING_README, virtual(5), aliases(5).
"""

import pwd
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import entry_base
from domain_secure.policy.terms.problems import NoPermission, Problem
from domain_secure.postfix.findings.service_facts import PostfixFacts
from domain_secure.postfix.instance.lookups import Key, first_hits, split_elements
from domain_secure.postfix.instance.programs import PostfixInstance, Service
from domain_secure.postfix.instance.table_rows import UnlistedError, rows
from domain_secure.postfix.tables.routing import SAMPLE_USER, Router

from .recipients import Recipient, addresses, is_listed, speaks_of_listed

#: Of cleanup(8), by which one recipient becomes another.
REWRITING = ("virtual_alias_maps", "canonical_maps", "recipient_canonical_maps")
#: What such a table is told of a result that takes its domain from the address.
FROM_PATTERN = "its domain is what a pattern puts in, and is not known before an address is asked for"

_RECIPIENT = re.compile(r"\s*RCPT\s+TO:\s*<?([^>\s]*)", re.IGNORECASE)
_OTHER_COMMAND = re.compile(
    r"\W*\^\W*(?:auth|bdat|data|ehlo|etrn|helo|mail|noop|quit|rset|starttls|vrfy|xclient|xforward)",
    re.IGNORECASE,
)
_SAMPLES = 1_000  #: listed domains that a filter of commands is asked about
_MOST_STEPS = 20  #: of aliases that lead to aliases


def by_command(
    configuration: Configuration,
    instance: PostfixInstance,
    facts: PostfixFacts,
    unlisted: dict[str, str],
) -> Iterator[Recipient]:
    """Yield whom smtpd(8) is told to name in a RCPT command; note in *unlisted* what is not known."""
    commands = {
        f"RCPT TO:<{SAMPLE_USER}@{entry_base(entry)}>": entry_base(entry)
        for entry in islice(configuration.send, _SAMPLES)
    }
    for service in (receiver.service for receiver in facts.receivers):
        for table in split_elements(instance.service_parameter(service, "smtpd_command_filter", "")):
            place = f"{service.key}: smtpd_command_filter = {table}"
            try:
                yield from _fixed(configuration, instance, table, place, unlisted)
                answers = instance.query(table, commands)
            except (UnlistedError, Problem) as error:
                unlisted.setdefault(place, str(error))
                continue
            for command, answer in answers.items():
                found = _RECIPIENT.match(answer)
                if found and found[1].rpartition("@")[2].lower() != commands[command]:
                    yield Recipient(found[1], f"{place} answers {command} with {answer}", instead=True)


def _fixed(
    configuration: Configuration,
    instance: PostfixInstance,
    table: str,
    place: str,
    unlisted: dict[str, str],
) -> Iterator[Recipient]:
    for row in rows(instance, table):
        shown = f"{place} has {row.key or row.pattern or 'anything'} = {row.value}"
        found = _RECIPIENT.match(row.value)
        if found and "$" not in found[1].rpartition("@")[2]:
            condition = "" if speaks_of_listed(configuration, row.pattern) else ", where the pattern fits"
            yield Recipient(found[1], shown, instead=True, condition=condition)
        elif "$" in row.value and not _OTHER_COMMAND.match(row.pattern):
            unlisted.setdefault(shown, FROM_PATTERN)


def masqueraded(configuration: Configuration, values: Mapping[str, str], place: str) -> Iterator[Recipient]:
    """Yield the domains in whose place their parents are put; *values* are a cleanup(8)'s."""
    if "envelope_recipient" not in split_elements(values.get("masquerade_classes", "")):
        return
    elements = [one.lower() for one in split_elements(values.get("masquerade_domains", ""))]
    if not elements:
        return
    for entry in configuration.send:
        domain = f"{SAMPLE_USER}.{entry_base(entry)}" if entry.startswith("*.") else str(entry)
        parent = next((one for one in elements if f".{domain}".endswith(f".{one.removeprefix('!')}")), "!")
        if not parent.startswith("!") and not is_listed(configuration, parent):
            yield Recipient(
                f"@{parent}", f"{place}: masquerade_domains = {', '.join(elements)}", instead=True
            )


def followed(
    instance: PostfixInstance, recipients: Iterable[Recipient], unlisted: dict[str, str]
) -> list[Recipient]:
    """Return *recipients*, and to whom aliases pass on what comes for them; note what is not known.

    An address of ours may have an alias that leads elsewhere again.
    """
    found = list(dict.fromkeys(recipients))
    if not found:
        return found
    aliases, seen, new = _Aliases(instance, unlisted), {one.address for one in found}, found
    for _ in range(_MOST_STEPS):
        following = aliases.of(new)
        new = [one for one in following if one.address not in seen]
        if not new:
            break
        seen |= {one.address for one in new}
        found += new
    return found


class _Aliases:
    """The tables that say who gets what comes for an address."""

    def __init__(self, instance: PostfixInstance, unlisted: dict[str, str]) -> None:
        self._instance = instance
        self._unlisted = unlisted
        self._router = Router.of(instance)
        services = instance.services()
        self._everywhere = _tables(instance, services, "cleanup", REWRITING)
        self._here = _tables(instance, services, "local", ("alias_maps",))
        values = instance.parameters("myorigin", "recipient_delimiter")
        self._origin = values["myorigin"].lower()
        self._delimiters = values.get("recipient_delimiter", "")

    def of(self, recipients: Collection[Recipient]) -> list[Recipient]:
        """Return to whom aliases pass on what comes for *recipients*."""
        domains = {one.domain for one in recipients} - {""}
        ours = self._router.own_domains(domains)
        local = {name for name, setting in ours.items() if setting == "mydestination"} | {"", self._origin}
        by_address = {one.address: one for one in recipients}
        keys = {address: self._keys(address, one.domain in local) for address, one in by_address.items()}
        users = {address: names for address, names in keys.items() if by_address[address].domain in local}
        found = [
            self._passed_on(by_address[address], table, value)
            for table, hits in (*self._asked(self._everywhere, keys), *self._asked(self._here, users))
            for address, value in hits.items()
        ]
        for address in users:
            self._note_forward(address)
        return [one for several in found for one in several]

    def _keys(self, address: str, is_local: bool) -> list[Key]:
        user, _, domain = address.rpartition("@") if "@" in address else (address, "", self._origin)
        plain = re.split(f"[{re.escape(self._delimiters)}]", user)[0] if self._delimiters else user
        names = list(dict.fromkeys((user, plain or user)))
        local = [Key(name) for name in names] if is_local else []
        return [*(Key(f"{name}@{domain}") for name in names), *local, Key(f"@{domain}", fixed_only=True)]

    def _asked(
        self, tables: Iterable[str], keys: Mapping[str, list[Key]]
    ) -> Iterator[tuple[str, dict[str, str]]]:
        for table in tables:
            try:
                hits = first_hits(self._instance, [table], keys)
            except NoPermission:
                raise
            except Problem as problem:
                self._unlisted.setdefault(f"{table} for {', '.join(list(keys)[:3])}", problem.what)
                continue
            yield table, {address: hit.value for address, hit in hits.items()}

    def _passed_on(self, one: Recipient, table: str, value: str) -> Iterator[Recipient]:
        place = f"{one.place}; {table} has {one.address} = {value}"
        for target in addresses(value):
            if target.startswith(("|", '"|', ":include:")):
                self._unlisted.setdefault(place, f"what {target} does is not known to Postfix")
            elif not target.startswith("/"):
                yield Recipient(target, place, one.instead, one.condition)

    def _note_forward(self, address: str) -> None:
        try:
            path = Path(pwd.getpwnam(address.partition("@")[0].lower()).pw_dir) / ".forward"
        except KeyError:
            return
        if path.is_file():
            self._unlisted.setdefault(f"{path} for {address}", "only its owner decides what it says")


def _tables(
    instance: PostfixInstance, services: Iterable[Service], program: str, names: Collection[str]
) -> list[str]:
    values = (instance.service_parameters(one, *names) for one in services if one.program == program)
    return list(
        dict.fromkeys(table for each in values for text in each.values() for table in split_elements(text))
    )
