"""That tables were away and are there again: noted until no process of Postfix's is left of that time.

Owns: the file of the note, in the state folder, and which of Postfix's programs read tables of ours.
Must not know: who finds tables away, and who reloads Postfix.

A process of Postfix's opens its tables when it starts.  One that cannot be opened is unavailable to it until
the process ends, be the file there again or not, and whatever needs it gets a temporary error.  cleanup(8)
ends after max_use messages or max_idle seconds, trivial-rewrite(8) under steady mail perhaps never.
The note is the daemon's user's to write, and so no more than a wish: root looks at the processes itself.
Sources, and measured: postconf(5) max_use, max_idle; Postfix's dict_open.c and dict_surrogate.c.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from domain_secure.policy.files import state_file
from domain_secure.policy.files.held_folder import HeldFolder, UntrustedEntryError
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.postfix.instance.running import Moment, Process

NOTE = "tables-put-back"  #: in the state folder
_TAKEN = ".tables-put-back.taken"  #: what root has taken up and is not done with
READERS = frozenset({"trivial-rewrite", "cleanup", "smtpd", "smtp", "lmtp", "proxymap"})
_MODE, _LARGEST = 0o644, 4096


def note(state: Path) -> None:
    """Keep that by now tables are there again that were away; raises OSError."""
    now = Moment.now()
    content = json.dumps({"boot": now.boot, "seconds": now.seconds}).encode() + b"\n"
    state_file.replace(state, NOTE, content, default_mode=_MODE)


def pending(state: Path) -> Moment | None:
    """Return by when they were there again, until that is settled; None where nothing is noted.

    Raises OSError where that is not told.
    """
    return _read(state, NOTE) or _read(state, _TAKEN)


def take(state: Path) -> Moment | None:
    """Take the note up before a look: what is noted from now on is a new one; raises OSError."""
    with suppress(FileNotFoundError), HeldFolder.open(state) as folder:
        if folder.has(NOTE):
            # Whatever somebody put in its place; what is noted says more.
            with suppress(FileNotFoundError):
                folder.remove(_TAKEN)
            folder.rename(NOTE, _TAKEN)
    return _read(state, _TAKEN)


def settle(state: Path) -> None:
    """Forget what was taken up; raises OSError."""
    with suppress(FileNotFoundError):
        state_file.remove(state, _TAKEN)


def left_from_then(running: Iterable[Process], moment: Moment) -> tuple[Process, ...]:
    """Return who among *running* reads our tables, and may have started before they were there again."""
    return tuple(one for one in running if one.program in READERS and one.has_seen(moment))


def _read(state: Path, name: str) -> Moment | None:
    """Return the moment in a note; of one that says none, now: then whoever runs may be of that time."""
    try:
        document = parse_json(state_file.read(state, name, limit=_LARGEST))
        boot, seconds = document["boot"], document["seconds"]
        if isinstance(boot, str) and isinstance(seconds, int | float):
            return Moment(boot, float(seconds))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        if not isinstance(error, UntrustedEntryError):
            raise
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return Moment.now()
    return Moment.now()
