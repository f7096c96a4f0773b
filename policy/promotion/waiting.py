"""Partners that are to be enforced by themselves, as soon as the days watched are clean.

Owns: the file ``promotions.json`` of the state folder: who waits, and what became of those before.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from domain_secure.policy.files import state_folder
from domain_secure.policy.files.held_folder import HeldFolder
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.policy.terms.problems import NoPermission, Problem

FILE = "promotions.json"
_MODE = 0o644
_KEPT = 200  #: of those that are done


@dataclass(frozen=True, slots=True)
class Waiting:
    """One partner, and what it waits for."""

    domain: Entry
    days: int
    messages: int
    by: str  #: who asked for it
    asked: str  #: when, ISO 8601
    done: str | None = None  #: when it was enforced; None while it waits


def waiting(state: Path) -> tuple[Waiting, ...]:
    """Return those that wait; raises Problem where that cannot be read."""
    return tuple(one for one in every(state) if one.done is None)


def every(state: Path) -> tuple[Waiting, ...]:
    """Return all that are known, those that are done included; raises Problem."""
    try:
        with HeldFolder.open(state) as folder:
            return tuple(map(_waiting, parse_json(folder.read(FILE))["promotions"]))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except PermissionError as error:
        raise NoPermission("no permission to see which promotions wait", str(state / FILE)) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Problem(
            f"which promotions wait cannot be read ({error})",
            str(state / FILE),
            "nobody is enforced by itself; remove this file, and ask again with `promote --when-clean`",
        ) from error


@contextmanager
def edited(state: Path) -> Iterator[list[Waiting]]:
    """Yield all that are known, and keep what is left there; one writer at a time.

    Raises Problem and OSError.
    """
    state_folder.make(state)
    with HeldFolder.open(state) as folder, folder.writer_lock():
        found = list(every(state))
        yield found
        waits = [one for one in found if one.done is None]
        done = [one for one in found if one.done is not None][-_KEPT:]
        document = {"promotions": [asdict(one) for one in (*done, *waits)]}
        folder.replace(FILE, json.dumps(document).encode() + b"\n", default_mode=_MODE)


def _waiting(told: dict[str, Any]) -> Waiting:
    datetime.fromisoformat(told["asked"])
    return Waiting(
        Entry(told["domain"]),
        int(told["days"]),
        int(told["messages"]),
        str(told["by"]),
        told["asked"],
        told["done"],
    )
