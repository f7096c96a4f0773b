"""What kind of key a certificate has, in words."""

import pytest

from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.certificates.key_description import key_text

from lab.certificates import self_signed


@pytest.mark.parametrize(
    ("key", "text"), [("rsa2048", "RSA, 2048 bits"), ("p256", "EC, secp256r1"), ("ed25519", "Ed25519")]
)
def test_key(key: str, text: str) -> None:
    """Kind and size are told."""
    assert key_text(parse(self_signed("a.test", key=key).der)) == text
