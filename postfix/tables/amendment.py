"""What changed on a long list since its tables were made, and what that changes in a table in place.

Owns: the place of a change in list and source text, and when the tables in place can be gone by at all.
Must not know: how tables are put in place.
Invariant: what counts in the source text, all but comments and the order of lines, is what would be written
anew.

Where the lines of entries that are gone are not found in the text nothing is amended, and the table is made
anew.
"""

import mmap
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain

from domain_secure.policy.long_lists.any_of import any_of
from domain_secure.policy.long_lists.differing_lines import Differing, differing_lines
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.lists import DomainList

from .publication import Job
from .recipient_routes import MOST_NAMES
from .tables import Table

LONG = 5_000  #: entries from which on tables are amended; a shorter list is compiled as fast
TYPES = frozenset({"hash", "btree", "lmdb"})  #: those in which postmap(1) puts and deletes single keys
_MOST = 1_000  #: entries of a change


@dataclass(frozen=True, slots=True)
class Amendment:
    """A change of the list at one place."""

    gone: tuple[Entry, ...]
    new: tuple[Entry, ...]
    before: int  #: how many entries stand before that place
    place: Differing


@dataclass(frozen=True, slots=True)
class Lines:
    """A change of a table's lines."""

    new: tuple[str, ...]
    gone_keys: tuple[str, ...]  #: that the table has no longer
    gone_places: tuple[int, ...]  #: where their lines begin in the source text, in octets


def amendment(former: bytes, present: bytes) -> Amendment | None:
    """Return how a list became another one, both in order and with a line end behind each entry.

    None: too much of it changed.
    """
    place = differing_lines(former, present)
    gone = former[place.start : place.former_end].split()
    new = present[place.start : place.present_end].split()
    if len(gone) + len(new) > _MOST:
        return None
    return Amendment(_entries(gone), _entries(new), former.count(b"\n", 0, place.start), place)


def lines_changed(job: Job, table: Table, change: Amendment, source: mmap.mmap) -> Lines | None:
    """Return what becomes of a table's lines; None where *source* is not what it is taken for."""
    gone, new = _lines(job, table, change.gone), _lines(job, table, change.new)
    lost = [line for line in gone if line not in frozenset(new)]
    places = _places_of(source, lost)
    if places is None:
        return None
    added = [line for line in new if line not in frozenset(gone)]
    kept = {_key(line) for line in added}
    return Lines(tuple(added), tuple(key for key in map(_key, lost) if key not in kept), places)


def touches(change: Amendment, table: Table) -> bool:
    """Tell whether a change of a long list may be one of a table of patterns."""
    if table is Table.RECIPIENT_TRANSPORT:
        return change.before < MOST_NAMES
    # The rules for letters beyond ASCII name the entries that have some.
    return any("xn--" in entry for entry in (*change.gone, *change.new))


def can_amend(job: Job) -> bool:
    """Tell whether each entry's lines are its own, and the type of the tables takes single keys.

    Partners behind one relay share its line.
    """
    configuration = job.configuration
    has_relays = any(rule.via is not None for rule in configuration.partners.values())
    return job.map_type in TYPES and len(configuration.send) >= LONG and not has_relays


def _lines(job: Job, table: Table, entries: Iterable[Entry]) -> tuple[str, ...]:
    configuration = replace(job.configuration, send=DomainList(entries))
    return tuple(replace(job, configuration=configuration).lines(table))


def _places_of(source: mmap.mmap, lines: list[str]) -> tuple[int, ...] | None:
    """Return where *lines* begin; None where one of them is not there exactly once, whatever its value."""
    if not lines:
        return ()
    wanted = {f"{_key(line)}\t".encode(): f"{line}\n".encode() for line in lines}
    found, keys = dict.fromkeys(wanted, -1), any_of(wanted)
    # To look for a line end is many times faster than to ask at each place whether a line begins there.
    matches = chain(filter(None, [re.match(b"()" + keys, source)]), re.finditer(rb"(\n)" + keys, source))
    for match in matches:
        place = match.end(1)
        key = source[place : match.end()]
        if found[key] >= 0 or source[place : place + len(wanted[key])] != wanted[key]:
            return None
        found[key] = place
    return None if -1 in found.values() else tuple(found.values())


def _key(line: str) -> str:
    return line.partition("\t")[0]


def _entries(octets: Iterable[bytes]) -> tuple[Entry, ...]:
    return tuple(Entry(one.decode("ascii")) for one in octets)
