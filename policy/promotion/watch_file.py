"""When the daemon ran, as it says itself: what nobody watched is not clean.

Owns: the file ``watched.json`` of the state folder.
Invariant: the file never says that it ran when it did not, but for the time between two notes.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from domain_secure.policy.files import state_file
from domain_secure.policy.terms.kept_json import parse_json, parse_utc

FILE = "watched.json"
NOTE_SECONDS = 60.0
_MODE = 0o644
_KEPT = timedelta(days=120)
_MOST = 2000  #: stretches; of more the oldest give way
_JOINED = timedelta(seconds=2 * NOTE_SECONDS)  #: a restart is no new stretch

Stretch = tuple[datetime, datetime]


def read(state: Path) -> tuple[Stretch, ...]:
    """Return when the daemon ran, in order; nothing where that is not known."""
    try:
        told = parse_json(state_file.read(state, FILE))
        return tuple((_time(start), _time(end)) for start, end in told["ran"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()


def with_now(ran: Sequence[Stretch], now: datetime) -> tuple[Stretch, ...]:
    """Return the stretches once it is known that the daemon runs *now*.

    A clock that was set back takes nothing away, and what it then tells again is not counted twice.
    """
    kept = [one for one in ran if one[1] > now - _KEPT]
    if kept and now <= kept[-1][1]:
        return tuple(kept)
    if kept and now - kept[-1][1] <= _JOINED:
        kept[-1] = (kept[-1][0], now)
    else:
        kept.append((now, now))
    return tuple(kept[-_MOST:])


def note(state: Path, now: datetime) -> None:
    """Keep that the daemon runs *now*; raises OSError."""
    text = json.dumps(
        {"ran": [[start.isoformat(), end.isoformat()] for start, end in with_now(read(state), now)]}
    )
    state_file.replace(state, FILE, text.encode() + b"\n", default_mode=_MODE)


def _time(text: str) -> datetime:
    return parse_utc(text)
