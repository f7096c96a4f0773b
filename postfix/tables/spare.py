"""A second copy of a large compiled table, which a change is put into before the two change places.

Owns: where the spare lies, when it may be written in, and that who has it open learns of it.
Must not know: what a table says.
Sources: fcntl(2), F_SETLEASE; DATABASE_README; Postfix's dict_changed_name, which compares an opened file's
time of modification, in seconds, and looks whether it has a name left.

To copy and sync a table of a million domains takes seconds; to change some pages of a copy that is there does
not.  The spare is what Postfix read before: a process that has it open still may hold parts of it in memory,
so that nobody may write in it meanwhile.  That is asked of the kernel, and where it has no answer, or another
than "nobody", the table in place is copied as a whole.
"""

import errno
import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from domain_secure.policy.files.held_folder import HeldFolder

from .publication import MODE, Job, TableRecord
from .tables import SUFFIXES, Table

# Of lmdb a process looks at the name alone, and the spare has one.
TYPES = frozenset({"hash", "btree"})

_NO_TIME = 1.0  #: of modification, of no table that was ever in place
_BLOCK = 1 << 24


def spare_path(job: Job, table: Table) -> Path:
    """Return where the spare of a table lies, of a type that has one."""
    return job.directory / f".{table}.spare{SUFFIXES[job.map_type][0]}"


def take(job: Job, held: HeldFolder, table: Table, entry: TableRecord) -> bool:
    """Let the spare be the new compiled file, still without what *entry* says it lacks.

    Returns whether there is one that may be written in.
    """
    if job.map_type not in TYPES or not entry.spare or entry.spare != look(job, held, table):
        return False
    name = spare_path(job, table).name
    try:
        with held.opened(name) as stream:
            # Granted only where nobody else has the file open (fcntl(2)).
            fcntl.fcntl(stream, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            fcntl.fcntl(stream, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        return False
    # Under this name it is removed by whoever comes after us, should we not get far.
    held.rename(name, job.temporary(table)[1].name)
    return True


def make(job: Job, held: HeldFolder, table: Table) -> None:
    """Make a spare that is as the new compiled file, if there is room for one."""
    drop(held, table)
    if job.map_type not in TYPES:
        return
    name = spare_path(job, table).name
    try:
        copy(held, job.temporary(table)[1].name, name)
        held.sync(name)
    except OSError:
        drop(held, table)


def change_places(job: Job, held: HeldFolder, table: Table) -> None:
    """Put the new compiled file in place, and keep the former one as the spare, where that is possible.

    Killed before the last step we leave a spare of which no record knows: whoever comes next drops it, and by
    that its readers learn that it is not the table any more.
    """
    new, live = job.temporary(table)[1].name, job.live(table)[1].name
    drop(held, table)
    held.touch(new)
    if job.map_type not in TYPES:
        held.rename(new, live)
        return
    spare = spare_path(job, table).name
    with suppress(OSError):  # of a file system without second names
        held.name_also(live, spare)
    try:
        held.rename(new, live)
        with suppress(FileNotFoundError):
            held.touch(spare, _NO_TIME)
    except OSError:
        drop(held, table)
        raise


def look(job: Job, held: HeldFolder, table: Table) -> list[int]:
    """Return what the spare looks like; nothing where there is none."""
    if job.map_type not in TYPES:
        return []
    try:
        state = held.stat(spare_path(job, table).name)
    except OSError:
        return []
    return [state.st_ino, state.st_size, state.st_mtime_ns]


def drop(held: HeldFolder, table: Table) -> None:
    """Remove the spare; who has it open learns by that it has no name any more."""
    for suffix in {SUFFIXES[kind][0] for kind in TYPES}:
        with suppress(FileNotFoundError):
            held.remove(f".{table}.spare{suffix}")


def copy(held: HeldFolder, name: str, new_name: str) -> None:
    """Copy a file within the folder; where the file system can, both share their blocks."""
    with held.opened(name) as former, held.created(new_name, MODE) as new:
        _copy(former, new)


def _copy(former: BinaryIO, new: BinaryIO) -> None:
    try:
        while os.copy_file_range(former.fileno(), new.fileno(), _BLOCK):
            pass
    except OSError as error:
        if error.errno not in {errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EPERM}:
            raise
        for stream in (former, new):
            stream.seek(0)
        shutil.copyfileobj(former, new, _BLOCK)
