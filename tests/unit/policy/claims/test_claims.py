"""Claims: which listed domains a message says it is from."""

import base64
import time

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from domain_secure.policy.claims.address import read_address_list
from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.claims.claims import (
    _PLAIN_MAILBOX,
    HEADER_NAMES,
    envelope_claims,
    header_claims,
    hides_authors,
)
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.lists import DomainList

LISTED = DomainList.of("woodgrovebank.test", "*.fabrikam.test", "xn--bcher-kva.test", "xn--fa-hia.test")
WOODGROVE = "woodgrovebank.test"
_BASE64 = base64.b64encode(b"boss@woodgrovebank.test").decode()


def claimed(value: str | bytes, name: str = "From") -> set[str]:
    """Return the domains that one header field claims."""
    octets = value.encode() if isinstance(value, str) else value
    return {claim.domain for claim in header_claims(name, octets, LISTED)}


def claimed_by_envelope(*reverse_paths: str) -> set[str]:
    """Return the domains that spellings of one reverse-path claim."""
    return {claim.domain for claim in envelope_claims(reverse_paths, LISTED)}


@pytest.mark.parametrize("name", ["From", "FROM", " sender", "Resent-From ", "from\t"])
def test_author_fields_claim(name: str) -> None:
    """The three author fields claim, whatever the case of their names, and say which they are."""
    expected = Claim(Entry(WOODGROVE), Domain(WOODGROVE), name.strip().lower())
    assert header_claims(name, b"a@woodgrovebank.test", LISTED) == {expected}


@pytest.mark.parametrize("name", ["To", "Reply-To", "Resent-Sender", "X-From", "", "Return-Path"])
def test_other_fields_claim_nothing(name: str) -> None:
    """Who is written to claims nothing."""
    assert not header_claims(name, b"a@woodgrovebank.test", LISTED)


@pytest.mark.parametrize(
    "value",
    [
        'Boss; "boss"@WOODGROVEBANK.>TEST)',
        "Boss; <<a@woo>dgrovebank.test(evil.test)>>",
        '"Bos(s" @woodgrovebank(x).test)',
        "x@evil.test <a b@woodgro<vebank(x).test>",
        "a b@woodgrovebank,.test",
    ],
)
def test_what_readers_join_together(value: str) -> None:
    """In a field without a reading a comment or a stray character does not part a domain."""
    assert claimed(value) == {WOODGROVE}


def test_names_are_in_lower_case() -> None:
    """A caller may compare folded names with them."""
    assert {name.lower() for name in HEADER_NAMES} == HEADER_NAMES


@pytest.mark.parametrize(
    "value",
    [
        "admin@woodgrovebank.test",
        "Admin <admin@WoodgroveBank.TEST>",
        "admin@woodgrovebank.test.",
        "<admin@woodgrovebank.test>",
        "a@evil.test, admin@woodgrovebank.test",
        "Both: a@evil.test, Admin <admin@woodgrovebank.test>;",
        "Admin\r\n <admin@woodgrovebank.test>",
        "Admin\n\t<admin@woodgrovebank.test>",
        "admin@woodgrovebank\n .test",
        "admin@woodgrovebank (c) . (d) test",
        "admin@woodgrovebank.test .evil.test",  # read up to the space by some
        "<@woodgrovebank.test:a@evil.test>",
        '"x"@woodgrovebank.test',
        '"" <admin@woodgrovebank.test>',
        "admin@woodgrovebank。test",
        "admin@ｗｏｏｄｇｒｏｖｅｂａｎｋ．ｔｅｓｔ",
        "admin@woodgrove\u200bbank.test",
        "admin@woodgrove\u200dbank.test",
        "admin@woodgrove\u200ebank.test",
        "admin@woodgrove\u00adbank.test",
        "admin@xn--woodgrovebank-.test",
    ],
)
def test_what_can_be_read(value: str) -> None:
    """Every author's domain is a claim, in every spelling of it."""
    assert claimed(value) == {WOODGROVE}


@pytest.mark.parametrize(
    "value",
    [
        "admin@woodgrovebank.test <a@evil.test>",
        "<admin@woodgrovebank.test> <a@evil.test>",
        "<a@evil.test> admin@woodgrovebank.test",
        "<a@evil.test> <admin@woodgrovebank.test>",
        "admin@woodgrovebank.test<a@evil.test>",
        "admin@woodgrovebank.test, <a@evil.test",
        "a@evil.test; admin@woodgrovebank.test",
        "admin@woodgrovebank.test@evil.test",
        "a@evil.test@woodgrovebank.test",
        "admin@woodgrovebank.test\x00 <a@evil.test>",
        "a@evil.test\x00@woodgrovebank.test",
        "admin@woodgrove\x00bank.test",
        "admin@woodgrovebank.test\r <a@evil.test>",
        "admin@woodgrovebank.test\nX: <a@evil.test>",
        "admin@woodgrove\n bank.test",
        "admin@woodgrove bank.test",
        "<admin @ woodgrove (x) bank.test>",
        "admin@[woodgrovebank.test]",
        'admin@"woodgrovebank.test"',
        "admin@woodgrovebank.test:25",
        "admin＠woodgrovebank.test",
        "＜admin＠woodgrovebank.test＞",
        '"Admin" <admin@woodgrovebank.test',
        '"Admin <admin@woodgrovebank.test>',
        "(Admin <admin@woodgrovebank.test>",
        "Admin (x)) <admin@woodgrovebank.test>",
        "[Admin] <admin@woodgrovebank.test>",
        '"admin@woodgrovebank.test" <>',
        '"admin@woodgrovebank.test":;',
        "woodgrovebank.test!admin",
        "woodgrovebank.test",
        "mailto:admin@woodgrovebank.test",
        "admin@xn--99999999.woodgrovebank.test,woodgrovebank.test",
        "Boss of woodgrovebank.test here",
        "\u202etset.knabevorgdoow@nimda",
        "\u202e<tset.knabevorgdoow@nimda> <a@evil.test>",
        f"<{'(' * 500}admin@woodgrovebank.test>",
    ],
)
def test_what_cannot_be_read(value: str) -> None:
    """Where the grammar gives up, a listed domain that occurs is a claim."""
    assert WOODGROVE in claimed(value)


@pytest.mark.parametrize(
    "value",
    [
        'admin@"woodgrovebank".test',
        'Admin <admin@"woodgrovebank".test>',
        'admin@woodgrovebank."test"',
        'admin@woodgrovebank".test"',
        "admin@woodgrovebank\\.test",
        "admin@wood\\grovebank.test",
        "admin@woodgrovebank.test\ufeffevil.test",
        "admin@woodgrovebank.test\ufeff",
        "admin@woodgrovebank.test\u2060x",
        "admin@woodgrovebank.test\u3000x",
        "admin@woodgrovebank.test\xa0x",
        "admin@\u201cwoodgrovebank.test\u201d",
        "admin@woodgrovebank.test\u201d",
        "\u00abadmin@woodgrovebank.test\u00bb",
        "\u300cadmin@woodgrovebank.test\u300d",
        "admin@woodgrovebank.test\u2014x",
        "admin@woodgrovebank.test" + "." * 600,
        "admin@woodgrovebank.test" + "\u3002" * 600,
        '<"admin@woodgrovebank.test">',
        '"Admin" <"admin@woodgrovebank.test"@evil.test>',
        '"admin@woodgrovebank.test"@evil.test',
        '<"x <admin@woodgrovebank.test>" @evil.test>',
        '"admin@woodgrovebank.test"@evil.test, "x@other.test"@evil.test',
        '=?utf-8?q?x?= <"admin@woodgrovebank.test"@evil.test>',
        "admin@=?utf-8?q?woodgrovebank.test?=",
        "Admin <admin@=?us-ascii?b?d29vZGdyb3ZlYmFuay50ZXN0?=>",
        "=?utf|7?q?admin+AEA-woodgrovebank.test?=",
        "=?unicode_escape?q?admin=5Cx40woodgrovebank=5C.test?= =?unicode_escape?q?=5Cx40woodgrovebank.test?=",
        "=?utf-8?b?YWRt=aW5Ad29vZGdyb3ZlYmFuay50ZXN0?=",
        "=?utf-8?b?YW=RtaW5Ad29vZGdyb3ZlYmFuay50ZXN0?=",
        f"=?cp1047?b?{base64.b64encode('admin@woodgrovebank.test'.encode('cp037')).decode()}?=",
        f"=?ebcdic-xy?b?{base64.b64encode('admin@woodgrovebank.test'.encode('cp273')).decode()}?=",
    ],
)
def test_what_some_readers_make_of_it(value: str) -> None:
    """Quotes, escapes, what has no width, dots without end, words of odd charsets: each names the domain."""
    assert WOODGROVE in claimed(value)


@pytest.mark.parametrize(
    "value",
    [
        b"boss@wood\x1b(Bgrovebank.test",
        b"boss@woodgrove bank.test\rmallory@evil.test",
        b"boss@woodgrove\rbank.test, mallory@evil.test",
        "\N{FULLWIDTH LATIN SMALL LETTER B}oss@woodgrovebank.test".encode("iso2022_jp"),
        b"boss@wood\x1b$B\xff\x1b(Bgrovebank.test",
        b"boss@woodgrovebank.test\x1b(B.evil.test",
        b"=?utf-8?q?boss=40wood=1B=28Bgrovebank.test?=",
        b"=?utf-8?q?boss=40wood=FFgrovebank.test?=",
        b"=?utf-8?q?boss=40wood=FFgrovebank.test?= <x@evil.test>",
        b"=?us-ascii?q?boss=40wood=E9grovebank.test?=",
        b"=?utf-8?b?_" + _BASE64.encode() + b"?=",
        b"=?utf-8?b?" + base64.urlsafe_b64encode(b"\xfb\xff\xbe boss@woodgrovebank.test") + b"?=",
        b"<boss%40woodgrovebank.test>",
        b"utf-8''boss%40woodgrovebank.test",
    ],
)
def test_what_readers_leave_out_or_take_for_something_else(value: bytes) -> None:
    """Escapes of ISO 2022, octets that no charset has, the alphabet of URLs, an at sign in hexadecimal."""
    assert WOODGROVE in claimed(value)


@pytest.mark.parametrize("charset", ["latin-1", "cp437", "cp850", "mac_roman", "iso8859_2", "iso8859_15"])
def test_octets_of_old_charsets_without_a_label(charset: str) -> None:
    """The domain of an internationalised entry in octets that no charset is named for."""
    assert claimed("Admin <admin@b\xfccher.test>".encode(charset)) == {"xn--bcher-kva.test"}


@pytest.mark.parametrize("decoys", [31, 32, 300])
def test_no_number_of_addresses_hides_one_without_a_label(decoys: int) -> None:
    """Each is read."""
    others = ", ".join(f"a@b\xfc{number}.test" for number in range(decoys))
    value = f"{others}, Admin <admin@b\xfccher.test>".encode("cp437")
    assert "xn--bcher-kva.test" in claimed(value)


@pytest.mark.parametrize(
    ("value", "hides"),
    [
        ("=?x-mine?b?YWJj?=", True),
        ("Admin =?x-mine?q?=01=02?=", True),
        ("=?utf-8?q?admin?=", False),
        ("=?x-mine?q?=01=02?= <a@evil.test>", False),
        ("admin@=?x-mine?q?=01=02?=", True),
        ("<admin@ =?x-mine?q?=01=02?=>", True),
        ("admin@=?x-mine?q?=01=02?= <a@evil.test>", True),
        ("admin@(x)=?x-mine?q?=01=02?=, a@evil.test", True),
        ("admin@woodgrove=?x-mine?q?=01=02?=", True),
        ("admin@=?utf-8?q?woodgrovebank.test?=", False),
        (f"=?utf-8?b?{_BASE64}", True),
        (f"=?utf-8?b?{_BASE64}?", True),
        (f"=?utf-8?x?{_BASE64}?=", True),
        (f"=?utf-8??{_BASE64}?=", True),
        (f"=?utf-8? b ?{_BASE64}?=", True),
        ("=?utf-8?q?boss=40wood=GGgrovebank.test?=", True),
        ("=?utf-8?Q?boss=40wood=GGgrovebank.test?=", True),
        ("=?utf-8?q?=FF?=", True),
        ("=?us-ascii?b?gYKD?=", True),
        ("=?utf-8?q?=3D=3Futf-8=3Fq=3F=3D3D=3D3Futf-8=3D3Fq=3D3Fa=3D3F=3D3D=3F=3D?=", True),
        (f"=?utf-8?b?{_BASE64}?=", False),
        ("=?utf-8?q?=FF?= <a@evil.test>", False),
        ("Admin", False),
        ("", False),
    ],
)
def test_what_cannot_be_decoded_is_not_taken_for_nothing(value: str, hides: bool) -> None:
    """A field that names nobody beside words that cannot be decoded may name anybody to another reader."""
    assert hides_authors("From", value.encode()) is hides
    assert not hides_authors("Subject", value.encode())


@pytest.mark.parametrize(
    "value",
    [
        "a@evil.test",
        '"admin@woodgrovebank.test via list" <list@other.test>',
        '"admin@woodgrovebank.test" <a@evil.test>',
        '"\\"<admin@woodgrovebank.test>\\"" <a@evil.test>',
        "a@evil.test (b@woodgrovebank.test)",
        "(woodgrovebank.test) a@evil.test",
        "woodgrovebank.test <a@evil.test>",
        "Bob of woodgrovebank.test <a@evil.test>",
        "admin%woodgrovebank.test@evil.test",
        '"a@evil.test of woodgrovebank.test"@evil.test',
        "woodgrovebank.test!admin@evil.test",
        "SRS0=x=y=woodgrovebank.test=admin@evil.test",
        "a@woodgrovebank.test.evil.test",
        "a@notwoodgrovebank.test",
        "a@fabrikam.test",
        "a@bcher.test",
        '"admin@woodgrovebank.test" <a@[192.0.2.1]>',
        "=?utf-8?q?Gr=C3=BC=C3=9Fe_von_woodgrovebank.test?= <a@evil.test>",
        "=?utf-8?q?J=C3=B6rg_=28admin=40woodgrovebank.test=29?= <a@evil.test>",
        '"=?utf-8?q?admin=40woodgrovebank.test?=" <a@evil.test>',
        "=?utf-8?q?=22admin=40woodgrovebank.test=22?= <a@evil.test>",
        "=?utf-8?q?M=C3=BCller=2C_woodgrovebank.test?= <a@evil.test>",
        "",
        "   ",
        "MAILER-DAEMON (Mail Delivery System)",
        "undisclosed-senders:;",
    ],
)
def test_what_only_mentions_a_listed_domain(value: str) -> None:
    """Names, comments and quoted strings of a field that can be read claim nothing."""
    assert not claimed(value)


def base64_word(text: str, charset: str = "utf-8") -> str:
    """Return *text* as an encoded word."""
    return f"=?{charset}?B?{base64.b64encode(text.encode(charset)).decode()}?="


def twice_encoded(text: str, order: str) -> str:
    """Return a word in a word; the inner one has a charset that leaves the order of its octets open."""
    inner = base64.b64encode(text.encode(order)).decode()
    return base64_word(f"=?{order.rpartition('-')[0]}?b?{inner}?=")


@pytest.mark.parametrize(
    "value",
    [
        "=?utf-8?q?=22x=22_=3Cadmin=40woodgrovebank.test=3E?= <a@evil.test>",
        "=?utf-8?q?admin=40woodgrovebank.test_via_list?= <a@evil.test>",
        '"=?utf-8?q?=22_=3Cadmin=40woodgrovebank.test=3E?=" <a@evil.test>',
        "admin@=?utf-8?q?woodgrovebank.test?=",
        "=?utf-8?q?admin=40woodgrovebank.test?=",
        "=?utf-8?q?admin?= =?utf-8?q?=40woodgrovebank.test?=",
        base64_word("admin@woodgrovebank.test"),
        base64_word("admin@woodgrovebank.test\x00") + "@evil.test",
        base64_word("admin@woodgrovebank.test") + "=?utf-8?Q?=00?=" + base64_word("x") + "@evil.test",
        base64_word("admin@woodgrovebank.test\n(") + "@evil.test",
        base64_word("admin@woodgrovebank.test", "utf-16") + " <a@evil.test>",
        *("admin@" + twice_encoded("woodgrovebank.test", order) for order in ("utf-16-be", "utf-16-le")),
        *(twice_encoded("admin@woodgrovebank.test", order) for order in ("utf-32-be", "utf-32-le")),
        "=?utf-8?q?=3D=3Futf-8=3Fb=3FYWRtaW5Ad29vZ=3DGdyb3ZlYmFuay50ZXN0=3F=3D?= <a@evil.test>",
        "=?utf-8?B?YW]RtaW5Ad29vZGdyb3ZlY=?mFuay50ZXN0?=, mallory@evil.test",
        "=?iso-8859-1?b?PGFkbWluQH=?dvb2Rncm92ZWJhbmsudGVzdD4=?=; <mallory@evil.test>",
        "=?utf-7?q?admin+AEA-woodgrovebank.test?= <a@evil.test>",
        "=?cp037?q?admin=40woodgrovebank.test?= <a@evil.test>",
        "=?unheard-of?q?admin=40woodgrovebank.test?= <a@evil.test>",
        "=?utf-8?q?=3D=3Futf-8=3Fq=3Fadmin=3D40woodgrovebank.test=3F=3D?= <a@evil.test>",
        "X=?utf-8?q?=22?= =?utf-8?q?=3Cadmin=40woodgrovebank.test=3E?= Y=?utf-8?q?=22?= <a@evil.test>",
        "a@=?utf-8?q?evil.test=3E=2C_admin=40woodgrovebank.test?=",
        "=?utf-8?q?admin=EF=BC=A0woodgrovebank.test?= =?utf-8?q?=3C?= <a@evil.test>",
    ],
)
def test_encoded_words_that_read_as_an_address(value: str) -> None:
    """What decodes to another author is a claim, wherever the words stand."""
    assert WOODGROVE in claimed(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a@bücher.test", "xn--bcher-kva.test"),
        ("a@BÜCHER.test", "xn--bcher-kva.test"),
        ("a@XN--BCHER-KVA.test", "xn--bcher-kva.test"),
        (b"a@b\xfccher.test", "xn--bcher-kva.test"),
        (b"\xff <a@b\xc3\xbccher.test>", "xn--bcher-kva.test"),
        ("a@=?iso-8859-1?q?b=FCcher?=.test", "xn--bcher-kva.test"),
        ("a@faß.test", "xn--fa-hia.test"),
        ("a@Mail.Fabrikam.test", "mail.fabrikam.test"),
        ("a@e\u0301.fabrikam.test", "xn--9ca.fabrikam.test"),
        (f"a@{'x' * 64}.y.fabrikam.test", "y.fabrikam.test"),
    ],
)
def test_other_spellings(value: str | bytes, expected: str) -> None:
    """Domains compare as A-labels; octets are UTF-8, or else Latin-1."""
    assert claimed(value) == {expected}


def test_both_ways_to_map_a_sharp_s() -> None:
    """The transitional reading of a domain is a claim too."""
    listed = DomainList.of("fass.test", "xn--fa-hia.test")
    claims = header_claims("From", "a@faß.test".encode(), listed)
    assert {claim.domain for claim in claims} == {"fass.test", "xn--fa-hia.test"}


def test_claim_names_the_entry() -> None:
    """A claim holds the entry that covers the domain and the domain itself."""
    (claim,) = header_claims("Sender", b"a@x.y.fabrikam.test", LISTED)
    assert claim == Claim(Entry("*.fabrikam.test"), Domain("x.y.fabrikam.test"), "sender")


@pytest.mark.parametrize(
    "reverse_path",
    [
        "<admin@woodgrovebank.test>",
        "admin@woodgrovebank.test",
        "<admin@WOODGROVEBANK.test.>",
        "<@evil.test,@x.test:admin@woodgrovebank.test>",
        "<@woodgrovebank.test:a@evil.test>",
        "<(any@woodgrovebank.test>",
        '<"a@b"@woodgrovebank.test>',
        '<"admin@woodgrovebank.test">',
        "<woodgrovebank.test!admin>",
        "<admin%woodgrovebank.test>",
        "<admin@woodgrovebank.test",
        "<admin@woodgrovebank.test>>",
        "<admin\\@woodgrovebank.test>",
        "<a@evil.test@woodgrovebank.test>",
        "<admin@[woodgrovebank.test]>",
        "<admin@woodgrovebank.test> SIZE=1",
        "<\udcff@woodgrovebank.test>",
        "<admin@\ud800woodgrovebank.test\udfff>",
        "Admin <admin@woodgrovebank.test>",
    ],
)
def test_envelope(reverse_path: str) -> None:
    """The reverse-path claims its domain, the hosts of its route, and what nobody can read in it."""
    assert claimed_by_envelope(reverse_path) == {WOODGROVE}
    assert claimed_by_envelope("", reverse_path) == {WOODGROVE}
    assert claimed_by_envelope(reverse_path, "a@evil.test") == {WOODGROVE}
    assert claimed_by_envelope(reverse_path, "ä@evil.test") == {WOODGROVE}


@pytest.mark.parametrize(
    "reverse_path",
    [
        "<>",
        "",
        "<a@evil.test>",
        '<"a@woodgrovebank.test"@evil.test>',
        "<admin%woodgrovebank.test@evil.test>",
        "<SRS0=x=y=woodgrovebank.test=admin@evil.test>",
        "<a@[192.0.2.1]>",
        "<double-bounce>",
        "<\udcff@evil.test>",
    ],
)
def test_envelope_of_others(reverse_path: str) -> None:
    """What the local part mentions claims nothing."""
    assert not claimed_by_envelope(reverse_path)


def test_envelope_in_octets() -> None:
    """Octets that are not UTF-8 arrive as surrogates."""
    assert claimed_by_envelope(b"<a@b\xfccher.test>".decode("utf-8", "surrogateescape")) == {
        "xn--bcher-kva.test"
    }
    assert claimed_by_envelope("<a@bücher.test>") == {"xn--bcher-kva.test"}


def test_envelope_claims_name_their_source() -> None:
    """The source is the envelope."""
    assert envelope_claims(["<a@woodgrovebank.test>"], LISTED) == {
        Claim(Entry(WOODGROVE), Domain(WOODGROVE), "envelope")
    }


def test_nothing_is_claimed_of_an_empty_list() -> None:
    """Where nobody is listed, nobody is claimed."""
    assert not header_claims("From", b"a@woodgrovebank.test", DomainList(()))


STRUCTURE = st.text(st.sampled_from('ab.@<>(),:;"\\[] \t\n\x00=?é\u200d'))
HOSTILE = st.lists(
    st.sampled_from(
        ["woodgrovebank.test", "evil.test", "=?utf-8?q?", "?=", "=40", "=22", "\r\n ", "\u202e", "xn--"]
    )
    | STRUCTURE
).map("".join)


@given(st.sampled_from(sorted(HEADER_NAMES)), st.binary() | HOSTILE.map(str.encode))
def test_no_field_raises(name: str, value: bytes) -> None:
    """Any octets have an answer, and what is claimed is covered by its entry."""
    for claim in header_claims(name, value, LISTED):
        assert LISTED.match(claim.domain) == claim.entry


@given(st.lists(st.text(st.characters(categories=None)) | HOSTILE))
@example(["<\ud800@woodgrovebank.test>"])
def test_no_reverse_path_raises(reverse_paths: list[str]) -> None:
    """Any text has an answer."""
    envelope_claims(reverse_paths, LISTED)


PHRASE_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u202d\u202e"))
QUOTED = PHRASE_TEXT.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
COMMENT = PHRASE_TEXT.map(lambda text: "(" + "".join("\\" + c if c in "()\\" else c for c in text) + ")")
GAP = st.sampled_from(["", " ", "\t", "\r\n ", "\n\t", " \r\n  "]) | COMMENT
LOCAL_PART = st.text(st.sampled_from("abcXYZ019.!#$%&'*+/=^_`{|}~-"), min_size=1).filter(
    lambda text: text.strip(".")
)


@st.composite
def mailboxes(draw: st.DrawFn, domain: str, display: st.SearchStrategy[str]) -> str:
    """Return a well-formed mailbox at *domain*, in any case, folding and company."""
    cased = "".join(draw(st.sampled_from([c.lower(), c.upper()])) for c in domain) + draw(
        st.sampled_from(["", "."])
    )
    local_part = draw(LOCAL_PART | QUOTED)
    spec = f"{local_part}{draw(GAP)}@{draw(GAP)}{cased}"
    if draw(st.booleans()):
        return f"{draw(GAP)}{spec}{draw(GAP)}"
    return f"{draw(GAP)}{draw(display)}{draw(GAP)}<{draw(GAP)}{spec}{draw(GAP)}>{draw(GAP)}"


WORDS = st.lists(st.text(st.sampled_from("abcXYZ019!#$%&'*+-/=?^_`{|}~.é漢"), min_size=1)).map(" ".join)


@given(mailboxes(WOODGROVE, QUOTED | WORDS))
def test_a_listed_author_is_always_claimed(value: str) -> None:
    """Invariant: no display name, comment, folding, case or final dot hides an author's domain."""
    assert WOODGROVE in claimed(value)


@given(st.lists(mailboxes("evil.test", QUOTED | WORDS), min_size=1).map(",".join))
@example('"admin@woodgrovebank.test, <admin@woodgrovebank.test>" <a@evil.test>')
def test_other_authors_claim_nothing(value: str) -> None:
    """Invariant: a well-formed field of unlisted authors claims nothing, whatever its names mention."""
    assume("=?" not in value)
    assert not claimed(value)


@given(
    st.lists(
        st.sampled_from(
            ["woodgrovebank.test", "admin@woodgrovebank.test", "<", ">", ",", ";", ":", "(", "[", "@", " "]
        )
    ).map("".join)
)
def test_quoted_names_that_mention_a_listed_domain(mention: str) -> None:
    """The same, where the name is made to look like an author."""
    assert not claimed(f'"{mention}" <a@evil.test>')


@given(STRUCTURE | mailboxes("evil.test", QUOTED | WORDS))
@example("a.@b.c.")
@example("\t. x <.a@b>")
def test_the_short_cut_agrees_with_the_grammar(text: str) -> None:
    """Invariant: what takes the short cut has just that reading."""
    match = _PLAIN_MAILBOX.fullmatch(text)
    if match is not None:
        addresses = read_address_list(text)
        assert addresses is not None
        assert addresses.domains == (match[1] or match[2],)
        assert not addresses.quoted


_PATHS = st.builds("{}@{}".format, LOCAL_PART, st.sampled_from([WOODGROVE, "a.Fabrikam.test.", "evil.test"]))


@given(st.lists(st.tuples(_PATHS | HOSTILE, st.booleans()), max_size=4))
@example([("a@woodgrovebank.test", True), ("a@woodgrovebank.test", False)])
@example([("a@evil.test", True), ("a@woodgrovebank.test", False)])
@example([("", False), ("", True), ("<a@evil.test", True)])
def test_each_spelling_of_a_reverse_path_claims(spellings: list[tuple[str, bool]]) -> None:
    """Invariant: what two spellings claim is what each claims, and each claims what a field like it does."""
    paths = [f"<{path}>" if is_in_brackets else path for path, is_in_brackets in spellings]
    assert claimed_by_envelope(*paths) == set().union(*(claimed_by_envelope(path) for path in paths))
    for path in paths:
        if _PLAIN_MAILBOX.fullmatch(path) and "=?" not in path:
            assert claimed_by_envelope(path) == claimed(path)
            assert claimed_by_envelope(path) == claimed(f"{path},")  # which takes no short cut


@pytest.mark.parametrize(
    "unit",
    [
        "(",
        '"',
        '"\\',
        "<",
        "a.",
        "a ",
        "a@b.test,",
        "@a,",
        "=?a?q?",
        "=?a?q?=40?=",
        "ü.",
        "ü.b ",
        "\n ",
        "xn--a.b ",
        "a",
    ],
)
@pytest.mark.parametrize("end", ["", ">", "@woodgrovebank.test"])
def test_time_is_linear(unit: str, end: str) -> None:
    """100 kB of anything take well below a second; a quadratic pass would take minutes."""
    value = (unit * (100_000 // len(unit.encode())) + end).encode()
    started = time.process_time()
    header_claims("From", value, LISTED)
    envelope_claims([value.decode()], LISTED)
    assert time.process_time() - started < 8
