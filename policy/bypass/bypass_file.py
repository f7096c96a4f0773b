"""The bypasses of this machine as files in the state folder, and what is known of the time they take.

Owns: the folder ``bypass`` there: those in force, those that are over, and the account of the time.
Must not know: what a bypass does to a message.
Invariants: a file is whole or absent; without the first file nothing is in force, and one that cannot be read
puts nothing in force.
"""

import json
import math
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath
from typing import Any

from domain_secure.policy.files import state_file, state_folder
from domain_secure.policy.files.held_folder import HeldFolder
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import parse_entry
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.policy.terms.problems import NoPermission, Problem

from .bypass import LONGEST, Account, Bypass, Reading, is_over

FOLDER = "bypass"
IN_FORCE = "in-force.json"
FORMER = "former.json"
ACCOUNT = "account.json"
_MODE = 0o644  #: no secret: everybody's ``status`` tells of them
_KEPT = 2000  #: of those that are over
_BOOT = Path("/proc/sys/kernel/random/boot_id")

Read = Callable[[], Reading]


def reading() -> Reading:
    """Read the clocks; raises OSError where /proc does not tell which start of the machine this is."""
    return Reading(datetime.now(UTC), _BOOT.read_text().strip(), time.clock_gettime(time.CLOCK_BOOTTIME))


class BypassFile:
    """What is kept in the state folder *state*; *read* gives what the clocks say."""

    def __init__(self, state: Path, read: Read = reading) -> None:
        self._state = state
        self._read = read
        self.path = state / FOLDER / IN_FORCE  #: changes with every change of what is in force

    def present(self) -> tuple[Bypass, ...]:
        """Return those that somebody began and nobody has put away, over or not; raises Problem."""
        return self._bypasses(IN_FORCE)

    def in_force(self) -> tuple[Bypass, ...]:
        """Return those that are not over by any clock; raises Problem."""
        present = self.present()
        if not present:
            return ()
        account, now = self.account(), self._read()
        return tuple(one for one in present if not is_over(one, account, now))

    def former(self) -> tuple[Bypass, ...]:
        """Return those that are over, the oldest first; raises Problem."""
        return self._bypasses(FORMER)

    def ever(self) -> tuple[Bypass, ...]:
        """Return all that are known, the last begun last; raises Problem."""
        return tuple(sorted({*self.former(), *self.present()}, key=lambda one: one.start))

    def account(self) -> Account | None:
        """Return what is known of the time; None where nothing is, or it cannot be read."""
        try:
            told = parse_json(state_file.read(self._state, PurePath(FOLDER, ACCOUNT)))
            spent = {str(key): float(value) for key, value in told["spent"].items()}
            return Account(str(told["boot"]), float(told["seconds"]), spent)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
            return None

    @contextmanager
    def edited(self) -> Iterator["Edit"]:
        """Yield what may change the files; one writer at a time.  Raises OSError."""
        state_folder.make(self._state)
        state_file.make_folder(self._state, FOLDER)
        with state_file.writing(self._state, FOLDER) as held:
            yield Edit(self, held)

    def _bypasses(self, name: str) -> tuple[Bypass, ...]:
        place = self._state / FOLDER / name
        try:
            told = parse_json(state_file.read(self._state, PurePath(FOLDER, name)))
            return tuple(map(_bypass, told["bypasses"]))
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except PermissionError as error:
            raise NoPermission("no permission to see which bypasses there are", str(place)) from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise Problem(
                f"which bypasses there are cannot be read ({error})",
                str(place),
                "none is in force; move this file away, and begin one again where it is needed",
            ) from error


class Edit:
    """Changes the files while nobody else does."""

    def __init__(self, files: BypassFile, held: HeldFolder) -> None:
        self._files = files
        self._held = held

    def put(self, present: Collection[Bypass]) -> None:
        """Replace those in force; raises OSError."""
        if present:
            self._held.replace(IN_FORCE, _text(present), default_mode=_MODE)
        else:
            with suppress(FileNotFoundError):
                self._held.remove(IN_FORCE)

    def put_away(self, over: Collection[Bypass]) -> None:
        """Keep *over* among those that are over, then take them out of those in force.

        Killed in between, one stands in both, and is put away again.  Raises Problem and OSError.
        """
        keys = {one.key for one in over}
        kept = [*(one for one in self._files.former() if one.key not in keys), *over]
        self._held.replace(FORMER, _text(kept[-_KEPT:]), default_mode=_MODE)
        self.put([one for one in self._files.present() if one.key not in keys])

    def note(self, account: Account) -> None:
        """Replace the account of the time; raises OSError."""
        told = {
            "boot": account.boot,
            "seconds": account.seconds,
            "spent": dict(account.spent),
        }
        self._held.replace(ACCOUNT, json.dumps(told).encode() + b"\n", default_mode=_MODE)


def _text(bypasses: Collection[Bypass]) -> bytes:
    return json.dumps({"bypasses": list(map(document_of, bypasses))}, indent=1).encode() + b"\n"


def document_of(bypass: Bypass) -> dict[str, Any]:
    """Return a bypass as JSON, as it is kept and as commands print it."""
    return {
        "domain": bypass.entry,
        "direction": bypass.direction,
        "start": bypass.start.isoformat(),
        "end": bypass.end.isoformat(),
        "by": bypass.by,
        "reason": bypass.reason,
        "boot": bypass.boot,
        "seconds": bypass.seconds,
        "ended_by": bypass.ended_by,
    }


def _bypass(told: dict[str, Any]) -> Bypass:
    """Return a bypass that could have been begun; raises ValueError for any other one."""
    word = told["direction"]
    found = Bypass(
        parse_entry(told["domain"]),
        tuple(Direction) if word == "both" else (Direction(word),),
        _time(told["start"]),
        _time(told["end"]),
        str(told["by"]),
        str(told["reason"]),
        str(told["boot"]),
        float(told["seconds"]),
        told["ended_by"],
    )
    if not timedelta() <= found.duration <= LONGEST:
        raise ValueError(f"{found.entry}: it lasts from 0 to 24 h")
    if not found.boot or not math.isfinite(found.seconds):
        raise ValueError(f"{found.entry}: no clock tells its start")
    return found


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC)
