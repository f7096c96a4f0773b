"""The state folder: whichever command is first makes it, for the user the daemon runs as.

Source: systemd.exec(5), StateDirectory=, which makes the same folder the same way.
"""

import os
import pwd
from pathlib import Path

USER = "domain-secure"  #: whom the daemon runs as, where that user exists
MODE = 0o755  #: Postfix's root-started processes and everybody's ``check`` find the tables in it


def make(state: Path) -> None:
    """Create *state* where it does not exist; one that exists is left as it is.  Raises OSError."""
    if state.is_dir():
        return
    state.mkdir(mode=MODE, parents=True, exist_ok=True)
    if os.geteuid() == 0 and (owner := daemon_user()):
        os.chown(state, owner.pw_uid, owner.pw_gid)


def daemon_user() -> pwd.struct_passwd | None:
    """Return the daemon's user, or None where there is none: then root runs it."""
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        return None
