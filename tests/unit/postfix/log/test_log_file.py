"""A log file under everything that is done to log files: no line twice, none left out."""

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.log.log_file import LogFile
from domain_secure.postfix.log.log_source import Batch, Position


class Writer:
    """Somebody who logs numbered lines to a file, and knows how many."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "mail.log"
        self.written: list[bytes] = []
        self.stream = self.path.open("ab", buffering=0)

    def write(self, number: int = 3) -> None:
        """Log some lines."""
        for _ in range(number):
            line = b"2026-11-25T12:00:00+00:00 mail postfix/smtp[1]: line %d" % len(self.written)
            self.stream.write(line + b"\n")
            self.written.append(line)

    def reopen(self) -> None:
        """Begin a new file, as after SIGHUP."""
        self.stream.close()
        self.stream = self.path.open("ab", buffering=0)

    def close(self) -> None:
        """End."""
        self.stream.close()


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    """Return a writer whose log has lines already."""
    made = Writer(tmp_path)
    made.write()
    return made


class Reader:
    """Somebody who reads it, and may be restarted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[bytes] = []
        self.before: list[bytes] = []
        self.lost: list[str] = []
        self.position: Position | None = None
        self.start()

    def start(self) -> None:
        """Start at the position that was kept, which went through JSON."""
        kept = json.loads(json.dumps(self.position)) if self.position is not None else None
        self.log = LogFile(self.path, kept, linger=0.0)

    def read(self) -> None:
        """Read all there is."""
        while not (batch := self.log.read()).at_end:
            self._take(batch)
        self._take(batch)

    def _take(self, batch: Batch) -> None:
        (self.before if batch.from_before else self.lines).extend(batch.lines)
        if batch.lost:
            self.lost.append(batch.lost)
        self.position = batch.position

    def restart(self) -> None:
        """Stop and start."""
        self.log.close()
        self.start()


def age(folder: Path) -> None:
    """Make what is there look older than what comes, by more than the clock's step."""
    for path in folder.iterdir():
        status = path.stat()
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - 1_000_000_000))


def renamed(writer: Writer) -> None:
    """Rotate by renaming; the writer is told."""
    age(writer.path.parent)
    for number in (2, 1):
        former = writer.path.with_name(f"mail.log.{number}")
        if former.exists():
            former.rename(writer.path.with_name(f"mail.log.{number + 1}"))
    writer.path.rename(writer.path.with_name("mail.log.1"))
    writer.reopen()


def compressed(writer: Writer) -> None:
    """Rotate by renaming, with a date in the name, and compress at once."""
    age(writer.path.parent)
    dated = writer.path.with_name(f"mail.log.20261125-{len(writer.written):06}")
    writer.path.rename(dated)
    writer.reopen()
    target = dated.with_name(f"{dated.name}.gz")
    target.write_bytes(gzip.compress(dated.read_bytes()))
    shutil.copystat(dated, target)
    dated.unlink()


def copied(writer: Writer) -> None:
    """Rotate by copying, and cut the file."""
    age(writer.path.parent)
    shutil.copy2(writer.path, writer.path.with_name(f"mail.log-{len(writer.written):06}"))
    os.truncate(writer.path, 0)


ROTATIONS = pytest.mark.parametrize("rotate", [renamed, compressed, copied])
Rotation = Callable[[Writer], None]


def test_begins_at_the_end(writer: Writer) -> None:
    """What was logged before the first start is shown for what it is."""
    reader = Reader(writer.path)
    reader.read()
    assert (reader.before, reader.lines) == (writer.written, [])
    writer.write()
    reader.read()
    assert reader.lines == writer.written[3:]
    writer.close()
    reader.log.close()


@ROTATIONS
def test_rotation_while_reading(writer: Writer, rotate: Rotation) -> None:
    """Lines before, between and after several rotations, read at every step or late."""
    reader = Reader(writer.path)
    reader.read()
    for _ in range(3):
        writer.write()
        rotate(writer)
        writer.write()
        reader.read()
    writer.write()
    reader.read()
    assert reader.lines == writer.written[3:]
    assert reader.lost == []
    writer.close()
    reader.log.close()


@ROTATIONS
@pytest.mark.parametrize("rotations", [0, 1, 3])
def test_rotation_while_nobody_reads(writer: Writer, rotate: Rotation, rotations: int) -> None:
    """After a restart it goes on at the very line, through each file that came between."""
    reader = Reader(writer.path)
    writer.write()
    reader.read()
    expected = len(reader.lines) + len(reader.before)
    for _ in range(rotations):
        writer.write()
        rotate(writer)
    writer.write()
    reader.lines.clear()
    reader.restart()
    reader.read()
    assert reader.lines == writer.written[expected:]
    assert reader.lost == []
    reader.restart()
    reader.read()
    assert reader.lines == writer.written[expected:]
    writer.close()
    reader.log.close()


def test_the_writer_may_hold_the_former_file(writer: Writer) -> None:
    """Lines that reach it after the new one exists are read, from both, and after a restart too."""
    reader = Reader(writer.path)
    reader.read()
    age(writer.path.parent)
    writer.path.rename(writer.path.with_name("mail.log.1"))
    writer.path.touch()
    reader.read()
    writer.write()
    reader.read()
    assert reader.lines == writer.written[3:]
    reader.restart()
    writer.write()
    reader.read()
    writer.reopen()
    writer.write()
    reader.read()
    assert reader.lines == writer.written[3:]
    writer.close()
    reader.log.close()


def test_a_file_that_comes_late(tmp_path: Path) -> None:
    """It is read from its first line: there was none when we started."""
    reader = Reader(tmp_path / "mail.log")
    reader.read()
    assert reader.lines == []
    writer = Writer(tmp_path)
    writer.write()
    reader.read()
    assert reader.lines == writer.written
    writer.close()
    reader.log.close()


def test_half_a_line_waits_for_the_other(writer: Writer) -> None:
    """A line is given when it is whole, once, over a restart too."""
    reader = Reader(writer.path)
    reader.read()
    writer.stream.write(b"the first half")
    reader.read()
    reader.restart()
    reader.read()
    assert reader.lines == []
    writer.stream.write(b" and the second\n")
    reader.read()
    assert reader.lines == [b"the first half and the second"]
    writer.close()
    reader.log.close()


def test_a_line_without_an_end_in_the_former_file(writer: Writer) -> None:
    """Nothing more will come: it is given as it is."""
    reader = Reader(writer.path)
    reader.read()
    writer.stream.write(b"cut")
    renamed(writer)
    writer.write()
    reader.read()
    assert sorted(reader.lines) == sorted([b"cut", *writer.written[3:]])
    writer.close()
    reader.log.close()


def test_a_file_that_was_cut_without_a_copy(writer: Writer) -> None:
    """It is said that lines may be missing, and reading goes on at the beginning."""
    reader = Reader(writer.path)
    reader.read()
    os.truncate(writer.path, 0)
    writer.write()
    reader.read()
    assert reader.lines == writer.written[3:]
    assert len(reader.lost) == 1
    writer.close()
    reader.log.close()


def test_a_position_that_leads_nowhere(writer: Writer) -> None:
    """The file was removed meanwhile: it is said, and the present one is read."""
    reader = Reader(writer.path)
    reader.read()
    reader.log.close()
    writer.path.unlink()
    writer.reopen()
    writer.write()
    reader.start()
    reader.read()
    assert reader.lines == writer.written[3:]
    assert len(reader.lost) == 1
    writer.close()
    reader.log.close()


def test_somebodys_copy_is_no_part_of_the_log(writer: Writer) -> None:
    """A copy beside the log, younger than what was read, is not read again."""
    reader = Reader(writer.path)
    reader.read()
    writer.write()
    reader.read()
    age(writer.path.parent)
    shutil.copy(writer.path, writer.path.with_name("mail.log.save"))
    reader.log.close()
    renamed(writer)
    writer.write()
    reader.start()
    reader.read()
    assert reader.lines == writer.written[3:]
    writer.close()
    reader.log.close()


def test_another_log_begins_with_what_is_there(writer: Writer, tmp_path: Path) -> None:
    """After a change of place the last lines are given; what was read already is known by its time."""
    reader = Reader(writer.path)
    reader.read()
    writer.close()
    (tmp_path / "other").mkdir()
    other = Writer(tmp_path / "other")
    other.write()
    reader.path = other.path
    reader.restart()
    reader.read()
    assert reader.lines == other.written
    assert len(reader.lost) == 1
    other.close()
    reader.log.close()


def test_a_log_that_may_not_be_read_is_a_problem(tmp_path: Path) -> None:
    """A folder in its place, for one, as root may read everything."""
    (tmp_path / "mail.log").mkdir()
    with pytest.raises(Problem, match="cannot read Postfix's log"):
        LogFile(tmp_path / "mail.log").read()


def test_a_line_of_megabytes_is_no_line(writer: Writer) -> None:
    """It is left out in pieces, and memory stays bounded."""
    reader = Reader(writer.path)
    reader.read()
    writer.stream.write(b"x" * (3 * 1024 * 1024) + b"\n")
    writer.write()
    reader.read()
    assert [line for line in reader.lines if b"postfix" in line] == writer.written[3:]
    writer.close()
    reader.log.close()
