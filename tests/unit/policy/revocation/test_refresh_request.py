"""A wish to fetch everything anew, in files between a command and the daemon."""

import os
import stat
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain_secure.policy.revocation.location_report import (
    FILE_NAME,
    LocationReport,
    read_failures,
    write_failures,
)
from domain_secure.policy.revocation.refresh_request import FOLDER, RefreshRequests
from domain_secure.policy.terms.problems import ExitStatus, Problem

REPORT = LocationReport(
    "http://crl.test/a.crl", "CRL", "CN=a.test", datetime(2026, 12, 1, tzinfo=UTC), "why", "what to do", True
)


def test_question_and_answer(tmp_path: Path) -> None:
    """Two commands at a time each get their own answer; nothing is left behind."""
    command, daemon = RefreshRequests(tmp_path), RefreshRequests(tmp_path)
    daemon.open()
    tokens = {command.ask(), command.ask()}
    assert not any(map(command.is_taken, tokens))
    assert set(daemon.take()) == tokens
    assert daemon.take() == []
    assert all(map(command.is_taken, tokens))
    one, other = tokens
    daemon.reply(one, (REPORT,))
    assert command.answer(one) == (REPORT,)
    assert command.answer(other) is None
    daemon.reply(other, ())
    assert command.answer(other) == ()
    for token in tokens:
        command.withdraw(token)
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_nobody_there(tmp_path: Path) -> None:
    """Where no daemon ever ran there is no folder to ask in."""
    with pytest.raises(FileNotFoundError):
        RefreshRequests(tmp_path).ask()


def test_daemon_that_is_killed_in_between(tmp_path: Path) -> None:
    """The next one takes the request again."""
    command, daemon = RefreshRequests(tmp_path), RefreshRequests(tmp_path)
    daemon.open()
    token = command.ask()
    daemon.take()
    daemon.open()
    assert daemon.take() == [token]


def test_request_that_was_withdrawn_is_not_answered(tmp_path: Path) -> None:
    """And what nobody fetched for an hour is removed."""
    command, daemon = RefreshRequests(tmp_path), RefreshRequests(tmp_path)
    daemon.open()
    token = command.ask()
    daemon.take()
    command.withdraw(token)
    daemon.reply(token, (REPORT,))
    assert command.answer(token) is None
    old, new = command.ask(), command.ask()
    daemon.take()
    daemon.reply(old, ())
    os.utime(next((tmp_path / FOLDER).glob("*.answer")), (0, 0))
    daemon.reply(new, ())
    assert command.answer(old) is None
    assert command.answer(new) == ()


def test_failures_are_kept_for_the_doctor(tmp_path: Path) -> None:
    """What was written is read again; none leaves an empty file, and a broken one counts as none."""
    write_failures(tmp_path, ())
    assert list(tmp_path.iterdir()) == []
    write_failures(tmp_path, (REPORT,))
    assert read_failures(tmp_path) == (REPORT,)
    write_failures(tmp_path, ())
    assert read_failures(tmp_path) == ()
    for content in (b"", b"{}", b"[1]", b'[{"until": 3}]', b'[{"url": "x"}]', b"\xff"):
        (tmp_path / FILE_NAME).write_bytes(content)
        assert read_failures(tmp_path) == ()


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b"[" * 100_000, b'[{"until": "0001-01-01T00:00:00+23:59"}]']
)
def test_an_answer_that_is_none(tmp_path: Path, content: bytes) -> None:
    """Whatever stands in its place, nobody takes it for one, and it is told as unknown."""
    requests = RefreshRequests(tmp_path)
    requests.open()
    token = requests.ask()
    (tmp_path / FOLDER / f"{token}.answer").write_bytes(content)
    if content == b"{}":
        assert requests.answer(token) == ()
        return
    with pytest.raises(Problem) as raised:
        requests.answer(token)
    assert raised.value.what == "the daemon's answer cannot be understood; it is not known what it fetched"
    assert raised.value.where == f"{tmp_path}/{FOLDER}/{token}.answer"
    assert raised.value.fix == "see what it says of the locations: domain-secure check"
    assert raised.value.status is ExitStatus.NO_ANSWER


def test_files_of_the_folder(tmp_path: Path) -> None:
    """Whoever may run the command may read them; a token cannot be guessed, and no other file is one."""
    requests = RefreshRequests(tmp_path)
    umask = os.umask(0)
    try:
        requests.open()
        requests.open()
        token = requests.ask()
    finally:
        os.umask(umask)
    folder = tmp_path / FOLDER
    assert len(token) == 16
    assert requests.ask() != token
    (folder / f"{token}.other").write_bytes(b"")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert stat.S_IMODE((folder / f"{token}.request").stat().st_mode) == 0o644
    assert (folder / f"{token}.request").read_bytes() == b""
    assert len(requests.take()) == 2
    requests.reply(token, (REPORT,))
    assert stat.S_IMODE((folder / f"{token}.answer").stat().st_mode) == 0o644
    assert not (folder / f"{token}.taken").exists()
    requests.withdraw(token)
    requests.withdraw(token)
    assert not (folder / f"{token}.answer").exists()


def test_what_nobody_fetches_stays_for_an_hour(tmp_path: Path) -> None:
    """Younger than that it may still be asked for."""
    requests = RefreshRequests(tmp_path)
    requests.open()
    tokens = [requests.ask() for _ in range(3)]
    requests.take()
    for token, age in zip(tokens[:2], (3500, 3700), strict=True):
        requests.reply(token, ())
        written = time.time() - age
        os.utime(tmp_path / FOLDER / f"{token}.answer", (written, written))
    requests.reply(tokens[2], ())
    assert [requests.answer(token) for token in tokens] == [(), None, ()]
