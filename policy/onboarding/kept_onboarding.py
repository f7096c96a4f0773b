"""What is kept of taking a partner on: when each step was done, and by whom.

Owns: the file.  It tells people what happened, and decides nothing: where a partner stands is asked of the
configuration.
Must not know: what a step does.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.policy.files import state_file, state_folder
from domain_secure.policy.files.held_folder import HeldFolder
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry, parse_entry
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.policy.terms.problems import Problem

from .steps import Step

FILE_NAME = "onboarding.json"
_FORMAT = 1
_MODE = 0o644
_LARGEST = 4 * 1024 * 1024  #: octets


@dataclass(frozen=True, slots=True)
class Onboarding:
    """One partner's way."""

    begun: datetime
    by: str  #: who ran the command
    directions: frozenset[Direction]
    done: Mapping[Step, datetime] = field(default_factory=dict)
    found: str = ""  #: what the last look at its servers came to


def kept_onboardings(state: Path) -> dict[Entry, Onboarding]:
    """Return what is in the file, nothing without one; raises Problem."""
    path = state / FILE_NAME
    try:
        document = parse_json(state_file.read(state, FILE_NAME, limit=_LARGEST))
        return _read(document)
    except FileNotFoundError:
        return {}
    except OSError as error:
        what = f"cannot read where new partners stand ({error.strerror})"
        raise Problem(what, str(path), "run this as root") from error
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        what = "where new partners stand cannot be understood"
        raise Problem(what, str(path), "remove the file; only the times of the steps are lost") from error


def keep_onboarding(state: Path, entry: Entry, kept: Onboarding) -> None:
    """Put one partner's way into the file; raises Problem and OSError."""
    state_folder.make(state)
    with HeldFolder.open(state) as folder, folder.writer_lock():
        _replace(folder, {**kept_onboardings(state), entry: kept})


def forget_onboarding(state: Path, entry: Entry) -> None:
    """Take one partner's way out of the file, where it is there; raises Problem and OSError."""
    if entry not in kept_onboardings(state):
        return
    with HeldFolder.open(state) as folder, folder.writer_lock():
        known = kept_onboardings(state)
        known.pop(entry, None)
        _replace(folder, known)


def _replace(folder: HeldFolder, known: Mapping[Entry, Onboarding]) -> None:
    document = {"format": _FORMAT, "partners": {one: _written(way) for one, way in known.items()}}
    content = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    folder.replace(FILE_NAME, content.encode(), default_mode=_MODE)


def _read(document: dict[str, Any]) -> dict[Entry, Onboarding]:
    if document["format"] != _FORMAT:
        raise ValueError(f"format {document['format']}")
    return {parse_entry(domain): _parsed(row) for domain, row in document["partners"].items()}


def _parsed(row: dict[str, Any]) -> Onboarding:
    return Onboarding(
        begun=_time(row["begun"]),
        by=str(row["by"]),
        directions=frozenset(map(Direction, row["directions"])),
        done={Step(step): _time(time) for step, time in row["done"].items()},
        found=str(row["found"]),
    )


def _written(kept: Onboarding) -> dict[str, Any]:
    return {
        "begun": kept.begun.isoformat(timespec="seconds"),
        "by": kept.by,
        "directions": [one for one in Direction if one in kept.directions],
        "done": {step: time.isoformat(timespec="seconds") for step, time in kept.done.items()},
        "found": kept.found,
    }


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without zone")
    return time.astimezone(UTC)
