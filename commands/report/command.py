"""``domain-secure report``: what became of the mail with each partner, for those who account for it."""

import argparse
import platform
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from domain_secure.commands.terminal.common import configuration_of, print_json
from domain_secure.commands.terminal.documents import text_of, whole
from domain_secure.policy.editing.editing import parse_entries
from domain_secure.policy.files import atomic_file
from domain_secure.policy.history.history import History, HourlyCount, Latest
from domain_secure.policy.history.partner_report import Material, Report, report_of
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.time_words import MOMENT_HELP, parse_moment

_FORMATS = ("text", "html", "csv", "json")
_MODE = 0o640  #: it tells who writes to whom


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``report``."""
    del command
    parser.description = (
        f"WHEN is {MOMENT_HELP}. Hours are counted whole, and days are those of the local zone."
    )
    parser.add_argument("--since", default="7d", metavar="WHEN", help="from then on (default: %(default)s)")
    parser.add_argument("--until", metavar="WHEN", help="up to then (default: now)")
    parser.add_argument("--domain", metavar="D", help="one partner alone, as it is listed")
    parser.add_argument("--format", choices=_FORMATS, default="text", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="the same as --format json")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write it there instead of printing it")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitStatus:
    """Print the report, or write it to a file."""
    configuration = configuration_of(arguments)
    now = datetime.now().astimezone()
    since = _moment(arguments.since, "--since", now).replace(minute=0, second=0, microsecond=0)
    until = _moment(arguments.until, "--until", now) if arguments.until else now
    if since >= until:
        raise Problem("the period ends before it begins", "--since, --until", "give an earlier --since")
    entry = next(iter(parse_entries([arguments.domain]))) if arguments.domain else None
    history = History(configuration.state)
    counts = history.hourly(since, until, entry)
    material = Material(
        counts, history.sightings(since, entry), _latest(history, entry), _kept_since(history, since)
    )
    report = replace(
        report_of(material, since, until, now, platform.node()), distrusted=configuration.trust.distrusted
    )
    if arguments.json and arguments.out is None:
        from .report_plain import report_document  # noqa: PLC0415

        print_json(report_document(report))
        return ExitStatus.DONE
    _write(_formatted(report, counts, "json" if arguments.json else arguments.format), arguments.out)
    return ExitStatus.DONE


def _latest(history: History, entry: Entry | None) -> tuple[Latest, ...]:
    return tuple(one for one in history.latest() if entry is None or one.entry == entry)


def _kept_since(history: History, since: datetime) -> datetime | None:
    first = history.first_hour()
    return first if first is not None and first > since else None


def _formatted(report: Report, counts: tuple[HourlyCount, ...], form: str) -> str:
    # Each form comes with what it needs, so that none waits for another's.
    if form == "html":
        from .report_html import html_report  # noqa: PLC0415

        return html_report(report)
    from .report_plain import csv_report, report_document, text_report  # noqa: PLC0415

    if form == "csv":
        return csv_report(report, counts)
    if form == "json":
        return text_of(whole("report", report_document(report)), sys.stdout) + "\n"
    return text_report(report)


def _write(text: str, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(text)
        return
    try:
        atomic_file.replace(out, text.encode(), default_mode=_MODE)
    except OSError as error:
        raise Problem(
            f"cannot write the report ({error.strerror})",
            str(out),
            "name a file in a folder that you may write to",
        ) from error
    print(f"written: {out}")


def _moment(text: str, option: str, now: datetime) -> datetime:
    try:
        return parse_moment(text, now)
    except ValueError as error:
        raise Problem(str(error), option, "correct the time") from error
