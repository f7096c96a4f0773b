"""Rules of spelling, asked of postmap(1) as cleanup(8) asks: until none applies."""

import unicodedata
from pathlib import Path

import idna
import pytest
from scratch_postfix import make_scratch

from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.recipient_spelling import SPELLING_SAMPLES, spelling_rules

NAMES = ("woodgrovebank.test", "bücher.test", "ậu.가가.test", "ガス.test")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[PostfixInstance, str]:
    """Return an instance and a table of the rules for NAMES."""
    scratch = make_scratch(folder := tmp_path_factory.mktemp("rules"))
    content = "".join(f"{line}\n" for line in spelling_rules(NAMES, transitional=False))
    (folder / "table").write_bytes(content.encode(errors="surrogateescape"))
    return scratch.instance, f"regexp:{folder}/table"


def respelled(table: tuple[PostfixInstance, str], address: str) -> str:
    """Return what cleanup makes of an address: it stops at one that it has seen, in whatever case."""
    instance, name = table
    seen = {address.casefold()}
    while found := instance.query(name, [address]).get(address):
        address = found
        if address.casefold() in seen:
            break
        seen.add(address.casefold())
    return address


@pytest.mark.parametrize(
    "domain",
    [
        "ｗoodgrovebank.test",
        "ＷＯＯＤＧＲＯＶＥＢＡＮＫ．ＴＥＳＴ",
        "woodgrovebank。test",
        "wood\u00ad\u200b\u2060grovebank.test",
        "woodgroveban\u212a\u00ad.ｔest",
        "\u212a\u00ad\u212a.te\u017ft",
        "𝐰𝐨𝐨𝐝ⓖ𝓇ºvebank.test",
        "x\U000e0100y\ufe0f.test",
        "ﬃ㎏.test",
        "bu\u0308cher.test",
        "BU\u0308CHER.TEST",
        "BÜCHER。test",
        "b\u00adu\u00ad\u0308cher.test",
        "a\u0302\u0323u.가가.test",
        "A\u0323\u0302u.\u1100\u1161가.test",
        "ｶﾞｽ.test",
    ],
)
def test_every_spelling_becomes_one(table: tuple[PostfixInstance, str], domain: str) -> None:
    """What comes out is, in any case of letters, the form that UTS 46 gives."""
    found = respelled(table, f"Somebody@{domain}")
    assert found.startswith("Somebody@")
    assert found[9:].casefold() == idna.uts46_remap(domain, std3_rules=False)


def test_characters_one_by_one(table: tuple[PostfixInstance, str]) -> None:
    """Each character that stands for a letter, a digit or a dot is a rule or two away; none is forgotten."""
    instance, name = table
    codes = [
        *range(0x80, 0x3400),
        *range(0xFB00, 0x10000),
        *range(0x1D400, 0x1D800),
        *range(0x1F100, 0x1F200),
    ]
    asked = {}
    for character in map(chr, codes):
        try:
            mapped = idna.uts46_remap(character, std3_rules=False)
        except idna.IDNAError:
            continue
        if mapped.isascii() and mapped != character and all(one.isalnum() or one in "-." for one in mapped):
            asked[f"a@x{character}.test"] = f"a@x{mapped}.test"
    found = instance.query(name, asked)
    assert {key: value.replace("\u00ad", "") for key, value in found.items()} == asked
    assert len(asked) > 1000


def test_what_is_left_alone(table: tuple[PostfixInstance, str]) -> None:
    """ASCII, local parts, other people's letters and names that are no other's spelling."""
    for address in (
        "ｗ@woodgrovebank.test",
        '"ｗ@ｗ"@woodgrovebank.test',
        "a@woodgrovebank.test",
        "a@groß.test",
        "a@пример.test",
        "a@bücher.test",
        "ｗoodgrovebank.test",
    ):
        assert respelled(table, address) == address


def test_every_step_is_the_same_name(table: tuple[PostfixInstance, str]) -> None:
    """Nobody's mail is sent to another domain, not even on the way."""
    instance, name = table
    for domain in ("ＢＵ\u0308ｃherﬁ\u212a。ＣＯＭ", "Ａ\u030aＸ\u0302\u0323.example", "ㅎㅏㄴ.ｔest"):
        address = f"a@{domain}"
        for _ in range(40):
            following = instance.query(name, [address]).get(address)
            if following is None:
                break
            assert idna.uts46_remap(following[2:], std3_rules=False) == idna.uts46_remap(
                domain, std3_rules=False
            )
            address = following
        else:
            pytest.fail(f"no end: {address}")


def test_letters_that_were_two_once(tmp_path: Path) -> None:
    """Where Postfix reads as IDNA 2003 did, ß is ss."""
    for transitional in (False, True):
        folder = tmp_path / str(transitional)
        folder.mkdir()
        scratch = make_scratch(folder)
        lines = spelling_rules(("gross.test",), transitional=transitional)
        content = "".join(f"{line}\n" for line in lines).encode(errors="surrogateescape")
        (folder / "table").write_bytes(content)
        table = (scratch.instance, f"regexp:{folder}/table")
        assert respelled(table, "a@groß.ｔest") == ("a@gross.test" if transitional else "a@groß.test")


def test_samples(table: tuple[PostfixInstance, str]) -> None:
    """What is read back after publication is what the rules say."""
    instance, name = table
    assert instance.query(name, dict(SPELLING_SAMPLES)) == dict(SPELLING_SAMPLES)
    assert unicodedata.is_normalized("NFC", "".join(dict(SPELLING_SAMPLES).values()))
