"""What a file that could not be written means to the operator.

Must not know: what is written.
"""

import errno
import os

from domain_secure.policy.terms.problems import ExitStatus, Problem

_FIXES = {
    errno.ENOSPC: "make room on this file system, then run this again",
    errno.EDQUOT: "raise the quota or make room, then run this again",
    errno.EROFS: "mount the file system for writing, then run this again",
    errno.ENOENT: "see what became of its folder, then run this again",
}


def cannot_write(what: str, where: str, error: OSError) -> Problem:
    """Return what to tell of a file that could not be written: who may, or what is wrong with the disk."""
    reason = f"{what} ({error.strerror or error})"
    if error.errno in {errno.EACCES, errno.EPERM}:
        fix = (
            "run this as root"
            if os.geteuid() != 0
            else "see what keeps root from it: an attribute (lsattr), a mount, a security module"
        )
        return Problem(reason, where, fix)
    fix = _FIXES.get(error.errno or 0, "mend this and try again")
    return Problem(reason, where, fix, ExitStatus.NO_ANSWER)
