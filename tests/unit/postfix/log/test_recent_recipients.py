"""Recipients found in a log that may be longer than is read."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

from domain_secure.postfix.log.log_location import LogLocation
from domain_secure.postfix.log.recent_recipients import recent_recipients

START = "2026-11-26T10:00:{:02}+00:00 mail postfix/smtp[1]: "
LINE = START + "4F2C1A0B: to=<{}>, relay=mx[192.0.2.1]:25, status=sent\n"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def location(file: Path) -> LogLocation:
    """Return a log file as a location."""
    return LogLocation(file, "mail", frozenset({"postfix"}), "test")


def lines(*addresses: str) -> str:
    """Return a line for a delivery to each."""
    return "".join(LINE.format(number, address) for number, address in enumerate(addresses))


def test_each_once_and_only_deliveries(tmp_path: Path) -> None:
    """Files that were rotated count, text of others does not pass for a recipient, others are not wanted."""
    log = tmp_path / "mail.log"
    with gzip.open(tmp_path / "mail.log.1.gz", "wt") as stream:
        stream.write(lines("old@a.test"))
    log.write_text(
        lines("x@a.test", '"a>b"@a.test', "x@b.test", "X@a.test", "x@a.test")
        + START.format(8)
        + "warning: said: postfix/x[1]: F: to=<f@a.test>, relay=\n"
        + LINE.format(9, "y@a.test").replace("to=<y@a.test>,", "to=<y@a.test>, orig_to=<z@a.test>,")
    )
    found = recent_recipients(location(log), LONG_AGO, lambda address: address.endswith("@a.test"))
    assert set(found.addresses) == {"old@a.test", "x@a.test", '"a>b"@a.test', "X@a.test", "y@a.test"}
    assert found.left_out == ()


def test_what_is_beyond_the_bounds_is_named(tmp_path: Path) -> None:
    """The last ones are kept, and what was not read is told."""
    log = tmp_path / "mail.log"
    (tmp_path / "mail.log.1").write_text(lines("older@a.test"))
    log.write_text(lines(*(f"{number}@a.test" for number in range(10))))
    one = len(lines("0@a.test"))
    found = recent_recipients(location(log), LONG_AGO, lambda _: True, most_octets=3 * one + 5)
    assert found.addresses == ("7@a.test", "8@a.test", "9@a.test")
    assert [part.split(" octets of ")[1] for part in found.left_out] == [
        str(log),
        str(tmp_path / "mail.log.1"),
    ]
    found = recent_recipients(location(log), LONG_AGO, lambda _: True, most_recipients=2)
    assert found.addresses == ("8@a.test", "9@a.test")
    assert found.left_out == ("recipients before the last 2 different ones",)
