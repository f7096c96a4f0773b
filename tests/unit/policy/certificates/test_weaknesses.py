"""What keeps other servers from accepting a certificate: each kind of key, and old signatures."""

import subprocess
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.certificates.key_description import key_text
from domain_secure.policy.certificates.weaknesses import key_weakness, signature_weakness

from lab.certificates import Authority
from lab.forgery import resigned, with_sha1

ROOT = Authority.create("Lab Root")
UNREADABLE = "key cannot be read"
FEW = "which few mail servers know; use P-256 or P-384"

OF_DSA = dsa.DSAParameterNumbers(p=(1 << 2047) + 1, q=(1 << 255) + 1, g=2)


@dataclass(frozen=True)
class PublicOnly:
    """A public key in place of a private one, where nothing is signed with it."""

    key: Any

    def public_key(self) -> Any:
        """Return it."""
        return self.key


def with_key(key: Any) -> Certificate:
    """Return a certificate for a key."""
    return parse(ROOT.issue("a.test", key=key).der)


def of_rsa(bits: int) -> Certificate:
    """Return a certificate for an RSA key of that size, of which nobody knows the private part."""
    return with_key(PublicOnly(rsa.RSAPublicNumbers(65537, (1 << (bits - 1)) + 1).public_key()))


def changed(key: str, algorithm: object) -> Certificate:
    """Return a certificate whose key is said to be for another algorithm."""

    def change(certificate: Any) -> None:
        certificate["tbs_certificate"]["subject_public_key_info"]["algorithm"] = algorithm

    return parse(resigned(ROOT.issue("a.test", key=key), ROOT, change))


@cache
def explicit(curve: str) -> Certificate:
    """Return a certificate whose key brings the parameters of its curve; only openssl makes such."""
    command = f"openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:{curve}"
    options = "-pkeyopt ec_param_enc:explicit -subj /CN=a.test -days 9 -outform DER -keyout /dev/null"
    done = subprocess.run([*command.split(), *options.split()], check=True, capture_output=True, cwd="/")
    return parse(done.stdout)


@pytest.mark.parametrize(
    ("certificate", "weakness", "text"),
    [
        (of_rsa(2047), "RSA key has 2047 bits, and 2048 are the least", "RSA, 2047 bits"),
        (of_rsa(2048), None, "RSA, 2048 bits"),
        (of_rsa(4096), None, "RSA, 4096 bits"),
        (
            of_rsa(4097),
            "key has 4097 bits, and each handshake with it keeps the server busy",
            "RSA, 4097 bits",
        ),
        (with_key(ec.generate_private_key(ec.SECP256R1())), None, "EC, secp256r1"),
        (with_key(ec.generate_private_key(ec.SECP384R1())), None, "EC, secp384r1"),
        (with_key(ec.generate_private_key(ec.SECP521R1())), None, "EC, secp521r1"),
        (
            with_key(ec.generate_private_key(ec.SECP256K1())),
            f"key is on the curve secp256k1, {FEW}",
            "EC, secp256k1",
        ),
        (
            explicit("P-256"),
            "key gives the parameters of its curve instead of the curve's name",
            "EC, secp256r1",
        ),
        (
            with_key(ed25519.Ed25519PrivateKey.generate()),
            "key is of Ed25519 or Ed448, which many mail servers do not know",
            "Ed25519",
        ),
        (
            with_key(ed448.Ed448PrivateKey.generate()),
            "key is of Ed25519 or Ed448, which many mail servers do not know",
            "Ed448",
        ),
        (
            with_key(PublicOnly(dsa.DSAPublicNumbers(2, OF_DSA).public_key())),
            "key is of a kind that is not accepted",
            "of another kind",
        ),
        (
            changed("rsa2048", {"algorithm": "rsassa_pss"}),
            "key is for RSA-PSS alone (id-RSASSA-PSS), which many mail servers do not know",
            "RSA, 2048 bits",
        ),
        (changed("p256", {"algorithm": "1.2.3.4"}), UNREADABLE, "cannot be read"),
    ],
)
def test_keys(certificate: Certificate, weakness: str | None, text: str) -> None:
    """What servers in use deal with is well, to the bit; each other kind has its words."""
    assert key_weakness(certificate) == weakness
    assert key_text(certificate) == text


def test_key_off_its_curve() -> None:
    """It is read as a certificate, and the key is none."""

    def move(certificate: Any) -> None:
        key = certificate["tbs_certificate"]["subject_public_key_info"]
        point = key["public_key"].native
        key["public_key"] = point[:-1] + bytes([point[-1] ^ 1])

    moved = parse(resigned(ROOT.issue("a.test"), ROOT, move))
    assert (key_weakness(moved), key_text(moved)) == (UNREADABLE, "cannot be read")


def test_signatures() -> None:
    """SHA-1 is told; what cannot be read whole is no weakness of the signature."""
    issued = ROOT.issue("a.test")
    assert signature_weakness(parse(issued.der)) is None
    old = parse(with_sha1(issued, ROOT).public_bytes(Encoding.DER))
    assert signature_weakness(old) == "signature uses SHA-1, which is no longer trusted"

    def other_algorithm(certificate: Any) -> None:
        certificate["tbs_certificate"]["signature"]["algorithm"] = "sha1_ecdsa"

    assert signature_weakness(parse(resigned(issued, ROOT, other_algorithm))) is None
