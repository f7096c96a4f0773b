"""What a log still holds of the past."""

import gzip
import os
from datetime import UTC, datetime
from pathlib import Path

from domain_secure.postfix.log.log_history import lines_of_files

DAY = 86400
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def write(path: Path, text: str, days: int) -> None:
    """Write a file so many days ago."""
    octets = text.encode()
    path.write_bytes(gzip.compress(octets) if path.suffix == ".gz" else octets)
    moment = NOW.timestamp() - days * DAY
    os.utime(path, (moment, moment))


def test_all_files_of_the_time_in_their_order(tmp_path: Path) -> None:
    """Rotated and compressed ones too; older ones and copies are left out, and the way is reported."""
    log = tmp_path / "mail.log"
    write(log, "six\n", 0)
    write(tmp_path / "mail.log.1", "four\nfive\n", 1)
    write(tmp_path / "mail.log.2.gz", "two\nthree\n", 2)
    write(tmp_path / "mail.log.3.gz", "one\n", 30)
    write(tmp_path / "mail.log.2", "two\nthree\n", 2)
    write(tmp_path / "mail.logbook", "no log\n", 0)
    reports: list[tuple[int, int]] = []
    since = datetime(2026, 11, 20, tzinfo=UTC)
    blocks = list(lines_of_files(log, since, lambda done, total: reports.append((done, total))))
    assert [line for block in blocks for line in block] == [b"two", b"three", b"four", b"five", b"six"]
    assert reports[-1][0] == reports[-1][1]


def test_no_file_has_no_lines(tmp_path: Path) -> None:
    """Neither has a file that cannot be decompressed."""
    (tmp_path / "mail.log.1.gz").write_bytes(b"not compressed at all")
    assert list(lines_of_files(tmp_path / "mail.log", NOW)) == []
