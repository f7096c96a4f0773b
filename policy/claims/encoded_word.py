"""Encoded words, decoded in every way that a mail reader may.

Owns: RFC 2047 sections 2 to 4 and 6.2, read leniently.
Must not know: what the text around the words means.

RFC 2047 has a field parsed first and its words decoded afterwards.  Readers that do it the other way round,
or decode words that stand in quotes, show another author; so the callers want every text that may result.
The time is linear in the text.
"""

import binascii
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from encodings.aliases import aliases

from .budget import Allowance

# encoded-word = "=?" charset "?" encoding "?" encoded-text "?="                          RFC 2047 section 2
# Space or "?" inside the text, an empty charset, and words glued to others are read by many.
_LENIENT = re.compile(r"=\?([^?]*)\?([bBqQ])\?(.*?)\?=", re.DOTALL)

# As RFC 2047 sections 2 and 5 have it: white space or a parenthesis on either side, none inside.
_STRICT = re.compile(r"(?<![^\s(])=\?([^?\s]+)\?([bBqQ])\?([^?\s]*)\?=(?![^\s)])")

_BASE64_OTHER = re.compile(r"[^A-Za-z0-9+/=_-]+")
_BASE64_PADDING = re.compile(r"=+")
_STRAY_PADDING = re.compile(r"=\?[^?]*\?[bB]\?(?:(?!\?=).)*?=(?!=|\?=).", re.DOTALL)
# RFC 4648 section 5: the alphabet of URLs, which some libraries take for the other one.
_URL_ALPHABET = re.compile(r"=\?[^?]*\?[bB]\?[^?]*[-_]")
_FROM_URL_ALPHABET = str.maketrans("-_", "+/")
_OF_URLS_ALONE = str.maketrans("", "", "-_")
# RFC 2781 section 4.3 takes the higher octet first where no mark tells, and many take the machine's order.
_ORDERED = re.compile(r"(?i)=\?[^?]*(?:16|32|ucs|unicode)")
_HIGHER_FIRST: dict[str | None, str] = {"utf_16": "utf_16_be", "utf_32": "utf_32_be"}
_LOWER_FIRST: dict[str | None, str] = {"utf_16": "utf_16_le", "utf_32": "utf_32_le"}
_BROKEN_ESCAPE = re.compile(r"=(?![0-9A-Fa-f]{2})")  # in encoding Q

# A charset is looked up here and never in the codec registry itself, which keeps every name it was ever asked
# for.  Left out is what is no charset of mail; punycode and idna would not be linear either.
_NOT_CHARSETS = frozenset(
    {"base64_codec", "bz2_codec", "hex_codec", "idna", "mbcs", "oem", "punycode", "quopri_codec"}
    | {"raw_unicode_escape", "rot_13", "unicode_escape", "uu_codec", "zlib_codec"}
)
_CHARSETS = {
    name: codec
    for name, codec in (*aliases.items(), *((codec, codec) for codec in aliases.values()))
    if codec not in _NOT_CHARSETS
}
# Readers written in Python decode these, too; the codec itself warns of each escape it does not know.
_ESCAPES = frozenset({"raw_unicode_escape", "unicode_escape"})
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-7]{1,3}))")
_OF_A_NAME = re.compile(r"[0-9a-z]+")
# Letters, digits, dot and hyphen stand at the same places in all of EBCDIC's Latin code pages, and this one
# is known here, which cp1047, BS2000's and others are not.
_EBCDIC = "cp037"
_ISO_2022_ESCAPE = re.compile(r"\x1b[ -/]*[0-~]")
_REPLACED = "\N{REPLACEMENT CHARACTER}"


def decodings(text: str, allowance: Allowance | None = None) -> tuple[str, ...]:
    """Return each different text that *text* may become when its encoded words are decoded, without itself.

    Words are taken leniently and strictly, by their charset and in disregard of it, once and twice; with
    padding inside Base64 that ends a piece, means nothing, or ends the word; in the alphabet of URLs; without
    the octets that the charset has not; by either order of octets where the charset leaves it open; and by
    EBCDIC where the charset is unknown here.  Raises TooMuchError for more words than *allowance* has left.
    """
    if "=?" not in text:
        return ()
    if allowance is not None:
        allowance.take_words(text.count("=?"))
    found = _readings(text)
    lenient, *others = dict.fromkeys(found)
    if "=?" in lenient:
        if allowance is not None:
            allowance.take_words(lenient.count("=?"))
        found += _readings(lenient)
    found += [_decode(one, _LENIENT, _codec) for one in others if "=?" in one]
    return tuple(dict.fromkeys(reading for reading in found if reading != text))


def _readings(text: str) -> list[str]:
    """Return what *text* becomes when its words are decoded once; first, leniently and by their charsets."""
    lenient = _decode(text, _LENIENT, _codec)
    found = [lenient, _decode(text, _STRICT, _codec), _decode(text, _LENIENT, _no_codec)]
    if _ORDERED.search(text):
        found += (_decode(text, _LENIENT, codec) for codec in (_higher_octet_first, _lower_octet_first))
    if _STRAY_PADDING.search(text):
        found += (_decode(text, _LENIENT, _codec, padding) for padding in (_dropped, _first))
    if _URL_ALPHABET.search(text):
        found.append(_decode(text, _LENIENT, _codec, _url_alphabet))
    if _REPLACED in lenient:
        found.append(_decode(text, _LENIENT, _codec, errors="ignore"))
    if "\x1b" in lenient:
        found.append(_ISO_2022_ESCAPE.sub("", lenient))
    if _has_unknown_charset(text):
        found.append(_decode(text, _LENIENT, lambda charset: _codec(charset) or _EBCDIC))
    return found


def has_undecodable(text: str) -> bool:
    """Tell whether *text* has something of an encoded word that cannot be decoded here: it may say anything.

    That is a charset that is unknown, octets that the charset has not, a broken escape, a word that does not
    end or has another encoding, and words in words in words.
    """
    if "=?" not in text:
        return False
    decoded = _decode(text, _LENIENT, _codec)
    return (
        "=?" in _decode(decoded, _LENIENT, _codec)
        or (_REPLACED in decoded and _REPLACED not in text)
        or _has_unknown_charset(text)
        or any(match[2].lower() == "q" and _BROKEN_ESCAPE.search(match[3]) for match in _words(text))
    )


def without_words(text: str) -> str:
    """Return *text* without its encoded words: what every reader sees, whatever he makes of these."""
    may_hold_words, rest = _parted(text)
    return _LENIENT.sub(" ", may_hold_words) + rest


def _words(text: str) -> Iterator[re.Match[str]]:
    return _LENIENT.finditer(_parted(text)[0])


def _parted(text: str) -> tuple[str, str]:
    """Return *text* up to its last ``?=``, and the rest, in which no word can end.

    Searching there anew from every ``=?`` would take quadratic time.
    """
    before, end, rest = text.rpartition("?=")
    return before + end, rest


def _has_unknown_charset(text: str) -> bool:
    return any(not _codec(match[1]) for match in _words(text))


def _decode(
    text: str,
    pattern: re.Pattern[str],
    codec_of: Callable[[str], str | None],
    padding: Callable[[str], Iterable[str]] | None = None,
    errors: str = "replace",
) -> str:
    may_hold_words, _ = _parted(text)
    pieces: list[str] = []
    word_codec: str | None = None
    word_octets, end = bytearray(), 0
    for match in pattern.finditer(may_hold_words):
        between = text[end : match.start()]
        codec = codec_of(match[1])
        # White space between words is not shown (section 6.2), and a character may be spread over two.
        if codec != word_codec or between.strip() or not end:
            pieces.append(_text(word_octets, word_codec, errors))
            word_octets, word_codec = bytearray(), codec
            pieces.append(between if between.strip() or not end else "")
        word_octets += _octets(match[2], match[3], padding or _BASE64_PADDING.split)
        end = match.end()
    return "".join((*pieces, _text(word_octets, word_codec, errors), text[end:]))


def _codec(charset: str) -> str | None:
    """Return Python's name of a charset, or None for one that is unknown here."""
    # charset = token; RFC 2231 section 5 appends "*" and a language.
    # Python's own look-up, and so that of readers written in it, takes any punctuation for one underscore.
    name = "_".join(_OF_A_NAME.findall(charset.partition("*")[0].lower()))
    return name if name in _ESCAPES else _CHARSETS.get(name)


def _higher_octet_first(charset: str) -> str | None:
    return _HIGHER_FIRST.get(codec := _codec(charset), codec)


def _lower_octet_first(charset: str) -> str | None:
    return _LOWER_FIRST.get(codec := _codec(charset), codec)


def _no_codec(charset: str) -> None:
    del charset


def _dropped(encoded: str) -> Iterable[str]:
    return (encoded.replace("=", ""),)


def _first(encoded: str) -> Iterable[str]:
    return (encoded.lstrip("=").partition("=")[0],)


def _url_alphabet(encoded: str) -> Iterable[str]:
    return _BASE64_PADDING.split(encoded.translate(_FROM_URL_ALPHABET))


def _octets(encoding: str, encoded: str, padding: Callable[[str], Iterable[str]]) -> bytes:
    octets = encoded.encode(errors="replace")
    if encoding.lower() == "q":
        return binascii.a2b_qp(octets, header=True)
    decoded = []
    for piece in padding(_BASE64_OTHER.sub("", encoded)):
        known = piece.translate(_OF_URLS_ALONE)
        whole = known[:-1] if len(known) % 4 == 1 else known
        # More padding than is needed means nothing.
        decoded.append(binascii.a2b_base64(whole + "=="))
    return b"".join(decoded)


def _text(octets: bytearray, codec: str | None, errors: str) -> str:
    if codec in _ESCAPES:
        return _ESCAPE.sub(_unescaped, octets.decode("latin-1"))
    if codec:
        return octets.decode(codec, errors)
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _unescaped(match: re.Match[str]) -> str:
    number = int(match[4], 8) if match[4] else int(match[1] or match[2] or match[3], 16)
    return chr(number) if number <= sys.maxunicode else "\ufffd"
