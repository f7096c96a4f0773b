"""What ``generate`` would change, without changing it.

Owns: comparing the lines that ought to be with the files in place.
Relies on: long lists mostly agreeing; what they have in common at either end is passed over line by line,
and only what lies between is held in memory.
"""

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import chain, zip_longest
from pathlib import Path, PurePath

from domain_secure.policy.files import state_file
from domain_secure.policy.files.held_folder import UntrustedEntryError
from domain_secure.policy.terms.problems import Problem

from .publication import Job, Record, current
from .tables import Table, table_path

_LARGEST = 256 * 1024 * 1024  #: octets; a million domains take a third of that
_LONGEST = 1024 * 1024  #: octets of a line
CONTEXT = 3  #: lines around a change, as diff(1) shows


@dataclass(frozen=True, slots=True)
class Difference:
    """One table that is not as it ought to be."""

    table: Table
    path: Path
    what: str  #: for a person
    diff: Iterator[
        str
    ]  #: unified, without line ends, made while it is read; empty if only compiling is at fault


def differences(job: Job) -> tuple[Difference, ...]:
    """Return the tables `publish.publish` would replace; raises Problem for a rule without a correct line."""
    if current(job) is not None:
        return ()
    record = Record.read(job.directory)
    found = []
    for table in Table:
        path = table_path(job.configuration.state, table)
        if not state_file.exists(job.configuration.state, _place(path)):
            found.append(Difference(table, path, "is missing", _all_new(job, table, path)))
            continue
        entry = record.tables.get(table)
        former = _read(job.configuration.state, path)
        if entry is not None and entry.is_amended:
            former = _in_order(former, job.lines(table))
        diff = unified(former, _printable(job.lines(table)), str(path))
        first = next(diff, None)
        what = _fault(job, record, table) if first is None else "has other lines"
        if what is not None:
            found.append(Difference(table, path, what, chain([] if first is None else [first], diff)))
    return tuple(found)


def _all_new(job: Job, table: Table, path: Path) -> Iterator[str]:
    if count := sum(1 for _ in job.lines(table)):
        yield from ("--- /dev/null", f"+++ {path}", f"@@ -0,0 +{_range(0, count)} @@")
        yield from (f"+{line}" for line in _printable(job.lines(table)))


def _fault(job: Job, record: Record, table: Table) -> str | None:
    """Return why a table with the right lines is still not right, or None."""
    for path in job.live(table):
        if not path.is_file():
            return f"has no {path.name}"
    entry = record.tables.get(table) if record.map_type == job.map_type else None
    if entry is None or entry.files != job.signature(table):
        return "was changed or compiled by someone else"
    return None


def _place(path: Path) -> PurePath:
    return PurePath(path.parent.name, path.name)


def _read(state: Path, path: Path) -> Iterator[str]:
    try:
        with state_file.opened(state, _place(path)) as stream:
            if os.fstat(stream.fileno()).st_size > _LARGEST:
                raise Problem("the table is larger than any list makes it", str(path), "remove it")
            while line := stream.readline(_LONGEST):
                if not line.startswith(b"#"):
                    yield line.decode("utf-8", "backslashreplace").rstrip("\n")
    except UntrustedEntryError as error:
        raise Problem(
            f"the table is not read ({error.strerror})", str(path), "find out who put it there, and remove it"
        ) from error


def _in_order(former: Iterator[str], wanted: Iterator[str]) -> Iterator[str]:
    """Yield the lines of a table that was amended in the order that they would be written in."""
    left = dict.fromkeys(former)
    for line in wanted:
        if line in left:
            del left[line]
            yield line
    yield from left


def _printable(lines: Iterator[str]) -> Iterator[str]:
    """Yield lines as `_read` gives them: patterns hold octets that are no characters."""
    for line in lines:
        yield line.encode(errors="surrogateescape").decode(errors="backslashreplace")


def unified(old: Iterator[str], new: Iterator[str], name: str) -> Iterator[str]:
    """Yield a unified diff from *old* to *new*, without line ends; nothing when they agree."""
    before: deque[str] = deque(maxlen=CONTEXT)
    common = 0
    for former, line in zip_longest(old, new):
        if former != line:
            break
        before.append(line)
        common += 1
    else:
        return
    first = [*before, *([] if former is None else [former]), *old]
    second = [*before, *([] if line is None else [line]), *new]
    offset = common - len(before)
    _drop_common_end(first, second)
    yield f"--- {name}"
    yield f"+++ {name}"
    for group in SequenceMatcher(None, first, second, autojunk=False).get_grouped_opcodes(CONTEXT):
        (_, i1, _, j1, _), (_, _, i2, _, j2) = group[0], group[-1]
        yield f"@@ -{_range(offset + i1, offset + i2)} +{_range(offset + j1, offset + j2)} @@"
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                yield from (f" {text}" for text in first[i1:i2])
                continue
            yield from (f"-{text}" for text in first[i1:i2])
            yield from (f"+{text}" for text in second[j1:j2])


def _drop_common_end(first: list[str], second: list[str]) -> None:
    same = 0
    for one, other in zip(reversed(first), reversed(second), strict=False):
        if one != other:
            break
        same += 1
    surplus = max(0, min(same, len(first), len(second)) - CONTEXT)
    if surplus:
        del first[-surplus:], second[-surplus:]


def _range(start: int, stop: int) -> str:
    # diff(1): the first line counts from 1, and an empty range names the line before it.
    length = stop - start
    return f"{start + 1}" if length == 1 else f"{start + (1 if length else 0)},{length}"
