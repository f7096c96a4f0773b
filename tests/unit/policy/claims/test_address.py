"""The address-list grammar: what can be read, and whose domain it names."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.claims.address import read_address_list, unfold, without_comments


def domains(text: str) -> tuple[str, ...] | None:
    """Return the domains read, or None."""
    addresses = read_address_list(text)
    return None if addresses is None else addresses.domains


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@b.test", ["b.test"]),
        ("A.B@b.test.", ["b.test."]),
        ("Name <a@b.test>", ["b.test"]),
        ("J. R. Smith <a@b.test>", ["b.test"]),
        ("Jörg <a@bücher.test>", ["bücher.test"]),
        ('"x@c.test, <y@d.test>" <a@b.test>', ["b.test"]),
        (r'"quote \" <c@d.test>" <a@b.test>', ["b.test"]),
        ("a@b.test (c@d.test (nested) \\) still)", ["b.test"]),
        ('"a@c.test"@b.test', ["b.test"]),
        ('"a"."b"@b.test', ["b.test"]),
        ("a..b.@b.test", ["b.test"]),
        ("a@b.test, c@d.test", ["b.test", "d.test"]),
        (",, a@b.test,,", ["b.test"]),
        ("Friends: a@b.test, X <c@d.test>;", ["b.test", "d.test"]),
        ("Friends: a@b.test;, c@d.test", ["b.test", "d.test"]),
        ("<@r.test,@s.test:a@b.test>", ["r.test", "s.test", "b.test"]),
        ("<@r.test,, @s.test : a@b.test>", ["r.test", "s.test", "b.test"]),
        ("Name\r\n <a@b.test>", ["b.test"]),
        ("Name\n\t<a@b.test>\n", ["b.test"]),
        ("a @ b.test", ["b.test"]),
        ("a(x)@(y)b.test(z)", ["b.test"]),
        ("a@b.test, Friends: c@d.test;", ["b.test", "d.test"]),
        ("a@b . test", ["b.test", "b", "test"]),
        ("a@b .test", ["b.test", "b", "test"]),
        ("a@bX. Xtest", ["bX.Xtest", "bX", "Xtest"]),
        ("a@b(c).(d)test", ["b.test", "b", "test"]),
        ("a@b.test .d.test", ["b.test.d.test", "b.test", "d.test"]),
        ("a@[192.0.2.1]", []),
        ("a@[IPv6:2001:db8::1], c@d.test", ["d.test"]),
        ("a@[IPv6:::ffff:192.0.2.1]", []),
        ("=?utf-8?q?x?= <a@b.test>", ["b.test"]),
        ("", []),
        ("(nobody)", []),
        ("undisclosed-recipients:;", []),
    ],
)
def test_what_can_be_read(text: str, expected: list[str]) -> None:
    """Every mailbox's domain is returned, and nothing that only stands beside it."""
    assert domains(text) == tuple(expected)


@pytest.mark.parametrize(
    "text",
    [
        "a@b.test <c@d.test>",  # an at sign in a display name
        "<a@b.test> <c@d.test>",
        "a@b@c.test",
        "a b@c.test",
        "a@b c.test",
        '"a"b@c.test',
        "a@.test",
        "a@b..test",
        "@b.test",
        "a@",
        "a",
        "Name <>",
        "<a@b.test",
        "a@b.test>",
        "a@b.test; c@d.test",  # as Outlook lets people type
        "Friends: a@b.test",
        "Friends: Others: a@b.test;;",
        "Friends: a@b.test; c@d.test",
        "a@b.test c@d.test",
        '"open <a@b.test>',
        '"open\\" <a@b.test>',
        "(open <a@b.test>",
        "open) <a@b.test>",
        "[List] Name <a@b.test>",
        "a\\@x@b.test",
        "a@[b.test]",
        "a@[IPv6:cafe.test]",
        "a@[x-tag:b.test]",
        'a@"b".test',
        "a\x00@b.test",
        "a@b.test\x1b",
        "a@b.test\nBcc: c@d.test",
        "a@b.test\x85",
        "\u202etset.b@a",
    ],
)
def test_what_cannot_be_read(text: str) -> None:
    """The grammar takes nothing it has no rule for."""
    assert read_address_list(text) is None


@pytest.mark.parametrize(("text", "expected"), [("a@[192.0.2.1]", True), ("a@b.test", True), ("x:;", False)])
def test_a_list_without_mailboxes_says_so(text: str, expected: bool) -> None:
    """A literal is somebody, an empty group is nobody."""
    addresses = read_address_list(text)
    assert addresses is not None
    assert addresses.has_mailbox is expected


@given(st.text(st.sampled_from('ab.@<>(),:;"\\[] \t\r\n\x00é')))
def test_never_raises(text: str) -> None:
    """Any text has an answer, and domains are made of what stands in it."""
    for domain in domains(text) or ():
        assert set(domain) <= set(text)


@pytest.mark.parametrize(
    "unit",
    [
        "(",
        "()",
        ".",
        "a.",
        '"',
        '"\\',
        "<",
        "@",
        "@a,",
        "a@b,",
        "a@b . ",
        ",",
        "a:",
        " ",
        "\n ",
        "[IPv6:1",
        "\\",
    ],
)
@pytest.mark.parametrize("start", ["", "<", '"', "a@[IPv6:", "a@b"])
def test_time_is_linear(unit: str, start: str) -> None:
    """100 kB of anything take well below a second; a quadratic pass would take minutes."""
    text = start + unit * (100_000 // len(unit))
    started = time.process_time()
    read_address_list(text)
    without_comments(text)
    assert time.process_time() - started < 3


def test_deep_comments_need_no_stack() -> None:
    """Nesting is counted, so that no depth exhausts anything."""
    assert domains("(" * 50_000 + ")" * 50_000 + "a@b.test") == ("b.test",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\r\n b", "a b"), ("a\n\tb", "a\tb"), ("a\nb", "a\nb"), ("a\n", "a"), ("a\r b", "a\r b")],
)
def test_unfolding(text: str, expected: str) -> None:
    """Only a line end before white space is folding."""
    assert unfold(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a(b)c", "ac"), ("a(b(c)d)e", "ae"), ("a(b", "a(b"), ("a)b", "a)b"), ("((x)", "(")],
)
def test_comments_taken_out(text: str, expected: str) -> None:
    """Only a parenthesis with its partner makes a comment."""
    assert without_comments(text) == expected
