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
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.files import state_file, state_folder
from domain_secure.policy.files.held_folder import UNFINISHED, HeldFolder
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.instance.listings import remembering
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.running import Moment

from . import authority_files, put_back
from .amendment import Amendment, amendment, can_amend
from .publication import (
    FOLDER,
    LISTED,
    RECORD,
    Job,
    Publication,
    Record,
    TableRecord,
    current,
    input_digest,
    published,
    settings_digest,
)
from .table_source import MODE, Report, amend_source, compile_source, write_source
from .tables import Table, named_types

_LARGEST = 1024 * 1024 * 1024  #: octets of a list
_UNFINISHED = re.compile(rf"{re.escape(UNFINISHED)}.*|\.(?:{re.escape(RECORD)}|{LISTED})\.new")
_COMPILERS = 2  #: more tables of any length there are not


@remembering()
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
class _Compiling:
    """A table whose source is written, and which postmap and the reading back are busy with."""

    lines: int
    digest: str
    done: Future[None]


@dataclass(frozen=True, slots=True)
class _InPlace:
    """What is known of the tables that Postfix reads now."""

    tables: Mapping[Table, TableRecord]
    change: Amendment | None  #: what makes them into those that are wanted; None: not known


def _build(job: Job, held: HeldFolder, report: Report) -> Publication:
    """Write one source while postmap compiles the one before; put them in place in the order of `Table`.

    What goes wrong with one table keeps those behind it as they were, and none before it.
    """
    record = Record.read(job.directory)
    known = dict(record.tables) if record.map_type == job.map_type else {}
    were_away = _were_away(job, known)
    if were_away:
        # Now as well: whoever is killed before the end leaves tables behind that fit their record.
        put_back.note(job.configuration.state)
    tables = []
    try:
        with ThreadPoolExecutor(_COMPILERS) as compilers:
            change = _change(job, held, record)
            begun, fault = _begun(job, held, _InPlace(dict(known), change), report, compilers)
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
    listed = _keep_listed(job, held)
    _write_record(held, Record(job.map_type, input_digest(job), known, settings_digest(job), listed))
    if were_away:
        put_back.note(job.configuration.state)
    return Publication(job.map_type, tuple(tables))


def _were_away(job: Job, known: Mapping[Table, TableRecord]) -> bool:
    """Tell whether Postfix names our tables and may have found one missing: not all are as we put them."""
    if all(table in known and known[table].files == job.signature(table) for table in Table):
        return False
    return bool(named_types(job.instance, job.configuration.state))


def _begun(
    job: Job,
    held: HeldFolder,
    in_place: "_InPlace",
    report: Report,
    compilers: ThreadPoolExecutor,
) -> tuple[list[tuple[Table, TableRecord | _Compiling]], Problem | OSError | None]:
    """Return the tables that are being made, or are there already; and what stopped the others."""
    begun: list[tuple[Table, TableRecord | _Compiling]] = []
    for table in Table:
        try:
            begun.append((table, _begin(job, held, table, in_place, report, compilers)))
        except (Problem, OSError) as fault:
            return begun, fault
    return begun, None


def _begin(
    job: Job,
    held: HeldFolder,
    table: Table,
    in_place: "_InPlace",
    report: Report,
    compilers: ThreadPoolExecutor,
) -> TableRecord | _Compiling:
    """Write a table's source and have it compiled, unless it is in place already."""
    former = in_place.tables.get(table)
    if former is not None and former.files != job.signature(table):
        former = None
    source = None
    if former is not None and in_place.change is not None and not table.is_of_patterns:
        source = amend_source(job, held, table, in_place.change, former.lines)
    source = source or write_source(job, held, table, report)
    if former is not None and former.sha256 == source.digest:
        return former
    done = compilers.submit(compile_source, job, held, table, source)
    return _Compiling(source.lines, source.digest, done)


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


def _change(job: Job, held: HeldFolder, record: Record) -> Amendment | None:
    """Return how the list changed since the tables in place were made, if nothing else did."""
    if not can_amend(job) or record.input is None or record.map_type != job.map_type:
        return None
    if record.settings != settings_digest(job) or record.listed is None:
        return None
    try:
        former = held.read(LISTED, limit=_LARGEST)
    except OSError:
        return None
    if hashlib.sha256(former).hexdigest() != record.listed:
        return None
    return amendment(former, job.configuration.send.octets())


def _keep_listed(job: Job, held: HeldFolder) -> str | None:
    """Keep the list of which the tables are made, for the next change of it; return its digest."""
    if not can_amend(job):
        return None
    octets, unfinished = job.configuration.send.octets(), f".{LISTED}.new"
    with held.created(unfinished, MODE) as stream:
        stream.write(octets)
    held.rename(unfinished, LISTED)
    return hashlib.sha256(octets).hexdigest()


def _write_record(held: HeldFolder, record: Record) -> None:
    # A link that somebody put in its place is replaced like a table, and not followed.
    unfinished = f".{RECORD}.new"
    with held.created(unfinished, MODE) as stream:
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
