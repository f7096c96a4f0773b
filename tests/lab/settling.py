"""When a daemon has the files of now in force, and everything that follows from them.

Must not know: whose daemon it is, and what is in its files.
"""

import re
from collections.abc import Callable

from .namespaces import LabError
from .waiting import wait_for

_READ = re.compile(r"^.* (configuration-(?:loaded|rejected)) .*\n", re.MULTILINE)
_READINGS = 3


def settle(hang_up: Callable[[], None], log: Callable[[], str]) -> None:
    """Return when a running daemon has in force what is on disk now; raises LabError when it refuses that.

    *hang_up* sends SIGHUP, *log* returns what the daemon printed.  One line about a reading proves nothing:
    that reading may have begun before the files were written.  But one thread does them all, and what follows
    from one, such as Postfix's tables, is done before the next begins.  So the second reading from now has
    begun after the first has ended, and everything that follows from it is done when the third has ended.
    """
    seen = len(_READ.findall(log()))

    def news() -> list[str]:
        found: list[str] = _READ.findall(log())
        return found if len(found) > seen else []

    for _ in range(_READINGS):
        hang_up()
        told = wait_for(news, "the configuration to be read again", context=log)
        seen = len(told)
    if told[-1] != "configuration-loaded":
        raise LabError(f"the daemon refuses its configuration:\n{log()}")
