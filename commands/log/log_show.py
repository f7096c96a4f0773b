"""``domain-secure log show``: read the protocol log back."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

from domain_secure.commands.terminal.common import configuration_of, note, print_json, print_json_line
from domain_secure.commands.terminal.listed import require_listed
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.history.history import History, Record, RecordQuery
from domain_secure.policy.record.partner_facts import is_about
from domain_secure.policy.sending.delivery import DeliveryStatus, FailureReason
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Domain, Entry, InvalidDomainError, parse_domain
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.time_words import parse_moment

from .for_partner import refuse_what_does_not_go_together, show_for_partner
from .record_text import HANGING, Line, Piece, record_lines

DEFAULT_LAST = 50
_POLL_SECONDS = 0.3
_OUTCOMES = (
    *(verdict.word for verdict in Verdict if verdict is not Verdict.NONE),
    *DeliveryStatus,
    *(reason.word for reason in FailureReason),
)

Print = Callable[[Record], None]


def run_show(arguments: argparse.Namespace) -> ExitStatus:
    """Print the records that fit, and with --follow those that come."""
    configuration = configuration_of(arguments)
    history = History(configuration.state)
    domain = _domain(arguments.domain, "--domain")
    if arguments.for_partner is not None:
        refuse_what_does_not_go_together(arguments)
        domain = _domain(arguments.for_partner, "--for-partner")
    query = query_of(arguments, domain)
    fits = (lambda record: is_about(record.document, domain)) if domain else lambda _: True
    # Where it goes on from is settled before anything is read, so that nothing falls in between.
    position = _Position(history)
    last = _last(query, arguments)
    if arguments.for_partner is not None and domain is not None:
        # However much of strangers is recorded in his name, what is his is found.
        of_his_name = filter(fits, history.records(query))
        if not show_for_partner(of_his_name, domain, arguments, configuration, last):
            require_listed(configuration, Entry(domain), "log show --for-partner")
        return ExitStatus.DONE
    found = _found(history, query, last, fits)
    if arguments.follow:
        printed = _json_line if arguments.json else _Printer()
        for record in found:
            printed(record)
            position.number = max(position.number, record.number)
        _follow(position, query, fits, printed)
    elif arguments.json:
        print_json({"records": [document_of(record) for record in found]})
    elif not _print_all(found, history) and domain is not None:
        require_listed(configuration, Entry(domain), "log show --domain")
    return ExitStatus.DONE


def query_of(arguments: argparse.Namespace, domain: str | None) -> RecordQuery:
    """Return what was asked for; raises Problem."""
    now = datetime.now().astimezone()
    for word in arguments.verdict:
        if word not in _OUTCOMES:
            raise Problem(
                f"{word!r} is no verdict", "--verdict", f"write one of {', '.join(dict.fromkeys(_OUTCOMES))}"
            )
    if arguments.last is not None and arguments.last < 1:
        raise Problem("there is nothing to show", f"--last {arguments.last}", "write a number from 1 on")
    return RecordQuery(
        direction=Direction(arguments.direction) if arguments.direction else None,
        entries=_entries_for(domain) if domain else (),
        outcomes=tuple(arguments.verdict),
        queue_id=arguments.queue_id,
        since=_moment(arguments.since, "--since", now),
        until=_moment(arguments.until, "--until", now),
    )


def document_of(record: Record) -> dict[str, object]:
    """Return a record as ``--json`` prints it."""
    return {"number": record.number, **record.document}


def _domain(text: str | None, option: str) -> str | None:
    """Return a list entry or a domain in normal form; a public suffix cannot be listed, and finds nothing."""
    if text is None:
        return None
    try:
        return f"*.{parse_domain(text[2:])}" if text.startswith("*.") else parse_domain(text)
    except InvalidDomainError as error:
        fix = "name a partner as it is listed, or one of its hosts"
        raise Problem(str(error), option, fix) from error


def _entries_for(domain: str) -> tuple[str, ...]:
    """Return the list entries that may cover *domain*: itself, and every wildcard above it."""
    if domain.startswith("*."):
        return (domain,)
    labels = Domain(domain).split(".")
    return (domain, *(f"*.{'.'.join(labels[number:])}" for number in range(1, len(labels))))


def _moment(text: str | None, option: str, now: datetime) -> datetime | None:
    try:
        return None if text is None else parse_moment(text, now)
    except ValueError as error:
        raise Problem(str(error), option, "correct the time") from error


def _last(query: RecordQuery, arguments: argparse.Namespace) -> int | None:
    """Return how many records are shown at most; None: all."""
    if arguments.last is None and query.since is None and query.until is None:
        return DEFAULT_LAST
    number: int | None = arguments.last
    return number


def _found(
    history: History, query: RecordQuery, last: int | None, fits: Callable[[Record], bool]
) -> Iterator[Record]:
    if last is None:
        return filter(fits, history.records(query))
    # What a domain leaves out afterwards is only what a wildcard entry has of its other hosts.
    return iter(tuple(filter(fits, history.last_records(query, last))))


class _Position:
    """Up to which record of which file was shown; a file that is new begins from its first record."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.number = history.last_number()
        self._file = self._identity()

    def _identity(self) -> int | None:
        try:
            return self.history.path.stat().st_ino
        except OSError:
            return None

    def start(self) -> int:
        """Return after which record to go on."""
        present = self._identity()
        # The number of a file may come again; a last record before the one shown is of a new file.
        if present != self._file or self.history.last_number() < self.number:
            self._file, self.number = present, 0
        return self.number


def _follow(position: _Position, query: RecordQuery, fits: Callable[[Record], bool], printed: Print) -> None:
    """Print what comes, until nobody wants more; a history that cannot be read is waited for."""
    told: str | None = None
    while query.until is None or datetime.now(UTC) < query.until:
        try:
            for record in position.history.records(replace(query, after=position.start())):
                position.number = max(position.number, record.number)
                if fits(record):
                    printed(record)
            told = None
        except Problem as problem:
            if str(problem) != told:
                told = str(problem)
                note(f"waiting: {told}")
        sys.stdout.flush()
        time.sleep(_POLL_SECONDS)


def _json_line(record: Record) -> None:
    print_json_line(document_of(record))


def _print_all(found: Iterator[Record], history: History) -> bool:
    """Print the records, or what there are instead; returns whether any fitted."""
    printer = _Printer()
    for record in found:
        printer(record)
    if printer.day is None:
        span = history.span()
        if span is None:
            print("nothing has been recorded yet")
        else:
            first, last = (one.astimezone().strftime("%Y-%m-%d %H:%M %Z") for one in span)
            print(f"nothing fits; there are records from {first} to {last}")
    return printer.day is not None


class _Printer:
    """Prints records for a person, with a heading for each day."""

    def __init__(self) -> None:
        self.day: date | None = None
        self._lines: object = None  #: of Postfix, shown last
        self._zone = datetime.now().astimezone()
        self._is_seen = sys.stdout.isatty()
        self._print: Callable[[Line], None] = _coloured() if self._is_seen else _plain

    def __call__(self, record: Record) -> None:
        """Print one record."""
        local = record.time.astimezone(self._zone.tzinfo)
        if local.date() != self.day:
            self.day = local.date()
            self._print(
                (Piece(f"{local:%A, %Y-%m-%d} (times are {local:%Z}, UTC{local:%z})", "bold underline"),)
            )
        lines = record.document.get("lines")
        # A line that somebody searches for stands alone, without its heading.
        for line in record_lines(
            record, self._zone, with_lines=lines != self._lines, with_date=not self._is_seen
        ):
            self._print(line)
        self._lines = lines


def _plain(line: Line) -> None:
    print("".join(piece.text for piece in line).rstrip())


def _coloured() -> Callable[[Line], None]:
    # Costs 50 ms to import, so only where somebody looks.
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)

    def show(line: Line) -> None:
        text = Text.assemble(*((piece.text, piece.style) for piece in line))
        while len(text) > console.width > HANGING:
            place = text.plain.rfind(" ", HANGING + 1, console.width + 1)
            if place < 0:  # a word that is wider, and stays whole
                place = text.plain.find(" ", console.width)
            if place < 0:
                break
            first, text = text.divide([place])
            console.print(first)
            text = Text.assemble(" " * HANGING, text[1:])
        console.print(text)

    return show
