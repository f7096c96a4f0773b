"""Messages taken apart as a milter sees them."""

import re

from domain_secure.policy.dkim.body_hash import BodyHash, Canonicalization
from domain_secure.policy.dkim.dkim_signature import Field

_FIELD = re.compile(rb"([!-9;-~]+):((?:[^\r]|\r\n[ \t])*)\r\n")


def fields_of(content: bytes) -> list[Field]:
    """Return the header fields, the space behind the colon included."""
    head = content.partition(b"\r\n\r\n")[0] + b"\r\n"
    return [(match[1], match[2]) for match in _FIELD.finditer(head)]


def body_hash_of(content: bytes, canonicalization: Canonicalization) -> bytes:
    """Return the hash of the body."""
    body_hash = BodyHash(canonicalization)
    body_hash.update(content.partition(b"\r\n\r\n")[2])
    return body_hash.digest()
