"""What the operator is told when something is wrong.

Owns: the one shape of an error that reaches a person: what was wrong, where, what to do.
Must not know: how it is printed (``commands``) or what a remote client is answered (``verdict``).
"""

from enum import IntEnum


class ExitStatus(IntEnum):
    """Exit statuses of the command line, stable for scripts."""

    DONE = 0
    DIFFERENCE = 1  #: a check failed, or a difference was found
    WRONG_USE = 2  #: wrong use or configuration
    NO_ANSWER = 3  #: something outside did not answer


class Problem(Exception):  # noqa: N818 - it is the operator's word, and it is not always an error of ours
    """Something the operator must mend.

    what: the fault, in one clause, without a full stop.
    where: ``file:line`` or ``file: key``, a parameter, a command; what to open.
    fix: an imperative: what to do about it.
    status: the exit status a command ends with when this reaches its top.
    """

    def __init__(self, what: str, where: str, fix: str, status: ExitStatus = ExitStatus.WRONG_USE) -> None:
        super().__init__(what, where, fix, status)
        self.what = what
        self.where = where
        self.fix = fix
        self.status = status

    def __str__(self) -> str:
        """Return the one line of DESIGN's form, without the program's name."""
        return f"{self.what}: {self.where}: {self.fix}"


class NoPermission(Problem):
    """Nothing need be wrong: whoever asks may not see it.

    What was asked is unknown then, and neither empty nor faulty.
    """

    def __init__(self, what: str, where: str, fix: str = "run this as root") -> None:
        super().__init__(what, where, fix)
