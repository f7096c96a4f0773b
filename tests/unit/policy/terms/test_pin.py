"""Pins: one form for a digest however it was written."""

import pytest

from domain_secure.policy.terms.pin import Pin, PinKind, digest_of

DIGEST = "0123456789abcdef" * 4
COLONS = ":".join(DIGEST.upper()[index : index + 2] for index in range(0, 64, 2))


@pytest.mark.parametrize("kind", list(PinKind))
@pytest.mark.parametrize("digest", [DIGEST, DIGEST.upper(), COLONS, f" {COLONS} "])
def test_spellings(kind: PinKind, digest: str) -> None:
    """Case and colons do not matter, and the configuration's spelling reads back."""
    for prefix in (kind.value, kind.value.upper()):
        pin = Pin.parse(f"{prefix}:{digest}")
        assert pin == Pin(kind, DIGEST)
        assert str(pin) == f"{kind.value}:{DIGEST}"
        assert Pin.parse(str(pin)) == pin


@pytest.mark.parametrize(
    "text",
    [
        "",
        DIGEST,
        f"md5:{DIGEST}",
        f":{DIGEST}",
        "sha256:",
        f"sha256:{DIGEST[:-1]}",
        f"sha256:{DIGEST}0",
        f"sha256:{DIGEST[:-1]}g",
        f"sha256:{DIGEST[:-1]}\uff11",
        f"sha256 {DIGEST}",
        f"sha256:sha256:{DIGEST}",
    ],
)
def test_no_pin(text: str) -> None:
    """Anything but a known kind and 64 hexadecimal digits is refused."""
    with pytest.raises(ValueError, match=r"is not|does not"):
        Pin.parse(text)


def test_kinds_differ() -> None:
    """A digest of a certificate is never one of a public key."""
    assert Pin.certificate(COLONS) != Pin.public_key(COLONS)
    assert Pin.certificate(COLONS).kind is PinKind.CERTIFICATE
    assert Pin.public_key(COLONS).kind is PinKind.PUBLIC_KEY


def test_digest_of_checks_nothing() -> None:
    """Only the spelling is made one."""
    assert digest_of(" AB:CD ") == "abcd"
