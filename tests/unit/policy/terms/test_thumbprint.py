"""Thumbprints: every spelling people copy, and only what is unique."""

from dataclasses import dataclass

import pytest

from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.terms.thumbprint import find


@dataclass(frozen=True)
class Named:
    """Something with thumbprints."""

    sha1: str
    sha256: str


@dataclass(frozen=True)
class Keyed(Named):
    """Something with a public key besides."""

    spki_sha256: str


KEY = "ab" * 32
KEYED = Keyed("77" * 20, "88" * 32, KEY)
ONE = Named("5bb72000" + "0" * 32, "12ab" + "1" * 60)
OTHER = Named("5bc8" + "1" * 36, "12cd" + "2" * 60)


@pytest.mark.parametrize(
    "text",
    [
        ONE.sha1,
        ONE.sha256.upper(),
        "5bb7",
        "5B:B7:20:00",
        "5b b7 20 00",
        "\u200e5BB72000",
        "sha256:12ab",
        "SHA1 Fingerprint=5B:B7",
        " 12ab ",
    ],
)
def test_spellings(text: str) -> None:
    """Case, colons, blanks, Windows' invisible mark, labels and any unique beginning."""
    assert find(text, (ONE, OTHER)) is ONE


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("5b", "2 certificates have it"),
        ("ff", "no certificate there has this thumbprint"),
        ("", "this is not a thumbprint"),
        ("mail.contoso.test", "this is not a thumbprint"),
        ("0" * 65, "this is not a thumbprint"),
    ],
)
def test_what_names_nothing(text: str, says: str) -> None:
    """None and several are told apart from what is no thumbprint."""
    with pytest.raises(Problem, match=says):
        find(text, (ONE, OTHER))


@pytest.mark.parametrize(
    "text", [KEY, f"spki-sha256:{KEY}", f"SPKI-SHA256:{KEY.upper()}", "q6ur" * 10 + "q6s="]
)
def test_public_key(text: str) -> None:
    """The whole digest of a public key names the certificate that has it."""
    assert find(text, (ONE, KEYED, OTHER)) is KEYED


def test_digest_of_something_else() -> None:
    """What is said to be a certificate's digest is compared with no key, and the other way round."""
    for text in (f"sha256:{KEY}", f"spki-sha256:{KEYED.sha256}"):
        with pytest.raises(Problem, match="no certificate there"):
            find(text, (ONE, KEYED, OTHER))


def test_digest_in_base64() -> None:
    """A certificate's digest may be written in base64."""
    assert find("iIiI" * 10 + "iIg=", (ONE, KEYED)) is KEYED
