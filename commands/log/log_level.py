"""``domain-secure log receive|send``: how much the protocol log says, for good or for a while."""

import argparse
from datetime import UTC, datetime, timedelta

from domain_secure.commands.terminal.common import already_so, configuration_path, note, print_json
from domain_secure.commands.terminal.listed import meant
from domain_secure.policy.configuration.configuration import Configuration, LogLevel
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.editing.draft import open_draft
from domain_secure.policy.editing.editing import parse_entries
from domain_secure.policy.record.log_levels import (
    TemporaryLevel,
    configured_levels,
    set_temporary_levels,
    temporary_levels,
    without,
)
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.time_words import parse_span
from domain_secure.policy.toml import toml_edit

from .log_level_document import levels_document, told

_LONGEST = timedelta(days=30)
_SECTION = "log"


def run_level(arguments: argparse.Namespace) -> ExitStatus:
    """Set the level of one direction, where one is given, and print what holds then."""
    configuration = load(configuration_path(arguments))
    if arguments.level is None and arguments.span is not None:
        raise Problem("no level is named", "--for", f"write {' or '.join(LogLevel)} before it")
    former = None
    if arguments.level is not None:
        former = levels_document(configuration)[arguments.direction]
        _set(arguments, configuration)
        configuration = load(configuration_path(arguments))
    document = levels_document(configuration)[arguments.direction]
    if own := _of_services(arguments, configuration):
        note(f"services with a level of their own, which this does not change: {own}")
    if arguments.json:
        print_json(document)
    elif document == former:
        already_so(f"{arguments.direction}: {told(document)}")
    else:
        print(f"{arguments.direction}: {told(document)}")
    return ExitStatus.DONE


def _of_services(arguments: argparse.Namespace, configuration: Configuration) -> str:
    """Return the levels of single services, which go before that of mail that comes in."""
    if Direction(arguments.direction) is not Direction.RECEIVE:
        return ""
    return ", ".join(f"{service}={level}" for service, level in configuration.log_services.items())


def _set(arguments: argparse.Namespace, configuration: Configuration) -> None:
    direction, level = Direction(arguments.direction), LogLevel(arguments.level)
    entries = parse_entries(arguments.domains) if arguments.domains else ()
    listed = configuration.receive if direction is Direction.RECEIVE else configuration.send
    for entry in entries:
        if entry not in listed and not arguments.force:
            raise Problem(
                f"{entry} is not on the {direction} list{meant(entry, (listed,))}",
                f"log {direction}",
                "name an entry as it is listed, or give --force if it is meant",
                ExitStatus.DIFFERENCE,
            )
    now = datetime.now(UTC)
    state = configuration.state
    if arguments.span is not None:
        until = now + _span(arguments.span)
        kept = without(temporary_levels(state), direction, entries)
        set_temporary_levels(state, (*kept, TemporaryLevel(direction, level, tuple(entries), until)), now)
    elif not entries:
        _configure(arguments, direction, level, configuration)
        set_temporary_levels(state, without(temporary_levels(state), direction, ()), now)
    elif level is configured_levels(configuration)[direction]:
        set_temporary_levels(state, without(temporary_levels(state), direction, entries), now)
    else:
        raise Problem(
            "a level for some partners alone holds for a while",
            f"log {direction} {level} {' '.join(entries)}",
            "say for how long, for example --for 1h",
        )


def _span(text: str) -> timedelta:
    try:
        span = parse_span(text)
    except ValueError as error:
        raise Problem(str(error), "--for", "write for example --for 1h") from error
    if span > _LONGEST:
        raise Problem(
            f"{text} is longer than {_LONGEST.days} days", "--for", "set the level without --for, for good"
        )
    return span


def _configure(
    arguments: argparse.Namespace, direction: Direction, level: LogLevel, configuration: Configuration
) -> None:
    if configured_levels(configuration)[direction] is level:
        return
    with open_draft(configuration_path(arguments)) as draft:
        draft.edit(lambda text: toml_edit.set_value(text, (_SECTION, direction), str(level)))
        draft.write(lambda new: configured_levels(new)[direction] is level)
