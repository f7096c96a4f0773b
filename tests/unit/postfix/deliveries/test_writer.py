"""Who has written a line of the log."""

import pytest

from domain_secure.postfix.deliveries.writer import Writer, writers_of
from domain_secure.postfix.log_lines.log_form import usual_forms
from domain_secure.postfix.log_lines.log_line import LINE

_ISO = "2026-11-25T10:00:00.123456+00:00 mx1"
_TEXT = "10B773D: to=<a@woodgrovebank.test>, relay=none"


def writer(line: str) -> Writer:
    """Return who has written one line, by itself and behind another."""
    (octets,), _ = usual_forms([line.encode()], every=True)
    found = writers_of([octets])
    assert writers_of([b"", octets])[1:] == found
    return found[0]


@pytest.mark.parametrize(
    "head",
    [
        _ISO,
        "Nov 25 10:00:00 mx1",
        "Nov  5 10:00:00",
        "<22>Nov 25 10:00:00 mx1",
        "<22>1 2026-11-25T10:00:00Z mx1 {tag} {pid} - -",
        "postfix-1  | 2026-11-25T10:00:00+00:00 mx1",
        "[pod/postfix-0/postfix] Nov 25 10:00:00 mx1",
        "2026-11-25T10:00:00.1Z stdout F Nov 25 10:00:00 mx1",
        "Nov 25 10:00:00 <mail.info> mx1",
        "lis 25 10:00:00 mx1",
    ],
)
@pytest.mark.parametrize("name", ["postfix", "postfix/domain-secure", "postfix-out", "a.b_c/d"])
@pytest.mark.parametrize(
    ("program", "expected"),
    [
        *((program, Writer.CLIENT) for program in ("smtp", "lmtp", "tlsproxy", "error", "retry")),
        *((program, Writer.QUEUE) for program in ("qmgr", "postsuper")),
        *((program, Writer.OTHER) for program in ("smtpd", "cleanup", "trivial-rewrite", "bounce")),
    ],
)
def test_in_each_form(head: str, name: str, program: str, expected: Writer) -> None:
    """The program tells, whichever instance and service it is of, and however the line was logged."""
    tag = f"{name}/{program}"
    line = f"{head.format(tag=tag, pid=77)} {_TEXT}" if "{tag}" in head else f"{head} {tag}[77]: {_TEXT}"
    assert writer(line) is expected
    assert LINE.match(usual_forms([line.encode()], every=True)[0][0])


@pytest.mark.parametrize(
    "text",
    [
        "connect from postfix/smtp[192.0.2.1]",
        "10B773D: message-id=<postfix/smtp[1]: 20B773D: to=<a@woodgrovebank.test>>",
        "NOQUEUE: reject: helo=<x/qmgr[1]: 10B773D: removed",
    ],
)
def test_what_others_repeat_of_a_stranger_is_theirs(text: str) -> None:
    """A name of a program in the text of a line makes it no line of that program."""
    assert writer(f"{_ISO} postfix/smtpd[5]: {text}") is Writer.OTHER


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", Writer.OTHER),
        ("[", Writer.OTHER),
        ("nothing at all", Writer.OTHER),
        ("mx1[192.0.2.1] postfix/smtp[77]: x", Writer.CLIENT),
        ("mx1[192.0.2.1] postfix/error[77]: x", Writer.CLIENT),
        ("mx1[192.0.2.1] postfix/qmgr[77]: 10B773D: removed", Writer.QUEUE),
        ("mx1[192.0.2.1] postfix/postsuper[77]: Deleted: 3 messages", Writer.QUEUE),
        ("mx1[192.0.2.1] postfix/cleanup[77]: x", Writer.OTHER),
    ],
)
def test_in_a_form_that_is_not_known(line: str, expected: Writer) -> None:
    """What may be a line of theirs is looked at, so that it is counted as not understood."""
    assert writer(line) is expected


def test_tags_are_remembered_within_a_bound() -> None:
    """Whoever writes a thousand tags into the log is told from Postfix all the same."""
    lines = [f"{_ISO} made-up/{number}[1]: x".encode() for number in range(1000)]
    assert set(writers_of(lines)) == {Writer.OTHER}
    assert writer(f"{_ISO} postfix/smtp[77]: {_TEXT}") is Writer.CLIENT
