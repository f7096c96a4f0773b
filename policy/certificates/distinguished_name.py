"""The text of a distinguished name, whatever a stranger's certificate puts into it.

Owns: the string form of RFC 4514, for people; the common name; and what two equal names have in common.
Invariant: the text is printable; what is not, is escaped.  Nothing is refused but broken DER: a name that
cannot be read is shown as hexadecimal digits, and is nobody's common name.
"""

from functools import lru_cache
from typing import ClassVar

from asn1crypto import core, x509

from .certificate_structure import UNREADABLE

_COMMON_NAME = "2.5.4.3"
# RFC 4514 section 3, and the one other that certificates of mail servers often have.
_SHORT_NAMES = {
    _COMMON_NAME: "CN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
}
_LONGEST_VALUE = 200
# Names of authorities have some hundred octets; bringing a long one into normal form is slow.
_LONGEST_NORMALISED = 4096


# The library's own types want each attribute in the string type of RFC 5280, which people do not keep to.
class _Attribute(core.Sequence):
    _fields: ClassVar = [("type", core.ObjectIdentifier), ("value", core.Any)]


class _RelativeName(core.SetOf):
    _child_spec = _Attribute


class _Name(core.SequenceOf):
    _child_spec = _RelativeName


def name_text(name: bytes) -> str:
    """Return a Name in DER as RFC 4514 text, most specific part first; raises ValueError."""
    parts = ["+".join(_attribute_text(*attribute) for attribute in rdn) for rdn in _attributes(name)]
    return ",".join(reversed(parts))


def common_name(name: bytes) -> str | None:
    """Return the common name of a Name, or None where there is none, or several, or an unreadable one.

    Two common names are two readings, and a stranger must not choose which one counts.
    """
    found = [_decoded(value) for rdn in _attributes(name) for kind, value in rdn if kind == _COMMON_NAME]
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=512)  # authorities are few, and each is asked for often
def comparable(name: bytes) -> str | bytes:
    """Return what is the same for equal names (RFC 5280 section 7.1: case, spaces and string type aside).

    A Name that has no normal form equals only itself.
    """
    if len(name) > _LONGEST_NORMALISED:
        return name
    try:
        normal: str = x509.Name.load(name).hashable
    except UNREADABLE:
        return name
    return normal


def _attributes(name: bytes) -> list[list[tuple[str, bytes]]]:
    """Return type and encoded value of each attribute, in the order of the encoding (section 4.1.2.4)."""
    return [
        [(attribute["type"].dotted, attribute["value"].dump()) for attribute in rdn]
        for rdn in _Name.load(name, strict=True)
    ]


def _decoded(value: bytes) -> str | None:
    try:
        found = core.load(value, strict=True)
        text = found.native if isinstance(found, core.AbstractString) else None
    except UNREADABLE:
        return None
    return text if isinstance(text, str) else None  # times are strings to the library


def _attribute_text(kind: str, value: bytes) -> str:
    text = _decoded(value)
    if text is None:
        shown = "#" + value.hex()  # RFC 4514 section 2.4
    else:
        shown = "".join(map(_escaped, text))
        if text.startswith(("#", " ")):
            shown = "\\" + shown
        if text.endswith(" ") and len(text) > 1:
            shown = shown[:-1] + "\\ "
    if len(shown) > _LONGEST_VALUE:
        shown = shown[:_LONGEST_VALUE] + "…"
    return f"{_SHORT_NAMES.get(kind, kind)}={shown}"


def _escaped(character: str) -> str:
    if character in '"+,;<>\\':
        return "\\" + character
    if character.isprintable():
        return character
    return "".join(f"\\{octet:02x}" for octet in character.encode("utf-8", "surrogatepass"))
