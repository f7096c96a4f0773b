"""``domain-secure partner bypass``: begin, extend, end and list.

Owns: the words.  What may be begun is ``policy/bypass``'s part, the end ``keeper``'s.
"""

import argparse
import logging
import tomllib
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.commands.terminal.common import (
    add_to_document,
    already_so,
    belongs_to_fleet,
    configuration_of,
    configuration_path,
    note,
    print_json,
    print_table,
)
from domain_secure.commands.terminal.listed import covering, not_listed, quoted
from domain_secure.policy.bypass.bypass import Bypass, Wish, begun, counted, ended
from domain_secure.policy.bypass.bypass_file import BypassFile, reading
from domain_secure.policy.bypass.words import in_words
from domain_secure.policy.configuration.configuration import Configuration, Mode
from domain_secure.policy.configuration.reading import state_folder
from domain_secure.policy.editing.editing import ListName, parse_entries
from domain_secure.policy.editing.person import who
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.time_words import SPAN_HELP, parse_span

from .bypass_document import bypasses_document, document_of, recent

_BOTH = "both"


def add_parser(actions: Any) -> None:
    """Declare ``bypass`` among the actions of ``partner``."""
    parser = actions.add_parser(
        "bypass",
        help="let mail with a partner through unproved, for some hours",
        description="Lets mail with a partner through unproved, 24 h in total at most, on this machine. It "
        "ends by itself, also while the daemon is down. What it lets in is marked as failed, not as passed. "
        "Without --for and --end it lists those in force and those of the last 30 days.",
    )
    parser.add_argument("domain", nargs="?", metavar="DOMAIN", help="the partner, as on the list")
    parser.add_argument(
        "--for", dest="duration", metavar="TIME", help=f"from now on: {SPAN_HELP}; 24h at most"
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; it is kept, logged and reported")
    parser.add_argument(
        "--direction",
        choices=(*Direction, _BOTH),
        help="mail that comes in, mail that goes out, or both (default: both)",
    )
    parser.add_argument("--again", action="store_true", help="although the last one was over within 24 h")
    parser.add_argument("--end", action="store_true", help="end it now")
    parser.add_argument("--keep", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitStatus:
    """Begin, extend, end, or list."""
    if arguments.keep:
        return _keep(arguments)
    configuration = configuration_of(arguments)
    entry = next(iter(parse_entries([arguments.domain]))) if arguments.domain else None
    wished = arguments.duration or arguments.end
    if wished and entry is None:
        raise Problem("no partner is named", "partner bypass", "write the domain as it is on the list")
    if arguments.duration and arguments.end:
        raise Problem("it is to begin and to end", "--for, --end", "give one of them")
    if (arguments.reason or arguments.direction or arguments.again) and not arguments.duration:
        raise Problem("no time is given", f"partner bypass {arguments.domain or ''}".strip(), "add --for 4h")
    if entry is not None and arguments.end:
        return _end(arguments, configuration, entry)
    if entry is not None and arguments.duration:
        return _begin(arguments, configuration, entry)
    return _list(arguments, configuration, entry)


def _keep(arguments: argparse.Namespace) -> ExitStatus:
    """Be the process that waits for the end."""
    # Nobody else has to wait for what knows Postfix.
    from domain_secure.milter.record.journal import log_handler  # noqa: PLC0415

    from .keeper import keep  # noqa: PLC0415

    logger = logging.getLogger("domain_secure")
    logger.addHandler(log_handler())
    logger.setLevel(logging.INFO)
    path = configuration_path(arguments)
    keep(path, _state(path))
    return ExitStatus.DONE


def _state(path: Path) -> Path:
    """Return the state folder that a configuration names, be it faulty elsewhere."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        document = {}
    return state_folder(document, path)


def _begin(arguments: argparse.Namespace, configuration: Configuration, entry: Entry) -> ExitStatus:
    try:
        duration = parse_span(arguments.duration)
    except ValueError as error:
        raise Problem(str(error), "--for", "write for example 4h") from error
    asked = _directions(configuration, entry, arguments.direction)
    path, files = configuration_path(arguments), BypassFile(configuration.state)
    wish = Wish(entry, asked, duration, who(), arguments.reason, arguments.again)
    _end_over(path, configuration)
    with files.edited() as edit:
        now = reading()
        former = files.present()
        wanted = begun(wish, former, files.former(), files.account(), now)
        new = wanted[-1]
        _check_tables(configuration, wanted)
        edit.put(wanted)
    _ensure(path, configuration, files, former)
    number = counted(entry, files.ever(), datetime.now(UTC))
    document = document_of(new) | {"in_30_days": number}
    add_to_document(document)
    print(f"{entry}: {in_words(document)}")
    print(f"{entry}: bypass {number} in 30 days")
    _tell_limits(path, configuration, new)
    return _bring_in_force(path, entry, new)


def _directions(configuration: Configuration, entry: Entry, word: str | None) -> tuple[Direction, ...]:
    """Return the directions that are meant; nothing where it is not said and those of before are meant.

    Raises Problem where the list of a direction does not have the entry.
    """
    on = [one for one in Direction if entry in ListName(one).of(configuration)]
    if not on:
        for name in ListName:
            if (above := covering(name.of(configuration), entry)) is not None:
                raise Problem(
                    f"{entry} is listed as {above}, and a bypass is for what stands on a list",
                    f"partner bypass {entry}",
                    f"write {quoted(above)}, which lets all of it through, or list {entry} itself first",
                    ExitStatus.DIFFERENCE,
                )
        raise not_listed(configuration, entry, f"partner bypass {entry}")
    if word is None:
        present = {one.entry for one in BypassFile(configuration.state).in_force()}
        return () if entry in present else tuple(on)
    meant = tuple(Direction) if word == _BOTH else (Direction(word),)
    if word != _BOTH and meant[0] not in on:
        raise Problem(
            f"{entry} is not on the {word} list: nothing is demanded in that direction",
            f"--direction {word}",
            f"leave it out, or see `domain-secure {word} list`",
            ExitStatus.DIFFERENCE,
        )
    return tuple(one for one in meant if one in on)


def _end(arguments: argparse.Namespace, configuration: Configuration, entry: Entry) -> ExitStatus:
    path, files = configuration_path(arguments), BypassFile(configuration.state)
    running = next((one for one in files.in_force() if one.entry == entry), None)
    if running is None:
        _end_over(path, configuration)
        already_so(f"no bypass of {entry} is in force")
        return ExitStatus.DONE
    with files.edited() as edit:
        now, present = reading(), files.present()
        over = [ended(one, who(), now) if one.key == running.key else one for one in present]
        edit.put(over)
    _end_over(path, configuration)
    add_to_document(document_of(next(one for one in over if one.key == running.key)))
    print(f"{entry}: the bypass is over, its rule holds again")
    return _bring_in_force(path, entry)


def _list(arguments: argparse.Namespace, configuration: Configuration, entry: Entry | None) -> ExitStatus:
    present, problem = bypasses_document(configuration)
    if present is None:
        raise Problem(f"which bypasses are in force is not known: {problem}", "partner bypass", "see check")
    files = BypassFile(configuration.state)
    over = recent(files.ever(), files.in_force(), datetime.now(UTC))
    shown = [one for one in present if entry in {None, one["domain"]}]
    former = [document_of(one) for one in over if entry in {None, one.entry}]
    if arguments.json:
        print_json({"bypasses": shown, "former": former})
        return ExitStatus.DONE
    if not shown:
        print(f"no bypass{f' of {entry}' if entry else ''} is in force")
    for one in shown:
        print(f"{one['domain']}: {in_words(one)} (bypass {one['in_30_days']} in 30 days)")
    if former:
        print("\nover, in the last 30 days:")
        print_table(
            ("domain", "direction", "from", "to", "by", "reason"),
            [
                (one["domain"], one["direction"], one["start"], one["end"], one["by"], one["reason"])
                for one in former
            ],
        )
    return ExitStatus.DONE


def _end_over(path: Path, configuration: Configuration) -> None:
    from .keeper import end_over  # noqa: PLC0415

    end_over(path, configuration.state)


def _check_tables(configuration: Configuration, wanted: Collection[Bypass]) -> None:
    """Raise the Problem of tables that could not be made with the bypasses that are wanted."""
    from domain_secure.postfix.instance.programs import PostfixInstance  # noqa: PLC0415
    from domain_secure.postfix.tables.publication import Job  # noqa: PLC0415
    from domain_secure.postfix.tables.tables import Table  # noqa: PLC0415

    if not configuration.outbound_tables or not any(Direction.SEND in one.directions for one in wanted):
        return
    tried = replace(configuration, bypasses=tuple(wanted))
    for _ in Job.of(tried, PostfixInstance(configuration.config_directory)).lines(Table.TLS_POLICY):
        pass


def _ensure(path: Path, configuration: Configuration, files: BypassFile, former: Collection[Bypass]) -> None:
    """Let somebody wait for the end; where nobody does, nothing is begun."""
    from .keeper_process import ensure_kept  # noqa: PLC0415

    try:
        limit = ensure_kept(path, configuration.state)
    except Problem:
        with files.edited() as edit:
            edit.put(former)
        _end_over(path, configuration)
        raise
    if limit is not None:
        note(limit)


def _tell_limits(path: Path, configuration: Configuration, new: Bypass) -> None:
    if Direction.RECEIVE in new.directions and configuration.partner(new.entry).mode is Mode.OBSERVE:
        note(f"{new.entry} is only observed: nothing of its mail is refused anyway")
    if Direction.RECEIVE in new.directions:
        note(f"until then everybody may write in the name of {new.entry}")
    if Direction.SEND in new.directions:
        note(f"until then mail to {new.entry} goes to whoever answers for it in DNS, in the clear if need be")
    if belongs_to_fleet(path):
        note("it holds on this node alone: begin it on each node that is to let this mail through")


def _bring_in_force(path: Path, entry: Entry, begun: Bypass | None = None) -> ExitStatus:
    from .in_force import bring_in_force  # noqa: PLC0415

    return bring_in_force(path, entry, begun)
