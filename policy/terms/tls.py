"""TLS versions and cipher names as Postfix and OpenSSL print them.

Sources: RFC 8446 section 1.3, SSL_get_version(3), SSL_CIPHER_get_name(3).
"""

import re
from enum import IntEnum, unique

_WEAK = re.compile(
    r"(?i)^EXP|_EXPORT_|NULL|^ADH-|^AECDH-|_anon_"  # authenticates nobody, encrypts nothing, export grade
    r"|(?<![a-z])(?:RC[24]|3?DES)(?![a-z])"  # RFC 7465; CVE-2016-2183 for blocks of 64 bits
)


@unique
class TlsVersion(IntEnum):
    """Versions in order of strength, so that they compare."""

    SSL_3 = 0x0300
    TLS_1_0 = 0x0301
    TLS_1_1 = 0x0302
    TLS_1_2 = 0x0303
    TLS_1_3 = 0x0304

    @classmethod
    def parse(cls, text: str) -> "TlsVersion":
        """Return the version Postfix calls *text* (``TLSv1.2``); raises ValueError for any other name."""
        try:
            return _BY_NAME[text]
        except KeyError:
            raise ValueError(f"{text!r} is not one of {', '.join(_BY_NAME)}") from None

    def __str__(self) -> str:
        """Return Postfix's spelling."""
        return _NAMES[self]


_NAMES = {
    TlsVersion.SSL_3: "SSLv3",
    TlsVersion.TLS_1_0: "TLSv1",
    TlsVersion.TLS_1_1: "TLSv1.1",
    TlsVersion.TLS_1_2: "TLSv1.2",
    TlsVersion.TLS_1_3: "TLSv1.3",
}
_BY_NAME = {name: version for version, name in _NAMES.items()}


def is_weak_cipher(name: str) -> bool:
    """Tell whether a cipher suite authenticates nobody, encrypts nothing, or can be broken in practice."""
    return bool(_WEAK.search(name))
