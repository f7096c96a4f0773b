"""Edit the receive list and the send list, in a file or in the store of a fleet.

Owns: which text an entry is added to or taken out of.  Additions go to ``domains`` in the configuration;
entries leave wherever they stand, ``domains_file`` included.
"""

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.domains_file import remove_entries
from domain_secure.policy.configuration.setting_kinds import ENTRY
from domain_secure.policy.terms.domain import Entry, InvalidDomainError, parse_entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.toml import toml_edit

from .draft import Draft, Written
from .policy_store import PolicyStore


@unique
class ListName(StrEnum):
    """The two lists, by the name of their section."""

    RECEIVE = "receive"
    SEND = "send"

    def of(self, configuration: Configuration) -> DomainList:
        """Return this list of *configuration*."""
        return configuration.receive if self is ListName.RECEIVE else configuration.send


@dataclass(frozen=True, slots=True)
class ListChange:
    """What became of a list; every entry in normal form."""

    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    unchanged: tuple[Entry, ...]  #: asked for, and nothing was to do
    files: tuple[Written, ...]  #: what was written


def parse_entries(written: Iterable[str]) -> dict[Entry, str]:
    """Return each entry with the spelling it was given in; raises Problem naming the argument."""
    entries: dict[Entry, str] = {}
    for argument in written:
        try:
            entries.setdefault(parse_entry(argument), argument)
        except InvalidDomainError as error:
            raise Problem(str(error), repr(argument), f"write {ENTRY.allowed}") from error
    return entries


def add(store: PolicyStore, name: ListName, written: Sequence[str]) -> ListChange:
    """Put entries on a list, creating the file when there is none; raises Problem and OSError."""
    asked = parse_entries(written)

    def change(draft: Draft) -> ListChange:
        present = name.of(draft.former)
        added = {entry: spelling for entry, spelling in asked.items() if entry not in present}
        return _change(draft, name, asked, added, frozenset())

    return store.edit(change, told(f"{name} add", asked))


def remove(store: PolicyStore, name: ListName, written: Sequence[str]) -> ListChange:
    """Take entries off a list; raises Problem and OSError."""
    asked = parse_entries(written)

    def change(draft: Draft) -> ListChange:
        present = name.of(draft.former)
        removed = frozenset(entry for entry in asked if entry in present)
        # That the other entries are those that are meant, nobody said.
        draft.meant[name] = present, present.changed((), removed)
        return _change(draft, name, asked, {}, removed)

    return store.edit(change, told(f"{name} remove", asked), create=False)


def set_entries(
    store: PolicyStore, name: ListName, written: Sequence[str], shown: DomainList | None = None
) -> ListChange:
    """Make a list hold these entries and no other; raises Problem and OSError.

    *shown* is the list as the person saw it; where it is another one by now nothing is changed.
    """
    asked = parse_entries(written)
    shown = shown if shown is not None else store.shown(name)

    def change(draft: Draft) -> ListChange:
        present = name.of(draft.former)
        if shown is not None and present != shown:
            raise _changed_since(name, shown, present)
        added = {entry: spelling for entry, spelling in asked.items() if entry not in present}
        removed = frozenset(present.without(DomainList(asked)))
        draft.meant[name] = None, present.changed(added, removed)
        return _change(draft, name, asked, added, removed)

    return store.edit(change, told(f"{name} set", asked or ("--none",)))


def confirm(store: PolicyStore, name: ListName) -> DomainList:
    """Let a list be as its files have it now, whatever was in force before, and return it.

    Raises Problem, also for an empty list, and OSError.
    """

    def change(draft: Draft) -> DomainList:
        present = name.of(draft.former)
        if not present:
            raise Problem(
                f"the {name} list is empty, and an empty one is confirmed by no accident",
                str(draft.path),
                f"run `domain-secure {name} set --none` if none is meant",
            )
        draft.meant[name] = None, present
        draft.write(lambda _: True)
        return present

    return store.edit(change, f"{name} confirm", create=False)


_TOLD = 10  #: entries that a history and a message name


def told(what: str, entries: Collection[str]) -> str:
    """Return what was asked for in one line of bounded length."""
    named = " ".join(tuple(entries)[:_TOLD])
    more = len(entries) - _TOLD
    return f"{what} {named}" + (f" and {more} more" if more > 0 else "")


def _changed_since(name: ListName, shown: DomainList, present: DomainList) -> Problem:
    gone = [entry for entry in shown if entry not in present]
    new = [entry for entry in present if entry not in shown]
    changes = [told(word, entries) for word, entries in (("without", gone), ("also with", new)) if entries]
    return Problem(
        f"the {name} list changed since it was shown: it is {' and '.join(changes)} by now",
        f"{told('shown:', tuple(shown) or ('nothing',))}; {told('now:', tuple(present) or ('nothing',))}",
        f"look at `domain-secure {name} list` and decide anew",
        ExitStatus.DIFFERENCE,
    )


def _change(
    draft: Draft,
    name: ListName,
    asked: Iterable[Entry],
    added: Mapping[Entry, str],
    removed: AbstractSet[Entry],
) -> ListChange:
    present = name.of(draft.former)
    other = ListName.SEND if name is ListName.RECEIVE else ListName.RECEIVE
    wanted = present.changed(added, removed)
    draft.edit(
        lambda text: toml_edit.edit_list(
            text,
            (name, "domains"),
            lambda written: parse_entry(written) not in removed,
            tuple(added.values()),
        )
    )
    file = _domains_file(draft, name)
    if file is not None and removed:
        draft.others[file] = remove_entries(draft.read(file), removed)
    return ListChange(
        added=tuple(added),
        removed=tuple(entry for entry in present if entry in removed) if removed else (),
        unchanged=tuple(entry for entry in asked if entry not in added and entry not in removed),
        # The other list changes too where both share one file.
        files=draft.write(lambda new: name.of(new) == wanted and other.of(new) == other.of(draft.former)),
    )


def _domains_file(draft: Draft, name: ListName) -> Path | None:
    file = tomllib.loads(draft.text).get(name, {}).get("domains_file")
    return None if file is None else draft.path.parent / file
