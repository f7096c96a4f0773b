"""TLSA records: which are usable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.dane.tlsa import TlsaRecord


@pytest.mark.parametrize("numbers", [(3, 1, 1), (3, 0, 1), (2, 1, 1), (2, 0, 1)])
def test_digests(numbers: tuple[int, int, int]) -> None:
    """The records SMTP uses."""
    record = TlsaRecord.of(*numbers, b"\xab" * 32)
    assert record is not None
    assert str(record) == " ".join(map(str, numbers)) + " abababababababab…"


@pytest.mark.parametrize(
    ("numbers", "length"),
    [
        ((0, 1, 1), 32),  # PKIX-TA and PKIX-EE: RFC 7672 section 3.1.3
        ((1, 1, 1), 32),
        ((255, 1, 1), 32),
        ((3, 2, 1), 32),
        ((3, 1, 3), 32),
        ((3, 1, 1), 31),
        ((3, 1, 1), 0),
        ((3, 1, 2), 32),
        ((3, 1, 0), 0),
    ],
)
def test_unusable(numbers: tuple[int, int, int], length: int) -> None:
    """Numbers nobody knows, usages SMTP has no use for, digests of a wrong length, nothing at all."""
    assert TlsaRecord.of(*numbers, b"\xab" * length) is None


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.binary(max_size=80))
def test_whatever_a_zone_says(usage: int, selector: int, matching: int, data: bytes) -> None:
    """It is a record with data, or none."""
    record = TlsaRecord.of(usage, selector, matching, data)
    assert record is None or (record.data and str(record))
