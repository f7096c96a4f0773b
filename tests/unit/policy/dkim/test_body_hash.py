"""The hash of a body that comes in pieces."""

import hashlib

import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.dkim.body_hash import BodyHash, Canonicalization

LINES = st.lists(st.text("ab \t\r", max_size=6).map(str.encode), max_size=12)
SIZES = st.lists(st.integers(1, 7), min_size=1, max_size=50)


def hashed(body: bytes, canonicalization: Canonicalization, sizes: list[int]) -> bytes:
    """Return the digest of a body cut into chunks of these sizes, again and again."""
    body_hash, start, turn = BodyHash(canonicalization), 0, 0
    while start < len(body):
        size = sizes[turn % len(sizes)]
        body_hash.update(body[start : start + size])
        start, turn = start + size, turn + 1
    return body_hash.digest()


@given(lines=LINES, sizes=SIZES)
def test_agrees_with_the_library_however_it_is_cut(lines: list[bytes], sizes: list[int]) -> None:
    """The library canonicalises the whole body at once."""
    body = b"".join(line + b"\r\n" for line in lines)
    for canonicalization, library in ((Canonicalization.SIMPLE, Simple), (Canonicalization.RELAXED, Relaxed)):
        expected = hashlib.sha256(library.canonicalize_body(body)).digest()
        assert hashed(body, canonicalization, sizes) == expected


@pytest.mark.parametrize(
    ("canonicalization", "expected"),
    [
        (Canonicalization.SIMPLE, "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="),
        (Canonicalization.RELAXED, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
    ],
)
def test_empty_body(canonicalization: Canonicalization, expected: str) -> None:
    """RFC 6376 sections 3.4.3 and 3.4.4 tell the hash of nothing."""
    import base64

    assert base64.b64encode(BodyHash(canonicalization).digest()).decode() == expected


@pytest.mark.parametrize("octets", [b" ", b"\r\n", b"\r", b"\n", b" \r\n", b"a \t"])
def test_nothing_grows_with_the_body(octets: bytes) -> None:
    """Ten megabytes of what patterns stumble over, and two octets at most wait for the next chunk."""
    chunk = octets * (65536 // len(octets))
    body_hash = BodyHash(Canonicalization.RELAXED)
    for _ in range(160):
        body_hash.update(chunk)
        assert len(body_hash._held) <= 2
    body_hash.digest()
