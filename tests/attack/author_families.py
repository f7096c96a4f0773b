"""Forged author fields, by family: how others have made a field look as if somebody else had written.

Owns: the families, and what each makes of chance.  Must not know: what the product makes of them.
Sources: RFC 5322 with its obsolete forms, RFC 2047, RFC 6532; Chen, Paxson, Jiang, "Composition Kills"
(USENIX Security 2020); Shen and others, "Weak Links in Authentication Chains" (USENIX Security 2021).
"""

import base64
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_MUTATIONS = 3  #: of one field at most


@dataclass(frozen=True, slots=True)
class Names:
    """Who is forged, and who does it."""

    victim: str  #: address
    own: str  #: address of the sender, at a domain of his

    @property
    def domain(self) -> str:
        """Return the domain that is forged."""
        return self.victim.rpartition("@")[2]

    @property
    def own_domain(self) -> str:
        """Return the sender's domain."""
        return self.own.rpartition("@")[2]


AuthorFamily = Callable[[random.Random, Names], bytes]


def plain(choose: random.Random, names: Names) -> bytes:
    victim, domain = names.victim, names.domain
    return choose.choice(
        (
            victim,
            f"<{victim}>",
            f'"The Bank" <{victim}>',
            f"Bank <{victim}>",
            f"admin@{domain.upper()}",
            f"<admin@{domain}.>",
            f"admin@sub.{domain}",
            f"<{domain}>",
            domain,
        )
    ).encode()


def _white_space(choose: random.Random, names: Names) -> bytes:
    """Fold, and put white space of all kinds wherever a grammar has it, and where it has not."""
    address = plain(choose, names).decode()
    spaces = (
        " ",
        "\t",
        "\r\n ",
        "\r\n\t",
        "  \r\n  ",
        "\x0b",
        "\x0c",
        "\u00a0",
        "\u2003",
        "\u200b",
        "\ufeff",
    )
    for _ in range(choose.randint(1, 4)):
        place = choose.randrange(len(address) + 1)
        address = address[:place] + choose.choice(spaces) + address[place:]
    return address.encode()


def encoded_words(choose: random.Random, names: Names) -> bytes:
    """Encode the address, or a part of it, by any charset, in any of the ways readers forgive."""
    shown = choose.choice(
        (
            names.victim,
            f"<{names.victim}>",
            f"Bank <{names.victim}>",
            f"{names.victim}, {names.own}",
            names.domain,
        )
    )
    charset = choose.choice(
        ("utf-8", "UTF-8", "us-ascii", "iso-8859-1", "utf-7", "utf-16", "x-unknown", "", "utf-8*en", "cp037")
    )
    words = []
    cut = choose.randrange(1, len(shown)) if choose.random() < 0.4 else len(shown)
    for piece in filter(None, (shown[:cut], shown[cut:])):
        octets = piece.encode("utf-16-be" if charset == "utf-16" else "utf-8")
        if charset == "cp037":
            octets = piece.encode("cp037")
        if choose.random() < 0.5:
            text = base64.b64encode(octets).decode()
            if choose.random() < 0.2:
                text = text.rstrip("=")
            words.append(f"=?{charset}?{choose.choice('bB')}?{text}?=")
        else:
            text = "".join(
                chr(one) if chr(one).isalnum() and choose.random() < 0.6 else f"={one:02X}" for one in octets
            )
            words.append(f"=?{charset}?{choose.choice('qQ')}?{text}?=")
    word = choose.choice((" ", "", "\r\n ")).join(words)
    if choose.random() < 0.15:
        word = f"=?utf-8?b?{base64.b64encode(word.encode()).decode()}?="
    return choose.choice(
        (
            f"{word} <{names.own}>",
            word,
            f'"{word}" <{names.own}>',
            f"<{word}>",
            f"<{names.own}> {word}",
            f"{word}<{names.own}>",
            f"({word}) {names.own}",
            f"{word}@{names.domain}",
            f"admin@{word}",
            f"{word}",
            f"{word}, {names.own}",
            f"{word}; <{names.own}>",
        )
    ).encode()


def _groups(choose: random.Random, names: Names) -> bytes:
    victim, own = names.victim, names.own
    return choose.choice(
        (
            f"Bank: {victim};",
            f"Bank: {own}, {victim};",
            f"Bank: {own};, {victim}",
            f"{victim}: {own};",
            f"{victim}:;",
            f'"{victim}":;',
            f"{own}: {victim};",
            f"A: B: {victim};;",
            f"Bank:{own};<{victim}>",
            f"Bank: <{victim}",
            f"undisclosed:;{victim}",
            f"{names.domain}:{own};",
            f"Bank: {own} <{victim}>;",
        )
    ).encode()


def _comments(choose: random.Random, names: Names) -> bytes:
    victim, own, domain = names.victim, names.own, names.domain
    first, _, last = domain.rpartition(".")
    return choose.choice(
        (
            f"admin(x)@{domain}",
            f"admin@(x){domain}",
            f"admin@{first}(x).{last}",
            f"admin@{first}.(x){last}",
            f"admin@{first}((x)(y)).{last}",
            f"admin@{domain}({own})",
            f"({own}) {victim}",
            f"{own} ({victim})",
            f"(<{own}>) <{victim}>",
            f"<{own}(>{victim})>",
            f"({own}\\) {victim})",
            f"admin@({domain}",
            f"(({victim})",
            f"{own}(<{victim}>",
            f"(){victim}",
            f"<(>){victim}>",
            f"{victim}(\r\n x)",
            f"{'(' * choose.randint(1, 400)}{victim}",
            f"{'(' * 50}{')' * 50}{victim}",
        )
    ).encode()


def routes(choose: random.Random, names: Names) -> bytes:
    victim, own, domain, mine = names.victim, names.own, names.domain, names.own_domain
    return choose.choice(
        (
            f"<@{mine}:{victim}>",
            f"<@{mine},@x.test:{victim}>",
            f"<@{domain}:{own}>",
            f"<@{domain},@{mine}:{own}>",
            f"<@{mine},,@x.test:{victim}>",
            f"<@{mine}:@x.test:{victim}>",
            f"<{mine}:{victim}>",
            f"@{mine}:{victim}",
            f"<@{domain}>",
            f"@{domain}",
            f"<@{mine}({domain}):{own}>",
        )
    ).encode()


def odd_addresses(choose: random.Random, names: Names) -> bytes:
    victim, own, domain, mine = names.victim, names.own, names.domain, names.own_domain
    return choose.choice(
        (
            f'"{victim}"@{mine}',
            f"{victim}@{mine}",
            f"{own}@{domain}",
            f"admin%{domain}@{mine}",
            f"{domain}!admin@{mine}",
            f"{mine}!admin@{domain}",
            f'"a@{mine}"@{domain}',
            f'"a@{mine} "@{domain}',
            f"<admin\\@{mine}@{domain}>",
            f"admin@[{domain}]",
            f"admin@\\{domain}",
            f'admin@"{domain}"',
            f"admin@@{domain}",
            f"admin@{domain}@",
            f"@{domain}",
            f"admin@.{domain}",
            f"admin@{domain}..",
            f"admin@{domain}:25",
            f"admin@{domain}>",
            f"admin@{domain};",
            f"admin@{domain}/",
            f"admin@{domain}?{mine}",
            f"admin@{domain}#{mine}",
            f"mailto:{victim}",
            f"<mailto:{victim}>",
            f"admin%40{domain}",
            f"admin&#64;{domain}",
        )
    ).encode()


def _several(choose: random.Random, names: Names) -> bytes:
    """Name two, in any order, with what readers take for a separator."""
    one, other = (names.victim, names.own)[:: choose.choice((1, -1))]
    between = choose.choice(
        (", ", " ", "> <", ",,", ";", " , ,", "\t", "\r\n ", "><", "\r\n ,", " and ", "|")
    )
    form = choose.choice(("{}", "<{}>", '"A" <{}>', '"{}" <{}>', "{} <{}>"))
    return f"{form.format(one, one)}{between}{form.format(other, other)}".encode()


def _display_names(choose: random.Random, names: Names) -> bytes:
    victim, own = names.victim, names.own
    return choose.choice(
        (
            f'"{victim}" <{own}>',
            f"{victim} <{own}>",
            f'"{victim}\\" <{own}>',
            f'"\\"{victim}" <{own}>',
            f'"Bank <{victim}>" <{own}>',
            f"Bank <{victim}> <{own}>",
            f'"{victim}',
            f"'{victim}' <{own}>",
            f'"" <{victim}> "" <{own}>',
            f"{victim}\u202e <{own}>",
            f"\u202e{own[::-1]} <{victim}>",
            f"<{victim}",
            f"{victim}>",
            f"<<{victim}>>",
            f"<>{victim}",
            f"{own}<{victim}>{own}",
            f"<{own}><{victim}>",
        )
    ).encode()


def _nul_and_controls(choose: random.Random, names: Names) -> bytes:
    victim, own = names.victim.encode(), names.own.encode()
    odd = bytes((choose.choice((0, 0, 1, 7, 8, 11, 12, 27, 127)),))
    return choose.choice(
        (
            own + odd + b", " + victim,
            victim + odd + own,
            b"<" + victim + odd + b">",
            b"<" + own + b">" + odd + b"<" + victim + b">",
            victim.replace(b"@", odd + b"@"),
            victim.replace(b"@", b"@" + odd),
            odd + victim,
            b'"' + odd + b'" <' + victim + b">",
        )
    )


def _line_ends(choose: random.Random, names: Names) -> bytes:
    """Hide a line end in the field: what stands behind is a field of its own for those who believe it."""
    victim, own = names.victim.encode(), names.own.encode()
    name = choose.choice((b"From", b"from", b"FROM ", b"Sender", b"Resent-From"))
    end = choose.choice((b"\r", b"\r\r", b"\r\x0b", b"\x0c", b"\x85", "\u2028".encode(), b"\x0b", b"\x1e"))
    return choose.choice(
        (
            own + end + name + b": " + victim,
            own + end + name + b":" + victim + end + b"X: y",
            own + end + b" " + victim,
            own + b"\r\n " + end + name + b": " + victim,
            victim + end + own,
            own + end + end + name + b": <" + victim + b">",
        )
    )


def eight_bit(choose: random.Random, names: Names) -> bytes:
    victim, own = names.victim.encode(), names.own.encode()
    octets = choose.choice(
        (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xe9", b"\x80", b"\xf8\x88", b"\xc1\x81")
    )
    return choose.choice(
        (
            octets + b" <" + victim + b">",
            b"<" + octets + victim + b">",
            b"<" + victim + octets + b">",
            victim.replace(b"@", b"@" + octets),
            b'"' + octets + b'" <' + victim + b">",
            own + octets + b"<" + victim + b">",
            octets + victim + b", " + own,
            b"<" + victim.replace(b"@", b"\xc1\x80") + b">",
        )
    )


def homographs(choose: random.Random, names: Names) -> bytes:
    """Spell the domain so that it is the same name once it is looked up, or only for the eye."""
    wide = "".join(chr(ord(one) + 0xFEE0) if one.isalnum() else one for one in names.domain)
    same = (
        wide,
        names.domain.replace(".", "\u3002"),
        names.domain.replace(".", "\uff0e"),
        names.domain.replace(".", "\uff61"),
        names.domain.replace("o", "\u00ba"),
        names.domain.replace("e", "e\u00ad"),
        names.domain.replace("r", "\u200dr"),
        names.domain.replace("w", "\u24e6"),
        names.domain.replace("v", "\u2174"),
    )
    lookalike = (
        names.domain.replace("o", "\N{CYRILLIC SMALL LETTER O}"),
        names.domain.replace("a", "\N{CYRILLIC SMALL LETTER A}"),
        names.domain.replace("o", "0"),
        f"xn--{names.domain}",
        names.domain.replace("test", "t\u0435st"),
    )
    domain = choose.choice(same if choose.random() < 0.7 else lookalike)
    return choose.choice((f"admin@{domain}", f"<admin@{domain}>", f"B <admin@{domain}.>")).encode()


def _overlong(choose: random.Random, names: Names) -> bytes:
    victim, own = names.victim, names.own
    many = choose.choice((900, 1100, 2100, 5000, 16_000, 20_000))
    return choose.choice(
        (
            f"{'a' * many} <{victim}>",
            f"{own}, " * (many // 20) + victim,
            f"{'a' * many}@{names.domain}",
            f"admin@{'a.' * (many // 4)}{names.domain}",
            " " * many + victim,
            f"{own}{' ' * many}, {victim}",
            "\r\n ".join([own] * (many // 40) + [f",{victim}"]),
            f'"{"x" * many}" <{victim}>',
            f"{'=?utf-8?q?a?= ' * (many // 14)}<{victim}>",
        )
    ).encode()


def mutated(choose: random.Random, names: Names) -> bytes:
    """Take another family's field, and put in, take out or double some octets."""
    value = bytearray(choose.choice(AUTHORS)(choose, names))
    for _ in range(choose.randint(1, _MUTATIONS)):
        place = choose.randrange(len(value) + 1)
        if choose.random() < 0.6 or not value:
            value[place:place] = choose.choice(
                (
                    b'"',
                    b"<",
                    b">",
                    b"(",
                    b")",
                    b"[",
                    b"]",
                    b"\\",
                    b",",
                    b";",
                    b":",
                    b"@",
                    b".",
                    b" ",
                    b"\t",
                    b"=?",
                    b"?=",
                )
            )
        else:
            del value[place : place + choose.randint(1, 3)]
    return bytes(value)


AUTHORS: tuple[AuthorFamily, ...] = (
    *(plain, _white_space, encoded_words, _groups, _comments, routes, odd_addresses, _several),
    *(_display_names, _nul_and_controls, _line_ends, eight_bit, homographs, _overlong),
)


def author_fields(names: Names, number: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield the families' names with an author field of each, *number* in all; the same ones for a *seed*."""
    choose = random.Random(seed)
    each = (*AUTHORS, encoded_words, mutated, mutated, mutated)
    for one in range(number):
        family = each[one % len(each)]
        yield family_name(family), family(choose, names)


def family_name(family: Callable[..., object]) -> str:
    """Return the words by which a family is called."""
    return family.__name__.strip("_").replace("_", " ")
