"""Who ends a bypass, whether the daemon lives or not.

Owns: the one process that waits for the end, and what the end is: tables without it first, then the record.
Must not know: who began it.
Invariants: a bypass stands among those in force until Postfix's tables are without it, so that a kill at any
moment leaves something to go on with; a configuration that is faulty by now ends none later.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from domain_secure.policy.bypass.bypass import Bypass, is_over, noted
from domain_secure.policy.bypass.bypass_file import BypassFile, Read, reading
from domain_secure.policy.bypass.keeper_lock import kept
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.lists_in_force import ListsInForce
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.publish import publish

_LOOK_SECONDS = 2.0  #: between two looks at the clocks, and before another attempt
_log = logging.getLogger("domain_secure")


def configuration_at(path: Path, state: Path) -> Configuration:
    """Return the configuration at *path*, or the one last in force where that is faulty by now.

    Raises Problem where neither can be read.
    """
    try:
        return load(path)
    except Problem:
        last = ListsInForce(state).read()
        if last is None or last.path != path:
            raise
        return load(path, last.read)


def end_over(path: Path, state: Path, read: Read = reading, *, anyway: bool = False) -> tuple[Bypass, ...]:
    """End what is over: make Postfix's tables without it, then put it away; return what was ended.

    *anyway* makes the tables where nothing is over, too.  Raises Problem and OSError; then all is as it was.
    """
    files = BypassFile(state, read)
    try:
        present = files.present()
    except Problem:
        # None of what cannot be read is in force; the tables must not be the only ones that do not know.
        _publish(path, state)
        raise
    account, now = files.account(), read()
    over = tuple(one for one in present if is_over(one, account, now))
    if over or anyway:
        # Not as it was read: what has come to its end meanwhile goes along.
        _publish(path, state)
    if present:
        with files.edited() as edit:
            if over:
                edit.put_away(over)
            edit.note(noted(files.present(), account, now))
    return over


def _publish(path: Path, state: Path) -> None:
    configuration = configuration_at(path, state)
    # Where no table was ever made nobody reads one, and who sends nothing makes none.
    if configuration.outbound_tables and (state / "maps").is_dir():
        instance = PostfixInstance(configuration.config_directory)
        publish(configuration, instance, newest=lambda: configuration_at(path, state))


def keep(path: Path, state: Path, read: Read = reading, pause: Callable[[float], None] = time.sleep) -> int:
    """Wait until every bypass is over and ended, and return how many this process has ended.

    One process does so at a time; another one waits until that is gone or nothing is left.  What goes wrong
    is logged and tried again.
    """
    while True:
        with kept(state) as is_ours:
            if is_ours:
                return _end_all(path, state, read, pause)
        pause(_LOOK_SECONDS)
        if not BypassFile(state, read).path.exists():
            return 0


def _end_all(path: Path, state: Path, read: Read, pause: Callable[[float], None]) -> int:
    # Killed at any moment, the one before may have left the tables as they were.
    ended, anyway, told = 0, True, ""
    while True:
        try:
            over = end_over(path, state, read, anyway=anyway)
            for one in over:
                _log.warning(ended_event(one))
            ended, anyway, told = ended + len(over), False, ""
            if not BypassFile(state, read).present():
                return ended
        except (Problem, OSError) as error:
            if str(error) != told:
                told = str(error)
                _log.error(not_ended_event(told))
        pause(_LOOK_SECONDS)


def ended_event(bypass: Bypass) -> Event:
    """Return the line for a bypass that is over, and of which Postfix's tables know nothing any more."""
    return Event.of(logging.WARNING, "bypass-ended", domain=bypass.entry, direction=bypass.direction)


def not_ended_event(detail: str) -> Event:
    """Return the line for a bypass that cannot be ended; it is tried again."""
    return Event.of(logging.ERROR, "bypass-not-ended", detail=detail)
