"""What is in place below ``<state>/maps``, and what it was made from.

Owns: the file names there, and ``published.json``: a digest of everything the lines depend on and, for each
table, what its files looked like when they were put in place.
Invariant: the record only saves work.  Without it, or with one that does not fit, the tables are built again.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.files import state_file
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.running import Moment

from .authority_files import AuthorityFiles
from .recipient_routes import examples
from .recipient_spelling import SPELLING_SAMPLES
from .tables import (
    PATTERN_TYPE,
    SUFFIXES,
    Dialect,
    Table,
    generated_type,
    lines_of,
    recipient_routes,
    table_path,
)

FOLDER = "maps"  #: in the state folder
RECORD = "published.json"
LISTED = (
    "listed"  #: a send list of which tables were made, an entry a line; the record says what changed since
)
MODE = 0o644  #: Postfix reads them as a user of its own
FORMAT = 2  #: raised when the same configuration gives other lines, so that an upgrade builds the tables anew

Signature = list[list[int]]  #: inode, size and time of modification in ns, of each file of a table


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """One table as it is now in place."""

    table: Table
    path: Path
    lines: int
    changed: bool  #: by this run
    at: float  #: seconds since the epoch when it was last put in place


@dataclass(frozen=True, slots=True)
class Publication:
    """What a run found or did."""

    map_type: str
    tables: tuple[PublishedTable, ...]

    @property
    def changed(self) -> tuple[str, ...]:
        """Return the names of the tables that were replaced."""
        return tuple(entry.table for entry in self.tables if entry.changed)


@dataclass(frozen=True, slots=True)
class TableRecord:
    """What is known of one table since it was put in place."""

    sha256: str  #: of the source text; of one that was amended, what stands for how it came about
    lines: int
    at: float
    files: Signature
    boot: str = ""  #: with the next, `Moment` by which it was in place; empty in what earlier releases wrote
    since_boot: float = 0.0
    comments: int = 0  #: lines of the source text that count no longer
    is_amended: bool = False  #: the lines stand in another order than the list's
    spare: list[int] = field(
        default_factory=list
    )  #: what the spare of the compiled file looks like; or nothing
    spare_new: list[str] = field(default_factory=list)  #: lines that the spare lacks
    spare_gone: list[str] = field(default_factory=list)  #: keys that the spare has and the table has not

    @property
    def moment(self) -> Moment:
        """Return the moment by which it was in place: who has started since has read no former one."""
        return Moment(self.boot or Moment.now().boot, self.since_boot if self.boot else math.inf)


@dataclass(frozen=True, slots=True)
class Record:
    """The content of ``published.json``."""

    map_type: str = ""
    input: str | None = None  #: `input_digest`; None while a run is under way
    tables: Mapping[Table, TableRecord] = field(default_factory=dict)
    settings: str | None = None  #: `settings_digest`
    listed: str | None = None  #: a digest of the list they were made of; None: it is not kept
    #: How it came from what `LISTED` holds: where lines are replaced, to where, and by which.
    listed_changes: tuple[tuple[int, int, str], ...] = ()

    @classmethod
    def read(cls, directory: Path) -> "Record":
        """Return the record of *directory*, an empty one when there is none that can be used."""
        try:
            document = parse_json(state_file.read(directory.parent, PurePath(directory.name, RECORD)))
            tables = {Table(name): TableRecord(**entry) for name, entry in document["tables"].items()}
            # What earlier releases wrote has none of these.
            settings, listed = document.get("settings"), document.get("listed")
            changes = tuple((start, end, lines) for start, end, lines in document.get("listed_changes", ()))
            return cls(document["map_type"], document["input"], tables, settings, listed, changes)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def document(self) -> bytes:
        """Return the content of the file."""
        tables = {name: asdict(entry) for name, entry in self.tables.items()}
        document: dict[str, Any] = {"map_type": self.map_type, "input": self.input, "tables": tables}
        document |= {"settings": self.settings, "listed": self.listed}
        document |= {"listed_changes": self.listed_changes}
        return json.dumps(document, indent=1).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Job:
    """What the tables are to be made of, and where."""

    configuration: Configuration
    instance: PostfixInstance
    dialect: Dialect
    map_type: str
    authorities: AuthorityFiles | None = None  #: None where ``ca_file`` as it is does for all partners

    @classmethod
    def of(
        cls, configuration: Configuration, instance: PostfixInstance, map_type: str | None = None
    ) -> "Job":
        """Ask the instance for what the tables depend on; raises Problem when it cannot be asked.

        *map_type* is for attach, which is about to name the tables by it.
        """
        dialect = replace(Dialect.of(instance), distrusted=configuration.trust.distrusted)
        if authorities := AuthorityFiles.of(configuration, instance):
            dialect = replace(dialect, authorities=authorities.names, common_authorities=authorities.common)
        kind = map_type or generated_type(instance, configuration.state)
        return cls(configuration, instance, dialect, kind, authorities)

    @property
    def directory(self) -> Path:
        """Return the folder of the tables."""
        return self.configuration.state / FOLDER

    def lines(self, table: Table) -> Iterator[str]:
        """Yield the lines *table* ought to have."""
        return lines_of(table, self.configuration, self.dialect)

    def expected(self, table: Table) -> int:
        """Return roughly how many lines *table* will have."""
        del table
        return len(self.configuration.send)

    def live(self, table: Table) -> tuple[Path, ...]:
        """Return a table's source and compiled files, in the order in which they are put in place."""
        return files_of(table_path(self.configuration.state, table), self.type_of(table))

    def temporary(self, table: Table) -> tuple[Path, ...]:
        """Return the same files as they are called while they are built."""
        return files_of(self.directory / f".{table}.new", self.type_of(table))

    def type_of(self, table: Table) -> str:
        """Return the type by which Postfix reads *table*."""
        return PATTERN_TYPE if table.is_of_patterns else self.map_type

    def samples(self, table: Table) -> Iterator[tuple[str, str]]:
        """Yield keys that *table* must answer, each with its value, in the order of the list."""
        if table is Table.RECIPIENT_TRANSPORT:
            yield from examples(recipient_routes(self.configuration))
        elif table is Table.RECIPIENT_SPELLING:
            # Of whatever is listed; the rules for letters beyond ASCII are read with the others.
            yield from SPELLING_SAMPLES if self.configuration.direct and self.configuration.send else ()
        else:
            yield from (tuple(line.split("\t", 1)) for line in self.lines(table))  # type: ignore[misc]

    def signature(self, table: Table) -> Signature | None:
        """Return what a table's files look like, or None when one is missing or cannot be looked at."""
        try:
            states = [path.lstat() for path in self.live(table)]
        except OSError:
            return None
        return [[state.st_ino, state.st_size, state.st_mtime_ns] for state in states]


def files_of(source: Path, map_type: str) -> tuple[Path, ...]:
    """Return a source file and what postmap(1) makes of it."""
    return (source, *(source.with_name(source.name + suffix) for suffix in SUFFIXES.get(map_type, ())))


def current(job: Job, digest: str | None = None) -> Publication | None:
    """Return what is in place if all of it is up to date, or None.  Makes no line for it.

    *digest* is the `input_digest`, where it is known already.
    """
    record = Record.read(job.directory)
    if record.map_type != job.map_type or record.input != (digest or input_digest(job)):
        return None
    entries = {table: record.tables.get(table) for table in Table}
    tables = []
    for table, entry in entries.items():
        if entry is None or entry.files != job.signature(table):
            return None
        tables.append(published(job, table, entry, changed=False))
    return Publication(job.map_type, tuple(tables))


def published(job: Job, table: Table, entry: TableRecord, *, changed: bool) -> PublishedTable:
    """Return a table in place as callers see it."""
    return PublishedTable(table, table_path(job.configuration.state, table), entry.lines, changed, entry.at)


def input_digest(job: Job) -> str:
    """Return a digest over everything the lines depend on, taken without making them."""
    digest = hashlib.sha256(_settings(job))
    digest.update(b"\0")
    listed = job.configuration.send.octets()
    digest.update(memoryview(listed)[: len(listed) - listed.endswith(b"\n")])
    return digest.hexdigest()


def settings_digest(job: Job) -> str:
    """Return a digest over everything the lines depend on but the list."""
    return hashlib.sha256(_settings(job)).hexdigest()


def _settings(job: Job) -> bytes:
    configuration = job.configuration
    partners = sorted(
        (
            key,
            rule.server_names,
            rule.send_method,
            sorted(map(str, rule.pins - configuration.trust.distrusted)) or bool(rule.timed_pins),
            rule.minimum_tls,
            rule.mx,
            str(rule.via),
            rule.servername,
            rule.send_ca_file and job.dialect.authorities.get(rule.send_ca_file),
        )
        for key, rule in configuration.partners.items()
    )
    settings = (
        FORMAT,
        job.dialect.protocol_bounds,
        sorted(job.dialect.parents_match),
        job.dialect.transitional,
        configuration.direct,
        job.dialect.common_authorities,
        partners,
        *([sorted(configuration.sent_unproved)] if configuration.sent_unproved else []),
    )
    return repr(settings).encode()
