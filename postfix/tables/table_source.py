"""The source text of a table, written anew or changed where it is, and with it the compiled file.

Owns: which keys are looked up before a table is put in place.
Must not know: when that is, and what is recorded of it.
"""

import hashlib
import mmap
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from domain_secure.policy.files.held_folder import HeldFolder
from domain_secure.policy.terms.problems import ExitStatus, Problem

from . import spare
from .amendment import Amendment, Lines, lines_changed
from .publication import MODE, Job, TableRecord
from .tables import Table

REPORT_EVERY = 20_000  #: lines

#: Told of progress: the table, lines done or None while postmap runs, and lines expected.
Report = Callable[[Table, int | None, int], None]


_COMMENTS = 1_000  #: lines of a source text that may count no longer before it is written anew
_PART_OF_COMMENTS = 4  #: or such a part of it


@dataclass(frozen=True, slots=True)
class Source:
    """The source text of a table, as it was written."""

    lines: int
    digest: str
    sample: Mapping[str, str]  #: keys that the table must answer, each with its value
    absent: tuple[str, ...] = ()  #: keys for which the table must have no answer
    changed: Lines | None = None  #: what is to become of the one in place; None: it is written anew
    comments: int = 0  #: lines that count no longer, in the one in place then

    @property
    def is_in_place(self) -> bool:
        """Tell whether the text in place has these lines already."""
        return self.changed is not None and not self.changed.new and not self.changed.gone_places


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


def amended_source(
    job: Job, held: HeldFolder, table: Table, change: Amendment, entry: TableRecord
) -> Source | None:
    """Return what the source text in place is with a *change*; None where that one is not as expected.

    Nothing is written yet.
    """
    with held.opened(job.live(table)[0].name) as stream:
        try:
            octets = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # it is empty
            return None
        with octets:
            changed = lines_changed(job, table, change, octets)
    if changed is None:
        return None
    comments = entry.comments + len(changed.gone_places)
    lines = entry.lines - len(changed.gone_places) + len(changed.new)
    if comments > max(_COMMENTS, lines // _PART_OF_COMMENTS):
        return None
    digest = hashlib.sha256(f"{entry.sha256} {changed}".encode(errors="surrogateescape")).hexdigest()
    return Source(lines, digest, dict(map(_pair, changed.new)), changed.gone_keys, changed, comments)


def put_source(job: Job, held: HeldFolder, table: Table, source: Source) -> None:
    """Let the source text in place be *source*.

    A process killed meanwhile leaves one that does not fit the record; Postfix reads the compiled file.
    """
    temporary, live = job.temporary(table)[0].name, job.live(table)[0].name
    if source.changed is None:
        held.rename(temporary, live)
        return
    with held.changing(live) as stream:
        for place in source.changed.gone_places:
            stream.seek(place)
            stream.write(b"#")
        stream.seek(0, os.SEEK_END)
        stream.write("".join(f"{line}\n" for line in source.changed.new).encode())


def compile_source(
    job: Job, held: HeldFolder, table: Table, source: Source, former: TableRecord | None, report: Report
) -> Source:
    """Make the compiled file that belongs to a source text, and look keys up in it; raises Problem.

    Returns the source text, which may have to be written anew after all.
    """
    if source.changed is not None and former is not None and _is_amended(job, held, table, source, former):
        _read_back(job, table, _with_former_change(source, former))
        held.sync(job.temporary(table)[1].name)
        return source
    if source.changed is not None:
        source = write_source(job, held, table, report)
    if not table.is_of_patterns:
        job.instance.compile_map(job.map_type, job.temporary(table)[0])
    _read_back(job, table, source)
    for path in job.temporary(table):
        held.sync(path.name)
    return source


def _with_former_change(source: Source, former: TableRecord) -> Source:
    """Return what to look up of a table that was made from its spare: what that had lacked as well."""
    sample = dict(map(_pair, former.spare_new))
    for key in source.absent:
        sample.pop(key, None)
    absent = (*source.absent, *(key for key in former.spare_gone if key not in source.sample))
    return replace(source, sample={**sample, **source.sample}, absent=absent)


def _is_amended(job: Job, held: HeldFolder, table: Table, source: Source, former: TableRecord) -> bool:
    """Make the compiled file from the spare, or else from the one in place; return whether that worked."""
    assert source.changed is not None  # noqa: S101 - asked of such alone
    (_, temporary), (_, live) = job.temporary(table), job.live(table)
    name = f"{job.map_type}:{job.temporary(table)[0]}"
    try:
        if spare.take(job, held, table, former):
            job.instance.amend_map(name, former.spare_new, former.spare_gone)
        else:
            spare.copy(held, live.name, temporary.name)
        job.instance.amend_map(name, source.changed.new, source.changed.gone_keys)
    except Problem:
        # It is compiled as any other.
        held.remove(temporary.name)
        return False
    return True


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
