"""Encoded words, decoded in every way that a mail reader may.

Owns: RFC 2047 sections 2 to 4 and 6.2, read leniently.
Must not know: what the text around the words means.

RFC 2047 has a field parsed first and its words decoded afterwards.  Readers that do it the other way round,
or decode words that stand in quotes, show another author; so the callers want every text that may result.
The time is linear in the text.
"""

import binascii
import re
from encodings.aliases import aliases

# encoded-word = "=?" charset "?" encoding "?" encoded-text "?="                          RFC 2047 section 2
# Space or "?" inside the text, an empty charset, and words glued to others are read by many.
_LENIENT = re.compile(r"=\?([^?]*)\?([bBqQ])\?(.*?)\?=", re.DOTALL)

# As RFC 2047 sections 2 and 5 have it: white space or a parenthesis on either side, none inside.
_STRICT = re.compile(r"(?<![^\s(])=\?([^?\s]+)\?([bBqQ])\?([^?\s]*)\?=(?![^\s)])")

_BASE64_OTHER = re.compile(r"[^A-Za-z0-9+/=]+")
_BASE64_PADDING = re.compile(r"=+")

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


def decodings(text: str) -> tuple[str, ...]:
    """Return each different text that *text* may become when its encoded words are decoded, without itself.

    Words are taken leniently and strictly, by their charset and in disregard of it, once and twice.
    """
    if "=?" not in text:
        return ()
    lenient = _decode(text, _LENIENT, by_charset=True)
    found = (
        lenient,
        _decode(text, _STRICT, by_charset=True),
        _decode(text, _LENIENT, by_charset=False),
        _decode(lenient, _LENIENT, by_charset=True),
    )
    return tuple(dict.fromkeys(reading for reading in found if reading != text))


def _decode(text: str, pattern: re.Pattern[str], *, by_charset: bool) -> str:
    # Past the last "?=" no word can end; searching there anew from every "=?" would take quadratic time.
    last = text.rfind("?=") + 2
    if last < 2:
        return text
    pieces: list[str] = []
    word_octets, word_codec, end = bytearray(), "", 0
    for match in pattern.finditer(text, 0, last):
        between = text[end : match.start()]
        codec = _codec(match[1]) if by_charset else ""
        # White space between words is not shown (section 6.2), and a character may be spread over two.
        if codec != word_codec or between.strip() or not end:
            pieces.append(_text(word_octets, word_codec))
            word_octets, word_codec = bytearray(), codec
            pieces.append(between if between.strip() or not end else "")
        word_octets += _octets(match[2], match[3])
        end = match.end()
    return "".join((*pieces, _text(word_octets, word_codec), text[end:]))


def _codec(charset: str) -> str:
    """Return Python's name of a charset, or nothing for one that is unknown here."""
    # charset = token; RFC 2231 section 5 appends "*" and a language.
    return _CHARSETS.get(charset.split("*", 1)[0].strip().lower().replace("-", "_"), "")


def _octets(encoding: str, encoded: str) -> bytes:
    octets = encoded.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(octets, header=True)
    decoded = []
    for piece in _BASE64_PADDING.split(_BASE64_OTHER.sub("", encoded)):
        whole = piece[:-1] if len(piece) % 4 == 1 else piece
        decoded.append(binascii.a2b_base64(whole + "=" * (-len(whole) % 4)))
    return b"".join(decoded)


def _text(octets: bytearray, codec: str) -> str:
    if codec:
        return octets.decode(codec, "replace")
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")
