"""The record of what attach did to one configuration directory.

Owns: its file, ``<state>/attach/DIRECTORY.json``, and whether it may be believed; and beside it, empty,
``DIRECTORY.sending`` where receiving is not attached.
Must not know: what the contents mean.

The state folder belongs to the daemon's user, and detach, run as root, writes what the record says was in
the files.  So the record lies in a folder of root's own, and where anybody else could have written it, its
former contents are not used.  They are not needed either: our parts are known by what they say.
Whoever knows the name of a record may see that it is there, and no more: the daemon asks.
"""

import fcntl
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from domain_secure.policy.files import atomic_file, state_folder
from domain_secure.policy.files.held_folder import HeldFolder
from domain_secure.policy.files.write_fault import cannot_write

from .attach_signs import Signs

FOLDER_MODE = 0o711
ROUTES = ".routes"  #: of the file of ``routes_record``, which goes with the record
FILE_MODE = 0o600
_LARGEST = 16 * 1024 * 1024  #: octets


@dataclass(frozen=True, slots=True)
class Record:
    """What attach found, what it left, and by what its parts are known."""

    before: Mapping[str, bytes]  #: by file name; *bare*, the content without anything of ours
    after: Mapping[str, bytes]  #: *wanted*; see ``attachment``
    signs: Signs
    receives: bool = True  #: whether *after* holds the half for receiving


def path_of(state: Path, config_directory: Path) -> Path:
    """Return where the record for a configuration directory lies."""
    return state / "attach" / f"{quote(os.path.realpath(config_directory), safe='')}.json"


def read(path: Path) -> Record | None:
    """Return the record, or None when there is none that can be read."""
    try:
        with (
            HeldFolder.open(path.parents[1]) as state,
            state.folder(path.parent.name) as folder,
            folder.opened(path.name) as stream,
        ):
            document = json.loads(stream.read(_LARGEST))
            believed = all(map(_is_our_own, (os.fstat(stream.fileno()), folder.status())))
        signs = Signs(*(frozenset(document[name]) for name in ("endpoints", "tables", "values")))
        if not believed:
            # Harmless to believe: values tell which copies of a list are ours among options that name us.
            return Record({}, {}, Signs(values=signs.values))
        receives = document.get("receives", True) is True
        return Record(_contents(document["before"]), _contents(document["after"]), signs, receives)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def directories(state: Path) -> tuple[Path, ...]:
    """Return the configuration directories of which there is a record that only root can have written.

    Others are left out: root would go where somebody else points.
    """
    found = []
    for path in sorted((state / "attach").glob("*.json")):
        record = read(path)
        if record is not None and record.after:
            found.append(Path(unquote(path.name.removesuffix(".json"))))
    return tuple(found)


def is_receiving(state: Path, config_directory: Path) -> bool:
    """Tell whether attach has connected receiving in a configuration directory; anybody may ask.

    While attach or detach is at work there it has not.  Raises nothing.
    """
    path = path_of(state, config_directory)
    try:
        with _at_rest(config_directory):
            path.lstat()
            return not _marker(path).exists()
    except PermissionError:
        # Its folder is as an earlier release made it; it goes with the last record.
        return path.parent.is_dir()
    except OSError:
        return False


@contextmanager
def _at_rest(config_directory: Path) -> Iterator[None]:
    """Keep attach and detach out for a moment; raises BlockingIOError where one is at work."""
    descriptor = os.open(config_directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _marker(path: Path) -> Path:
    return path.with_suffix(".sending")


def write(path: Path, config_directory: Path, record: Record) -> None:
    """Write the record durably; raises Problem when that is impossible."""
    document = {
        "config_directory": str(config_directory),
        "before": _texts(record.before),
        "after": _texts(record.after),
        "endpoints": sorted(record.signs.endpoints),
        "tables": sorted(record.signs.tables),
        "values": sorted(record.signs.values),
        "receives": record.receives,
    }
    try:
        state_folder.make(path.parent.parent)
        with suppress(FileExistsError):
            path.parent.mkdir(mode=FOLDER_MODE)
        _take_over(path.parent)
        with suppress(FileNotFoundError):
            if not _is_our_own(path.lstat()):
                path.unlink()
        # Whatever was put there before the folder was ours.
        _marker(path).unlink(missing_ok=True)
        if not record.receives:
            os.close(os.open(_marker(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
        atomic_file.replace(path, json.dumps(document, indent=1).encode() + b"\n", default_mode=FILE_MODE)
    except OSError as error:
        raise cannot_write("what is changed cannot be recorded", str(path), error) from error


def remove(path: Path) -> None:
    """Forget the record; its folder goes with the last one."""
    with (
        suppress(FileNotFoundError),
        HeldFolder.open(path.parents[1]) as state,
        state.folder(path.parent.name) as folder,
    ):
        for one in (path, _marker(path), path.with_suffix(ROUTES)):
            with suppress(FileNotFoundError):
                folder.remove(one.name)
    with suppress(OSError):
        path.parent.rmdir()


def _take_over(folder: Path) -> None:
    """Make the folder ours alone; a service manager may have given all of state to the daemon's user."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if not _is_our_own(os.fstat(descriptor)):
            os.fchown(descriptor, os.geteuid(), os.getegid())
        os.fchmod(descriptor, FOLDER_MODE)
    finally:
        os.close(descriptor)


def _is_our_own(state: os.stat_result) -> bool:
    return state.st_uid == os.geteuid() and not stat.S_IMODE(state.st_mode) & 0o022


def _texts(contents: Mapping[str, bytes]) -> dict[str, str]:
    return {name: content.decode(errors="surrogateescape") for name, content in contents.items()}


def _contents(texts: Any) -> dict[str, bytes]:
    return {name: text.encode(errors="surrogateescape") for name, text in texts.items()}
