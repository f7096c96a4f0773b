"""Files and octets of revocation lists: read whole, or told what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.revocation.statements import (
    MAXIMUM_LIST_OCTETS,
    MalformedRevocationListError,
    parse_revocation_list,
    read_revocation_lists,
)

from lab.certificates import Authority
from lab.revocations import pem_list, revocation_list

ROOT = Authority.create("Lab Root")
REVOKED, GOOD = ROOT.issue("a.test"), ROOT.issue("b.test")
LIST = revocation_list(ROOT, REVOKED)
OTHER = revocation_list(Authority.create("Other"))


def test_facts() -> None:
    """Who issued it, and who is on it."""
    found = parse_revocation_list(LIST)
    assert found.issuer == "CN=Lab Root"
    assert found.has(REVOKED.certificate.serial_number)
    assert not found.has(GOOD.certificate.serial_number)
    assert found.has(-5), "a number that no authority may use cannot be looked up"
    assert found.is_signed_by(parse(ROOT.der))
    assert not found.is_signed_by(parse(GOOD.der))


@pytest.mark.parametrize(
    ("content", "number"),
    [
        (LIST, 1),
        (pem_list(LIST), 1),
        (pem_list(LIST) + ROOT.certificate_pem + pem_list(OTHER), 2),
        (b"\xef\xbb\xbf" + pem_list(LIST).replace(b"\n", b"\r\n"), 1),
        (pem_list(LIST).decode().encode("utf-16"), 1),
    ],
)
def test_forms_of_files(content: bytes, number: int) -> None:
    """DER, PEM, several, certificates beside them, and what Windows makes of them."""
    assert len(read_revocation_lists(content)) == number


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not a revocation list"),
        (b"\0" * 1000, "not a revocation list"),
        (ROOT.der, "not a revocation list"),
        (LIST[:-1], "not a revocation list"),
        (LIST + b"\0", "not a revocation list"),
        (ROOT.certificate_pem, "something else and no revocation list"),
        (pem_list(LIST)[:-30], "middle of a block (X509 CRL)"),
        (pem_list(LIST).replace(b"\nM", b"\n*"), "not base64"),
        (pem_list(LIST) * 65, "more than 64 lists"),
        (b"-----BEGIN X509 CRL-----\n" * 80_000, "middle of a block"),
        (b"\x30" * (MAXIMUM_LIST_OCTETS + 1), "larger than 16 MiB"),
    ],
)
def test_what_is_refused(content: bytes, why: str) -> None:
    """Truncated, mislabelled, megabytes of nothing: each has its words."""
    with pytest.raises(MalformedRevocationListError) as raised:
        read_revocation_lists(content)
    assert why in str(raised.value)


@given(st.integers(0, len(LIST) - 1), st.binary(min_size=1, max_size=4))
def test_damage_raises_nothing_else(position: int, damage: bytes) -> None:
    """Any changed octet leaves a list that can be read, or an error in words."""
    content = LIST[:position] + damage + LIST[position + len(damage) :]
    try:
        found = parse_revocation_list(content)
    except MalformedRevocationListError:
        return
    found.has(1)
    found.is_signed_by(parse(ROOT.der))


@given(st.binary(max_size=300))
def test_random_octets_raise_nothing_else(content: bytes) -> None:
    """The same for anything at all."""
    with pytest.raises(MalformedRevocationListError):
        read_revocation_lists(content)
