"""Build the lookup tables beside the live ones and swap them in.

Owns: the order of writing, compiling, reading back and renaming.
Invariant: a table that Postfix can open is complete, and was read back before it was put in place.
Relies on: rename(2); Postfix noticing that an opened file's last link is gone (DATABASE_README); postmap(1)
taking owner and mode from the source file.

The source comes first and the compiled file second, for Postfix warns of a table older than its source.
A process killed between the two leaves a pair that does not fit the record, and the next run builds it again.
A change of a long list is put into the source where it is, and into the spare of the compiled file.
"""

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.files import state_file, state_folder
from domain_secure.policy.files.held_folder import UNFINISHED, HeldFolder
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.instance.listings import remembering
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.running import Moment

from . import authority_files, put_back, spare
from .amendment import Amendment, amendment, can_amend, touches
from .publication import (
    FOLDER,
    LISTED,
    MODE,
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
from .table_source import Report, Source, amended_source, compile_source, put_source, write_source
from .tables import Table, named_types

_LARGEST = 1024 * 1024 * 1024  #: octets of a list
_UNFINISHED = re.compile(rf"{re.escape(UNFINISHED)}.*|\.(?:{re.escape(RECORD)}|{LISTED})\.new")
_CHANGES = 16  #: of a kept list before it is written anew
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
            digest = input_digest(job)
            found = current(job, digest) or _build(job, held, digest, report or (lambda *_: None))
            authority_files.tidy_up(job.instance, job.authorities)
            return found
    except OSError as error:
        raise _cannot_write(error, job.directory) from error


@dataclass(frozen=True, slots=True)
class _Compiling:
    """A table which postmap and the reading back are busy with."""

    lines: int
    done: Future[Source]


@dataclass(frozen=True, slots=True)
class _Listed:
    """The list of which the tables in place were made, and what makes it the one that is wanted."""

    change: Amendment
    changes: tuple[tuple[int, int, str], ...]  #: from the kept list to the wanted one
    digest: str  #: of the wanted one


@dataclass(frozen=True, slots=True)
class _InPlace:
    """What is known of the tables that Postfix reads now."""

    tables: Mapping[Table, TableRecord]
    change: Amendment | None  #: what makes them into those that are wanted; None: not known


def _build(job: Job, held: HeldFolder, digest: str, report: Report) -> Publication:
    """Write one source while postmap compiles the one before; put them in place in the order of `Table`.

    *digest* is the `input_digest`.
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
            listed = _listed(job, held, record)
            _drop_strange_spares(job, held, known)
            in_place = _InPlace(dict(known), listed.change if listed else None)
            begun, fault = _begun(job, held, in_place, report, compilers)
            for table, table_begun in begun:
                former = known.get(table)
                known[table] = entry = _put_in_place(job, held, table, table_begun, former, report)
                tables.append(published(job, table, entry, changed=entry is not former))
                # Without the digest: while others are old, the record vouches for the finished ones only.
                _write_record(held, Record(job.map_type, None, known))
    finally:
        _remove_temporary(job, held)
    if fault is not None:
        raise fault
    made = Record(job.map_type, digest, known, settings_digest(job))
    _write_record(held, _with_listed(job, held, made, listed))
    if were_away:
        put_back.note(job.configuration.state)
    return Publication(job.map_type, tuple(tables))


def _were_away(job: Job, known: Mapping[Table, TableRecord]) -> bool:
    """Tell whether Postfix names our tables and may have found one missing: not all are as we put them."""
    if all(table in known and known[table].files == job.signature(table) for table in Table):
        return False
    return bool(named_types(job.instance, job.configuration.state))


def _drop_strange_spares(job: Job, held: HeldFolder, known: Mapping[Table, TableRecord]) -> None:
    """Remove spares of which no record knows: who has one of these open may take it for the table."""
    for table in Table:
        entry = known.get(table)
        if not table.is_of_patterns and (entry is None or entry.spare != spare.look(job, held, table)):
            spare.drop(held, table)


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
    former, change = in_place.tables.get(table), in_place.change
    if former is not None and former.files != job.signature(table):
        former = None
    source = None
    if former is not None and change is not None:
        if table.is_of_patterns and not touches(change, table):
            return former
        if not table.is_of_patterns:
            source = amended_source(job, held, table, change, former)
            if source is not None and source.is_in_place:
                return former
    source = source or write_source(job, held, table, report)
    if former is not None and former.sha256 == source.digest:
        return former
    done = compilers.submit(_compiled, job, held, table, source, former, report)
    return _Compiling(source.lines, done)


def _compiled(
    job: Job, held: HeldFolder, table: Table, source: Source, former: TableRecord | None, report: Report
) -> Source:
    made = compile_source(job, held, table, source, former, report)
    if made.changed is None and not table.is_of_patterns:
        if can_amend(job):
            spare.make(job, held, table)
        else:
            spare.drop(held, table)
    return made


def _put_in_place(
    job: Job,
    held: HeldFolder,
    table: Table,
    begun: TableRecord | _Compiling,
    former: TableRecord | None,
    report: Report,
) -> TableRecord:
    if isinstance(begun, TableRecord):
        return begun
    report(table, None, begun.lines)
    source = begun.done.result()
    put_source(job, held, table, source)
    changed = source.changed
    if changed is not None:
        spare.change_places(job, held, table)
    else:
        for new, live in tuple(zip(job.temporary(table), job.live(table), strict=True))[1:]:
            held.rename(new.name, live.name)
    now = Moment.now()
    entry = TableRecord(
        source.digest, source.lines, time.time(), job.signature(table) or [], now.boot, now.seconds
    )
    if table.is_of_patterns:
        return entry
    entry = replace(entry, spare=spare.look(job, held, table), comments=source.comments)
    if changed is None or former is None:
        return entry
    return replace(entry, is_amended=True, spare_new=list(changed.new), spare_gone=list(changed.gone_keys))


def _listed(job: Job, held: HeldFolder, record: Record) -> _Listed | None:
    """Return how the list changed since the tables in place were made, if nothing else did."""
    if not can_amend(job) or record.input is None or record.map_type != job.map_type:
        return None
    if record.settings != settings_digest(job) or record.listed is None:
        return None
    try:
        former = held.read(LISTED, limit=_LARGEST)
    except OSError:
        return None
    for start, end, lines in record.listed_changes:
        former = b"".join((memoryview(former)[:start], lines.encode(), memoryview(former)[end:]))
    if hashlib.sha256(former).hexdigest() != record.listed:
        return None
    # A long list is 20 MB: no more copies of it than are needed, and none is kept.
    octets = job.configuration.send.octets()
    change = amendment(former, octets)
    if change is None:
        return None
    start, end, present_end = change.place
    last = (start, end, octets[start:present_end].decode("ascii"))
    return _Listed(change, (*record.listed_changes, last), hashlib.sha256(octets).hexdigest())


def _with_listed(job: Job, held: HeldFolder, made: Record, listed: _Listed | None) -> Record:
    """Keep the list of which the tables are made, for the next change of it; return the record of that."""
    if not can_amend(job):
        return made
    if listed is not None and len(listed.changes) <= _CHANGES:
        return replace(made, listed=listed.digest, listed_changes=listed.changes)
    octets, unfinished = job.configuration.send.octets(), f".{LISTED}.new"
    with held.created(unfinished, MODE) as stream:
        stream.write(octets)
    held.rename(unfinished, LISTED)
    return replace(made, listed=hashlib.sha256(octets).hexdigest())


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
