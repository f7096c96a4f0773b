"""Encoded words: every text that they may become."""

import base64
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.claims.encoded_word import decodings, has_undecodable, without_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=?utf-8?q?J=C3=B6rg?=", "Jörg"),
        ("=?UTF-8?Q?a_b=5F?=", "a b_"),
        ("=?utf-8?b?SsO2cmc=?=", "Jörg"),
        ("=?utf-8?b?SsO2cmc?=", "Jörg"),
        ("=?utf-8?b?YQ==Yg==?=", "ab"),
        ("=?utf-8?b?SsO2 cmc?=", "Jörg"),
        ("=?utf-8?b?A?=", ""),
        ("=?iso-8859-1?q?J=F6rg?=", "Jörg"),
        ("=?iso-8859-1*de?q?J=F6rg?=", "Jörg"),
        ("=?windows-1252?q?=80?=", "€"),
        ("=?koi8-r?q?=C1?=", "а"),
        ("=?utf-16?b?/v8AYQ==?=", "a"),
        ("=?utf-7?q?a+AEA-b?=", "a@b"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?=\r\n =?us-ascii?q?b?= c", "ab c"),
        ("=?utf-8?q?J=C3?= =?utf-8?q?=B6rg?=", "Jörg"),
        ("=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b"),
        ("x=?utf-8?q?a?==?utf-8?q?b?=y", "xaby"),
        ('"=?utf-8?q?a?="', '"a"'),
        ("=?utf-8?q?a b?=", "a b"),
        ("=?utf-8?q?a?b?=", "a?b"),
        ("=??q?a?=", "a"),
        ("=?unheard-of?q?J=C3=B6rg?=", "Jörg"),
        ("=?unheard-of?q?J=F6rg?=", "Jörg"),
        ("=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?=", "a"),
        ("=?cp037?q?=81?=", "a"),
        ("=?cp037?q?a=40b?=", "a@b"),
        ("\t=?utf-8?q?a?=", "\ta"),
        ("=?koi8-r?q?=C1?= =?utf-8?q?b?=", "аb"),
        ("=?koi8-r?q?=C1?= x =?utf-8?q?b?=", "а x b"),
        ("=?utf-8?b?YWJjA?=", "abc"),
        ("=?utf-8?b?YWI?=", "ab"),
        ("=?utf-8?b?YWJjYQ===?=", "abca"),
        # a reader that decodes once
        ("=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?=", "=?utf-8?q?a?="),
        # one that decodes strictly, and once more
        ("x=?utf-8?q?=22?= =?utf-8?q?b?=", 'x" b'),
        # one for which padding ends the word
        ("=?utf-8?b?=XnN0=ZGVm?=", "^st"),
        ("=?utf-8?b?=XnN0=ZGVm?=", "^stdef"),
        # half of a pair of surrogates, and a number beyond all characters
        ("=?unicode_escape?q?=3D=3Futf-8=3Fq=3F=5CuD800a=3F=3D?=", "?a"),
        ("=?unicode_escape?q?a=5CU0010FFFFb?=", "a\U0010ffffb"),
        ("=?unicode_escape?q?a=5CU00110000b?=", "a\ufffdb"),
    ],
)
def test_readings(text: str, expected: str) -> None:
    """What some reader shows is among the decodings."""
    assert expected in decodings(text)


@pytest.mark.parametrize(
    "text", ["", "plain", "=?utf-8?q?a", "=?utf-8?x?a?=", "=?utf-8?=", "=?=", "?=", "a=?b", "=?utf-8?q"]
)
def test_what_holds_no_word(text: str) -> None:
    """A text without a whole encoded word has no second reading."""
    assert decodings(text) == ()


def test_words_that_are_not_set_apart_may_stay() -> None:
    """A strict reader decodes one word and leaves the other."""
    assert "x=?utf-8?q?=22?= b" in decodings("x=?utf-8?q?=22?= =?utf-8?q?b?=")


@pytest.mark.parametrize("charset", ["rot13", "hex", "base64", "idna", "punycode", "undefined"])
def test_codecs_that_are_no_charsets(charset: str) -> None:
    """Python's other codecs are not reached from a message; what is unknown here is also read as EBCDIC."""
    plain, as_ebcdic = decodings(f"=?{charset}?q?a\\x40b?=")
    assert (plain, as_ebcdic.isascii()) == ("a\\x40b", False)
    assert has_undecodable(f"x =?{charset}?q?a?=")


@pytest.mark.parametrize("charset", ["unicode_escape", "RAW-UNICODE-ESCAPE", "unicode|escape"])
@pytest.mark.parametrize("escape", ["\\x40", "\\u0040", "\\U00000040", "\\100"])
def test_escapes_are_read_as_readers_in_python_do(charset: str, escape: str) -> None:
    """Escapes become their characters, without a warning, and what is none stays."""
    assert "a@b\\q" in decodings(f"=?{charset}?q?a{escape}b\\q?=")


@pytest.mark.parametrize("charset", ["utf|7", "UTF;7", "utf__7", " utf-7 ", "unicode-1-1-utf-7", "utf7*en"])
def test_charsets_by_any_punctuation(charset: str) -> None:
    """Names are compared as Python's own look-up does."""
    assert "a@b" in decodings(f"=?{charset}?q?a+AEA-b?=")


@pytest.mark.parametrize(
    "charset", ["cp037", "cp500", "cp1140", "IBM01140", "cp1047", "posix-bc", "EBCDIC-INT"]
)
def test_names_in_ebcdic(charset: str) -> None:
    """A name is found in any of EBCDIC's code pages, known here or not."""
    word = base64.b64encode("a.b-c.test".encode("cp500")).decode()
    assert "a.b-c.test" in decodings(f"=?{charset}?b?{word}?=")


@pytest.mark.parametrize("cut", range(12))
def test_padding_inside_base64(cut: int) -> None:
    """An equals sign within Base64 ends a piece for some readers, and is nothing to others."""
    word = base64.b64encode(b"a@b.test.x").decode().rstrip("=")
    found = decodings(f"=?utf-8?b?{word[:cut]}={word[cut:]}?=")
    assert "a@b.test.x" in found


@pytest.mark.parametrize("charset", ["utf-16", "utf-32"])
@pytest.mark.parametrize("order", ["be", "le"])
def test_either_order_of_octets(charset: str, order: str) -> None:
    """Where neither charset nor mark tells the order of octets, the text is read by both."""
    word = base64.b64encode("a@bücher.рф".encode(f"{charset}-{order}")).decode()
    assert "a@bücher.рф" in decodings(f"=?{charset}?b?{word}?=")
    assert "Юa@bücher.рф" in decodings(f"=?koi8-r?q?=E0?= =?{charset}?b?{word}?=")


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_the_alphabet_of_urls(encode: Callable[[bytes], bytes]) -> None:
    """Some libraries take the two characters by which the alphabets differ for one another."""
    text = "?>~ü~¿@b.test"
    word = encode(text.encode()).decode()
    assert set(word) & set("+/-_")
    assert text in decodings(f"=?utf-8?b?{word}?=")


def test_text_without_words() -> None:
    """What stands outside of encoded words is what every reader sees."""
    assert without_words("a =?x?q?b@c?= <d@e>").split() == ["a", "<d@e>"]
    assert without_words("a =?x?q?b <d@e>") == "a =?x?q?b <d@e>"
    assert without_words("=?x?q?a@b?= c =?x?q?d@e?= f").split() == ["c", "f"]


@given(st.text(st.sampled_from("=?qb_ \n4A0ü") | st.characters()))
def test_never_raises(text: str) -> None:
    """Any text has decodings, and none is the text itself."""
    assert text not in decodings(text)


@given(
    st.sampled_from(["utf-7", "utf-16", "hz", "iso-2022-jp", "big5", "gb18030", "utf-32", "x"]), st.binary()
)
def test_never_raises_on_octets_of_a_charset(charset: str, octets: bytes) -> None:
    """Octets that the charset does not know are replaced."""
    decodings(f"=?{charset}?q?{''.join(f'={octet:02X}' for octet in octets)}?=")


@pytest.mark.parametrize(
    "unit", ["=?", "=?a?q?", "=?=?=", "=?a?q?=40?=", "?", "=?a?b?YQ==", "=?utf-7?q?+AEA-?= "]
)
def test_time_is_linear(unit: str) -> None:
    """100 kB of anything take well below a second; a quadratic pass would take minutes."""
    started = time.process_time()
    for text in (unit * (100_000 // len(unit)), unit * (100_000 // len(unit)) + "?="):
        decodings(text)
    assert time.process_time() - started < 5
