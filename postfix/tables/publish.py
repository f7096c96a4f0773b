"""Build the lookup tables beside the live ones and swap them in.

Owns: the order of writing, compiling, reading back and renaming.
Invariant: a table that Postfix can open is complete, and was read back before it was put in place.
Relies on: rename(2); Postfix noticing that an opened file's last link is gone (DATABASE_README); postmap(1)
taking owner and mode from the source file.

The source is renamed first and the compiled file second, for Postfix warns of a table older than its source.
A process killed between the two leaves a pair that does not fit the record, and the next run builds it again.
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.files import state_file, state_folder
from domain_secure.policy.files.held_folder import UNFINISHED, HeldFolder
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.running import Moment

from . import authority_files
from .publication import (
    FOLDER,
    RECORD,
    Job,
    Publication,
    Record,
    TableRecord,
    current,
    input_digest,
    published,
)
from .tables import Table

REPORT_EVERY = 20_000  #: lines
_MODE = 0o644  #: Postfix reads them as a user of its own
_UNFINISHED = re.compile(rf"{re.escape(UNFINISHED)}.*|\.{re.escape(RECORD)}\.new")
_COMPILERS = 2  #: more tables of any length there are not

#: Told of progress: the table, lines done or None while postmap runs, and lines expected.
Report = Callable[[Table, int | None, int], None]


def publish(
    configuration: Configuration,
    instance: PostfixInstance,
    report: Report | None = None,
    map_type: str | None = None,
    newest: Callable[[], Configuration] | None = None,
) -> Publication:
    """Bring the tables up to date; what is up to date is not touched.

    They are of the type that Postfix reads already, or of *map_type*, which attach is about to name.  Where
    others change the configuration meanwhile, *newest* reads it once nobody else can write tables; or a
    writer that was overtaken would put the former ones back.
    Waits for another writer to finish.  Raises Problem when a rule has no correct line, a file cannot be
    written, or postmap fails; the table at fault stays as it was, and no temporary file is left.
    """
    job = Job.of(configuration, instance, map_type)
    try:
        state_folder.make(configuration.state)
        state_file.make_folder(configuration.state, FOLDER)
        with state_file.writing(configuration.state, FOLDER) as held:
            if newest is not None:
                job = Job.of(newest(), instance, map_type)
            _remove_temporary(job, held)
            if job.authorities is not None:
                job.authorities.put()
            found = current(job) or _build(job, held, report or (lambda *_: None))
            authority_files.tidy_up(job.instance, job.authorities)
            return found
    except OSError as error:
        raise _cannot_write(error, job.directory) from error


@dataclass(frozen=True, slots=True)
class _Source:
    """The source text of a table, as it was written."""

    lines: int
    digest: str
    sample: Mapping[str, str]  #: keys that the table must answer, each with its value


@dataclass(frozen=True, slots=True)
class _Compiling:
    """A table whose source is written, and which postmap and the reading back are busy with."""

    lines: int
    digest: str
    done: Future[None]


def _build(job: Job, held: HeldFolder, report: Report) -> Publication:
    """Write one source while postmap compiles the one before; put them in place in the order of `Table`.

    What goes wrong with one table keeps those behind it as they were, and none before it.
    """
    record = Record.read(job.directory)
    known = dict(record.tables) if record.map_type == job.map_type else {}
    tables = []
    try:
        with ThreadPoolExecutor(_COMPILERS) as compilers:
            begun, fault = _begun(job, held, known, report, compilers)
            for table, table_begun in begun:
                former = known.get(table)
                known[table] = entry = _put_in_place(job, held, table, table_begun, report)
                tables.append(published(job, table, entry, changed=entry is not former))
                # Without the digest: while others are old, the record vouches for the finished ones only.
                _write_record(held, Record(job.map_type, None, known))
    finally:
        _remove_temporary(job, held)
    if fault is not None:
        raise fault
    _write_record(held, Record(job.map_type, input_digest(job), known))
    return Publication(job.map_type, tuple(tables))


def _begun(
    job: Job,
    held: HeldFolder,
    known: Mapping[Table, TableRecord],
    report: Report,
    compilers: ThreadPoolExecutor,
) -> tuple[list[tuple[Table, TableRecord | _Compiling]], Problem | OSError | None]:
    """Return the tables that are being made, or are there already; and what stopped the others."""
    begun: list[tuple[Table, TableRecord | _Compiling]] = []
    for table in Table:
        try:
            begun.append((table, _begin(job, held, table, known.get(table), report, compilers)))
        except (Problem, OSError) as fault:
            return begun, fault
    return begun, None


def _begin(
    job: Job,
    held: HeldFolder,
    table: Table,
    former: TableRecord | None,
    report: Report,
    compilers: ThreadPoolExecutor,
) -> TableRecord | _Compiling:
    """Write a table's source and have it compiled, unless *former* shows that it is in place already."""
    source = _write_source(job, held, table, report)
    if former is not None and (former.sha256, former.files) == (source.digest, job.signature(table)):
        return former
    done = compilers.submit(_compile, job, held, table, source.sample)
    return _Compiling(source.lines, source.digest, done)


def _compile(job: Job, held: HeldFolder, table: Table, sample: Mapping[str, str]) -> None:
    temporary = job.temporary(table)
    if not table.is_of_patterns:
        job.instance.compile_map(job.map_type, temporary[0])
    _read_back(job, table, temporary[0], sample)
    for path in temporary:
        held.sync(path.name)


def _put_in_place(
    job: Job, held: HeldFolder, table: Table, begun: TableRecord | _Compiling, report: Report
) -> TableRecord:
    if isinstance(begun, TableRecord):
        return begun
    report(table, None, begun.lines)
    begun.done.result()
    for new, live in zip(job.temporary(table), job.live(table), strict=True):
        held.rename(new.name, live.name)
    now = Moment.now()
    return TableRecord(
        begun.digest, begun.lines, time.time(), job.signature(table) or [], now.boot, now.seconds
    )


def _write_source(job: Job, held: HeldFolder, table: Table, report: Report) -> _Source:
    """Write the source text, and remember of a list of any length the lines 1, 2, 4, 8 … and the last."""
    digest, sample = hashlib.sha256(), dict[str, str]()
    number, expected, sampled = 0, job.expected(table), 1
    lines = job.lines(table)
    block: list[str] = []
    with held.created(job.temporary(table)[0].name, _MODE) as stream:
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
        return _Source(number, digest.hexdigest(), _spread(job.samples(table)))
    sample.update(map(_pair, block[-1:]))
    return _Source(number, digest.hexdigest(), sample)


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


def _read_back(job: Job, table: Table, source: Path, sample: Mapping[str, str]) -> None:
    """Look some keys up as Postfix would; raises Problem when an answer is not what was written."""
    name = f"{job.type_of(table)}:{source}"
    found = job.instance.query(name, sample or ["a.test"])
    if found != sample:
        key = next((key for key in sample if found.get(key) != sample[key]), "a.test")
        raise Problem(
            f"the new table answers {found.get(key, 'nothing')!r} for {key}",
            name,
            "see whether the disk is full or failing; the former table stays in use",
            ExitStatus.NO_ANSWER,
        )


def _write_record(held: HeldFolder, record: Record) -> None:
    # A link that somebody put in its place is replaced like a table, and not followed.
    unfinished = f".{RECORD}.new"
    with held.created(unfinished, _MODE) as stream:
        stream.write(record.document())
    held.sync(unfinished)
    held.rename(unfinished, RECORD)


def _remove_temporary(job: Job, held: HeldFolder) -> None:
    held.sweep(_UNFINISHED)
    for path in (path for table in Table for path in job.temporary(table)):
        # Berkeley DB writes a new file under such a name first, and cdb under another.  Left behind by a full
        # disk or a kill, the first would let every later postmap wait for ever.
        for name in (path.name, f"__db.{path.name}", f"{path.name}.tmp"):
            with suppress(FileNotFoundError):
                held.remove(name)


def _cannot_write(error: OSError, directory: Path) -> Problem:
    place = str(error.filename or directory)
    if isinstance(error, PermissionError):
        return Problem("the tables cannot be written", place, "run this command as root")
    return Problem(
        f"the tables cannot be written ({error.strerror or error})",
        place,
        "make room, or mend the file system; the former tables stay in use",
        ExitStatus.NO_ANSWER,
    )
