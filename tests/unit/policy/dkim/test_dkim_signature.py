"""One DKIM signature: which count, and why the others do not."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.dkim.dkim_signature import DkimSignature
from domain_secure.policy.dkim.message_signature import KeyAnswer, MessageSignature, SignatureStatus

from lab.certificates import new_key
from lab.dkim_signing import Signer
from unit.policy.messages import body_hash_of, fields_of

SIGNER = Signer("woodgrovebank.test")
CONTENT = (
    b"From: Admin <admin@woodgrovebank.test>\r\nTo: user@contoso.test\r\nSubject: a\r\n  folded one\r\n"
    b"Date: Tue, 24 Nov 2026 09:00:00 +0000\r\n\r\nHello,  you.\r\n\r\n\r\n"
)
KEY = KeyAnswer((SIGNER.record(),))


def judged(content: bytes, key: KeyAnswer = KEY, now: datetime | None = None) -> MessageSignature:
    """Return what the uppermost signature of a message is worth."""
    fields = fields_of(content)
    signature = DkimSignature.read(next(one for one in fields if one[0].lower() == b"dkim-signature"))
    assert signature is not None
    assert signature.key_name == SIGNER.key_name
    digest = body_hash_of(content, signature.canonicalization) if signature.canonicalization else None
    return signature.judge(fields, digest, key, now or datetime.now(UTC))


@pytest.mark.parametrize("header", [b"simple", b"relaxed"])
@pytest.mark.parametrize("body", [b"simple", b"relaxed"])
def test_each_canonicalization(header: bytes, body: bytes) -> None:
    """All four that there are."""
    found = judged(SIGNER.sign(CONTENT, canonicalize=(header, body)))
    assert found == MessageSignature(SIGNER.domain, "s1", SignatureStatus.VALID)


def test_relaxed_survives_what_relays_do_to_white_space() -> None:
    """And nothing survives a changed word."""
    signed = SIGNER.sign(CONTENT)
    assert (
        judged(signed.replace(b"Hello,  you.\r\n\r\n", b"Hello, \t you. \r\n")).status
        is SignatureStatus.VALID
    )
    assert judged(signed.replace(b"Hello", b"Hallo")).detail == "the body is not the one that was signed"
    altered = judged(signed.replace(b"Subject: a", b"Subject: b"))
    assert altered.status is SignatureStatus.INVALID
    assert altered.detail.startswith("the header fields are not the ones that were signed")


def test_signature_by_hand() -> None:
    """What RFC 6376 section 3.4 says is signed, written out and signed without the library."""
    body = base64.b64encode(hashlib.sha256(b"Hello, you.\r\n").digest()).decode()
    tags = f"v=1; a=rsa-sha256; c=relaxed/relaxed; d=woodgrovebank.test; s=s1; h=from:subject; bh={body}; b="
    canonical = (
        "from:Admin <admin@woodgrovebank.test>\r\n"
        "subject:a folded one\r\n"
        f"dkim-signature:{tags}"
    )  # fmt: skip
    assert isinstance(SIGNER.key, rsa.RSAPrivateKey)
    value = SIGNER.key.sign(canonical.encode(), padding.PKCS1v15(), hashes.SHA256())
    folded = tags.replace("; s=", ";\r\n\ts=")
    field = f"DKIM-Signature:  {folded}{base64.b64encode(value).decode()}\r\n"
    assert judged(field.encode() + CONTENT).status is SignatureStatus.VALID


def retagged(signed: bytes, before: bytes, after: bytes) -> bytes:
    """Return a message with another tag in its signature."""
    assert before in signed
    return signed.replace(before, after, 1)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (SIGNER.sign(CONTENT, length=True), "a part of the body only"),
        (SIGNER.sign(CONTENT, signature_algorithm=b"rsa-sha1"), "not rsa-sha256"),
        (retagged(SIGNER.sign(CONTENT), b"a=rsa-sha256", b"a=ed25519-sha256"), "not rsa-sha256"),
        (retagged(SIGNER.sign(CONTENT), b"c=relaxed/relaxed", b"c=relaxed/sloppy"), "is unknown"),
        (retagged(SIGNER.sign(CONTENT), b"v=1", b"v=2"), "malformed"),
        (SIGNER.sign(CONTENT).replace(b"from", b"xfrom"), "does not cover the From"),
        (retagged(SIGNER.sign(CONTENT), b"q=dns/txt", b"x=1"), "malformed"),
        (retagged(SIGNER.sign(CONTENT), b" bh=", b" bh=%%"), "malformed"),
        (retagged(SIGNER.sign(CONTENT), b"i=@woodgrovebank.test", b"i=@evil.test"), "malformed"),
        (b"From: ceo@woodgrovebank.test\r\n".join(SIGNER.sign(CONTENT).split(b"From:", 1)), "header fields"),
    ],
)
def test_refused(content: bytes, why: str) -> None:
    """Signed or not, these leave something open that an attacker could fill."""
    if not content.lower().startswith(b"dkim-signature"):
        pytest.fail("the signature is not on top")
    found = judged(content)
    assert found.status is SignatureStatus.INVALID
    assert why in found.detail


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ((), "no key for it in DNS"),
        ((SIGNER.record(), SIGNER.record()), "more than one"),
        ((b"v=spf1 -all",), "malformed"),
        ((b"v=DKIM1; p=",), "withdrawn"),
        ((b"v=DKIM1; p=AAAA",), "malformed"),
        ((SIGNER.record("t=y; "),), "tested"),
        ((SIGNER.record("h=sha1; "),), "not for SHA-256"),
        ((SIGNER.record("s=tlsrpt; "),), "not for mail"),
        ((SIGNER.record().replace(b"k=rsa", b"k=ed25519"),), "malformed"),
        ((SIGNER.record() + b"A" * 5000,), "too long"),
        ((Signer(SIGNER.domain, key=new_key("rsa2048")).record(),), "its key is another"),
    ],
)
def test_keys_that_do_not_count(records: tuple[bytes, ...], why: str) -> None:
    """Each with a reason that the partner's administrator can act on."""
    found = judged(SIGNER.sign(CONTENT), KeyAnswer(records))
    assert found.status is SignatureStatus.INVALID
    assert why in found.detail


def test_key_that_could_not_be_looked_up() -> None:
    """Nobody knows; but what is wrong whatever the key stays wrong."""
    failed = KeyAnswer(failure="no answer in time")
    assert judged(SIGNER.sign(CONTENT), failed) == MessageSignature(
        SIGNER.domain, "s1", SignatureStatus.UNKNOWN, "no answer in time"
    )
    assert judged(SIGNER.sign(CONTENT) + b"More.\r\n", failed).status is SignatureStatus.INVALID


def test_short_key() -> None:
    """RFC 8301 section 3.2: 1024 bits at least."""
    signer = Signer(SIGNER.domain, key=new_key("rsa1024"))
    assert judged(signer.sign(CONTENT), KeyAnswer((signer.record(),))).status is SignatureStatus.VALID
    record = (
        b"v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8Qu"
        b"KUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ=="
    )
    assert "its key has 512 bits" in judged(signer.sign(CONTENT), KeyAnswer((record,))).detail


def test_expiry_is_taken_at_its_word() -> None:
    """No hours of grace."""
    signed = SIGNER.sign(CONTENT)
    at = int(datetime.now(UTC).timestamp())
    content = retagged(signed, b"q=dns/txt", f"x={at + 60}".encode())
    assert "expired" not in judged(content).detail
    late = judged(content, now=datetime.now(UTC) + timedelta(minutes=2))
    assert late.detail == "it has expired (x=)"


def test_author_fields_that_are_not_covered() -> None:
    """A Sender that anybody may have added is told; a second From breaks the signature itself."""
    signed = SIGNER.sign(CONTENT)
    found = judged(signed.replace(b"\r\nTo:", b"\r\nSender: ceo@woodgrovebank.test\r\nTo:", 1))
    assert found.status is SignatureStatus.VALID
    assert found.uncovered == {"sender"}
    second = judged(signed.replace(b"\r\nTo:", b"\r\nFrom: ceo@woodgrovebank.test\r\nTo:", 1))
    assert second.status is SignatureStatus.INVALID


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b";",
        b"v=1",
        b"v=1; d=woodgrovebank.test",
        b"v=1; d=; s=s1",
        b"v=1; d=woodgrovebank.test; s=a b",
        b"v=1; d=woodgrovebank.test; s=" + b"a" * 200,
        b"v=1; d=\xff; s=s1",
        b"v=1; d=a.test; d=b.test; s=s1",
        b"v=1; d=woodgrovebank.test; s=s1;" + b" " * 5000,
    ],
)
def test_nobodys(value: bytes) -> None:
    """What names no signer and no key is passed over."""
    assert DkimSignature.read((b"DKIM-Signature", value)) is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(b"vabcdhilqstxz")).map(lambda octet: bytes([octet])) | st.just(b"bh"),
            st.binary(max_size=20)
            | st.sampled_from([b"1", b"rsa-sha256", b"from", b"relaxed/simple", b"AAAA"]),
        ),
        max_size=12,
    )
)
def test_whatever_is_written_the_answer_is_no(tags: list[tuple[bytes, bytes]]) -> None:
    """No field that nobody signed is valid, and none stops us."""
    value = b"; ".join((b"d=woodgrovebank.test", b"s=s1", *(b"=".join(tag) for tag in tags)))
    signature = DkimSignature.read((b"DKIM-Signature", value))
    if signature is not None:
        found = signature.judge([(b"From", b" x")], b"\0\0\0", KEY, datetime.now(UTC))
        assert found.status is SignatureStatus.INVALID


@given(st.binary(max_size=300))
def test_whatever_is_published_the_answer_is_no(record: bytes) -> None:
    """DNS may say what it likes."""
    assert judged(SIGNED, KeyAnswer((record,))).status is SignatureStatus.INVALID


SIGNED = SIGNER.sign(CONTENT)


@pytest.mark.parametrize(
    "name", [b"Subject", b"Date", b"To", b"Cc", b"Reply-To", b"Content-Type", b"MIME-Version", b"subject"]
)
@pytest.mark.parametrize("on_top", [True, False])
def test_a_second_single_field_is_not_covered(name: bytes, on_top: bool) -> None:
    """Readers may show the one that nobody signed; one more of what may stand there often is nothing."""
    first, second = name.strip() + b": signed\r\n", name + b": forged\r\n"
    content = first + b"From: admin@woodgrovebank.test\r\n\r\nbody\r\n"
    signed = SIGNER.sign(content, include_headers=[b"from", name.strip().lower()])
    assert judged(signed).status is SignatureStatus.VALID
    assert judged(b"Received: x\r\nReceived: y\r\n" + signed).status is SignatureStatus.VALID
    head, _, body = signed.partition(b"\r\n\r\n")
    forged = second + signed if on_top else head + b"\r\n" + second + b"\r\n" + body
    found = judged(forged)
    assert found.status is SignatureStatus.INVALID
    assert found.detail == f"there are 2 {name.strip().lower().decode()} fields, of which it covers 1"
