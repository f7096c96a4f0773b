"""A message that arrives in pieces, and the signatures on it."""

import time
from concurrent.futures import Future
from datetime import UTC, datetime

import pytest

from domain_secure.policy.dkim.message_signature import KeyAnswer, MessageSignature, SignatureStatus
from domain_secure.policy.dkim.signed_message import SignedMessage

from lab.dkim_signing import Signer
from unit.policy.builders import claim
from unit.policy.messages import fields_of

SIGNER, STRANGER = Signer("woodgrovebank.test"), Signer("evil.test")
CONTENT = (
    b"From: admin@woodgrovebank.test\r\nSubject: a\r\n b\r\n\r\n"
    + b"Line, and  white space. \r\n" * 50
    + b"\r\n\r\n"
)


class Keys:
    """A KeySource that knows what it was told, and counts."""

    def __init__(self, *signers: Signer, answers: bool = True) -> None:
        self.records = {signer.key_name: signer.record() for signer in signers}
        self.answers = answers
        self.asked: list[str] = []

    def find(self, name: str) -> Future[KeyAnswer]:
        """Answer at once, or never."""
        self.asked.append(name)
        future: Future[KeyAnswer] = Future()
        if self.answers:
            future.set_result(KeyAnswer((self.records[name],) if name in self.records else ()))
        return future


def checked(content: bytes, keys: Keys, *, wait: float = 5.0, chunk: int = 7) -> tuple[MessageSignature, ...]:
    """Return what the signatures are worth on a message that comes in small chunks."""
    message = SignedMessage()
    for name, body in fields_of(content):
        message.add_field(name, body.replace(b"\r\n", b"\n"))
    message.begin_body([claim()])
    body = content.partition(b"\r\n\r\n")[2]
    for start in range(0, len(body), chunk):
        message.add_body(body[start : start + chunk])
    return message.signatures(keys, time.monotonic() + wait, datetime.now(UTC))


@pytest.mark.parametrize("canonicalize", [(b"simple", b"simple"), (b"relaxed", b"relaxed")])
def test_signature_in_pieces(canonicalize: tuple[bytes, bytes]) -> None:
    """Line ends of folded fields come as LF alone, bodies in chunks; it holds all the same."""
    (found,) = checked(SIGNER.sign(CONTENT, canonicalize=canonicalize), Keys(SIGNER))
    assert found == MessageSignature(SIGNER.domain, SIGNER.selector, SignatureStatus.VALID)


def test_strangers_signatures_cost_nothing() -> None:
    """Theirs may be in order: they do not speak for the claim, and nobody asks for their keys."""
    keys = Keys(SIGNER, STRANGER)
    assert not_read(checked(STRANGER.sign(CONTENT), keys)) == ["the message is signed for evil.test"]
    assert not keys.asked
    assert str(checked(STRANGER.sign(SIGNER.sign(CONTENT)), keys)[0]) == "d=woodgrovebank.test s=s1"
    assert keys.asked == [SIGNER.key_name]


def test_key_that_does_not_come() -> None:
    """The message waits until the deadline, and no longer."""
    (found,) = checked(SIGNER.sign(CONTENT), Keys(answers=False), wait=0.0)
    assert found.status is SignatureStatus.UNKNOWN
    assert found.detail == "its key has not come in time"


def test_number_of_signatures_is_bounded() -> None:
    """A hundred signatures ask for eight keys."""
    keys = Keys()
    content = b"".join(
        b"DKIM-Signature: v=1; d=woodgrovebank.test; s=s%d\r\n" % number for number in range(100)
    )
    found = checked(content + CONTENT, keys)
    assert len(keys.asked) == len([one for one in found if one.selector]) == 8
    assert not_read(found) == ["there are more than 8, and only so many are looked at"]


@pytest.mark.parametrize("flood", [b"X: " + b"a" * 600_000 + b"\r\n", b"X:\r\n" * 2100])
def test_header_without_end_is_not_kept(flood: bytes) -> None:
    """Too much to be checked is not signed, which is said, and not remembered."""
    keys = Keys(SIGNER)
    content = SIGNER.sign(CONTENT).replace(b"\r\n\r\n", b"\r\n" + flood + b"\r\n", 1)
    assert not_read(checked(content, keys)) == [
        "the message has more header fields than are looked at, 2000 or 512 KiB"
    ]
    assert not keys.asked


@pytest.mark.parametrize("value", [b"d=woodgrovebank.test", b"v=1; " + b"a" * 5000])
def test_a_signature_that_cannot_be_read_is_told(value: bytes) -> None:
    """It may be the one that was meant."""
    found = checked(b"DKIM-Signature: " + value + b"\r\n" + CONTENT, Keys())
    assert not_read(found) == ["a DKIM-Signature field cannot be read, or has more than 4096 octets"]
    assert not_read(checked(CONTENT, Keys())) == []


def not_read(found: tuple[MessageSignature, ...]) -> list[str]:
    """Return why signatures were not looked at."""
    return [one.detail for one in found if not one.selector]
