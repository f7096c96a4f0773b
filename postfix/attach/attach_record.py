"""The record of what attach did to one configuration directory.

Owns: its file, ``<state>/attach/DIRECTORY.json``, and whether it may be believed; and beside it, empty,
``DIRECTORY.sending`` where receiving is not attached.
Must not know: what the contents mean.

The state folder belongs to the daemon's user, and detach, run as root, writes what the record says was in
the files.  So the record lies in a folder of root's own, and where anybody else could have written it, its
former contents are not used.  They are not needed either: our parts are known by what they say.
That folder is held while something is written: what its neighbour puts in its place meanwhile stays empty.
Whoever knows the name of a record may see that it is there, and no more: the daemon asks.
"""

import fcntl
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from domain_secure.policy.files import state_folder
from domain_secure.policy.files.held_folder import UNFINISHED, HeldFolder, UntrustedEntryError
from domain_secure.policy.files.write_fault import cannot_write
from domain_secure.policy.terms.kept_json import parse_json

from .attach_signs import Signs

FOLDER_MODE = 0o711
ROUTES = ".routes"  #: of the file of ``routes_record``, which goes with the record
FILE_MODE = 0o600
_MARKER_MODE = 0o644
_UNFINISHED = re.compile(rf"{re.escape(UNFINISHED)}[0-9a-f]{{16}}")
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
            document = parse_json(stream.read(_LARGEST))
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
    content = json.dumps(document, indent=1).encode() + b"\n"
    try:
        state_folder.make(path.parent.parent)
        with suppress(FileExistsError):
            path.parent.mkdir(mode=FOLDER_MODE)
        with _held(path) as folder:
            # A service manager may have given all of state to the daemon's user.
            folder.take_over(FOLDER_MODE)
            _remove_foreign(folder, path.name)
            # Whatever was put there before the folder was ours.
            with suppress(FileNotFoundError):
                folder.remove(_marker(path).name)
            if not record.receives:
                with folder.created(_marker(path).name, _MARKER_MODE):
                    pass
            folder.replace(path.name, content, default_mode=FILE_MODE)
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
        if all(map(_UNFINISHED.fullmatch, state.names(path.parent.name))):
            folder.sweep(_UNFINISHED)
    with suppress(OSError):
        path.parent.rmdir()


def put_beside(path: Path, suffix: str, content: bytes, mode: int) -> None:
    """Write a file beside the record, of the same name with another suffix; raises OSError."""
    with _held(path) as folder:
        folder.take_over(FOLDER_MODE)
        _remove_foreign(folder, path.with_suffix(suffix).name)
        folder.replace(path.with_suffix(suffix).name, content, default_mode=mode)


@contextmanager
def _held(path: Path) -> Iterator[HeldFolder]:
    """Yield the folder of a record, and no other that is put in its place meanwhile."""
    with HeldFolder.open(path.parents[1]) as state, state.folder(path.parent.name) as folder:
        yield folder


def _remove_foreign(folder: HeldFolder, name: str) -> None:
    """Remove what bears a name in the folder unless only we can have put it there."""
    try:
        is_ours = _is_our_own(folder.stat(name))
    except FileNotFoundError:
        return
    except UntrustedEntryError:
        is_ours = False
    if not is_ours:
        folder.remove(name)


def _is_our_own(state: os.stat_result) -> bool:
    return state.st_uid == os.geteuid() and not stat.S_IMODE(state.st_mode) & 0o022


def _texts(contents: Mapping[str, bytes]) -> dict[str, str]:
    return {name: content.decode(errors="surrogateescape") for name, content in contents.items()}


def _contents(texts: Any) -> dict[str, bytes]:
    return {name: text.encode(errors="surrogateescape") for name, text in texts.items()}
