"""The source text of a table, written anew or from the one in place, and with it the compiled file.

Owns: which keys are looked up before a table is put in place.
Must not know: when that is, and what is recorded of it.
"""

import hashlib
import mmap
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from domain_secure.policy.files.held_folder import HeldFolder
from domain_secure.policy.terms.problems import ExitStatus, Problem

from .amendment import Amendment, Lines, lines_changed
from .publication import Job
from .tables import Table

REPORT_EVERY = 20_000  #: lines
MODE = 0o644  #: Postfix reads them as a user of its own
_BLOCK = 1 << 20

#: Told of progress: the table, lines done or None while postmap runs, and lines expected.
Report = Callable[[Table, int | None, int], None]


@dataclass(frozen=True, slots=True)
class Source:
    """The source text of a table, as it was written."""

    lines: int
    digest: str
    sample: Mapping[str, str]  #: keys that the table must answer, each with its value
    changed: Lines | None = None  #: where it was made from the one in place
    absent: tuple[str, ...] = field(default=())  #: keys for which the table must have no answer


def write_source(job: Job, held: HeldFolder, table: Table, report: Report) -> Source:
    """Write the source text, and remember of a list of any length the lines 1, 2, 4, 8 … and the last."""
    digest, sample = hashlib.sha256(), dict[str, str]()
    number, expected, sampled = 0, job.expected(table), 1
    lines = job.lines(table)
    block: list[str] = []
    with held.created(job.temporary(table)[0].name, MODE) as stream:
        while following := list(islice(lines, REPORT_EVERY)):
            block = following
            while sampled <= number + len(block):
                sample.update([_pair(block[sampled - number - 1])])
                sampled *= 2
            data = "\n".join([*block, ""]).encode(errors="surrogateescape")
            digest.update(data)
            stream.write(data)
            number += len(block)
            report(table, number, expected)
    if table.is_of_patterns:
        return Source(number, digest.hexdigest(), _spread(job.samples(table)))
    sample.update(map(_pair, block[-1:]))
    return Source(number, digest.hexdigest(), sample)


def amend_source(
    job: Job, held: HeldFolder, table: Table, change: Amendment, lines_in_place: int
) -> Source | None:
    """Write the source text as the one in place with a *change*; None where that one is not as expected."""
    with held.opened(job.live(table)[0].name) as stream:
        try:
            octets = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # it is empty
            return None
        with octets:
            changed = lines_changed(job, table, change, octets)
            if changed is None:
                return None
            digest = hashlib.sha256()
            gone = octets[changed.start : changed.end].count(b"\n")
            with held.created(job.temporary(table)[0].name, MODE) as new:
                for data in _parts(octets, changed):
                    digest.update(data)
                    new.write(data)
    number = lines_in_place - gone + len(changed.new)
    sample = dict(map(_pair, changed.new))
    return Source(number, digest.hexdigest(), sample, changed, changed.gone_keys)


def compile_source(job: Job, held: HeldFolder, table: Table, source: Source) -> None:
    """Make the compiled file that belongs to a source text, and look keys up in it; raises Problem."""
    temporary = job.temporary(table)
    if not table.is_of_patterns and not _is_amended(job, held, table, source):
        job.instance.compile_map(job.map_type, temporary[0])
    _read_back(job, table, source)
    for path in temporary:
        held.sync(path.name)


def _is_amended(job: Job, held: HeldFolder, table: Table, source: Source) -> bool:
    """Make the compiled file from the one in place; return whether that was possible."""
    if source.changed is None:
        return False
    (_, temporary), (_, live) = job.temporary(table), job.live(table)
    with held.opened(live.name) as former, held.created(temporary.name, MODE) as new:
        shutil.copyfileobj(former, new, _BLOCK)
    name = f"{job.map_type}:{job.temporary(table)[0]}"
    try:
        job.instance.amend_map(name, source.changed.new, source.changed.gone_keys)
    except Problem:
        # The text is whole: it is compiled as any other.
        held.remove(temporary.name)
        return False
    return True


def _parts(octets: mmap.mmap, changed: Lines) -> Iterator[bytes]:
    for place in range(0, changed.start, _BLOCK):
        yield octets[place : min(place + _BLOCK, changed.start)]
    yield "".join(f"{line}\n" for line in changed.new).encode()
    for place in range(changed.end, len(octets), _BLOCK):
        yield octets[place : place + _BLOCK]


def _spread(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    sample: dict[str, str] = {}
    last: list[tuple[str, str]] = []
    for number, pair in enumerate(pairs, start=1):
        last = [pair]
        if number & (number - 1) == 0:
            sample.update(last)
    return sample | dict(last)


def _pair(line: str) -> tuple[str, str]:
    key, _, value = line.partition("\t")
    return key, value


def _read_back(job: Job, table: Table, source: Source) -> None:
    """Look some keys up as Postfix would; raises Problem when an answer is not what was written."""
    name = f"{job.type_of(table)}:{job.temporary(table)[0]}"
    asked = [*source.sample, *source.absent] or ["a.test"]
    found = job.instance.query(name, asked)
    if found != source.sample:
        key = next(key for key in asked if found.get(key) != source.sample.get(key))
        raise Problem(
            f"the new table answers {found.get(key, 'nothing')!r} for {key}",
            name,
            "see whether the disk is full or failing; the former table stays in use",
            ExitStatus.NO_ANSWER,
        )
