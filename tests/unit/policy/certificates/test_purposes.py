"""What a certificate may be used for."""

from collections.abc import Iterable

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.certificates.purposes import Purpose, purposes_of

from lab.certificates import ANY, BOTH, CLIENT, SERVER, self_signed

MAIL = ExtendedKeyUsageOID.EMAIL_PROTECTION


@pytest.mark.parametrize(
    ("named", "purposes"),
    [
        ((), {Purpose.SERVER, Purpose.CLIENT}),
        (BOTH, {Purpose.SERVER, Purpose.CLIENT}),
        ((ANY,), {Purpose.SERVER, Purpose.CLIENT}),
        ((MAIL, ANY), {Purpose.SERVER, Purpose.CLIENT}),
        ((SERVER,), {Purpose.SERVER}),
        ((CLIENT,), {Purpose.CLIENT}),
        ((CLIENT, MAIL), {Purpose.CLIENT}),
        ((MAIL,), set()),
    ],
)
def test_purposes(named: Iterable[x509.ObjectIdentifier], purposes: set[Purpose]) -> None:
    """Those it names; where it names none, or any, both."""
    assert purposes_of(parse(self_signed("a.test", purposes=named).der)) == purposes


SERVER_ALONE = x509.ExtendedKeyUsage([SERVER]).public_bytes()


@pytest.mark.parametrize("value", [b"", b"\x30\x05", b"\x30\0\0", b"\x05\0", SERVER_ALONE + b"\0"])
def test_purposes_that_cannot_be_read(value: bytes) -> None:
    """They are none, and not all of them."""
    broken = [(x509.UnrecognizedExtension(x509.ExtendedKeyUsage.oid, value), False)]
    assert purposes_of(parse(self_signed("a.test", extensions=broken).der)) == frozenset()
