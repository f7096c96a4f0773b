"""``domain-secure attach`` and ``detach``: connect Postfix to the daemon and the tables, and undo it."""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from difflib import diff_bytes, unified_diff
from pathlib import Path
from typing import Any

from domain_secure.commands.in_force.in_force import forget_former
from domain_secure.commands.terminal.common import (
    ALREADY_SO,
    add_to_document,
    already_so,
    configuration_of,
    note,
)
from domain_secure.commands.terminal.progress import progress
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.attach import attach_record
from domain_secure.postfix.attach.attach_execution import Outcome, execute
from domain_secure.postfix.attach.attachment import Plan, Request, plan_attach, plan_detach
from domain_secure.postfix.attach.client_certificates import Asleep
from domain_secure.postfix.attach.contents import MAIN
from domain_secure.postfix.doctor.doctor import examine_routes
from domain_secure.postfix.findings.findings import Severity, document_of
from domain_secure.postfix.instance import socket_folder
from domain_secure.postfix.instance.endpoints import SOCKET_FOLDER, Address, milter_listener, policy_listener
from domain_secure.postfix.instance.listings import remembering
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.mail_checks.log_checks import check_log
from domain_secure.postfix.tables.publish import publish
from domain_secure.postfix.tables.tables import map_type

from .held_lists import keep_in_force, refuse_vanished
from .service_units import adapt
from .taking_out import locked, refuse_other, take_out


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``attach`` or ``detach``."""
    parser.add_argument(
        "--config-dir",
        type=Path,
        metavar="DIR",
        help="Postfix's configuration directory (default: [postfix] config_directory)",
    )
    parser.add_argument("--dry-run", action="store_true", help="print the difference and change nothing")
    parser.add_argument(
        "--check",
        action="store_true",
        help="the same, with exit status 1 where there is a difference; for who watches the files",
    )
    parser.add_argument("--no-send", action="store_true", help="leave sending as it is")
    parser.add_argument("--no-receive", action="store_true", help="leave receiving as it is")
    if command == "attach":
        parser.add_argument(
            "--service",
            action="append",
            default=[],
            metavar="NAME/TYPE",
            help="the smtpd service of master.cf to attach to; may be repeated "
            "(default: those attached already, else smtp/inet, or smtpd/pass behind postscreen)",
        )
    else:
        parser.add_argument(
            "--all",
            action="store_true",
            help="every configuration directory that was attached, for who takes the product away",
        )
    parser.set_defaults(run=attach if command == "attach" else detach)


@remembering()
def attach(arguments: argparse.Namespace) -> ExitStatus:
    """Add to Postfix's configuration what is missing or outdated."""
    configuration, instance = _place(arguments)
    request = _request(arguments, arguments.service)
    if arguments.dry_run or arguments.check:
        plan = plan_attach(configuration, instance, request)
        add_to_document(_place_document(instance, plan.changes))
        print_plan(plan)
        if not plan.changes:
            already_so(f"attached: nothing to do in {instance.config_directory}")
        return ExitStatus.DIFFERENCE if arguments.check and plan.changes else ExitStatus.DONE
    for line in apply_attach(configuration, instance, request):
        print(line)
    if arguments.config_dir is None:  # else it is not the one that the units' daemon asks about
        for line in adapt(configuration, instance):
            print(line)
    if not request.send:
        return ExitStatus.DONE
    _warn_of_log(configuration, instance)
    return say_where_mail_goes(configuration, instance)


def say_where_mail_goes(configuration: Configuration, instance: PostfixInstance) -> ExitStatus:
    """Ask Postfix where it sends mail for the send list now, and print what it answers."""
    listed = len(configuration.send)
    if not listed:
        print("sending: no domain is listed")
        return ExitStatus.DONE
    with progress() as report:

        def tell(what: str) -> None:
            if report is not None:
                report(f"asking Postfix about {what}", None, 0)

        examination = examine_routes(configuration, instance, tell)
    for finding in examination.findings:
        unseen = "not looked at: " if finding.severity is Severity.NOT_LOOKED_AT else ""
        note(f"{unseen}{finding.what} [{finding.word}]: {finding.proof}: {finding.fix}")
    add_to_document({"findings": [document_of(one) for one in examination.findings]})
    if not examination.findings:
        domains = "the one listed domain" if listed == 1 else f"{listed} listed domains"
        print(f"sending: Postfix was asked: mail for {domains} leaves over verified TLS only")
    return ExitStatus.DIFFERENCE if examination.has_errors else ExitStatus.DONE


def _warn_of_log(configuration: Configuration, instance: PostfixInstance) -> None:
    """Say at once what would keep the counters of outbound mail at zero."""
    with suppress(PermissionError, Problem):
        for finding in check_log(configuration, instance):
            if finding.word in {"log-unreadable", "log-unknown", "log-not-understood"}:
                note(f"{finding.what}: {finding.fix}")


def apply_attach(
    configuration: Configuration, instance: PostfixInstance, request: Request, shown: Plan | None = None
) -> Iterator[str]:
    """Attach, and yield what was done; raises Problem, also when that is not what was *shown* any more."""
    with locked(instance):
        plan = plan_attach(configuration, instance, request)
        refuse_other(plan, shown)
        if plan.inbound is not None and _has_own_folder(configuration, instance):
            socket_folder.create(instance)
        if plan.outbound is not None:
            refuse_vanished(configuration)
            # A table that is named and not there defers all mail.
            with progress() as report:
                publish(configuration, instance, report, map_type(instance), lambda: _newest(configuration))
            keep_in_force(configuration)
        outcome = execute(plan, instance)
    add_to_document(
        _place_document(instance, outcome.changed, reloaded=outcome.reloaded)
        | {"services": list(plan.inbound.options) if plan.inbound is not None else []}
    )
    if plan.outbound is not None:
        forget_former(configuration, instance)
    yield from _attached(plan, outcome)
    if plan.inbound is not None and not _daemon_listens(configuration, instance):
        note("the daemon does not run, and all mail is deferred until it does: systemctl start domain-secure")


def _newest(configuration: Configuration) -> Configuration:
    return replace(load(configuration.path), config_directory=configuration.config_directory)


@remembering()
def detach(arguments: argparse.Namespace) -> ExitStatus:
    """Take everything of ours out of Postfix's configuration again."""
    if arguments.all and arguments.config_dir is not None:
        raise Problem("all directories are named, and one", "--all --config-dir", "give one of them")
    places = _every_place(arguments) if arguments.all else (_place(arguments),)
    done = []
    if arguments.dry_run or arguments.check:
        done = [_would_detach(arguments, *place) for place in places]
        add_to_document({"places": done})
        differs = any(one["changed"] for one in done)
        return ExitStatus.DIFFERENCE if arguments.check and differs else ExitStatus.DONE
    for configuration, instance in places:
        done.append(_detach(arguments, configuration, instance))
        add_to_document({"places": done})
    return ExitStatus.DONE


def _would_detach(
    arguments: argparse.Namespace, configuration: Configuration, instance: PostfixInstance
) -> dict[str, Any]:
    """Print what detach would change, and return what the document says of it."""
    request = _request(arguments, ())
    plan = plan_detach(configuration, instance, request)
    print_plan(plan)
    if plan.changes:
        warn_of_sending(configuration, request)
    else:
        already_so(f"not attached: nothing to do in {instance.config_directory}")
    return _place_document(instance, plan.changes)


def _detach(
    arguments: argparse.Namespace, configuration: Configuration, instance: PostfixInstance
) -> dict[str, Any]:
    """Detach one directory; return what the document says of it."""
    request = _request(arguments, ())
    is_whole = request.receive and request.send and arguments.config_dir is None
    outcome, adapted = take_out(configuration, instance, request, with_units=is_whole)
    if not outcome.changed:
        already_so(f"not attached: nothing to do in {instance.config_directory}")
        return _place_document(instance, ())
    for name in outcome.changed:
        print(f"changed {instance.config_directory / name}")
    print(reloaded(outcome))
    for line in adapted:
        print(line)
    warn_of_sending(configuration, request)
    return _place_document(instance, outcome.changed, reloaded=outcome.reloaded)


def _place_document(
    instance: PostfixInstance, changed: Iterable[str], *, reloaded: bool = False
) -> dict[str, Any]:
    """Return what the document says of a directory of which these files were changed, or would be."""
    directory = instance.config_directory
    return {
        "config_directory": str(directory),
        "changed": [str(directory / name) for name in changed],
        "reloaded": reloaded,
    }


def warn_of_sending(configuration: Configuration, request: Request) -> None:
    """Say what becomes of mail to the send list without the half for sending."""
    if request.send and configuration.send:
        note(
            "without it mail to the send list, also what waits in the queue, leaves as other mail does: "
            "perhaps unencrypted. `postsuper -h ALL deferred`, before, holds what waits"
        )


def _place(arguments: argparse.Namespace) -> tuple[Configuration, PostfixInstance]:
    configuration = configuration_of(arguments)
    if arguments.config_dir is not None:
        configuration = replace(configuration, config_directory=arguments.config_dir)
    return configuration, PostfixInstance(configuration.config_directory)


def _every_place(arguments: argparse.Namespace) -> Iterator[tuple[Configuration, PostfixInstance]]:
    """Yield the directory that is configured and those that attach recorded, as far as they are there."""
    configuration = configuration_of(arguments)
    recorded = attach_record.directories(configuration.state)
    for directory in dict.fromkeys(map(os.path.realpath, (configuration.config_directory, *recorded))):
        if Path(directory, MAIN).exists():
            there = replace(configuration, config_directory=Path(directory))
            yield there, PostfixInstance(there.config_directory)


def _request(arguments: argparse.Namespace, services: tuple[str, ...]) -> Request:
    if arguments.no_send and arguments.no_receive:
        raise Problem("nothing is left to be done", "--no-send --no-receive", "give one of them at most")
    if services and arguments.no_receive:
        raise Problem("a service is about receiving", "--service --no-receive", "give one of them at most")
    return Request(tuple(services), receive=not arguments.no_receive, send=not arguments.no_send)


def print_plan(plan: Plan) -> None:
    """Print the difference between both files as they are and as they are to be."""
    for name in plan.changes:
        path = str(plan.config_directory / name).encode(errors="surrogateescape")
        before, after = (content[name].splitlines(keepends=True) for content in (plan.current, plan.after))
        sys.stdout.flush()
        for line in diff_bytes(unified_diff, before, after, path, path):
            sys.stdout.buffer.write(
                line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"
            )
        sys.stdout.buffer.flush()


def _attached(plan: Plan, outcome: Outcome) -> Iterator[str]:
    if not outcome.changed:
        yield f"{ALREADY_SO}: attached: nothing to do in {plan.config_directory}"
        return
    if plan.inbound is not None:
        for key in plan.inbound.options:
            yield f"receiving: {key} asks for client certificates, and asks the daemon"
            yield from _asleep(key, plan.inbound.asleep[key])
        if unmarked := plan.inbound.unmarked.options:
            yield f"receiving: marks are taken off what comes in by {', '.join(unmarked)}"
    if plan.outbound is not None:
        yield "sending: listed domains get a transport of their own"
    for name in outcome.changed:
        yield f"changed {plan.config_directory / name}"
    yield reloaded(outcome)


def _asleep(key: str, asleep: Asleep) -> Iterator[str]:
    """Yield what acts on client certificates and is kept from it, and what may act and cannot be seen."""
    for name, found in asleep.slept.items():
        yield (
            f"receiving: {key} goes on without {', '.join(found)} in {name}: "
            "no certificate was asked for so far, and nobody is let in by one now"
        )
    if asleep.unseen:
        yield (
            f"not looked at: what these do with the client certificates that {key} asks for from now on: "
            + ", ".join(asleep.unseen)
        )


def reloaded(outcome: Outcome) -> str:
    """Return whether Postfix goes by what was changed, in words."""
    return "Postfix reads the new configuration" if outcome.reloaded else "Postfix does not run"


def _listeners(configuration: Configuration, instance: PostfixInstance) -> tuple[Address, Address]:
    queue = instance.queue_directory
    return milter_listener(configuration, queue), policy_listener(configuration, queue)


def _has_own_folder(configuration: Configuration, instance: PostfixInstance) -> bool:
    folder = instance.queue_directory / SOCKET_FOLDER
    listeners = _listeners(configuration, instance)
    return any(address.path is not None and address.path.parent == folder for address in listeners)


def _daemon_listens(configuration: Configuration, instance: PostfixInstance) -> bool:
    return all(map(socket_folder.is_listening, _listeners(configuration, instance)))
