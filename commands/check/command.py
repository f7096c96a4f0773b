"""``domain-secure check``: the doctor; each finding with its cause, its proof and its fix."""

import argparse
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.commands.attach.held_lists import held_back
from domain_secure.commands.terminal.common import configuration_of, configuration_path, print_json
from domain_secure.commands.terminal.daemon_client import health
from domain_secure.commands.terminal.documents import add_json
from domain_secure.commands.terminal.listed import require_listed
from domain_secure.commands.terminal.plugin_output import State, add_nagios, judged, refuse_timeout
from domain_secure.commands.terminal.progress import progress
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import Domain, Entry, InvalidDomainError, parse_domain
from domain_secure.policy.terms.problems import ExitStatus, NoPermission, Problem
from domain_secure.postfix.attach.attachment import is_attached
from domain_secure.postfix.doctor.doctor import examine
from domain_secure.postfix.findings.findings import Examination, Finding, Severity, document_of
from domain_secure.postfix.instance.listings import remembering
from domain_secure.postfix.instance.programs import PostfixInstance

from .check_fix import fix
from .check_plugin import judge

_NARROWEST = 60


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``check``."""
    del command
    parser.add_argument(
        "domain",
        nargs="?",
        metavar="DOMAIN",
        help="follow the mail of this listed domain only, and probe its servers first",
    )
    form = parser.add_mutually_exclusive_group()
    add_json(form)
    add_nagios(parser, form)
    parser.add_argument(
        "--not-looked-at",
        choices=[state.name.lower() for state in State],
        metavar="STATE",
        help="with --nagios: what it is that something could not be looked at: ok, warning, critical or "
        "unknown (default: unknown)",
    )
    parser.add_argument(
        "--fix",
        action="store_true",
        help="mend what attach and generate own: show the difference, ask, apply it, and examine again",
    )
    parser.add_argument("--yes", action="store_true", help="with --fix: do not ask")
    parser.add_argument(
        "--if-attached",
        action="store_true",
        help="look at nothing, and say so, where Postfix is not attached; for the timer",
    )
    parser.set_defaults(run=check)


@remembering()
def check(arguments: argparse.Namespace) -> ExitStatus:
    """Print the findings; 1 when one is an error, 2 when the configuration is wrong or may not be read."""
    if arguments.fix and arguments.json:
        raise Problem("a person is shown what --fix does", "--fix --json", "give one of them at most")
    if arguments.if_attached and arguments.json:
        raise Problem(
            "a document tells what was looked at", "--if-attached --json", "give one of them at most"
        )
    refuse_timeout(arguments)
    if arguments.nagios:
        return _as_plugin(arguments)
    if arguments.not_looked_at is not None:
        raise Problem("it is about --nagios", "--not-looked-at", "add --nagios, or leave it out")
    if arguments.yes and not arguments.fix:
        raise Problem("there is nothing to agree to", "--yes", "add --fix, or leave --yes out")
    try:
        configuration = configuration_of(arguments)
    except NoPermission as problem:
        why = f"{problem.where}: {problem.what}"
        finding = Finding.not_looked_at("our configuration, and all that follows from it", why, problem.fix)
        show(Examination((finding,)), json=arguments.json)
        return problem.status
    except Problem as problem:
        finding = Finding.error("configuration", problem.what, problem.where, problem.fix)
        show(Examination((finding,)), json=arguments.json)
        return problem.status
    only = _listed(arguments.domain, configuration)
    if arguments.if_attached and not is_attached(
        configuration, PostfixInstance(configuration.config_directory)
    ):
        print(f"not attached, so nothing was looked at: {configuration.config_directory}")
        return ExitStatus.DONE
    if arguments.fix:
        fix(configuration, PostfixInstance(configuration.config_directory), agreed=arguments.yes)
    examination = (
        examination_of(configuration)
        if only is None
        else _examination_of_one(configuration_path(arguments), configuration, only)
    )
    show(examination, json=arguments.json)
    return ExitStatus.DIFFERENCE if examination.has_errors else ExitStatus.DONE


def _as_plugin(arguments: argparse.Namespace) -> ExitStatus:
    if arguments.fix or arguments.if_attached or arguments.yes:
        raise Problem("a plugin looks at all and changes nothing", "--nagios", "give no other option")
    not_looked_at = State[(arguments.not_looked_at or State.UNKNOWN.name).upper()]
    command = ["check", *([arguments.domain] if arguments.domain else [])]
    path = configuration_path(arguments)
    return judged(path, command, arguments.timeout, lambda document: judge(document, not_looked_at))


def _examination_of_one(path: Path, configuration: Configuration, only: Domain) -> Examination:
    # What knows TLS takes its time to load, and the timer has no need of it.
    from .probed import probed_at  # noqa: PLC0415

    now = datetime.now(UTC)
    unseen = tuple(probed_at(path, configuration, only, now))
    # Without an answer what was seen before is all there is.
    return examination_of(configuration, only, None if unseen else now).with_findings(unseen)


def examination_of(
    configuration: Configuration, only: Domain | None = None, probed: datetime | None = None
) -> Examination:
    """Examine Postfix, our files and the daemon, and return what was found; raises nothing of its own.

    About *only* one listed domain when given, whose servers were *probed* then.
    """
    instance = PostfixInstance(configuration.config_directory)
    with progress() as report:

        def tell(what: str) -> None:
            if report is not None:
                report(f"examining {what}", None, 0)

        examination = examine(configuration, instance, datetime.now(UTC), only, tell, probed)
    examination = examination.with_findings(_vanished(configuration))
    if configuration.receive:
        examination = examination.with_findings(_daemon(configuration))
    return examination


def _vanished(configuration: Configuration) -> Iterator[Finding]:
    try:
        for held in held_back(configuration):
            yield Finding.error("list-vanished", held.what, held.where, held.fix)
    except Problem as problem:
        what = "whether entries have vanished from the lists"
        yield Finding.not_looked_at(what, f"{problem.where}: {problem.what}", problem.fix)


def _listed(text: str | None, configuration: Configuration) -> Domain | None:
    """Return the domain the person named; raises Problem unless it is on a list."""
    if text is None:
        return None
    try:
        domain = parse_domain(text)
    except InvalidDomainError as error:
        raise Problem(str(error), "DOMAIN", "name a domain, such as woodgrovebank.test") from error
    require_listed(configuration, Entry(domain), f"check {text}")
    return domain


def _daemon(configuration: Configuration) -> list[Finding]:
    host, port = configuration.metrics_listen
    url = f"http://{host}:{port}/healthz"
    try:
        answer = health(configuration.metrics_listen, configuration.metrics_access)
    except NoPermission as problem:
        return [
            Finding.not_looked_at("what the daemon says", f"{problem.where}: {problem.what}", problem.fix)
        ]
    except Problem as problem:
        return [Finding.error("daemon-silent", problem.what, url, problem.fix)]
    except ValueError:
        fix = "set [metrics] listen to an address that nobody else uses"
        return [Finding.error("daemon-silent", "somebody else answers in the daemon's place", url, fix)]
    findings = []
    for name, part in (answer.get("parts") or {}).items():
        # The others have findings of their own.
        if not part["ok"] and name not in {"configuration", "selfproof", "log"}:
            findings.append(
                Finding.error(
                    "daemon-unhealthy",
                    f"a part of the daemon does not work: {name}",
                    f"{url}: {part['reason']}",
                    "mend what it says, and read the daemon's log; it goes on by itself then",
                )
            )
    if problem_text := (answer.get("configuration") or {}).get("problem"):
        findings.append(
            Finding.error(
                "configuration-not-applied",
                "the daemon did not accept the configuration and goes on with the former one",
                f"{url}: {problem_text}",
                "mend the configuration; the daemon reads it again by itself",
            )
        )
    findings += _sessions(answer.get("sessions") or {}, configuration, url)
    is_well = ((answer.get("parts") or {}).get("selfproof") or {}).get("ok", True)
    findings += _self_proof(answer.get("self_proof") or {}, url, is_well=is_well)
    return findings


def _sessions(answer: Mapping[str, Any], configuration: Configuration, url: str) -> Iterator[Finding]:
    """Yield a finding where Postfix may hold more sessions than the daemon; other services count, too."""
    try:
        processes = PostfixInstance(configuration.config_directory).parameter("default_process_limit")
    except Problem:
        return  # that Postfix cannot be asked is a finding of its own
    limit = answer.get("limit")
    if limit is not None and processes.isdecimal() and int(processes) > limit:
        yield Finding.warning(
            "too-few-sessions",
            f"Postfix may hold {processes} sessions, of which the daemon takes {limit}: the others get 451",
            f"default_process_limit = {processes}; {url}: sessions: limit {limit}",
            "raise LimitNOFILE= of the unit, or lower default_process_limit",
        )


def _self_proof(answer: Mapping[str, Any], url: str, *, is_well: bool) -> Iterator[Finding]:
    proof = f"{url}: self_proof: {answer.get('detail')}"
    if answer.get("standing") == "failed":
        yield Finding.error(
            "self-proof-failed",
            "canary messages on our own port 25 are not judged as they should be",
            proof,
            "run domain-secure attach, and mend what else this examination names",
        )
    elif not is_well:
        # One that a change has just made old is tried again, and is no finding.
        yield Finding.warning(
            "self-proof-stale",
            "our own port 25 was not tried for longer than it should be, so that nothing is proved of it",
            proof,
            "read the daemon's log, and restart it: `systemctl restart domain-secure`",
        )
    elif answer.get("standing") == "unknown":
        yield Finding.note(
            "self-proof-unknown",
            "our own port 25 could not be tested by canary messages",
            proof,
            "let Postfix take mail for postmaster from canary.invalid on it, or set enabled = false under "
            "[selfproof]",
        )


def show(examination: Examination, *, json: bool) -> None:
    """Print what was found, for people or as one JSON document."""
    if json:
        print_json(_document(examination))
        return
    for lookup in examination.lookups:
        _print("", f"{lookup.domain} goes to {lookup.nexthop} by {lookup.transport}")
        _print("    route: ", lookup.route)
        _print("    TLS:   ", lookup.policy)
    for finding in examination.findings:
        _print(f"{_told(finding.severity)}: ", f"{finding.what} [{finding.word}]")
        _print("    found: ", finding.proof)
        _print("    fix:   ", finding.fix)
    print(", ".join(_counts(examination)) or "no findings, and nothing was left out")


def _print(label: str, text: str) -> None:
    """Print a line: on a terminal folded to its width under itself, elsewhere whole, for other programs."""
    indent = " " * (4 if not label.startswith(" ") else len(label))
    if not sys.stdout.isatty():
        print(label + text)
        return
    width = max(_NARROWEST, shutil.get_terminal_size().columns)
    for line in textwrap.wrap(
        label + text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ):
        print(line)


def _told(severity: Severity) -> str:
    return severity.replace("-", " ")


def _counts(examination: Examination) -> Iterator[str]:
    for severity in Severity:
        if number := examination.count(severity):
            is_counted = number != 1 and severity is not Severity.NOT_LOOKED_AT
            yield f"{number} {_told(severity)}{'s' * is_counted}"


def _document(examination: Examination) -> dict[str, Any]:
    return {
        "findings": [document_of(finding) for finding in examination.findings],
        "lookups": [asdict(lookup) for lookup in examination.lookups],
        "counts": {severity.value: examination.count(severity) for severity in Severity},
        "not_looked_at": [
            {"what": one.what, "why": f"{one.proof}: {one.fix}"} for one in examination.not_looked_at
        ],
    }
