"""The file of the sums: one commit for what belongs together."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain_secure.policy.sending.delivery_counts import CountKey, OutboundCounter
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.log.delivery_ledger import FILE_NAME, DeliveryLedger, Reading

SENT = CountKey(OutboundCounter.SENT, Entry("woodgrovebank.test"), "")
FAILED = CountKey(OutboundCounter.FAILURE, Entry("*.fabrikam.test"), "no-tls")
READING = Reading({SENT: 3, FAILED: 1}, {"file": "/x", "segments": []}, {"processes": {}})


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[DeliveryLedger]:
    """Return an empty one."""
    made = DeliveryLedger(tmp_path)
    yield made
    made.close()


def test_what_was_committed_is_there_after_a_restart(ledger: DeliveryLedger, tmp_path: Path) -> None:
    """Sums, position and tracker, as of the last commit; nobody else may read it."""
    assert ledger.load() == Reading({}, None, None)
    ledger.commit(READING)
    ledger.commit(Reading({SENT: 4, FAILED: 1}, {"file": "/y"}, None))
    again = DeliveryLedger(tmp_path)
    assert again.load() == Reading({SENT: 4, FAILED: 1}, {"file": "/y"}, None)
    again.close()
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) & 0o007 == 0


def opened(folder: Path) -> list[str]:
    """Return what this process holds open below a folder, ours alone."""
    found = [str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
    return [name for name in found if name.startswith(f"{folder}/")]


@pytest.mark.parametrize("content", [b"not a database, in no way at all", b"\0" * 8192])
def test_a_damaged_file_is_a_problem(tmp_path: Path, content: bytes) -> None:
    """It says what may be done about it."""
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(Problem, match="may be moved away") as raised:
        DeliveryLedger(tmp_path)
    assert not opened(tmp_path), raised.value


def test_another_format_is_a_problem(ledger: DeliveryLedger, tmp_path: Path) -> None:
    """A later version's file is left alone."""
    ledger._connection.execute("PRAGMA user_version = 9")
    with pytest.raises(Problem, match="format 9"):
        DeliveryLedger(tmp_path)


def test_a_commit_that_fails_changes_nothing(ledger: DeliveryLedger) -> None:
    """A full disk, for one: the former state stays whole."""
    ledger.commit(READING)
    (pages,) = ledger._connection.execute("PRAGMA page_count").fetchone()
    ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Problem, match="full"):
        ledger.commit(Reading({SENT: 9}, {"file": "x" * 100_000}, None))
    assert ledger.load() == READING
