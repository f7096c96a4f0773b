"""A thousand letters by which somebody tries to have a reflector write to others, or too often.

Owns: the letters and from where they come.  The stranger behind them has a domain, SPF, a key for DKIM and a
certificate of his own: he is aligned for his domain, and for no other.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import dkim

from .dkim_signing import Signer
from .laboratory import CONTOSO, EVIL, FABRIKAM, WOODGROVE

LETTERS = 1000
MARK = "Buy-cheap-watches-4711"  #: in the body and the subject of each: no answer may have it

_VICTIMS = (f"victim@{WOODGROVE}", f"ceo@{FABRIKAM}", f"victim@xn--bcher-kva.{FABRIKAM}")
_OWN = f"attacker@{EVIL}"


@dataclass(frozen=True, slots=True)
class Attack:
    """One letter, and the session that brings it."""

    content: bytes
    sender: str
    recipients: tuple[str, ...]
    is_from_evil: bool  #: from the address that the stranger's SPF allows
    has_certificate: bool
    parameters: tuple[str, ...] = ()


@dataclass
class _Draft:
    """A letter that would be answered, before something is done to it."""

    number: int
    reflector: str
    signer: Signer
    sender: str = _OWN
    parameters: tuple[str, ...] = ()
    is_from_evil: bool = True
    is_signed: bool = False
    signed_headers: tuple[bytes, ...] | None = None
    body: bytes = f"{MARK}\r\n".encode()

    def __post_init__(self) -> None:
        self.recipients = [self.reflector]
        self.fields: list[tuple[bytes, bytes]] = [
            (b"From", f"<{_OWN}>".encode()),
            (b"To", self.reflector.encode()),
            (b"Subject", MARK.encode()),
            (b"Date", format_datetime(datetime.now(UTC)).encode()),
            (b"Message-ID", f"<{self.number}.hostile@{EVIL}>".encode()),
        ]

    def replace(self, name: bytes, body: str | bytes) -> None:
        """Give a field another body."""
        octets = body if isinstance(body, bytes) else body.encode()
        self.fields = [(one, octets if one == name else former) for one, former in self.fields]

    def add(self, name: str, body: str | bytes) -> None:
        """Add a field."""
        self.fields.append((name.encode(), body if isinstance(body, bytes) else body.encode()))

    def attack(self, *, has_certificate: bool) -> Attack:
        """Return what is sent."""
        head = b"".join(name + b": " + body + b"\r\n" for name, body in self.fields)
        content = head + b"\r\n" + self.body
        if self.is_signed:
            options: dict[str, object] = {}
            if self.signed_headers is not None:
                options["include_headers"] = list(self.signed_headers)
            with suppress(dkim.DKIMException):  # some letters are too odd to be signed
                content = self.signer.sign(content, **options)
        return Attack(
            content, self.sender, tuple(self.recipients), self.is_from_evil, has_certificate, self.parameters
        )


_Deed = Callable[[_Draft, str, random.Random], None]


def hostile_letters(reflector: str, signer: Signer) -> Iterator[Attack]:
    """Yield the letters to the *reflector*; *signer* is the stranger's.  The same ones each time."""
    choose = random.Random(3834)
    for number in range(LETTERS):
        draft = _Draft(number, reflector, signer)
        victim = choose.choice(_VICTIMS)
        _DEEDS[number % len(_DEEDS)](draft, victim, choose)
        if number >= 2 * len(_DEEDS) and choose.random() < 0.3:
            choose.choice(_DEEDS)(draft, victim, choose)
        yield draft.attack(has_certificate=choose.random() < 0.5)


def _forged_author(draft: _Draft, victim: str, choose: random.Random) -> None:
    draft.replace(b"From", f"<{victim}>")
    draft.sender = choose.choice((victim, _OWN))
    draft.is_signed = choose.random() < 0.5


def _forged_from_elsewhere(draft: _Draft, victim: str, choose: random.Random) -> None:
    _forged_author(draft, victim, choose)
    draft.is_from_evil = False


def _two_readings(draft: _Draft, victim: str, choose: random.Random) -> None:
    draft.replace(
        b"From",
        choose.choice(
            (
                f"{_OWN}, {victim}",
                f"{victim}, {_OWN}",
                f"<{_OWN}>, <{victim}>",
                f'"{_OWN}" <{victim}>',
                f'"{victim}" <{_OWN}>',
                f"{victim} <{_OWN}>",
                f"<{_OWN}> <{victim}>",
                f"{_OWN} ({victim})",
                f"({_OWN}) {victim}",
                f"Friends: {_OWN}, {victim};",
                f"{_OWN}: {victim};",
                "undisclosed:;",
                f"<@{EVIL}:{victim}>",
                f"<@{victim.partition('@')[2]}:{_OWN}>",
                f'"{victim}"@{EVIL}',
                f"<{victim}@{EVIL}>",
                f"{victim.replace('@', '%')}@{EVIL}",
                f"<{_OWN}>\r\n <{victim}>",
                f"<{_OWN}\r\n ,{victim}>",
                f"=?utf-8?q?{victim.replace('@', '=40')}?= <{_OWN}>",
                f"=?utf-8?q?<{victim}>?= <{_OWN}>",
                f"=?utf-8?b?PHZpY3RpbUB3b29kZ3JvdmViYW5rLnRlc3Q+?= <{_OWN}>",
                f"<{_OWN}>;",
                f"<{_OWN}.>",
                f"<{_OWN}",
                f"{_OWN}>",
                "<>",
                "",
                EVIL,
                "<attacker@[203.0.113.66]>",
                "<attacker@test>",
                f"<attacker@{EVIL}@{victim}>",
                f"<{'a' * 65}@{EVIL}>",
                f"<attacker@{'a.' * 130}{EVIL}>",
            )
        ),
    )


def _two_authors(draft: _Draft, victim: str, choose: random.Random) -> None:
    draft.fields.insert(
        choose.randrange(5), (choose.choice((b"From", b"FROM", b"from ")), f"<{victim}>".encode())
    )


def _octets(draft: _Draft, victim: str, choose: random.Random) -> None:
    draft.replace(
        b"From",
        choose.choice(
            (
                f"<{_OWN}>\rFrom: <{victim}>".encode(),
                f"<{_OWN}>\rTo: {victim}\rBcc: {victim}".encode(),
                f"<{_OWN}>\0<{victim}>".encode(),
                f"<{_OWN}\x0b{victim}>".encode(),
                f"<attäcker@{EVIL}>".encode(),
                f"<attacker@{EVIL.replace('e', 'е')}>".encode(),
                b"\xff\xfe<" + _OWN.encode() + b">",
                f"<{_OWN}>\u2028{victim}".encode(),
            )
        ),
    )


def _other_addresses(draft: _Draft, victim: str, choose: random.Random) -> None:
    names = (
        *(
            "Reply-To",
            "Sender",
            "Resent-From",
            "Resent-Sender",
            "Resent-Reply-To",
            "Return-Path",
            "Errors-To",
        ),
        *(
            "Disposition-Notification-To",
            "Return-Receipt-To",
            "Mail-Followup-To",
            "Mail-Reply-To",
            "X-Sender",
        ),
        *("Cc", "Bcc", "Resent-To", "Apparently-To", "Delivered-To", "Original-Recipient", "Followup-To"),
    )
    for name in choose.sample(names, choose.randint(1, 4)):
        draft.add(name, f"<{victim}>")


def _no_person(draft: _Draft, victim: str, choose: random.Random) -> None:
    del victim
    draft.sender = choose.choice(
        (
            *(
                "",
                f"mailer-daemon@{EVIL}",
                f"owner-list@{EVIL}",
                f"list-request@{EVIL}",
                f"list-bounces@{EVIL}",
            ),
            *(f"bounce+7=a@{EVIL}", f"no-reply@{EVIL}", f"noreply@{EVIL}", f"SRS0=x=y=z=a@{EVIL}"),
        )
    )
    if draft.sender and choose.random() < 0.5:
        draft.replace(b"From", f"<{draft.sender}>")
    draft.is_signed = choose.random() < 0.5


def _machine(draft: _Draft, victim: str, choose: random.Random) -> None:
    del victim
    name, body = choose.choice(
        (
            ("Auto-Submitted", "auto-replied"),
            ("Auto-Submitted", "auto-generated (rejected); owner-email=a"),
            ("Auto-Submitted", "AUTO-NOTIFIED"),
            ("Auto-Submitted", "x-what"),
            ("Auto-Submitted", ""),
            ("Precedence", "bulk"),
            ("Precedence", "List"),
            ("Precedence", "junk"),
            ("List-Id", "<a.lists.test>"),
            ("List-Unsubscribe", "<mailto:a@lists.test>"),
            ("List-Post", "NO"),
            ("X-Auto-Response-Suppress", "All"),
            ("X-Loop", "a"),
            ("X-Mailing-List", "a"),
            ("Content-Type", "multipart/report; report-type=delivery-status; boundary=a"),
            ("X-Failed-Recipients", "a@b.test"),
        )
    )
    draft.add(name, body)


def _injected(draft: _Draft, victim: str, choose: random.Random) -> None:
    draft.replace(
        b"Message-ID",
        choose.choice(
            (
                f"<a@b>\r\n Bcc: {victim}",
                f"<a@b>\rBcc: {victim}",
                f"<a\r\n\r\n{MARK}@b>",
                f"<{MARK} buy now@b>",
                f"<{'a' * 1000}@b>",
                f"<a@b> <{victim}>",
                "",
                "no brackets",
                f"<=?utf-8?q?{MARK}?=@b>",
                "<a@bücher.test>",
            )
        ),
    )


def _odd_date(draft: _Draft, victim: str, choose: random.Random) -> None:
    del victim
    when = datetime.now(UTC) + choose.choice((-1, 1)) * timedelta(days=choose.randint(5, 4000))
    draft.replace(
        b"Date", choose.choice((format_datetime(when), "yesterday", "", "Fri, 99 Nov 2026 99:99:99 +9999"))
    )


def _not_addressed(draft: _Draft, victim: str, choose: random.Random) -> None:
    draft.replace(
        b"To",
        choose.choice((victim, "", f"x{draft.reflector}", f"{draft.reflector}.evil.test", "undisclosed:;")),
    )


def _internationalised(draft: _Draft, victim: str, choose: random.Random) -> None:
    draft.parameters = ("SMTPUTF8",)
    draft.sender = choose.choice((f"angreifer-ä@{EVIL}", _OWN, victim))
    draft.replace(b"From", choose.choice((f"<angreifer-ä@{EVIL}>", f"Ä <{_OWN}>", f"<{victim}>")))


def _huge(draft: _Draft, victim: str, choose: random.Random) -> None:
    if choose.random() < 0.5:
        draft.body = f"{MARK}\r\n".encode() * 13_000
    else:
        for number in range(600):
            draft.add(f"X-{number}", f"<{victim}>")


def _many(draft: _Draft, victim: str, choose: random.Random) -> None:
    others = [f"user@{CONTOSO}"] * choose.randint(1, 15)
    draft.recipients += [*others, victim, draft.reflector.upper()]
    choose.shuffle(draft.recipients)


def _replayed(draft: _Draft, victim: str, choose: random.Random) -> None:
    """Send on, from elsewhere, what an author signed for somebody else, with the rest made up."""
    draft.is_from_evil = False
    draft.is_signed = True
    draft.signed_headers = choose.choice(
        ((b"from",), (b"from", b"subject"), (b"from", b"to"), (b"from", b"date"))
    )
    draft.sender = victim


def _flood(draft: _Draft, victim: str, choose: random.Random) -> None:
    del victim
    if choose.random() < 0.5:
        author = f"attacker+{draft.number}@{choose.choice(('', 'a.', 'b.c.'))}{EVIL}"
        draft.sender = author
        draft.replace(b"From", f"<{author}>")


_DEEDS: tuple[_Deed, ...] = (
    *(_forged_author, _forged_from_elsewhere, _two_readings, _two_authors, _octets, _other_addresses),
    *(_no_person, _machine, _injected, _odd_date, _not_addressed, _internationalised, _huge, _many),
    *(_replayed, _flood, _two_readings, _other_addresses, _flood, _forged_author),
)
