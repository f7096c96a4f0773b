"""Claims against the readers that mail programs are made of: what these show as an author is claimed."""

import base64
import random
from functools import cache

import pytest

from domain_secure.policy.claims.claims import header_claims, hides_authors
from domain_secure.policy.terms.lists import DomainList

from lab.address_readers import READERS, Reader

PARTNER = "woodgrovebank.test"
LISTED = DomainList.of(PARTNER)
FIELDS = 4000
_SEED = 20261127

_DOMAINS = (
    *(PARTNER, PARTNER.upper(), f"{PARTNER}.", f"{PARTNER}..", "evil.test", f"{PARTNER}.evil.test"),
    *(
        f"evil.{PARTNER}",
        'woodgrovebank"."test',
        f'"{PARTNER}"',
        "woodgrovebank\\.test",
        f"({PARTNER})evil.test",
    ),
    *(f"{PARTNER}(evil.test)", "woodgrovebank .test", "woodgrovebank. test", "woodgrovebank.\r\n test"),
    *("woodgrovebank(x).test", f"[{PARTNER}]", f"\\{PARTNER}", f"{PARTNER}\N{ZERO WIDTH SPACE}"),
    *(f"\ufeff{PARTNER}", "ｗoodgrovebank.test", "woodgrovebank。test", f"{PARTNER}\0", f"\t{PARTNER}\t"),
)
_LOCALS = (
    *(
        "boss",
        '"boss"',
        "boss.",
        '"a@evil.test"',
        f'"a@{PARTNER}"',
        "a b",
        "",
        "boss(x)",
        "(x)boss",
        "a\\@b",
        "a,b",
    ),
    *(f"a@{PARTNER}", "<a", '"a', "a;b", "a:b", "(", ")", "\\", "=?us-ascii?q?boss?="),
)
_NAMES = (
    *(
        "",
        "Boss ",
        '"Boss" ',
        '"Boss, The" ',
        "Boss (x) ",
        '"Boss\\" <x@evil.test>" ',
        "Boss; ",
        "Group: ",
        "\r\n ",
    ),
    *(
        "=?utf-8?q?Boss?= ",
        "=?utf-8?q?Boss_=3Cx=40evil=2Etest=3E?= ",
        "(x@evil.test) ",
        "x@evil.test ",
        '"',
        "<",
        ",",
    ),
)
_ENDINGS = ("", "", ">", " (x)", ";", ", x@evil.test", " <x@evil.test>", ",", "\r\n\t", ")", '"', ":")


def _field(generator: random.Random) -> bytes:
    """Return one author field: usual ones, and what a stranger may make of them."""
    choose = generator.choice
    address = f"{choose(_LOCALS)}@{choose(_DOMAINS)}"
    if generator.random() < 0.15:
        address = f"@{choose(_DOMAINS)}:{address}"
    if generator.random() < 0.6:
        address = f"<{address}>"
    text = f"{choose(_NAMES)}{address}{choose(_ENDINGS)}"
    match generator.randrange(8):
        case 0:
            text = f"{text}, {choose(_NAMES)}<{choose(_LOCALS)}@{choose(_DOMAINS)}>"
        case 1:
            charset = choose(("utf-8", "us-ascii", "utf_8", "UTF-7", "latin1"))
            octets = base64.b64encode(address.encode()).decode()
            text = f"{choose(_NAMES)}=?{charset}?{choose('bB')}?{octets}?={choose(_ENDINGS)}"
        case 2:
            position = generator.randrange(len(text) + 1)
            text = text[:position] + choose('"<>()[]\\,;:@. \t=?') + text[position:]
        case 3:
            position = generator.randrange(len(text))
            text = text[:position] + text[position + 1 :]
    return text.encode()


@cache
def fields() -> tuple[bytes, ...]:
    """Return the same fields each time."""
    generator = random.Random(_SEED)
    return tuple(_field(generator) for _ in range(FIELDS))


def _is_partners(domain: str) -> bool:
    return domain.strip(" \t\r\n").rstrip(".") == PARTNER


@pytest.mark.parametrize("reader", READERS, ids=lambda one: one.name)
def test_what_a_reader_shows_is_claimed(reader: Reader) -> None:
    """Each field in which a reader sees the partner as an author claims it, or is refused as unreadable."""
    if not reader.present():
        pytest.skip(f"left out: {reader.name} is not installed")
    seen = reader.read(fields())
    shown = [field for field, found in zip(fields(), seen, strict=True) if any(map(_is_partners, found))]
    assert len(shown) > FIELDS / 100  # the fields are such that the question is asked
    missed = [
        field
        for field in shown
        if not header_claims("From", field, LISTED) and not hides_authors("From", field)
    ]
    assert missed == []
