"""Host names as a reader may see them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.claims.host_names import _remembered_readings, domain_readings, host_names
from domain_secure.policy.terms.domain import InvalidDomainError, parse_domain

WOODGROVE = "woodgrovebank.test"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("WoodgroveBank.Test", {WOODGROVE}),
        ("woodgrovebank.test.", {WOODGROVE}),
        ("woodgrovebank。test", {WOODGROVE}),
        ("woodgrovebank.test。", {WOODGROVE}),
        ("ｗｏｏｄｇｒｏｖｅｂａｎｋ．ｔｅｓｔ", {WOODGROVE}),
        ("wood\u200bgrove\u00adbank.te\ufeffst", {WOODGROVE, "bank.te"}),
        ("wood\u200egrovebank.test\u202c", {WOODGROVE, "grovebank.test"}),
        ("bücher.test", {"xn--bcher-kva.test"}),
        ("BÜCHER.test", {"xn--bcher-kva.test"}),
        ("bu\u0308cher.test", {"xn--bcher-kva.test"}),
        ("xn--bcher-kva.test", {"xn--bcher-kva.test"}),
        ("bücher.test.", {"xn--bcher-kva.test"}),
        ("faß.test", {"xn--fa-hia.test", "fass.test"}),
        ("xn--fa-hia.test", {"xn--fa-hia.test", "fass.test"}),
        ("XN--FA-HIA.test", {"xn--fa-hia.test", "fass.test"}),
        ("☃.test", {"xn--n3h.test"}),
        ("xn--woodgrovebank-.test", {WOODGROVE}),
        (f"xn--{'a' * 58}-.test", {f"{'a' * 58}.test"}),
        ("_dmarc.a.test", {"_dmarc.a.test"}),
        ("xn--99999999.a.test", {"xn--99999999.a.test"}),
    ],
)
def test_readings_of_a_domain(text: str, expected: set[str]) -> None:
    """A domain is read as UTS 46 maps it, in both ways, and as a reader sees it."""
    assert domain_readings(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "woodgrovebank.test!x",
        "woodgrovebank.test..",
        "-woodgrovebank.test-",
        "woodgrovebank..test",
        "=?utf-8?q?woodgrovebank.test?=",
        "woodgrove\u200dbank.test",
        "woodgrovebank.test\u00a0",
        "woodgrovebank\u2028.test",
        f"{'a' * 64}.woodgrovebank.test",
        f"{'a.' * 200}woodgrovebank.test",
    ],
)
def test_no_domain_but_a_host_name_in_it(text: str) -> None:
    """What is no domain name gives the host names a reader finds."""
    assert any(name == WOODGROVE or name.endswith("." + WOODGROVE) for name in domain_readings(text))


def test_a_domain_that_can_be_read_is_not_searched() -> None:
    """The ASCII end of an internationalised name is another domain."""
    assert "cher.test" not in domain_readings("bücher.test")


@pytest.mark.parametrize(
    "text",
    [
        "x woodgrovebank.test y",
        "(admin＠woodgrovebank.test)",
        "“woodgrovebank.test”",
        "请woodgrovebank.test谢谢",
        "user%woodgrovebank.test",
        "woodgrovebank.test!user",
        "woodgrove\x00bank.test",
        "woodgrove\r\n bank.test",
        "woodgrove bank . test",
        "woodgrovebank (x) . (y(z)) test",
        "( woodgrovebank(x).test",
        'x"woodgrovebank.test"y',
        '(woodgrove"bank.test)',
        'woodgrove"bank (x) . test',
        "x woodgrove\u200bbank.test",
        "(x\u200bwoodgrovebank.test)",
        "x\u200bwoodgrovebank (x) . test",
        "-._woodgrovebank.test-._",
        "\u202etset.knabevorgdoow",
        "\ud800woodgrovebank.test",
    ],
)
def test_search(text: str) -> None:
    """A host name is found in whatever stands around it."""
    assert WOODGROVE in host_names(text)


@pytest.mark.parametrize(
    "text", ["xwoodgrovebank.test", "woodgrovebank.test.x", "woodgrovebank,test", "woodgrovebank.testx"]
)
def test_search_takes_whole_names(text: str) -> None:
    """A part of another name is not found."""
    assert WOODGROVE not in host_names(text)


def test_what_is_remembered() -> None:
    """The readings of a text that may be a domain; no stranger fills the memory with longer ones."""
    _remembered_readings.cache_clear()
    for length in (255, 256, 255, 100_000):
        domain_readings("a" * (length - 5) + ".test")
    assert _remembered_readings.cache_info()[:2] == (1, 1)


def test_the_longest_name() -> None:
    """A name has 253 octets at most (RFC 1035 section 2.3.4); of what is longer the end is one."""
    name = f"{'.'.join(['a' * 63] * 3)}.{'b' * 42}.{WOODGROVE}"
    assert len(name) == 253
    assert host_names(name) == {name}
    assert host_names(f"c{name}") == {name.partition(".")[2]}
    assert host_names(f"c.{name}") == {name}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("boss X a.test y", {"a.test", "bossxa.testy"}),
        ("a.-.test", set()),
        ("test", set()),
        (".test.", set()),
    ],
)
def test_what_else_is_found(text: str, expected: set[str]) -> None:
    """White space joins names where it is dropped, or stands around a dot; a name of one label is none."""
    assert host_names(text) == expected


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a@woodgrovebank.test", True),
        ('a @ "<woodgrovebank.test', True),
        ("a＠woodgrovebank.test", True),
        ("a@(x)woodgrove\0bank.test", True),
        ("a@x woodgrovebank.test", False),
        ("woodgrovebank.test", False),
    ],
)
def test_search_after_at_signs(text: str, found: bool) -> None:
    """Only what looks like an address is taken."""
    assert (WOODGROVE in host_names(text, after_at_sign=True)) is found


@given(st.text())
def test_agrees_with_the_normal_form(text: str) -> None:
    """Whatever has a normal form is read as that, among others."""
    try:
        expected = parse_domain(text)
    except InvalidDomainError:
        domain_readings(text)
    else:
        assert expected in domain_readings(text)


@given(st.text(st.sampled_from("aß.-_@() \n\0\u200d\u202exn--。ü") | st.characters()))
def test_never_raises_and_finds_normal_forms_only(text: str) -> None:
    """Any text has an answer, and each name in it is in normal form."""
    for name in host_names(text) | domain_readings(text):
        assert parse_domain(name) == name


@pytest.mark.parametrize(
    "unit",
    [
        "a.",
        "a.b ",
        "ü.",
        "ü.ü ",
        ".",
        " ",
        " .",
        "(",
        "(a.b)",
        "xn--a-xyz.b ",
        "a@",
        "@ ",
        "\n ",
        "ü",
        "\u202e",
    ],
)
def test_time_is_linear(unit: str) -> None:
    """100 kB of anything take well below a second; a quadratic pass would take minutes."""
    text = unit * (100_000 // len(unit.encode()))
    started = time.process_time()
    host_names(text)
    host_names(text, after_at_sign=True)
    domain_readings(text)
    assert time.process_time() - started < 5
