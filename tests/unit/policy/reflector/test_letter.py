"""Which letters a machine may answer, and to whom."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from domain_secure.milter.reflector.gathering import Gathering
from domain_secure.policy.reflector.letter import MOST_OCTETS, MOST_RECIPIENTS, Letter, objection_to
from domain_secure.policy.reflector.reason import Reason

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
REFLECTOR = "reflector@contoso.test"
AUTHOR = "admin@woodgrovebank.test"
GOOD = {
    "From": f"Admin <{AUTHOR}>",
    "To": f"Reflector <{REFLECTOR}>",
    "Date": format_datetime(NOW),
    "Message-ID": "<1.a@woodgrovebank.test>",
}


def letter(
    *further: tuple[str, str | bytes],
    sender: str = AUTHOR,
    recipients: int = 1,
    body: bytes = b"",
    **changed: str,
) -> Letter:
    """Return a letter as it is gathered, with some fields changed (``_`` for ``-``) and *further* ones."""
    names = {name.lower().replace("-", "_"): name for name in GOOD}
    fields = {**GOOD, **{names[name]: text for name, text in changed.items()}}
    gathering = Gathering()
    for name, text in (*fields.items(), *further):
        octets = text if isinstance(text, bytes) else text.encode()
        gathering.note_field(name.encode(), b" " + octets)
    gathering.begin_body()
    gathering.note_body(body)
    return gathering.letter(f"<{sender}>", recipients)


def reason(made: Letter) -> Reason | None:
    """Return why it is not answered, None where it may be."""
    objection = objection_to(made, REFLECTOR, NOW)
    return objection.reason if objection else None


@pytest.mark.parametrize(
    "author",
    [
        AUTHOR,
        f"<{AUTHOR}>",
        f"Admin <{AUTHOR}>",
        f'"Admin, the" <{AUTHOR}>',
        f"Ad.min <{AUTHOR}>",
        f"=?utf-8?q?J=C3=BCrgen?=\n <{AUTHOR}>",
        "ADMIN@WoodgroveBank.TEST",
    ],
)
def test_a_plain_letter_may_be_answered(author: str) -> None:
    """Name and case change nothing."""
    made = letter(**{"from": author})
    assert reason(made) is None
    assert made.author is not None
    assert made.author.folded == AUTHOR


@pytest.mark.parametrize(
    "author",
    [
        "",
        "Admin",
        f"{AUTHOR}, b@evil.test",
        f"b@evil.test <{AUTHOR}>",
        f'"b@evil.test" <{AUTHOR}>',
        f"{AUTHOR} (b@evil.test)",
        f"Group: {AUTHOR};",
        f"<@evil.test:{AUTHOR}>",
        f"<{AUTHOR}> <b@evil.test>",
        '"admin"@woodgrovebank.test',
        "admin@[192.0.2.1]",
        "admin@test",
        "admin@co.uk",
        "admin@woodgrovebank.test.",
        "admin@woodgrovebank.123",
        "admin@bücher.test",
        f"{'a' * 65}@woodgrovebank.test",
        "=?us-ascii?q?a=0D=0ABcc=3Ab?=@woodgrovebank.test",
    ],
)
def test_an_author_who_is_not_one_plain_address_is_not_answered(author: str) -> None:
    """Whatever two programs may read in two ways."""
    assert reason(letter(**{"from": author})) is Reason.UNCLEAR_AUTHOR


def test_two_from_fields_and_another_sender() -> None:
    """The author is the one mailbox of the one field."""
    assert reason(letter(("FROM", AUTHOR))) is Reason.UNCLEAR_AUTHOR
    assert reason(letter(("Sender", "b@evil.test"))) is Reason.UNCLEAR_AUTHOR
    assert reason(letter(("Sender", f"The same <{AUTHOR}>"))) is None
    assert reason(letter(("Reply-To", "b@evil.test"))) is None, "it is not written to either"


@pytest.mark.parametrize("octets", [b"a\rBcc: b@evil.test", b"a\0b", b"a\x0bb", b"a\nb", b"a\x7fb"])
def test_octets_that_may_end_a_line_for_somebody(octets: bytes) -> None:
    """In any field."""
    assert reason(letter(("X-Any", octets))) is Reason.UNCLEAR_LETTER


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (("Auto-Submitted", "auto-replied"), Reason.AUTOMATIC),
        (("Auto-Submitted", ""), Reason.AUTOMATIC),
        (("Auto-Submitted", "No (as ever)"), None),
        (("Precedence", "BULK"), Reason.AUTOMATIC),
        (("Precedence", "first-class"), None),
        (("X-Auto-Response-Suppress", "DR, AutoReply"), Reason.AUTOMATIC),
        (("Content-Type", "multipart/report; report-type=delivery-status"), Reason.AUTOMATIC),
        (("X-Loop", "x"), Reason.AUTOMATIC),
        (("LIST-ID", "x"), Reason.LIST),
        (("Mailing-List", "x"), Reason.LIST),
        (("Resent-From", AUTHOR), Reason.RESENT),
    ],
)
def test_what_programs_send(field: tuple[str, str], expected: Reason | None) -> None:
    """RFC 3834 section 2."""
    assert reason(letter(field)) is expected


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("", Reason.NULL_SENDER),
        ("MAILER-DAEMON@woodgrovebank.test", Reason.AUTOMATIC),
        ("owner-users@woodgrovebank.test", Reason.AUTOMATIC),
        ("users-request@woodgrovebank.test", Reason.AUTOMATIC),
        ("users-bounces+a=b@woodgrovebank.test", Reason.AUTOMATIC),
        ("no-reply@woodgrovebank.test", Reason.AUTOMATIC),
        ("do_not_reply@woodgrovebank.test", Reason.AUTOMATIC),
        ("bank.noreply@woodgrovebank.test", Reason.AUTOMATIC),
        ("NoReply-Accounts@woodgrovebank.test", Reason.AUTOMATIC),
        ("noreply2@woodgrovebank.test", Reason.AUTOMATIC),
        ("norepley@woodgrovebank.test", None),
        ("piano.reply@woodgrovebank.test", None),
        ("requester@woodgrovebank.test", None),
    ],
)
def test_reverse_paths(sender: str, expected: Reason | None) -> None:
    """That of a notification, of a list, of a program."""
    assert reason(letter(sender=sender)) is expected


def test_our_own_address_is_nobody() -> None:
    """An answer to an answer would go round for ever."""
    assert reason(letter(**{"from": REFLECTOR.upper()})) is Reason.AUTOMATIC


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "a@b",
        "<a b@c>",
        "<a@b> <c@d>",
        "<a@b>\n Bcc: c@d",
        f"<{'a' * 201}@b>",
        "<ä@b>",
        "<=?us-ascii?q?a=0D=0A?=@b>",
    ],
)
def test_message_ids_that_cannot_be_repeated(identifier: str) -> None:
    """It is all that an answer has of a letter."""
    assert reason(letter(message_id=identifier)) is Reason.UNCLEAR_LETTER


@pytest.mark.parametrize(
    "to",
    [
        "",
        "b@evil.test",
        f"x{REFLECTOR}",
        f"{REFLECTOR}.evil.test",
        f"x.{REFLECTOR}",
        "undisclosed:;",
        f'"{REFLECTOR}" <b@evil.test>',
        f'"a \\" , {REFLECTOR}, " <b@evil.test>',
        f"{REFLECTOR} <b@evil.test>",
        f"b@evil.test ({REFLECTOR})",
        f"b@evil.test (a (b), {REFLECTOR}, c)",
        f"<b@evil.test> <{REFLECTOR}>",
        f'"a, {REFLECTOR}, b@evil.test',
        f"b@evil.test (a, {REFLECTOR}, b",
        f"b@evil.test ((((( , {REFLECTOR}, )))))",
        f"b@evil.test <{REFLECTOR}>",
    ],
)
def test_letters_that_name_others_alone(to: str) -> None:
    """A copy that nobody sees is not written to us."""
    assert reason(letter(to=to)) is Reason.NOT_ADDRESSED
    assert reason(letter(("Cc", REFLECTOR.title()), to=to)) is None


@pytest.mark.parametrize(
    "to",
    [
        REFLECTOR,
        REFLECTOR.upper(),
        f"b@evil.test,{REFLECTOR}",
        f"B <b@evil.test>,\n Reflector <{REFLECTOR}>",
        f'"b@evil.test" <{REFLECTOR}>',
        f'"Reflector, the" <{REFLECTOR}> (of theirs), b@evil.test',
        f"Reflectors: {REFLECTOR};",
    ],
)
def test_letters_that_name_us(to: str) -> None:
    """Alone or among others."""
    assert reason(letter(to=to)) is None


def test_dates() -> None:
    """A letter is remembered for longer than it may be old."""
    assert reason(letter(date=format_datetime(NOW - timedelta(days=4)))) is Reason.OLD
    assert reason(letter(date=format_datetime(NOW + timedelta(days=2)))) is Reason.OLD
    assert reason(letter(date="yesterday")) is Reason.UNCLEAR_LETTER
    assert reason(letter(("Date", format_datetime(NOW)))) is Reason.UNCLEAR_LETTER
    assert reason(letter(date=NOW.strftime("%a, %d %b %Y %H:%M:%S -0000"))) is None


@pytest.mark.parametrize("name", ["from", "date", "message_id"])
@pytest.mark.parametrize("text", [" ", "a", "<", '"', "(", "a ", "@"])
def test_long_fields_are_not_read(name: str, text: str) -> None:
    """Whatever a pattern would do with a quarter of a megabyte of them."""
    made = letter(**{name: text * (240_000 // len(text))})
    assert reason(made) in {Reason.UNCLEAR_AUTHOR, Reason.UNCLEAR_LETTER}


def test_bounds() -> None:
    """Octets, header fields, recipients."""
    assert reason(letter(body=b"a" * MOST_OCTETS)) is Reason.TOO_LARGE
    assert reason(letter(*((f"X-{number}", "a") for number in range(500)))) is Reason.TOO_LARGE
    assert reason(letter(recipients=MOST_RECIPIENTS + 1)) is Reason.TOO_MANY_RECIPIENTS
    assert reason(letter(recipients=MOST_RECIPIENTS)) is None


def test_a_letter_that_was_not_seen_whole() -> None:
    """Who did not see the header's end has no letter."""
    assert reason(Gathering().letter(AUTHOR, 1)) is Reason.NOT_WHOLE
