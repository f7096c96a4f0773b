"""Domain names: one normal form, and what may stand on a list."""

from pathlib import Path

import publicsuffixlist
import pytest
from hypothesis import given
from hypothesis import strategies as st
from publicsuffixlist import PublicSuffixList

from domain_secure.policy.terms.domain import (
    Domain,
    InvalidDomainError,
    entry_base,
    is_public_suffix,
    lies_under,
    parse_domain,
    parse_entry,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("woodgrovebank.test", "woodgrovebank.test"),
        ("WoodgroveBank.TEST.", "woodgrovebank.test"),
        ("a-b.c_d.test", "a-b.c_d.test"),
        ("_dmarc.woodgrovebank.test", "_dmarc.woodgrovebank.test"),
        ("test", "test"),
        ("bücher.test", "xn--bcher-kva.test"),
        ("BÜCHER.test.", "xn--bcher-kva.test"),
        ("XN--BCHER-KVA.test", "xn--bcher-kva.test"),
        ("bücher.test。", "xn--bcher-kva.test"),
        ("woodgrovebank。test", "woodgrovebank.test"),
        ("ｗｏｏｄ.test", "wood.test"),
        ("faß.test", "xn--fa-hia.test"),
        ("ΒΌΛΟΣ.test", "xn--nxasmq6b.test"),
        ("βόλος.test", "xn--nxasmm1c.test"),
        (f"{'a' * 63}.test", f"{'a' * 63}.test"),
    ],
)
def test_normal_form(text: str, expected: str) -> None:
    """Every spelling of a domain has one form."""
    assert parse_domain(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a..test",
        ".test",
        "a.test..",
        "-a.test",
        "a-.test",
        "a b.test",
        " a.test",
        "a.test\n",
        "a@b.test",
        "*.test",
        "[192.0.2.1]",
        "a\x00.test",
        f"{'a' * 64}.test",
        f"{'a.' * 130}test",
        "ü" * 64 + ".test",
        "☃.test",
        "a\u200db.test",
        "ü@b.test",
        "\ud800.test",
    ],
)
def test_no_domain(text: str) -> None:
    """What is no domain name is refused with a sentence."""
    with pytest.raises(InvalidDomainError, match="is not"):
        parse_domain(text)


@given(st.text() | st.text(st.sampled_from("aZ0-_.。üßς\u200d ")))
def test_normal_form_is_stable(text: str) -> None:
    """Invariant: a normal form is its own normal form; any other text is refused and nothing else happens."""
    try:
        domain = parse_domain(text)
    except InvalidDomainError:
        return
    assert parse_domain(domain) == domain
    assert parse_domain(domain.upper() + ".") == domain


@pytest.mark.parametrize(
    ("text", "entry", "base"),
    [
        ("WoodgroveBank.test", "woodgrovebank.test", "woodgrovebank.test"),
        ("*.Fabrikam.test", "*.fabrikam.test", "fabrikam.test"),
        ("*.bücher.test", "*.xn--bcher-kva.test", "xn--bcher-kva.test"),
    ],
)
def test_entries(text: str, entry: str, base: str) -> None:
    """An entry is a domain, or all below it."""
    parsed = parse_entry(text)
    assert parsed == entry
    assert entry_base(parsed) == base


@pytest.mark.parametrize(
    "text",
    [
        "test",
        "*.test",
        "co.uk",
        "*.co.uk",
        "com",
        "*",
        "*.",
        "*.*.a.test",
        "a.*.test",
        "",
        "192.0.2.1",
        "*.2.1",
    ],
)
def test_no_entry(text: str) -> None:
    """A public suffix speaks for nobody, an address is no domain, and a wildcard stands in front only."""
    with pytest.raises(InvalidDomainError):
        parse_entry(text)


@pytest.mark.parametrize(
    ("domain", "expected"),
    [("co.uk", True), ("unheardof", True), ("example.co.uk", False), ("a.test", False)],
)
def test_public_suffixes(domain: str, expected: bool) -> None:
    """An unknown top-level domain counts as one."""
    assert is_public_suffix(Domain(domain)) is expected


def test_public_suffixes_are_those_of_the_whole_list() -> None:
    """For each rule its name, and names below and beside it, as who knows all rules at once."""
    whole = PublicSuffixList()
    lines = (
        Path(publicsuffixlist.__file__).with_name("public_suffix_list.dat").read_text("utf-8").splitlines()
    )
    rules = {line.split(" ")[0].lstrip("!*.").lower() for line in lines if line and not line.startswith("//")}
    names = {rule if rule.isascii() else rule.encode("idna").decode() for rule in rules}
    assert len(names) > 5_000
    for name in names:
        for domain in (name, f"x.{name}", f"y.x.{name}", f"x.{name}.unheardof", f"x{name}"):
            assert is_public_suffix(Domain(domain)) is bool(whole.is_public(domain)), domain


def test_lying_under() -> None:
    """A subdomain lies under its parent; a domain does not lie under itself or a name that it ends in."""
    assert lies_under("a.b.test", "b.test")
    assert not lies_under("b.test", "b.test")
    assert not lies_under("ab.test", "b.test")
