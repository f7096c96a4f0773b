"""SHA-256 digests in the spellings that people copy."""

import base64

import pytest

from domain_secure.policy.terms.pin import Pin, PinKind
from domain_secure.policy.terms.spelled_digest import pin_of, read_digest

OCTETS = bytes(range(190, 222))
DIGEST = OCTETS.hex()
COLONS = ":".join(DIGEST.upper()[index : index + 2] for index in range(0, 64, 2))
BASE64 = base64.b64encode(OCTETS).decode()
URL_SAFE = base64.urlsafe_b64encode(OCTETS).decode().rstrip("=")
BODIES = [DIGEST, DIGEST.upper(), COLONS, COLONS.lower(), COLONS.replace(":", " "), BASE64, URL_SAFE]
OF_CERTIFICATES = [
    "sha256:",
    "SHA256:",
    "sha-256: ",
    "SHA256 Fingerprint=",
    "sha256 fingerprint=",
    "certificate=sha256:",
]
OF_KEYS = ["spki-sha256:", "SPKI-SHA256:", "sha256//", "pin-sha256=", "public_key=spki-sha256:"]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("", None),
        *((label, PinKind.CERTIFICATE) for label in OF_CERTIFICATES),
        *((label, PinKind.PUBLIC_KEY) for label in OF_KEYS),
    ],
)
def test_spellings(label: str, kind: PinKind | None, body: str) -> None:
    """What stands before it says what was digested; the digest itself may be written in any way."""
    for text in (f"{label}{body}", f"  {label}{body}\n", f"\u200e{label}{body}"):
        spelled = read_digest(text)
        assert (spelled.kind, spelled.digest) == (kind, DIGEST)


def test_header_of_rfc_7469() -> None:
    """A pin of HTTP has its base64 in quotes."""
    assert pin_of(f'pin-sha256="{BASE64}"') == Pin(PinKind.PUBLIC_KEY, DIGEST)


def test_what_we_print_reads_back() -> None:
    """Each pin's own spelling is read as itself."""
    for pin in (Pin.certificate(DIGEST), Pin.public_key(DIGEST)):
        assert pin_of(str(pin)) == pin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256:",
        DIGEST[:-1],
        f"{DIGEST}0",
        f"{DIGEST[:-1]}g",
        f"{DIGEST[:-1]}\uff11",
        f"sha1:{DIGEST[:40]}",
        f"md5:{DIGEST}",
        f"sha256:sha256:{DIGEST}",
        BASE64[:-3],
    ],
)
def test_no_digest(text: str) -> None:
    """What is cut off, too long or of another kind is none."""
    with pytest.raises(ValueError, match="is not a SHA-256 digest"):
        read_digest(text)


def test_bare_digest_is_no_pin() -> None:
    """Where it matters what was digested, that must be said."""
    with pytest.raises(ValueError, match="does not say whether"):
        pin_of(COLONS)
