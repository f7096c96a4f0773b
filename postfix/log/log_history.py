"""What Postfix's log still holds of the past: the lines since a moment, oldest first.

Must not know: what they mean.
Sources: journalctl(1); logrotate(8) for the names of older files.
"""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.log_lines.log_form import is_by, line_of, records

from .log_file import BLOCK, segments
from .log_location import LogLocation

Report = Callable[[int, int], None]  #: told how many octets of how many are read


def lines_since(
    location: LogLocation, since: datetime, report: Report | None = None
) -> Iterator[list[bytes]]:
    """Yield the lines in blocks, some from before *since* among them; raises Problem."""
    if location.file is not None:
        yield from lines_of_files(location.file, since, report)
        return
    command = [
        "journalctl",
        "--no-pager",
        "--output=json",
        f"--facility={location.facility}",
        f"--since=@{int(since.timestamp())}",
    ]
    # To a file: days of a journal are too much for memory, and it must be known that journalctl read all.
    with tempfile.TemporaryFile() as stored:
        try:
            done = subprocess.run(command, stdout=stored, stderr=subprocess.DEVNULL, check=False)
        except FileNotFoundError as error:
            raise Problem("there is no journalctl", "journalctl", "name a log file with --file") from error
        if done.returncode != 0:
            raise Problem(
                f"journalctl ended with status {done.returncode}",
                " ".join(command),
                "run it by hand and mend what it says",
                ExitStatus.NO_ANSWER,
            )
        stored.seek(0)
        while block := stored.readlines(BLOCK):
            yield [
                line
                for fields in records(block)
                if fields and is_by(fields, location.users) and (line := line_of(fields)) is not None
            ]


def lines_of_files(file: Path, since: datetime, report: Report | None = None) -> Iterator[list[bytes]]:
    """Yield the lines of a log file and of what it was rotated to, the oldest first; raises Problem."""
    found = segments(file, since.timestamp())
    total = sum(segment.stored for segment in found)
    done = 0
    for segment in found:
        with closing(segment):
            done += segment.stored
            while lines := segment.lines(BLOCK):
                yield lines
        if report:
            report(done, total)
