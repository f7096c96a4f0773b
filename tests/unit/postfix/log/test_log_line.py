"""The grammar of one line of the log."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.postfix.log.log_line import LINE, MESSAGE, QUEUE_ID, STATUS, Status, parse_stamp

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
TEXT = (
    b"10B773D: to=<admin@woodgrovebank.test>, orig_to=<root>, relay=mail.x.test[2001:db8::1]:25, conn_use=2, "
    b"delay=12, delays=0.01/11/0.03/0.9, tls=secure/requiretls, dsn=2.0.0, status=sent (250 2.0.0 Ok (x))"
)


@pytest.fixture
def zone() -> Iterator[None]:
    """Be in a zone that changes its clocks."""
    former = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/Vienna"
    time.tzset()
    yield
    if former is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = former
    time.tzset()


@pytest.mark.parametrize(
    ("line", "stamp", "tag", "program", "pid"),
    [
        ("Nov 25 19:23:15 mail postfix/smtp[687]: x", "Nov 25 19:23:15", "postfix/smtp", "smtp", "687"),
        (
            "Nov  5 09:03:05 mail postfix-out/dsec/smtp[1]: x",
            "Nov  5 09:03:05",
            "postfix-out/dsec/smtp",
            "smtp",
            "1",
        ),
        (
            "2026-11-25T19:23:15.123456+01:00 mx1.contoso.test postfix/qmgr[4194304]: x",
            "2026-11-25T19:23:15.123456+01:00",
            "postfix/qmgr",
            "qmgr",
            "4194304",
        ),
        ("2026-11-25T19:23:15Z mail my-name/lmtp[2]: x", "2026-11-25T19:23:15Z", "my-name/lmtp", "lmtp", "2"),
    ],
)
def test_both_forms_of_a_line(line: str, stamp: str, tag: str, program: str, pid: str) -> None:
    """Time, tag with any number of parts, and process, however it was logged."""
    match = LINE.match(line.encode())
    assert match
    found = [match[name].decode() for name in ("stamp", "tag", "program", "pid")]
    assert found == [stamp, tag, program, pid]
    assert line[match.end() :] == "x"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "postfix/smtp[687]: x",
        "Nov 25 19:23:15 mail kernel: postfix/smtp[687]: x",
        "Nov 25 19:23:15 mail sshd[1]: Nov 25 19:23:15 mail postfix/smtp[687]: x",
        "Nov 25 19:23:15 mail postfix/smtp: x",
        "25 Nov 19:23:15 mail postfix/smtp[687]: x",
    ],
)
def test_other_lines_are_none(line: str) -> None:
    """Least of all those in which another program repeats somebody's words."""
    assert LINE.match(line.encode()) is None


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("10B773D", True),
        ("4F2C1A0B9D", True),
        ("3rPs9z1Y3bzSrF", True),
        ("4bYzzq2lpGz9vN2", True),
        ("NOQUEUE", False),
        ("warning", False),
        ("10b773d", False),
        ("fatal", False),
    ],
)
def test_queue_ids(text: str, is_one: bool) -> None:
    """Short and long ones, and no word that stands in the same place."""
    match = MESSAGE.match(f"{text}: x".encode())
    assert (match is not None) == is_one
    assert QUEUE_ID


def test_a_status_line_by_key() -> None:
    """Whatever attributes there are, in any number; a reply may hold parentheses."""
    match = STATUS.match(TEXT)
    assert match
    status = Status.of(match)
    assert (status.queue_id, status.domain, status.relay) == (
        "10B773D",
        "woodgrovebank.test",
        "mail.x.test[2001:db8::1]:25",
    )
    assert status.recipient == "admin@woodgrovebank.test root"
    assert status.attributes == {
        "conn_use": "2",
        "delay": "12",
        "delays": "0.01/11/0.03/0.9",
        "tls": "secure/requiretls",
        "dsn": "2.0.0",
    }
    assert (status.status, status.text) == ("sent", "250 2.0.0 Ok (x)")


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ('"a b"@x.test', "x.test"),
        (r'"a\"> b"@x.test', "x.test"),
        ("a@b@x.test", "x.test"),
        ("postmaster", "postmaster"),
        ("a@[192.0.2.1]", "[192.0.2.1]"),
        ("ü@bücher.test", "bücher.test"),
        ("", ""),
    ],
)
def test_domains_of_addresses(address: str, domain: str) -> None:
    """Quoted local parts, literals, U-labels; what has no domain has none that could be listed."""
    match = STATUS.match(f"10B773D: to=<{address}>, relay=none, status=sent (x)".encode())
    assert match
    assert Status.of(match).domain == domain


@given(st.integers(0, len(TEXT)))
def test_a_line_that_was_cut(length: int) -> None:
    """As far as the status is there it is understood, the closing parenthesis missing or not."""
    match = STATUS.match(TEXT[:length])
    if length >= TEXT.index(b"status=sent") + len(b"status=sent"):
        assert match
        assert Status.of(match).status == "sent"
    elif match:
        assert "sent".startswith(Status.of(match).status)


@given(st.binary(max_size=200))
def test_octets_break_nothing(octets: bytes) -> None:
    """What is no text is shown, not refused."""
    match = STATUS.match(b"10B773D: to=<a@x.test>, relay=none, status=sent (" + octets)
    assert match
    Status.of(match)
    LINE.match(octets)


def test_the_long_form_of_time() -> None:
    """It says everything, in up to nine digits."""
    assert parse_stamp("2026-11-25T19:23:15.123456789+01:00", NOW) == datetime(
        2026, 11, 25, 18, 23, 15, 123456, UTC
    )
    assert parse_stamp("2026-11-25T19:23:15Z", NOW) == datetime(2026, 11, 25, 19, 23, 15, tzinfo=UTC)


@pytest.mark.parametrize("digits", range(1, 10))
def test_fractions_of_any_length(digits: int) -> None:
    """What is finer than a microsecond is cut off, what is coarser is no other moment."""
    fraction = "123456789"[:digits]
    time = parse_stamp(f"2026-11-25T19:23:15.{fraction}Z", NOW)
    assert time.microsecond == int(f"{fraction:0<6.6}")


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(
    ("stamp", "now", "expected"),
    [
        ("Nov 25 12:00:00", NOW, datetime(2026, 11, 25, 11, tzinfo=UTC)),
        ("Jul  1 12:00:00", NOW, datetime(2026, 7, 1, 10, tzinfo=UTC)),
        ("Dec 31 12:00:00", datetime(2027, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, 11, tzinfo=UTC)),
        (
            "Jan  1 00:30:00",
            datetime(2026, 12, 31, 23, 20, tzinfo=UTC),
            datetime(2026, 12, 31, 23, 30, tzinfo=UTC),
        ),
        ("Feb 29 12:00:00", NOW, datetime(2024, 2, 29, 11, tzinfo=UTC)),
        ("Jun 30 23:59:60", NOW, datetime(2026, 6, 30, 21, 59, 59, tzinfo=UTC)),
    ],
)
def test_the_short_form_of_time(stamp: str, now: datetime, expected: datetime) -> None:
    """Local time, in the last year that is not ahead."""
    assert parse_stamp(stamp, now) == expected


@pytest.mark.parametrize("stamp", ["Foo 25 12:00:00", "Feb 30 12:00:00", "2026-13-01T00:00:00Z"])
def test_dates_that_are_none(stamp: str) -> None:
    """ValueError, and nothing else."""
    with pytest.raises(ValueError, match=r"date|month|stamp"):
        parse_stamp(stamp, NOW)
