"""The journal: which lines go in by its socket, as which fields, and never twice."""

import io
import logging
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain_secure.milter.daemon.daemon import events
from domain_secure.milter.record.journal import (
    JournalHandler,
    encoded,
    goes_to_journal,
    log_handler,
    name_no_places,
)
from domain_secure.policy.terms.event import Event

EVENT = Event.of(logging.WARNING, "decision", verdict="no-tls", reply=None, detail="a\nb")


def record_of(message: object, level: int = logging.WARNING) -> logging.LogRecord:
    """Return what a logger hands to its handler."""
    return logging.LogRecord("domain_secure", level, "", 0, message, None, None)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[socket.socket]:
    """Return a socket that hears what is sent to the journal."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "socket"))
        yield listening


def test_an_event_becomes_fields(journal: socket.socket, tmp_path: Path) -> None:
    """Each pair that says something is a field of its own, beside the line as people know it."""
    otherwise = io.StringIO()
    handler = JournalHandler(logging.StreamHandler(otherwise), tmp_path / "socket")
    handler.emit(record_of(EVENT))
    assert journal.recv(4096) == encoded(
        (
            ("MESSAGE", str(EVENT)),
            ("PRIORITY", "4"),
            ("SYSLOG_IDENTIFIER", "domain-secure"),
            ("DOMAIN_SECURE_EVENT", "decision"),
            ("DOMAIN_SECURE_VERDICT", "no-tls"),
            ("DOMAIN_SECURE_DETAIL", "a\nb"),
        )
    )
    assert otherwise.getvalue() == ""
    handler.close()


def test_nobody_looks_up_where_a_line_is_made(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The line is the same, and takes less time."""
    for name in ("_srcfile", "logThreads", "logProcesses", "logMultiprocessing"):
        monkeypatch.setattr(logging, name, getattr(logging, name))
    name_no_places()
    logging.getLogger("domain_secure").log(EVENT.level, EVENT)
    (made,) = caplog.records
    assert (made.getMessage(), made.lineno, made.thread, made.process) == (str(EVENT), 0, None, None)


def test_a_value_cannot_start_a_field() -> None:
    """Values go in by length, so that a line feed in one of them means nothing."""
    assert encoded([("A", "x\nPRIORITY=0")]) == b"A\n\x0c\0\0\0\0\0\0\0x\nPRIORITY=0\n"


def test_what_the_journal_does_not_take_goes_the_other_way(tmp_path: Path) -> None:
    """Without the socket, and for a record that no datagram holds, the line is written instead."""
    otherwise = io.StringIO()
    handler = JournalHandler(logging.StreamHandler(otherwise), tmp_path / "gone")
    handler.emit(record_of(events.stopping("signal"), logging.INFO))
    assert otherwise.getvalue() == "stopping why=signal\n"
    handler.close()


def test_only_our_own_stream_counts(tmp_path: Path) -> None:
    """A variable inherited from somebody whose output went to the journal says nothing about ours."""
    with (tmp_path / "log").open("w") as stream:
        status = os.fstat(stream.fileno())
        assert goes_to_journal(stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        assert not goes_to_journal(stream, {"JOURNAL_STREAM": "8:1"})
        assert not goes_to_journal(stream, {})
    assert not goes_to_journal(io.StringIO(), {"JOURNAL_STREAM": "8:1"})


def test_which_handler(journal: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fields where there is a journal with a socket, priorities for one without, a time anywhere else."""
    path = tmp_path / "socket"
    with (tmp_path / "log").open("w+") as stream:
        monkeypatch.delenv("JOURNAL_STREAM", raising=False)
        plain = log_handler(stream, path)
        assert plain.format(record_of(EVENT)).endswith(f"WARNING {EVENT}")
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        assert log_handler(stream, tmp_path / "gone").format(record_of(EVENT)) == f"<4>{EVENT}"
        fields = log_handler(stream, path)
        assert isinstance(fields, JournalHandler)
        fields.close()
    assert journal.fileno() >= 0
    assert log_handler(sys.stderr, path).formatter is not None
