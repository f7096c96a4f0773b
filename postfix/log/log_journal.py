"""Postfix's log in systemd's journal, read by journalctl(1).

Owns: its command line, and going on behind its last record.  What a record says is ``log_form``'s part.
Must not know: what the lines mean.
Invariant: the position is the journal's own cursor, which outlives rotation and vacuuming.
Sources: journalctl(1), systemd.journal-fields(7), systemd.time(7); JOURNAL_EXPORT_FORMATS for the JSON.
"""

import os
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.log_lines.log_form import is_by, line_of, names_postfix, records

from .log_source import Batch, Position

_BEFORE = 1000  #: records before the end that are looked at on the first start
_BLOCK = 1024 * 1024
_HINTS = ("insufficient permissions", "not seeing messages from other users", "No journal files")


class LogJournal:
    """The records of the mail facility from a *position* on; without one, from the end.

    *where* are further options of journalctl, to read another journal than this machine's.  Records of other
    than *users* are left out, and those of them counted that bear Postfix's name; empty: anybody's are taken.
    """

    def __init__(
        self,
        facility: str,
        position: Position | None = None,
        where: Sequence[str] = (),
        users: Collection[int] = (),
    ) -> None:
        self._users = users
        self._foreign = 0  #: records in Postfix's name by somebody else
        self._command = ["journalctl", *where, "--no-pager", "--output=json", f"--facility={facility}"]
        self._before: list[bytes] = []
        self._is_first = position is None
        self._lost = ""
        self._rest = b""
        self._odd = 0  #: records that are no message of a program
        self._position: dict[str, Any] = {}
        if position and "cursor" in position:
            self._position = dict(position)
        else:
            self._begin()
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the follower
        cursor = self._position["cursor"]
        since = f"--after-cursor={cursor}" if cursor else f"--since=@{self._position['since']}"
        self._pipe, end = os.pipe()
        os.set_blocking(self._pipe, False)
        self._follower = self._start(since, end)

    def read(self) -> Batch:
        """Return the records that have arrived."""
        lost, self._lost = self._lost, ""
        before, self._before = self._before, []
        if before or lost:
            position = dict(self._position)
            return Batch(before, position, at_end=False, from_before=self._is_first, lost=lost)
        try:
            block = os.read(self._pipe, _BLOCK)
        except BlockingIOError:
            return Batch([], dict(self._position), at_end=True)
        if not block:
            raise self._ended()
        *lines, self._rest = (self._rest + block).split(b"\n")
        found = list(self._lines(lines))
        odd, self._odd = self._odd, 0
        foreign, self._foreign = self._foreign, 0
        return Batch(found, dict(self._position), at_end=False, odd=odd, foreign=foreign)

    def close(self) -> None:
        """End journalctl."""
        self._follower.kill()
        self._follower.wait()
        os.close(self._pipe)
        self._complaints.close()

    def _begin(self) -> None:
        """Start at the end, and look a little behind it."""
        if not self._is_first:
            self._lost = "Postfix logs to the journal now"
        # Before the look: a record that arrives meanwhile must not be missed.
        self._position = {"cursor": "", "since": int(datetime.now(UTC).timestamp())}
        with tempfile.TemporaryFile() as complaints:
            done = self._run([*self._command, f"--lines={_BEFORE}"], complaints)
            complaint = _complaint(complaints.read())
        if done.returncode != 0 or (complaint and not done.stdout):
            raise _problem(complaint or f"journalctl ended with status {done.returncode}")
        self._before = list(self._lines(done.stdout.splitlines()))

    def _run(self, command: list[str], complaints: Any) -> subprocess.CompletedProcess[bytes]:
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=complaints, check=False)
        except FileNotFoundError as error:
            raise _missing() from error
        complaints.seek(0)
        return done

    def _start(self, since: str, end: int) -> subprocess.Popen[bytes]:
        command = [*self._command, "--follow", "--no-tail", since]
        try:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=end, stderr=self._complaints)
        except FileNotFoundError as error:
            os.close(self._pipe)
            self._complaints.close()
            raise _missing() from error
        finally:
            os.close(end)

    def _ended(self) -> Problem:
        status = self._follower.wait()
        self._complaints.seek(0)
        return _problem(_complaint(self._complaints.read()) or f"journalctl ended with status {status}")

    def _lines(self, lines: Sequence[bytes]) -> Iterator[bytes]:
        for fields in records(lines):
            if fields is not None:
                self._position = {"cursor": fields["__CURSOR"]}
                if not is_by(fields, self._users):
                    self._foreign += names_postfix(fields)
                    continue
            line = line_of(fields) if fields is not None else None
            if line is None:
                self._odd += 1
            else:
                yield line


def _complaint(printed: bytes) -> str:
    lines = printed.decode(errors="replace").splitlines()
    return next((line.strip() for line in lines if any(hint in line for hint in _HINTS)), "") or (
        lines[-1].strip() if lines else ""
    )


def _missing() -> Problem:
    return Problem(
        "there is no journalctl to read the journal with",
        "journalctl",
        'name the file that Postfix logs to: log = "/…" under [postfix]',
    )


def _problem(what: str) -> Problem:
    return Problem(
        f"cannot read the journal ({what})",
        "journalctl",
        "let the user domain-secure read it: usermod --append --groups systemd-journal domain-secure",
        ExitStatus.NO_ANSWER,
    )
