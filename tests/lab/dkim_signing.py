"""Messages signed with DKIM, by the library's own signer, well or badly on demand."""

import base64
from dataclasses import dataclass, field

import dkim
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from .certificates import Key, new_key


@dataclass(frozen=True)
class Signer:
    """A domain that signs, and what it publishes."""

    domain: str
    selector: str = "s1"
    key: Key = field(default_factory=lambda: new_key("rsa2048"))

    @property
    def key_name(self) -> str:
        """Return the name of the key in DNS."""
        return f"{self.selector}._domainkey.{self.domain}"

    def record(self, extra: str = "") -> bytes:
        """Return what is published under that name; *extra* are more tags."""
        der = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; {extra}p={base64.b64encode(der).decode()}".encode()

    def zone_line(self) -> str:
        """Return the record as in a zone file, in strings of 255 octets at most."""
        text = self.record().decode()
        pieces = " ".join(f'"{text[start : start + 250]}"' for start in range(0, len(text), 250))
        return f"{self.key_name}. 300 TXT {pieces}"

    def sign(self, content: bytes, **options: object) -> bytes:
        """Return a message with a signature on top; the options are those of dkimpy's ``sign``."""
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        options.setdefault("canonicalize", (b"relaxed", b"relaxed"))
        signature: bytes = dkim.sign(content, self.selector.encode(), self.domain.encode(), pem, **options)
        return signature + content
