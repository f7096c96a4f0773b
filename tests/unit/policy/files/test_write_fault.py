"""What a file that cannot be written means."""

import errno
import os

import pytest

from domain_secure.policy.files.write_fault import cannot_write
from domain_secure.policy.terms.problems import ExitStatus


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "mount"),
        (errno.EIO, "mend this"),
    ],
)
def test_what_is_wrong_with_the_disk_is_not_put_down_to_rights(number: int, advice: str) -> None:
    """The advice is about the disk, and the status says that something outside failed."""
    problem = cannot_write("it cannot be replaced", "/a", OSError(number, os.strerror(number)))
    assert problem.what == f"it cannot be replaced ({os.strerror(number)})"
    assert advice in problem.fix
    assert "root" not in problem.fix
    assert problem.status is ExitStatus.NO_ANSWER


@pytest.mark.parametrize(("user", "advice"), [(1000, "run this as root"), (0, "what keeps root from it")])
def test_rights_are_told_by_who_asks(user: int, advice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who is root is told to become root."""
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert advice in cannot_write("it cannot be replaced", "/a", PermissionError(errno.EACCES, "no")).fix
