"""What readers make of an author field by rules of thumb, which no grammar has: each rule is a model of some.

Owns: the models.  Each leaves out what stands in quotes and comments, as the people who read it would: a mere
mention of somebody is not an author.
"""

import re
from collections.abc import Callable
from email.errors import HeaderParseError
from email.header import decode_header, make_header

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_COMMENT = re.compile(r"\((?:[^()\\]|\\.)*\)")
_ANGLES = re.compile(r"<([^<>]*)>")
_BARE = re.compile(r"[^\s<>(),;:\"\\\[\]@]+@([^\s<>(),;:\"\\\[\]@]+)")
_FOLD = re.compile(r"\r?\n(?=[ \t])")

Model = Callable[[str], list[str]]


def _outside(text: str) -> str:
    """Return a text without quoted strings, and without comments, however deep."""
    former, text = "", _QUOTED.sub("x", _FOLD.sub("", text))
    while former != text:
        former, text = text, _COMMENT.sub("", text)
    return text


def _host(address: str) -> list[str]:
    """Return what stands behind the last at sign of an address, once its route is gone."""
    _, at, host = address.rpartition(":")[2].rpartition("@")
    return [host.strip()] if at else []


def _first_brackets(text: str) -> list[str]:
    found = _ANGLES.findall(_outside(text))
    return _host(found[0]) if found else []


def _last_brackets(text: str) -> list[str]:
    found = _ANGLES.findall(_outside(text))
    return _host(found[-1]) if found else []


def _first_address(text: str) -> list[str]:
    """Take the first thing that looks like an address, where no brackets say what is meant."""
    outside = _outside(text)
    return [] if "<" in outside else _BARE.findall(outside)[:1]


def _last_address(text: str) -> list[str]:
    outside = _outside(text)
    return [] if "<" in outside else _BARE.findall(outside)[-1:]


def _up_to_nul(text: str) -> list[str]:
    return _last_brackets(text.partition("\0")[0]) or _last_address(text.partition("\0")[0])


def _without_controls(text: str) -> list[str]:
    plain = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", text)
    return _last_brackets(plain) or _last_address(plain)


def _without_invisible(text: str) -> list[str]:
    plain = re.sub("[\u00ad\u200b-\u200f\u2060\ufeff]", "", text)
    return _last_brackets(plain) or _last_address(plain)


def _words_first(text: str) -> list[str]:
    """Decode encoded words before looking for an address, which RFC 2047 forbids, and people see."""
    try:
        decoded = str(make_header(decode_header(_FOLD.sub("", text))))
    except (HeaderParseError, LookupError, ValueError):
        return []
    outside = _outside(decoded)
    return [host for one in _ANGLES.findall(outside) for host in _host(one)]


def _per_cent(text: str) -> list[str]:
    return _last_address(text.replace("%40", "@"))


def _every_member(text: str) -> list[str]:
    """Take each address of a list or group, cut at commas and semicolons."""
    found = []
    for part in re.split("[,;]", _outside(text)):
        brackets = _ANGLES.findall(part)
        found += _host(brackets[-1]) if brackets else _BARE.findall(part)[-1:]
    return found


MODELS: dict[str, Model] = {
    "the first in brackets": _first_brackets,
    "the last in brackets": _last_brackets,
    "the first address": _first_address,
    "the last address": _last_address,
    "nothing behind a NUL": _up_to_nul,
    "without control characters": _without_controls,
    "without what is invisible": _without_invisible,
    "encoded words first": _words_first,
    "%40 is an at sign": _per_cent,
    "each part between commas": _every_member,
}


def hosts(model: Model, field: bytes) -> frozenset[str]:
    """Return the hosts that a model shows of an author field."""
    return frozenset(host.lower().rstrip(".") for host in model(field.decode("utf-8", "replace")))
