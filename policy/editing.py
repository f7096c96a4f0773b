"""Edit the receive list and the send list in the configuration file.

Owns: which file an entry is added to or taken out of.  Additions go to ``domains`` in the configuration;
entries leave wherever they stand, ``domains_file`` included.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path

from . import toml_edit
from .configuration import Configuration
from .domain import Entry, InvalidDomainError, parse_entry
from .domains_file import remove_entries
from .draft import Draft, open_draft
from .lists import DomainList
from .problems import Problem
from .reading import read_file
from .setting_kinds import ENTRY


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
    files: tuple[Path, ...]  #: that were written


def parse_entries(written: Iterable[str]) -> dict[Entry, str]:
    """Return each entry with the spelling it was given in; raises Problem naming the argument."""
    entries: dict[Entry, str] = {}
    for argument in written:
        try:
            entries.setdefault(parse_entry(argument), argument)
        except InvalidDomainError as error:
            raise Problem(str(error), repr(argument), f"write {ENTRY.allowed}") from error
    return entries


def add(path: Path, name: ListName, written: Sequence[str]) -> ListChange:
    """Put entries on a list, creating the file when there is none; raises Problem and OSError."""
    asked = parse_entries(written)
    with open_draft(path, create=True) as draft:
        present = name.of(draft.former)
        added = {entry: spelling for entry, spelling in asked.items() if entry not in present}
        return _change(draft, name, asked, added, frozenset())


def remove(path: Path, name: ListName, written: Sequence[str]) -> ListChange:
    """Take entries off a list; raises Problem and OSError."""
    asked = parse_entries(written)
    with open_draft(path) as draft:
        present = name.of(draft.former)
        return _change(draft, name, asked, {}, frozenset(entry for entry in asked if entry in present))


def set_entries(path: Path, name: ListName, written: Sequence[str]) -> ListChange:
    """Make a list hold these entries and no other; raises Problem and OSError."""
    asked = parse_entries(written)
    with open_draft(path, create=True) as draft:
        present = name.of(draft.former)
        added = {entry: spelling for entry, spelling in asked.items() if entry not in present}
        return _change(draft, name, asked, added, frozenset(present) - asked.keys())


def _change(
    draft: Draft,
    name: ListName,
    asked: Iterable[Entry],
    added: Mapping[Entry, str],
    removed: AbstractSet[Entry],
) -> ListChange:
    present = name.of(draft.former)
    other = ListName.SEND if name is ListName.RECEIVE else ListName.RECEIVE
    wanted = DomainList([*(entry for entry in present if entry not in removed), *added])
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
        draft.others[file] = remove_entries(read_file(file), removed)
    return ListChange(
        added=tuple(added),
        removed=tuple(entry for entry in present if entry in removed),
        unchanged=tuple(entry for entry in asked if entry not in added and entry not in removed),
        # The other list changes too where both share one file.
        files=draft.write(lambda new: name.of(new) == wanted and other.of(new) == other.of(draft.former)),
    )


def _domains_file(draft: Draft, name: ListName) -> Path | None:
    file = tomllib.loads(draft.text).get(name, {}).get("domains_file")
    return None if file is None else draft.path.parent / file
