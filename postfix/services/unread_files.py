"""Whether a running Postfix has read its two files since they were changed.

Source: master(8): at ``postfix reload`` it ends the queue manager and pickup(8) and starts them anew, so that
their age is that of what is in force.
"""

import time
from pathlib import Path

from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.running import processes

_STARTED_ANEW = frozenset({"qmgr", "oqmgr", "pickup"})
_FILES = ("main.cf", "master.cf")
_LEEWAY = 1.0  #: seconds; a file's time and a process's are rounded differently


def unread_files(instance: PostfixInstance) -> tuple[Path, ...]:
    """Return those that were changed after a running Postfix read them; none where it does not run.

    Needs root.  Raises Problem where that cannot be told.
    """
    started = [one.started for one in processes(instance) if one.program in _STARTED_ANEW]
    if not started:
        return ()
    since = time.clock_gettime(time.CLOCK_BOOTTIME) - max(started)
    files = (instance.config_directory / name for name in _FILES)
    return tuple(file for file in files if time.time() - file.stat().st_mtime < since - _LEEWAY)
