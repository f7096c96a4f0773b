r"""Subjects as people write them: RFC 4514 text, and the order and spelling of Exchange.

Owns: the step from text to the name in a request.
Must not know: host names; a subject is text for people and for authorities.
Sources: RFC 4514 section 3, and RFC 2253 section 4 for quotes, semicolons and blanks, which Windows writes:

    name      = relative *( ( "," / ";" ) relative )
    relative  = attribute *( "+" attribute )
    attribute = type "=" ( string / quoted )
    string    = *( any character but , ; + " \ / "\" ( special / hexpair ) )
    quoted    = DQUOTE *( any character but DQUOTE and "\" / "\" character ) DQUOTE

RFC 4514 writes the most specific part first (``CN=mail1,DC=Contoso,DC=com``), Exchange's documentation the
most general one (``DC=com,DC=Contoso,CN=mail1``).  Both mean the same name, and the kinds of the parts tell
which way it is written.
"""

import re

from cryptography import x509
from cryptography.x509.oid import NameOID

# RFC 4514 section 3 and its neighbours in certificates; S and E are Windows' words.  The rank is the place
# from general to specific.
_TYPES = {
    "C": (NameOID.COUNTRY_NAME, 0),
    "DC": (NameOID.DOMAIN_COMPONENT, 0),
    "ST": (NameOID.STATE_OR_PROVINCE_NAME, 1),
    "S": (NameOID.STATE_OR_PROVINCE_NAME, 1),
    "L": (NameOID.LOCALITY_NAME, 2),
    "STREET": (NameOID.STREET_ADDRESS, 3),
    "O": (NameOID.ORGANIZATION_NAME, 4),
    "OU": (NameOID.ORGANIZATIONAL_UNIT_NAME, 5),
    "CN": (NameOID.COMMON_NAME, 6),
    "UID": (NameOID.USER_ID, 6),
    "E": (NameOID.EMAIL_ADDRESS, 6),
    "EMAILADDRESS": (NameOID.EMAIL_ADDRESS, 6),
}
_ATTRIBUTE = re.compile(
    r'\s*(?P<type>[A-Za-z]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<string>(?:[^,;+"\\]|\\.)*))\s*',
    re.DOTALL,
)
_ESCAPE = re.compile(r"(?:\\[0-9A-Fa-f]{2})+|\\.", re.DOTALL)
_LONGEST = 2000

_Attributes = list[x509.NameAttribute[str]]


class InvalidSubjectError(ValueError):
    """The text is not a subject; the argument says why, for a person."""


def parse_subject(text: str) -> x509.Name:
    """Return the name that *text* means, in the order of the encoding, most general part first.

    An empty text is the empty name.  Raises InvalidSubjectError.
    """
    if len(text) > _LONGEST or not text.isprintable():
        raise InvalidSubjectError("it is too long, or holds a control character")
    relatives: list[_Attributes] = []
    ranks: list[int] = []
    separator, position = ",", 0
    while position < len(text) or (relatives and separator):
        match = _ATTRIBUTE.match(text, position)
        if match is None:
            raise InvalidSubjectError(
                f"{text[position:].strip()!r} is not TYPE=value, such as CN=mail.contoso.com"
            )
        attribute, rank = _attribute(match)
        if separator == "+":
            relatives[-1].append(attribute)
        else:
            relatives.append([attribute])
            ranks.append(rank)
        position = match.end()
        separator = text[position : position + 1]
        if separator and separator not in ",;+":
            raise InvalidSubjectError(f"{text[position:]!r} does not follow a comma")
        position += 1
    ascending = ranks == sorted(ranks) and len(set(ranks)) > 1
    ordered = relatives if ascending else relatives[::-1]
    try:
        return x509.Name([x509.RelativeDistinguishedName(each) for each in ordered])
    except ValueError as error:
        raise InvalidSubjectError("a part of it is there twice") from error


def _attribute(match: re.Match[str]) -> tuple[x509.NameAttribute[str], int]:
    kind = match["type"].upper()
    if kind not in _TYPES:
        raise InvalidSubjectError(f"{match['type']} is none of {', '.join(_TYPES)}")
    oid, rank = _TYPES[kind]
    written = match["quoted"] if match["quoted"] is not None else _trimmed(match["string"])
    value = _ESCAPE.sub(_unescaped, written)
    if not value:
        raise InvalidSubjectError(f"{kind} is empty")
    if match["quoted"] is None and written.startswith("#"):
        raise InvalidSubjectError(f"{kind} is in hexadecimal; write it as text")
    if oid == NameOID.COUNTRY_NAME:
        value = value.upper()
    try:
        return x509.NameAttribute(oid, value), rank
    except (ValueError, TypeError) as error:
        raise InvalidSubjectError(f"{kind}={value} is not allowed there ({_sentence(error)})") from error


def _trimmed(written: str) -> str:
    """Return a string without the blanks behind it, unless the last one is escaped."""
    bare = written.rstrip()
    backslashes = len(bare) - len(bare.rstrip("\\"))
    return bare + " " if backslashes % 2 and len(bare) < len(written) else bare


def _unescaped(match: re.Match[str]) -> str:
    escape = match.group()
    if not re.fullmatch(r"(?:\\[0-9A-Fa-f]{2})+", escape):
        return escape[1:]
    try:
        value = bytes.fromhex(escape.replace("\\", "")).decode()
    except UnicodeDecodeError as error:
        raise InvalidSubjectError(f"{escape} is not UTF-8") from error
    if not value.isprintable():
        raise InvalidSubjectError(f"{escape} is a control character")
    return value


def _sentence(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__
