"""Forged messages, by family: odd fields, several of them, envelopes, messages hidden in others, false marks.

Owns: the families, and what each makes of chance.  Must not know: what the product makes of them.
Sources: those of ``author_families``; SEC Consult, "SMTP Smuggling" (2023).
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .author_families import (
    AUTHORS,
    Names,
    eight_bit,
    encoded_words,
    family_name,
    homographs,
    mutated,
    odd_addresses,
    plain,
    routes,
)


@dataclass(slots=True)
class Forgery:
    """One message: the envelope, the header as octets, and the body, in which lines end with CR LF."""

    family: str
    sender: str
    fields: list[tuple[bytes, bytes]]
    body: bytes = b"Hello.\r\n"
    parameters: tuple[str, ...] = ()
    mail_argument: str = ""  #: of MAIL FROM, where it is not the sender in brackets
    is_raw: bool = False  #: whether the content is sent as it stands, without dot-stuffing
    smuggled: list[bytes] = field(default_factory=list)  #: words in the bodies of messages hidden in this one

    @property
    def content(self) -> bytes:
        """Return the message."""
        head = b"".join(name + b":" + value + b"\r\n" for name, value in self.fields)
        return head + b"\r\n" + self.body

    def add(self, name: bytes, value: bytes, place: int = 0) -> None:
        """Put a field at a place."""
        self.fields.insert(place, (name, b" " + value))


_Message = Callable[[random.Random, Names, Forgery], None]

_NAMES_OF_FROM = (
    *(b"From", b"from", b"FROM", b"fRoM", b"From ", b"From\t", b"From  ", b" From", b"\tFrom", b"From\x0b"),
    *(
        b"From\x00",
        b"Fro\x00m",
        b"\xefFrom",
        b"From\xa0",
        b"Fr\xf6m",
        b"F rom",
        b"From\r",
        b"\rFrom",
        b"X\rFrom",
    ),
    *(b"From-", b"F=72om", b"=?utf-8?q?From?=", b"\xef\xbb\xbfFrom", b"From\xe2\x80\x8b"),
)
_AUTHOR_NAMES = (
    *(b"Sender", b"Resent-From", b"Resent-Sender", b"Reply-To", b"Return-Path", b"X-Original-From"),
    *(b"sender ", b"RESENT-FROM", b"Resent-from\t", b"X-Sender", b"Envelope-From", b"Apparently-From"),
)


def _one_author(choose: random.Random, names: Names, made: Forgery) -> None:
    family = choose.choice((*AUTHORS, encoded_words, mutated, mutated))
    made.family = family_name(family)
    made.fields[0] = (b"From", b" " + family(choose, names))


def _several_from(choose: random.Random, names: Names, made: Forgery) -> None:
    for _ in range(choose.randint(1, 3)):
        author = choose.choice((plain, plain, odd_addresses, routes))(choose, names)
        made.add(choose.choice(_NAMES_OF_FROM), author, choose.randrange(len(made.fields) + 1))
    if choose.random() < 0.3:
        made.fields = [one for one in made.fields if one[1].strip() != f"<{names.own}>".encode()]


def _other_author_fields(choose: random.Random, names: Names, made: Forgery) -> None:
    for name in choose.sample(_AUTHOR_NAMES, choose.randint(1, 4)):
        made.add(name, choose.choice(AUTHORS)(choose, names), choose.randrange(len(made.fields) + 1))


def _resent(choose: random.Random, names: Names, made: Forgery) -> None:
    """Wrap the message in blocks of Resent fields, some of them not whole."""
    own, victim = f"<{names.own}>".encode(), f"<{names.victim}>".encode()
    for who in choose.sample((own, victim, victim + b", " + own), choose.randint(1, 3)):
        block = [
            (b"Resent-From", who),
            (b"Resent-Date", b"Tue, 24 Nov 2026 09:00:00 +0000"),
            (b"Resent-To", own),
        ]
        for name, value in choose.sample(block, choose.randint(1, 3)):
            made.add(name, value)


def _mime(choose: random.Random, names: Names, made: Forgery) -> None:
    """Let another header stand where only a confused reader looks: in a part, or behind a blank line."""
    inner = f"From: {names.victim}\r\nSubject: x\r\n\r\nHello.\r\n".encode()
    match choose.randrange(6):
        case 0:
            made.fields.append((b"Content-Type", b" message/rfc822"))
            made.body = inner
        case 1:
            made.fields.append((b"Content-Type", b" multipart/mixed; boundary=b"))
            made.body = inner + b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"--b--\r\n"
        case 2:
            made.body = b"\r\n" + inner
        case 3:
            made.fields.append((b"Content-Type", b" text/rfc822-headers"))
            made.body = inner
        case 4:
            made.fields.append((b"no colon here", b""))
            made.body = inner
        case _:
            made.fields.append((b"Content-Type", b' message/external-body; access-type="x"'))
            made.fields.append((b"MIME-Version", b" 1.0\rFrom: " + names.victim.encode()))


def _envelope(choose: random.Random, names: Names, made: Forgery) -> None:
    victim, domain, mine = names.victim, names.domain, names.own_domain
    made.mail_argument = choose.choice(
        (
            f"<{victim}>",
            f"<admin@{domain.upper()}>",
            f"<admin@{domain}.>",
            f"<@{mine}:{victim}>",
            f"<@{mine},@x.test:{victim}>",
            f'<"a@{mine}"@{domain}>',
            f'<"{victim}"@{mine}>',
            f"<{domain}!admin>",
            f"<admin%{domain}>",
            f"<admin%{domain}@{mine}>",
            victim,
            f"Bank <{victim}>",
            f"<{victim}> <{names.own}>",
            f"<({mine}){victim}>",
            f"<admin@sub.{domain}>",
            f"<admin@[{domain}]>",
            f"<{'a' * choose.choice((64, 65, 300, 900))}@{domain}>",
            "<>",
            f"<admin@{domain}@{mine}>",
            f"< {victim} >",
            f"<{victim}\t>",
            f"<\\{victim}>",
        )
    )
    if choose.random() < 0.5:
        made.fields[0] = (b"From", f" <{victim}>".encode())


def _smtputf8(choose: random.Random, names: Names, made: Forgery) -> None:
    made.parameters = choose.choice((("SMTPUTF8",), ("SMTPUTF8", "BODY=8BITMIME"), ("BODY=8BITMIME",)))
    domain = homographs(choose, names).decode().strip("B<>. ").rpartition("@")[2]
    made.mail_argument = choose.choice((f"<admin@{domain}>", f"<ädmin@{names.domain}>", f"<{names.own}>"))
    made.fields[0] = (b"From", b" " + choose.choice((homographs, eight_bit))(choose, names))


def _smuggled(choose: random.Random, names: Names, made: Forgery) -> None:
    """End the message in a way that only some servers believe, and begin another one behind it."""
    end = choose.choice(
        (
            *(b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r.\r", b"\n.\r", b"\r\n\x00.\r\n"),
            *(
                b"\r\n.\x00\r\n",
                b"\r\n.\r\r\n",
                b"\r\n. \r\n",
                b"\r\n..\r\n",
                b"\x00.\n",
                b"\r\n\t.\r\n",
                b"\x85.\x85",
            ),
        )
    )
    word = f"smuggled{choose.randrange(10**12):012}"
    line = choose.choice((b"\r\n", b"\n"))
    commands = (
        f"MAIL FROM:<{names.victim}>".encode(),
        b"RCPT TO:<user@contoso.test>",
        b"DATA",
        b"From: <" + names.victim.encode() + b">",
        b"Subject: x",
        b"",
        word.encode(),
    )
    made.body = b"Hello." + end + line.join(commands) + b"\r\n"
    made.smuggled.append(word.encode())
    made.is_raw = True


def _marks(choose: random.Random, names: Names, made: Forgery) -> None:
    """Bring the mark that only the receiver may set, in every spelling."""
    mark = f"pass ({names.domain}; pkix; TLSv1.3) by mail.contoso.test; ref=0".encode()
    result = f"mail.contoso.test; x-domain-secure=pass header.d={names.domain}".encode()
    forged = (
        (b"X-Domain-Secure", mark),
        (b"x-domain-SECURE ", mark),
        (b"X-Domain-Secure\t", b"\r\n " + mark),
        (b"X-Domain-Secure\x00", mark),
        (b"Authentication-Results", result),
        (b"authentication-results ", b"(x) " + result),
        (b"Subject", b"x\rX-Domain-Secure: " + mark),
        (b"X-Other", b"y\r\rAuthentication-Results: " + result),
        (b"Authentication-Results", b'"mail.contoso.test" 1; X-Domain-Secure = pass'),
    )
    for name, value in choose.sample(forged, choose.randint(1, 4)):
        made.add(name, value, choose.randrange(len(made.fields) + 1))
    if choose.random() < 0.5:
        made.fields.append((b"From", f" <{names.victim}>".encode()))


def _flooded(choose: random.Random, names: Names, made: Forgery) -> None:
    """Bring more fields, or longer ones, than anybody looks at, and hide the author among them."""
    many = choose.choice((150, 400, 1500))
    name = choose.choice((b"X-%d", b"From", b"Received", b"X-Domain-Secure", b"Authentication-Results"))
    value = f" <{names.own}>".encode()
    made.fields += [(name % one if b"%" in name else name, value) for one in range(many)]
    made.fields.insert(choose.randrange(len(made.fields)), (b"From", f" <{names.victim}>".encode()))


_MESSAGES: tuple[_Message, ...] = (
    *(_one_author,) * 8,
    *(
        _several_from,
        _other_author_fields,
        _resent,
        _mime,
        _envelope,
        _envelope,
        _smtputf8,
        _smuggled,
        _marks,
    ),
)
_SELDOM: tuple[_Message, ...] = (_flooded,)  #: large


def forgeries(names: Names, number: int, seed: int) -> Iterator[Forgery]:
    """Yield *number* messages, ordinary but for one or two deeds; the same ones for a *seed*."""
    choose = random.Random(seed)
    for one in range(number):
        made = Forgery(
            "",
            names.own,
            [
                (b"From", f" <{names.own}>".encode()),
                (b"To", b" user@contoso.test"),
                (b"Subject", b" test"),
                (b"Date", b" Tue, 24 Nov 2026 09:00:00 +0000"),
            ],
        )
        deed = choose.choice(_SELDOM) if one % 50 == 49 else _MESSAGES[one % len(_MESSAGES)]
        made.family = family_name(deed)
        deed(choose, names, made)
        if choose.random() < 0.15 and deed is not _smuggled:
            choose.choice((_several_from, _other_author_fields, _envelope, _marks))(choose, names, made)
        yield made
