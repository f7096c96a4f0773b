"""What a certificate may be used for.

Owns: the purposes that mail servers know.  Whether a purpose is demanded is for who validates a path.
Source: RFC 5280 section 4.2.1.12.
"""

from enum import StrEnum, unique

from asn1crypto import x509 as asn1

from .certificate import Certificate
from .certificate_structure import structure

_EXTENDED_KEY_USAGE = "2.5.29.37"
_ANY_PURPOSE = "2.5.29.37.0"


@unique
class Purpose(StrEnum):
    """What a certificate may be used for, as far as mail servers are concerned."""

    SERVER = "server"
    CLIENT = "client"


_PURPOSE_IDENTIFIERS = {"1.3.6.1.5.5.7.3.1": Purpose.SERVER, "1.3.6.1.5.5.7.3.2": Purpose.CLIENT}


def purposes_of(certificate: Certificate) -> frozenset[Purpose]:
    """Return the purposes of a certificate; one that names none is good for both."""
    extension = structure(certificate.der).extensions.get(_EXTENDED_KEY_USAGE)
    if extension is None:
        return frozenset(Purpose)
    try:
        named = {one.dotted for one in asn1.ExtKeyUsageSyntax.load(extension.value, strict=True)}
    except ValueError:
        return frozenset()
    if _ANY_PURPOSE in named:
        return frozenset(Purpose)
    return frozenset(_PURPOSE_IDENTIFIERS[one] for one in named if one in _PURPOSE_IDENTIFIERS)
