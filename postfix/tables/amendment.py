"""What changed on a long list since its tables were made, and the next tables made from those in place.

Owns: the place of a change in list and source text, and when the tables in place can be gone by at all.
Must not know: how tables are put in place.
Invariant: the outcome is, octet by octet, the source text that would be written anew.

A change is a run of entries that are gone and a run that stands there now; before and behind it the lists
are alike.  Where the lines of those that are gone are not found in their place nothing is amended, and the
table is made anew.
"""

import mmap
from collections.abc import Iterable
from dataclasses import dataclass, replace

from domain_secure.policy.long_lists.differing_lines import differing_lines
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.lists import DomainList

from .publication import Job
from .tables import Table, keys_of

LONG = 5_000  #: entries from which on tables are amended; a shorter list is compiled as fast
TYPES = frozenset({"hash", "btree", "lmdb"})  #: those in which postmap(1) puts and deletes single keys
_MOST = 1_000  #: entries of a change


@dataclass(frozen=True, slots=True)
class Amendment:
    """A change of the list at one place."""

    gone: tuple[Entry, ...]
    new: tuple[Entry, ...]
    following: Entry | None  #: the entry behind; None: the change is at the end


@dataclass(frozen=True, slots=True)
class Lines:
    """A change of a table's source text at one place."""

    start: int
    end: int
    new: tuple[str, ...]
    gone_keys: tuple[str, ...]  #: that the table has no longer


def amendment(former: bytes, present: bytes) -> Amendment | None:
    """Return how a list became another one, both in order and with a line end behind each entry.

    None: too much of it changed.
    """
    head, begin, end = differing_lines(former, present)
    gone, new = former[head:begin].split(), present[head:end].split()
    if len(gone) + len(new) > _MOST:
        return None
    following = former[begin : former.find(b"\n", begin)] if begin < len(former) else b""
    return Amendment(_entries(gone), _entries(new), _entries([following])[0] if following else None)


def lines_changed(job: Job, table: Table, change: Amendment, source: mmap.mmap) -> Lines | None:
    """Return what becomes of a table's source text; None where *source* is not what it is taken for."""
    gone, new = _lines(job, table, change.gone), _lines(job, table, change.new)
    end = len(source) if change.following is None else _place_of(source, keys_of(change.following)[0])
    octets = "".join(f"{line}\n" for line in gone).encode()
    start = end - len(octets)
    if end < 0 or start < 0 or source[start:end] != octets or source[start - 1 : start] not in {b"", b"\n"}:
        return None
    kept = {line.partition("\t")[0] for line in new}
    keys = (line.partition("\t")[0] for line in gone)
    return Lines(start, end, new, tuple(key for key in keys if key not in kept))


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


def _place_of(source: mmap.mmap, key: str) -> int:
    """Return where the line of *key* begins, or -1."""
    line = f"{key}\t".encode()
    if source[: len(line)] == line:
        return 0
    found = source.find(b"\n" + line)
    return found + 1 if found >= 0 else -1


def _entries(octets: Iterable[bytes]) -> tuple[Entry, ...]:
    return tuple(Entry(one.decode("ascii")) for one in octets)
