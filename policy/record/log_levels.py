"""How much the protocol log says, about which partner, until when.

Owns: the order in which a temporary level and the configured one count, and the file that holds the former.
Must not know: what is logged.
Invariant: a temporary level ends by itself.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.policy.configuration.configuration import Configuration, LogLevel
from domain_secure.policy.files import state_file, state_folder
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry, parse_entry
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.policy.terms.problems import Problem

FILE_NAME = "log-levels.json"  #: in the state folder
_FORMAT = 1
_MODE = 0o640
_LARGEST = 1024 * 1024  #: octets
_ORDER = tuple(LogLevel)


@dataclass(frozen=True, slots=True)
class TemporaryLevel:
    """A level for a while."""

    direction: Direction
    level: LogLevel
    entries: tuple[Entry, ...]  #: list entries; none: every partner
    until: datetime


@dataclass(frozen=True, slots=True)
class LogLevels:
    """What was configured, and what holds instead for a while."""

    configured: Mapping[Direction, LogLevel]
    temporary: tuple[TemporaryLevel, ...] = ()

    def level(self, direction: Direction, entries: Iterable[Entry], now: datetime) -> LogLevel:
        """Return the level for a message of these partners: the one that says most about one of them."""
        running = [one for one in self.temporary if one.direction is direction and now < one.until]
        if not running:
            return self.configured[direction]
        return max((self._level(direction, entry, running) for entry in entries), key=_ORDER.index)

    def _level(self, direction: Direction, entry: Entry, running: list[TemporaryLevel]) -> LogLevel:
        named = [one.level for one in running if entry in one.entries]
        general = [one.level for one in running if not one.entries]
        return max(named or general or [self.configured[direction]], key=_ORDER.index)


def configured_levels(configuration: Configuration) -> dict[Direction, LogLevel]:
    """Return the level of each direction as the configuration has it."""
    return {Direction.RECEIVE: configuration.log_receive, Direction.SEND: configuration.log_send}


def temporary_levels(state: Path) -> tuple[TemporaryLevel, ...]:
    """Return what is in the file, ended levels too; nothing without a file.  Raises Problem."""
    path = state / FILE_NAME
    try:
        return _read(parse_json(state_file.read(state, FILE_NAME, limit=_LARGEST)))
    except FileNotFoundError:
        return ()
    except OSError as error:
        what = f"cannot read the temporary log levels ({error.strerror})"
        raise Problem(
            what, str(path), "run this as root; the daemon's user too must be able to read it"
        ) from error
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        what = "the temporary log levels cannot be understood"
        raise Problem(what, str(path), "remove the file; the configured levels hold then") from error


def set_temporary_levels(state: Path, levels: Iterable[TemporaryLevel], now: datetime) -> None:
    """Replace the file by those of *levels* that have not ended; raises OSError."""
    path = state / FILE_NAME
    running = [_written(one) for one in levels if now < one.until]
    if not running and not state_file.is_there(path):
        return
    state_folder.make(state)
    content = json.dumps({"format": _FORMAT, "levels": running}, indent=2) + "\n"
    state_file.replace(state, FILE_NAME, content.encode(), default_mode=_MODE)


def without(
    levels: Iterable[TemporaryLevel], direction: Direction, entries: Iterable[Entry]
) -> tuple[TemporaryLevel, ...]:
    """Return *levels* without those of *entries* in one direction; without any of it where none is named."""
    dropped = frozenset(entries)
    kept: list[TemporaryLevel] = []
    for one in levels:
        if one.direction is not direction:
            kept.append(one)
        elif dropped and (rest := tuple(entry for entry in one.entries if entry not in dropped)):
            kept.append(TemporaryLevel(one.direction, one.level, rest, one.until))
        elif dropped and not one.entries:
            kept.append(one)
    return tuple(kept)


def told(levels: Iterable[TemporaryLevel], now: datetime) -> str:
    """Return the levels that have not ended in one line, ``none`` where there is none."""
    running = [
        f"{one.direction}={one.level} for {','.join(one.entries) or 'everybody'}"
        f" until {one.until.isoformat(timespec='seconds')}"
        for one in levels
        if now < one.until
    ]
    return "; ".join(running) or "none"


def _read(document: dict[str, Any]) -> tuple[TemporaryLevel, ...]:
    if document["format"] != _FORMAT:
        raise ValueError(f"format {document['format']}")
    return tuple(map(_parsed, document["levels"]))


def _parsed(row: dict[str, Any]) -> TemporaryLevel:
    until = datetime.fromisoformat(row["until"])
    if until.tzinfo is None:
        raise ValueError("a time without zone")
    entries = tuple(parse_entry(text) for text in row["domains"])
    return TemporaryLevel(Direction(row["direction"]), LogLevel(row["level"]), entries, until.astimezone(UTC))


def _written(one: TemporaryLevel) -> dict[str, Any]:
    return {
        "direction": one.direction,
        "level": one.level,
        "domains": list(one.entries),
        "until": one.until.isoformat(),
    }
