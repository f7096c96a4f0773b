"""The search for secrets finds them, in each form that somebody might write them."""

import base64

import pytest
from static.secrets import Secrets, Seen

from lab.certificates import self_signed

SECRET = b"passphrase of known bytes & more"


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        b"before " + SECRET + b" after",
        SECRET.hex().encode(),
        SECRET.hex().upper().encode(),
        b"passphrase%20of%20known%20bytes%20%26%20more",
        *(base64.b64encode(b"x" * number + SECRET + b"y" * number) for number in range(6)),
    ],
)
def test_a_secret_is_found(text: bytes) -> None:
    """As it is, in hexadecimal, in a URL, and at any place within base64."""
    secrets = Secrets()
    secrets.add("one", SECRET)
    assert secrets.found_in(text) == {"one"}
    assert secrets.found_in(b"passphrase of other bytes & more") == set()


def test_a_key_is_found_and_a_certificate_is_none() -> None:
    """Its file, its lines by themselves and its number; what is public of it is no secret."""
    issued = self_signed("a.test")
    secrets = Secrets()
    secrets.add_key("key", issued.key_pem, issued.key)
    assert secrets.found_in(issued.key_pem) == {"key"}
    assert secrets.found_in(issued.key_pem.replace(b"\n", b"")) == {"key"}
    assert secrets.found_in(str(issued.key_pem.splitlines()[2]).encode()) == {"key"}
    number = issued.key.private_numbers().private_value  # type: ignore[union-attr]
    assert secrets.found_in(f"{number:064x}".encode()) == {"key"}
    assert secrets.found_in(issued.certificate_pem) == set()
    assert secrets.found_in(self_signed("b.test").key_pem) == set()


def test_what_was_found_is_told_with_its_place() -> None:
    """And what was searched is counted, so that nothing searched is no success."""
    secrets = Secrets()
    secrets.add("one", SECRET)
    seen = Seen(secrets)
    seen.look("log", "there", "nothing")
    seen.look("log", "here", SECRET)
    assert (seen.searched, seen.found) == ({"log": 2}, [("log", "one in here")])
