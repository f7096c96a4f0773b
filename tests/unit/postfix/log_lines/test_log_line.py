"""The grammar of one line of the log."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.postfix.log_lines.log_line import (
    LINE,
    MESSAGE,
    QUEUE_ID,
    STATUS,
    Status,
    parse_stamp,
    service_of,
)

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


BODY = "postfix/dsec/smtp[687]: 10B773D: removed"


@pytest.mark.parametrize(
    ("before", "stamp"),
    [
        ("2026-11-25T19:23:15+0000 mail ", "2026-11-25T19:23:15+0000"),
        ("2026-11-25 19:23:15 mail ", "2026-11-25 19:23:15"),
        ("2026-11-25 19:23:15.123456 +0100 mail ", "2026-11-25 19:23:15.123456 +0100"),
        ("<22>Nov 25 19:23:15 mail ", "Nov 25 19:23:15"),
        ("<22> 2026-11-25T19:23:15Z mail ", "2026-11-25T19:23:15Z"),
        ("147 <22>Nov  5 19:23:15 mail ", "Nov  5 19:23:15"),
        ("Nov 5 19:23:15 mail ", "Nov 5 19:23:15"),
        ("Νοε 25 19:23:15 mail ", "Νοε 25 19:23:15"),
        ("de febr. 25 19:23:15 mail ", "de febr. 25 19:23:15"),
        (" 8月  5 19:23:15 mail ", " 8月  5 19:23:15"),
        ("Thg 11 25 19:23:15 mail ", "Thg 11 25 19:23:15"),
        ("Nov 25 19:23:15 mail mail.info ", "Nov 25 19:23:15"),
        ("Nov 25 19:23:15 <mail.info> mail ", "Nov 25 19:23:15"),
        ("Nov 25 19:23:15 ", "Nov 25 19:23:15"),
        ("2026-11-25T19:23:15.123456789Z stdout F Nov 25 20:23:15 mail ", "2026-11-25T19:23:15.123456789Z"),
        ("2026-11-25T19:23:15.1Z stderr P <22>Νοε 25 20:23:15 mail ", "2026-11-25T19:23:15.1Z"),
        ("2026-11-25T19:23:15.1Z stdout F ", "2026-11-25T19:23:15.1Z"),
        ("2026-11-25T19:23:15.1Z Nov 25 20:23:15 mail ", "2026-11-25T19:23:15.1Z"),
        ("mail-1  | Nov 25 19:23:15 mail ", "Nov 25 19:23:15"),
        ("mail-1 | 2026-11-25T19:23:15.1Z 2026-11-25 20:23:15 mail ", "2026-11-25T19:23:15.1Z"),
        ("[pod/mail-0/postfix] Nov 25 19:23:15 mail ", "Nov 25 19:23:15"),
    ],
)
def test_other_forms_of_a_line(before: str, stamp: str) -> None:
    """Whoever writes the file, and whatever runs the container; the time is the one that knows its zone."""
    line = f"{before}{BODY}".encode()
    match = LINE.match(line)
    assert match
    found = [match[name].decode() for name in ("stamp", "tag", "program", "pid")]
    assert found == [stamp, "postfix/dsec/smtp", "smtp", "687"]
    assert line[match.end() :] == b"10B773D: removed"


def test_solaris_numbers_its_messages() -> None:
    """The number is no part of the message."""
    line = b"Nov 25 19:23:15 mail postfix/smtp[687]: [ID 197553 mail.info] x"
    match = LINE.match(line)
    assert match
    assert line[match.end() :] == b"x"


@pytest.mark.parametrize(
    "attributes",
    ["delay=1, delays=inf/0/0/0", "delay=1, delays=0/nan/0/0", "delay=-1, delays=0/0/0/0",
     "delay=1e9, delays=0/0/0/0", f"delay=1, delays=0/0/{'9' * 400}/0"],
)  # fmt: skip
def test_figures_that_are_none(attributes: str) -> None:
    """Neither infinite nor negative nor beyond all measure: it is no status line, and somebody counts it."""
    line = f"10B773D: to=<a@x.test>, relay=none, {attributes}, dsn=2.0.0, status=sent (x)"
    assert STATUS.match(line.encode()) is None


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


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2026-11-25T19:23:15+0100", datetime(2026, 11, 25, 18, 23, 15, tzinfo=UTC)),
        ("2026-11-25 19:23:15", datetime(2026, 11, 25, 18, 23, 15, tzinfo=UTC)),
        ("2026-07-01 19:23:15,5", datetime(2026, 7, 1, 17, 23, 15, 500000, UTC)),
        ("2026-11-25 19:23:15 -0130", datetime(2026, 11, 25, 20, 53, 15, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("Nov 24 2025 12:00:00", datetime(2025, 11, 24, 11, tzinfo=UTC)),
        ("Νοε 24 12:00:00", datetime(2026, 11, 24, 11, tzinfo=UTC)),
        ("Μαΐ 24 12:00:00", datetime(2026, 5, 24, 10, tzinfo=UTC)),
        ("Mär  5 12:00:00", datetime(2026, 3, 5, 11, tzinfo=UTC)),
        ("Dez 24 12:00:00", datetime(2025, 12, 24, 11, tzinfo=UTC)),
        ("févr. 24 12:00:00", datetime(2026, 2, 24, 11, tzinfo=UTC)),
        (" 8月 24 12:00:00", datetime(2026, 8, 24, 10, tzinfo=UTC)),
        ("Thg 10 24 12:00:00", datetime(2026, 10, 24, 10, tzinfo=UTC)),
        ("lis 24 12:00:00", datetime(2026, 11, 24, 11, tzinfo=UTC)),  # Polish; October in Croatian
        ("lis 27 12:00:00", datetime(2026, 10, 27, 11, tzinfo=UTC)),
        ("quux 24 12:00:00", datetime(2026, 11, 24, 11, tzinfo=UTC)),
        (r"\xcd\xef\xe5 27 12:00:00", datetime(2026, 10, 27, 11, tzinfo=UTC)),
    ],
)
def test_times_in_other_forms(stamp: str, expected: datetime) -> None:
    """Another offset, no zone, another language: known, or the last one that fits."""
    assert parse_stamp(stamp, NOW) == expected


@pytest.mark.parametrize(
    "stamp",
    [
        "Feb 30 12:00:00",
        "13月 25 12:00:00",
        "2026-13-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_dates_that_are_none(stamp: str) -> None:
    """ValueError, and nothing else."""
    with pytest.raises(ValueError, match=r"date|month|stamp"):
        parse_stamp(stamp, NOW)


@pytest.mark.parametrize(
    ("tag", "service"),
    [
        (b"postfix/domain-secure/smtp", "postfix/domain-secure"),
        (b"postfix/smtp", "postfix"),
        (b"postfix/-/smtp", ""),
    ],
)
def test_the_service(tag: bytes, service: str) -> None:
    """What stands before the program; a name that was cut off is not told."""
    assert service_of(tag) == service
