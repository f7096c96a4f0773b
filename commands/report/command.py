"""``domain-secure report``: what became of the mail with each partner, for those who account for it."""

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from domain_secure.commands.terminal.common import configuration_of, note, print_json
from domain_secure.commands.terminal.documents import text_of, whole
from domain_secure.commands.terminal.listed import require_listed
from domain_secure.policy.bypass.bypass import within
from domain_secure.policy.bypass.bypass_file import BypassFile
from domain_secure.policy.editing.editing import parse_entries
from domain_secure.policy.files import atomic_file
from domain_secure.policy.history.history import History, HourlyCount
from domain_secure.policy.history.partner_report import Report, report_of
from domain_secure.policy.history.period import material_of, whole_hours
from domain_secure.policy.history.report_chain import BLANK, JSON, Entry, ReportChain, body_of, content_of
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.time_words import MOMENT_HELP, parse_moment

from .report_plain import csv_report, report_document, text_report

_FORMATS = ("text", "html", "csv", JSON)
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
    parser.add_argument(
        "--verify",
        type=Path,
        metavar="FILE",
        help="tell whether a report that was made on this edge was changed since",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitStatus:
    """Print the report, or write it to a file."""
    if arguments.verify is not None:
        from .verification import verify  # noqa: PLC0415

        return verify(arguments)
    configuration = configuration_of(arguments)
    now = datetime.now().astimezone()
    since = _moment(arguments.since, "--since", now)
    until = _moment(arguments.until, "--until", now) if arguments.until else now
    if since >= until:
        raise Problem("the period ends before it begins", "--since, --until", "give an earlier --since")
    since, until = whole_hours(since, until, now)
    if since >= until:
        raise Problem("the period is still to come", "--since", "give an earlier --since")
    entry = next(iter(parse_entries([arguments.domain]))) if arguments.domain else None
    material = material_of(History(configuration.state), since, until, entry)
    if entry is not None and not material.counts:
        require_listed(configuration, entry, "report --domain")
    report = replace(
        report_of(material, since, until, now, platform.node()),
        distrusted=configuration.trust.distrusted,
        bypasses=within(BypassFile(configuration.state).ever(), since, until, entry),
    )
    form = JSON if arguments.json else arguments.format
    text = _chained(report, material.counts, form, ReportChain(configuration.state))
    if arguments.json and arguments.out is None:
        print_json({key: value for key, value in json.loads(text).items() if key not in whole("", {})})
    else:
        _write(text, arguments.out)
    return ExitStatus.DONE


def _chained(report: Report, counts: Sequence[HourlyCount], form: str, chain: ReportChain) -> str:
    """Return the report in one form, with its place in the chain, which has it then.

    A chain that cannot be written makes the report none the worse, and is told.
    """
    try:
        with chain.next_place() as end:
            placed = replace(report, place=end.place)
            document, text = report_document(placed), _formatted(placed, counts, form)
            entry = Entry(
                end.place.number,
                end.place.previous,
                document["made"],
                report.host,
                document["since"],
                document["until"],
                form,
                sorted(document) if form == JSON else (),
                content_of(document),
                body_of(text.encode(), form, sorted(document)),
            )
            end.add(entry)
    except Problem as problem:
        note(f"not in the chain of reports: {problem}")
        return _formatted(report, counts, form)
    # A stranger's words may hold what looks like it; ours stands at the end.
    before, blank, after = text.rpartition(BLANK)
    return before + (entry.digest if blank else "") + after


def _formatted(report: Report, counts: Sequence[HourlyCount], form: str) -> str:
    if form == "html":
        # Comes with what the others need not wait for.
        from .report_html import html_report  # noqa: PLC0415

        return html_report(report)
    if form == "csv":
        return csv_report(report, counts)
    if form == JSON:
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
