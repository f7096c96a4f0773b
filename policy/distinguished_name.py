"""The text of a distinguished name, whatever a stranger's certificate puts into it.

Owns: the string form of RFC 4514, for people, and the common name.
Invariant: the text is printable; what is not, is escaped.  Nothing is refused but broken DER: a name that
cannot be read is shown as hexadecimal digits, and is nobody's common name.
"""

from .der import OBJECT_IDENTIFIER, Element, InvalidDerError, dotted

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
# The string types of RFC 5280 section 4.1.2.4; TeletexString is read as Latin-1, as everybody does.
_ENCODINGS = {
    12: "utf-8",
    18: "ascii",
    19: "ascii",
    20: "latin-1",
    22: "ascii",
    26: "ascii",
    28: "utf-32-be",
    30: "utf-16-be",
}
_LONGEST_VALUE = 200
_LONGEST_OBJECT_IDENTIFIER = 32  #: octets; the numbers in use are a third of it


def name_text(name: Element) -> str:
    """Return a Name as RFC 4514 text, most specific part first; raises InvalidDerError."""
    parts = ["+".join(_attribute_text(*attribute) for attribute in rdn) for rdn in _attributes(name)]
    return ",".join(reversed(parts))


def common_name(name: Element) -> str | None:
    """Return the common name of a Name, or None where there is none, or several, or an unreadable one.

    Two common names are two readings, and a stranger must not choose which one counts.
    """
    found = [_decoded(value) for rdn in _attributes(name) for kind, value in rdn if kind == _COMMON_NAME]
    return found[0] if len(found) == 1 else None


def _attributes(name: Element) -> list[list[tuple[str, Element]]]:
    """Return the relative distinguished names in the order of the encoding (RFC 5280 section 4.1.2.4)."""
    relative_names: list[list[tuple[str, Element]]] = []
    for rdn in name.children():
        attributes: list[tuple[str, Element]] = []
        for attribute in rdn.children():
            match list(attribute.children()):
                case [kind, value] if len(kind.content) <= _LONGEST_OBJECT_IDENTIFIER:
                    attributes.append((dotted(kind.expect(OBJECT_IDENTIFIER).content), value))
                case _:
                    raise InvalidDerError("a name holds something that is not an attribute")
        relative_names.append(attributes)
    return relative_names


def _decoded(value: Element) -> str | None:
    try:
        return value.content.decode(_ENCODINGS[value.tag])
    except (KeyError, UnicodeDecodeError):
        return None


def _attribute_text(kind: str, value: Element) -> str:
    text = _decoded(value)
    if text is None:
        shown = "#" + value.whole.hex()  # RFC 4514 section 2.4
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
