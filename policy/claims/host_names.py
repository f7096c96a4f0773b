"""Host names as a reader may see them in a text, beyond the one normal form of ``domain``.

Owns: the readings of a domain (UTS 46 mapping, with and without its transitional part, characters without
width, A-labels that decode to something else), and the search for host names in a text that has no structure.
Must not know: headers, addresses, lists of domains.

Every function takes any text, raises nothing, and needs time linear in it.
Sources: UTS 46 section 4, RFC 3492 (Punycode), RFC 5890, RFC 1035 section 2.3.4 for the lengths.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import idna

from domain_secure.policy.terms.domain import Domain, InvalidDomainError, parse_domain

from .address import without_comments
from .budget import Allowance

# What UTS 46 calls deviations: kept in a domain today, mapped by readers that follow its transitional part.
_TRANSITIONAL = {0xDF: "ss", 0x1E9E: "ss", 0x3C2: "σ", 0x200C: None, 0x200D: None}

_DEVIATION = re.compile("[\xdf\u1e9e\u03c2\u200c\u200d]")

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_LABEL_LIMIT, _NAME_LIMIT = 63, 253

# Host name characters of a mapped text: letters, digits, "-", ".", "_", and all beyond ASCII but U+FFFD,
# which stands for what could not be mapped.
_OF_NAME = r"[^\x00-,/:-^`{-\x9f\ufffd]"
_ASCII_RUN = re.compile(r"[a-z0-9._-]+")
_ANY_RUN = re.compile(rf"{_OF_NAME}+")
_AFTER_AT_SIGN = re.compile(rf"@[\s\"'<\[]*+({_OF_NAME}++)")

_FOLD = re.compile(r"\r?\n[ \t]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
# Each run of white space is looked at once, from where it begins.
_GAP = re.compile(r"(?<!\s)\s++(?=[.@])|(?<=[.@])\s++")
_QUOTING = re.compile(r'["\\]')
# Beyond ASCII: white space, format characters (U+FEFF is white space to some), quotes, dashes and symbols.
_SEPARATOR = re.compile(
    "[\u00a0-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7\u1680\u2000-\u206f\u3000-\u303f"
    "\ufe50-\ufe6f\ufeff\uff08\uff09\uff1c\uff1e\uff02\uff07\uff1b\uff0c]"
)
_RIGHT_TO_LEFT_OVERRIDE = "\u202e"


# A message names its author's domain some three times, and most messages come from a few domains.
_REMEMBERED = 4096
_REMEMBERED_CHARACTERS = 8192


def domain_readings(text: str, allowance: Allowance | None = None) -> frozenset[Domain]:
    """Return each domain that the domain part of an address can be read as.

    A text that is no domain name in some reading gives the host names in it.  Raises TooMuchError where it
    has more labels to encode than *allowance*.
    """
    if allowance is not None:
        allowance.take_name(text.lower())
    # A stranger chooses the text, so that only those of a possible length are remembered (RFC 1035).
    return _remembered_readings(text) if len(text) <= 255 else _domain_readings(text)


def _domain_readings(text: str) -> frozenset[Domain]:
    if text.isascii() and "xn--" not in text.lower():
        try:
            return frozenset((parse_domain(text),))
        except InvalidDomainError:
            return host_names(text)
    found: set[Domain] = set()
    if _SEPARATOR.search(text):
        # Not every reader takes such punctuation for a part of the name, or passes over what has no width.
        found |= host_names(_SEPARATOR.sub(" ", text))
    for mapped in _mapped(text):
        if not _ANY_RUN.fullmatch(mapped):
            return host_names(text)
        try:
            found.add(parse_domain(_ascii_form(mapped)))
        except InvalidDomainError:
            return host_names(text)
        found.update(_of_decoded_labels(mapped))
    return frozenset(found)


_remembered_readings = lru_cache(_REMEMBERED)(_domain_readings)


def host_names(
    *texts: str, after_at_sign: bool = False, allowance: Allowance | None = None
) -> frozenset[Domain]:
    """Return whatever looks like a host name in some texts, when nothing else is known of their structure.

    Also read: a text without control characters and folding, without white space, without comments and
    white space around dots, without quotes and backslashes, with what has no width taken for white space, and
    from right to left where a character says so.  *after_at_sign*: only names that follow an at sign.
    Raises TooMuchError where they have more letters or labels beyond ASCII than *allowance*.
    """
    forms: set[str] = set()
    for text in texts:
        further = _forms(text) - forms
        if allowance is not None:
            allowance.take_forms(further)
        forms |= further
    names: set[str] = set()
    # What most forms have in common is looked at once.
    for mapped in {mapped for form in forms for mapped in _mapped(form)}:
        if after_at_sign:
            for match in _AFTER_AT_SIGN.finditer(mapped):
                names |= _names(match[1])
        else:
            names |= _names(mapped)
    found: set[Domain] = set()
    for name in names:
        if allowance is not None:
            allowance.take_name(name)
        found.update(_last_labels(_ascii_form(name)))
        found.update(_of_decoded_labels(name))
    return frozenset(found)


def _forms(text: str) -> set[str]:
    clean = _CONTROL.sub("", _FOLD.sub("", text))
    bare = _without_gaps(clean)
    forms = {text, clean, "".join(clean.split()), _without_gaps(text), bare, "".join(bare.split())}
    if _QUOTING.search(text):
        forms |= {_QUOTING.sub("", text), _QUOTING.sub("", bare)}
    if _SEPARATOR.search(text):
        forms |= {_SEPARATOR.sub(" ", text), _SEPARATOR.sub(" ", bare)}
    if _RIGHT_TO_LEFT_OVERRIDE in text:
        forms.add(clean[::-1])
    return forms


def _names(mapped: str) -> set[str]:
    """Return the ends of runs in a mapped text that may be names."""
    names: set[str] = set()
    for pattern in (_ASCII_RUN,) if mapped.isascii() else (_ANY_RUN, _ASCII_RUN):
        for run in set(pattern.findall(mapped)):
            tail = run.rstrip(".")[-2 * _NAME_LIMIT :]
            if "." in tail:
                names |= {tail.strip("."), tail.strip(".-_")}
    return names


def _of_decoded_labels(name: str) -> Iterator[Domain]:
    """Give what a reader shows who decodes A-labels without asking whether they are good."""
    if "xn--" in name:
        for mapped in _mapped(".".join(map(_u_label, name.split(".")))):
            yield from _last_labels(_ascii_form(mapped))


def _last_labels(name: str) -> Iterator[Domain]:
    """Give the longest end of *name* that is a domain name; before an impossible label stands noise."""
    labels: list[str] = []
    length = -1
    for label in reversed(name.split(".")):
        length += len(label) + 1
        if label and (length > _NAME_LIMIT or not _LABEL.fullmatch(label)):
            break
        if label:
            labels.append(label)
    # No list holds a name of one label: each is a public suffix.
    if len(labels) > 1:
        yield parse_domain(".".join(reversed(labels)))


def _ascii_form(name: str) -> str:
    if name.isascii():
        return name
    return ".".join(map(_a_label, name.split(".")))


def _a_label(label: str) -> str:
    # A label only grows when it is encoded, and encoding a long one is not linear.
    if label.isascii() or len(label) > _LABEL_LIMIT:
        return label
    return "xn--" + label.encode("punycode").decode()


def _u_label(label: str) -> str:
    if not label.startswith("xn--") or len(label) > _LABEL_LIMIT:
        return label
    try:
        return label[4:].encode().decode("punycode")
    except UnicodeError:
        return label


def _mapped(text: str) -> tuple[str, ...]:
    """Return *text* mapped by UTS 46, then also by its transitional part where that differs."""
    if text.isascii():
        return (text.lower(),)
    plain = _map(text)
    if not _DEVIATION.search(text):
        return (plain,)
    transitional = _map(text.translate(_TRANSITIONAL))
    return (plain,) if plain == transitional else (plain, transitional)


def _map(text: str) -> str:
    return unicodedata.normalize("NFC", text.translate(_MAPPING))


class _Mapping(dict[int, str]):
    """What becomes of a character, by its code point; as many are kept as one message may have."""

    def __missing__(self, code_point: int) -> str:
        if len(self) >= _REMEMBERED_CHARACTERS:
            self.clear()
        mapped = self[code_point] = _map_character(chr(code_point))
        return mapped


_MAPPING = _Mapping()


def _map_character(character: str) -> str:
    if character.isascii():
        return character.lower()
    try:
        return idna.uts46_remap(character, std3_rules=False)
    except idna.IDNAError:
        # Format characters, such as marks of direction, are not seen by a reader.
        return "" if unicodedata.category(character) == "Cf" else "\ufffd"


def _without_gaps(text: str) -> str:
    """Return *text* without comments, and without white space around dots and at signs."""
    return _GAP.sub("", without_comments(text))
