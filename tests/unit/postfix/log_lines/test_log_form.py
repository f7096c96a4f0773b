"""Lines of RFC 5424 and of JSON become lines of syslog."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.postfix.log_lines.log_form import is_by, line_of, names_postfix, records, usual_forms
from domain_secure.postfix.log_lines.log_line import LINE

RELAY = "m.x.test[192.0.2.1]:25"
STATUS = f"10B773D: to=<a@x.test>, relay={RELAY}, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (ok)"
PLAIN = f"Nov 25 19:23:15 mail postfix/smtp[687]: {STATUS}"
STAMP = "2026-11-25T19:23:15.003Z"
EXPECTED = f"{STAMP} mail postfix/smtp[687]: {STATUS}"


def usual(line: str) -> str:
    """Return one line's usual form."""
    (found,), _ = usual_forms([line.encode()])
    return found.decode()


def docker(line: str, **more: Any) -> str:
    """Return a record of Docker's json-file driver."""
    return json.dumps({"log": f"{line}\n", "stream": "stdout", "time": STAMP} | more)


@pytest.mark.parametrize(
    "line",
    [
        f"<22>1 {STAMP} mail postfix/smtp 687 - - {STATUS}",
        f"1 {STAMP} mail postfix/smtp 687 - - {STATUS}",
        f"231 <22>1 {STAMP} mail postfix/smtp 687 - - {STATUS}",
        f'<22>1 {STAMP} mail postfix/smtp 687 ID47 [a@1 x="y]\\"z" t=""][b c="d"] \ufeff{STATUS}',
        f"2026-11-25T19:23:15.003Z stdout F <22>1 {STAMP} mail postfix/smtp 687 - - {STATUS}",
        docker(PLAIN),
        docker(PLAIN.replace("Nov", "Νοε"), attrs={"tag": "mail"}),
        docker(f"<22>1 2026-11-25T20:23:15+01:00 mail postfix/smtp 687 - - {STATUS}"),
    ],
)
def test_other_forms(line: str) -> None:
    """Whatever syslog daemon or container engine wrote it."""
    assert usual(line) == EXPECTED


def test_the_journal_in_a_file() -> None:
    """As ``journalctl --output=json`` prints it."""
    record = {
        "__REALTIME_TIMESTAMP": "1764098595003000",
        "__CURSOR": "s",
        "SYSLOG_IDENTIFIER": "postfix/smtp",
        "_PID": "687",
        "MESSAGE": STATUS,
    }
    assert usual(json.dumps(record)).endswith(f" localhost postfix/smtp[687]: {STATUS}")


@pytest.mark.parametrize(
    ("message", "program"),
    [
        ("10B773D: removed", "qmgr"),
        ("Verified TLS connection established to m.x.test[192.0.2.1]:25: TLSv1.3 with cipher X", "smtp"),
        ("connect to m.x.test[192.0.2.1]:25: Connection refused", "smtp"),
        (
            "10B773D: lost connection with m.x.test[192.0.2.1] while receiving the initial server greeting",
            "smtp",
        ),
        ("certificate verification failed for m.x.test[192.0.2.1]:25: self-signed certificate", "smtp"),
        ("warning: TLS policy lookup for x.test/m.x.test: client TLS configuration problem", "smtp"),
        ("connect from m.x.test[192.0.2.1]", "unknown"),
        ("10B773D: client=m.x.test[192.0.2.1]", "unknown"),
        (STATUS.replace("(ok", "(delivery temporarily suspended: x"), "error"),
        ("", "unknown"),
    ],
)
def test_a_program_that_is_not_named(message: str, program: str) -> None:
    """rsyslogd(8) cuts names at the slash: what is said tells who said it."""
    assert (
        usual(f"<22>1 {STAMP} mail postfix 687 - - {message}")
        == f"{STAMP} mail postfix/-/{program}[687]: {message}"
    )


@pytest.mark.parametrize(
    "line",
    [
        "",
        PLAIN,
        "{",
        "{}",
        "[1]",
        "{" * 100_000,
        '{"log": 7}',
        '{"log": null, "time": 3}',
        '{"log": "x", "time": "y"',
        f"<22>1 - mail postfix/smtp 687 - - {STATUS}",
        f"<22>1 {STAMP} mail postfix/smtp - - - {STATUS}",
        f"<22>1 {STAMP} mail postfix/smtp 687 - [a {STATUS}",
    ],
)
def test_what_is_not_understood_is_left_as_it_is(line: str) -> None:
    """Somebody counts it; nothing is guessed."""
    assert usual(line) == line


def test_words_of_strangers_make_no_line() -> None:
    """A form counts at the beginning alone."""
    line = f"Nov 25 19:23:15 mail sshd[1]: <22>1 {STAMP} mail postfix/smtp 687 - - {STATUS}"
    assert usual(line) == line
    inner = docker(f"app: {PLAIN}")
    assert LINE.match(usual(inner).encode()) is None


def test_a_long_block_is_looked_at_by_a_sample() -> None:
    """One line is enough for all; a log that had another form is looked at line by line from then on."""
    block = [PLAIN.encode()] * 2000
    assert usual_forms(block) == (block, False)
    mixed = [*block, docker(PLAIN).encode()]
    found, has_other = usual_forms(mixed)
    assert has_other
    assert found == [*block, EXPECTED.encode()]
    hidden = [*block[:1001], docker(PLAIN).encode(), *block]
    assert usual_forms(hidden, every=True)[0][1001] == EXPECTED.encode()


@given(st.binary(max_size=200))
def test_octets_break_nothing(octets: bytes) -> None:
    """Neither behind a known beginning nor alone."""
    for line in (octets, b"{" + octets, b"<22>1 2026" + octets):
        usual_forms([line])
        list(records([line]))


RECORD: dict[str, Any] = {
    "__CURSOR": "s=1",
    "__REALTIME_TIMESTAMP": "1764098595003000",
    "_HOSTNAME": "mail",
    "SYSLOG_IDENTIFIER": "postfix/smtp",
    "SYSLOG_PID": "687",
    "MESSAGE": "x",
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, b"mail postfix/smtp[687]: x"),
        ({"MESSAGE": [120, 255]}, b"mail postfix/smtp[687]: x\xff"),
        ({"MESSAGE": "x\ny"}, b"mail postfix/smtp[687]: x"),
        ({"SYSLOG_PID": None, "_PID": "9"}, b"mail postfix/smtp[9]: x"),
        ({"_HOSTNAME": ["a", "b"]}, b"localhost postfix/smtp[687]: x"),
        ({"_HOSTNAME": "a b"}, b"localhost postfix/smtp[687]: x"),
        ({"MESSAGE": ["x", "y"]}, None),
        ({"MESSAGE": [120, 300]}, None),
        ({"MESSAGE": [[1]]}, None),
        ({"MESSAGE": None}, None),
        ({"MESSAGE": {}}, None),
        ({"SYSLOG_IDENTIFIER": ["postfix/smtp", "b"]}, None),
        ({"SYSLOG_PID": ["1", "2"]}, None),
        ({"__REALTIME_TIMESTAMP": None}, None),
        ({"__REALTIME_TIMESTAMP": "x"}, None),
        ({"__REALTIME_TIMESTAMP": "9" * 40}, None),
    ],
)
def test_records_of_the_journal(change: dict[str, Any], expected: bytes | None) -> None:
    """A field may be missing, too long, or given more than once; none of that is an exception."""
    line = line_of(RECORD | change)
    if expected is None:
        assert line is None
    else:
        assert line
        assert line.partition(b" ")[2] == expected


def test_what_is_no_record() -> None:
    """It is told apart, in its place."""
    found = list(records([json.dumps(RECORD).encode(), b"", b"{", b"7", b"{}", b'{"__CURSOR": 3}']))
    assert found == [RECORD, None, None, None, None]


@pytest.mark.parametrize(
    ("user", "users", "expected"),
    [
        ("107", {0, 107}, True),
        ("0", {0, 107}, True),
        ("1000", {0, 107}, False),
        ("1000", set(), True),
        # Of another machine, or given several times: the journal does not know.
        (None, {0, 107}, True),
        (["107", "1000"], {0, 107}, True),
        ("", {0, 107}, True),
    ],
)
def test_whose_a_record_is(user: object, users: set[int], expected: bool) -> None:
    """By what the journal itself knows, which no writer can set."""
    assert is_by({"_UID": user}, users) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("postfix/smtp", True), ("postfix/domain-secure/smtp", True), ("postfix/smtpd", False), ("smtp", False)],
)
def test_whether_a_record_bears_the_name_of_postfix(name: str, expected: bool) -> None:
    """Of a program that counts."""
    assert names_postfix({"SYSLOG_IDENTIFIER": name}) is expected


@pytest.mark.parametrize(
    "line",
    [
        rb'{"log": "2026-11-25T10:00:00Z mail postfix/smtp[1]: \ud800", "time": "2026-11-25T10:00:00Z"}',
        rb'{"log": "2026-11-25T10:00:00Z mail postfix/smtp[1]: a", "time": "2026-11-25T10:00:00\ud800"}',
    ],
)
def test_halves_of_characters_are_shown_as_escapes(line: bytes) -> None:
    """JSON can say what UTF-8 cannot; the line is read nevertheless."""
    (made,), _ = usual_forms([line], every=True)
    assert LINE.match(made)
