"""Requests: what they ask for, and which of others' are signed."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.own.certificate_request import (
    InvalidRequestError,
    make_request,
    parse_request,
    request_names,
    subject_for,
)
from domain_secure.policy.own.private_key import KeyType, generate
from domain_secure.policy.own.subject_name import parse_subject
from domain_secure.policy.terms.domain import Entry

from lab.certificates import Key, new_key

KEY = generate(KeyType.EC_P256)
SUBJECT = parse_subject("DC=com,DC=Contoso,CN=mail1.contoso.com")


def request(key: Key, *names: x509.GeneralName, subject: x509.Name = SUBJECT) -> bytes:
    """Return a request as anybody might make one, in DER."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    digest = None if not hasattr(key, "key_size") else hashes.SHA256()
    return builder.sign(key, digest).public_bytes(serialization.Encoding.DER)


def test_what_is_asked_for() -> None:
    """The subject, every name, both purposes, and a signature that holds."""
    pem = make_request(KEY, SUBJECT, request_names(["mail.contoso.com"], SUBJECT))
    made = x509.load_pem_x509_csr(pem)
    assert made.is_signature_valid
    assert made.subject == SUBJECT
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mail1.contoso.com", "mail.contoso.com"]
    purposes = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(purposes) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}


def test_own_request_is_understood() -> None:
    """What one side makes, the other side's authority reads."""
    names = (Entry("mail.contoso.com"), Entry("*.contoso.com"))
    key, subject, found = parse_request(make_request(KEY, x509.Name([]), names))
    assert (key, subject, found) == (KEY.public_key(), x509.Name([]), names)


def test_subject_for_those_who_gave_none() -> None:
    """The first name that fits into a common name."""
    long = Entry("a" * 60 + ".contoso.com")
    assert subject_for([long, Entry("b.contoso.com")]).rfc4514_string() == "CN=b.contoso.com"
    assert subject_for([long]) == x509.Name([])


def test_common_name_that_is_no_host_is_not_repeated() -> None:
    """A person's or an organisation's name is no alternative name."""
    assert request_names(["a.contoso.com"], parse_subject("CN=Contoso Mail")) == ("a.contoso.com",)


def with_another_end(octets: bytes) -> bytes:
    """Return *octets* with a changed last one."""
    return octets[:-1] + bytes([octets[-1] ^ 1])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a certificate request"),
        (
            b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
            "not a certificate",
        ),
        (b"\0" * 70000, "larger than 64 KiB"),
        (request(new_key("rsa1024"), x509.DNSName("a.contoso.com")), "too weak"),
        (request(new_key("ed25519"), x509.DNSName("a.contoso.com")), "too weak, or of a kind"),
        (request(KEY, x509.RFC822Name("a@contoso.com")), "more than host names"),
        (request(KEY, x509.DNSName("co.uk")), "public suffix"),
        (request(KEY, x509.DNSName("a\0.contoso.com")), "not a domain name"),
        (request(KEY, subject=x509.Name([])), "asks for 0 host names"),
        (request(KEY, *(x509.DNSName(f"a{n}.contoso.com") for n in range(101))), "asks for 102 host names"),
        (
            with_another_end(request(KEY, x509.DNSName("a.contoso.com"))),
            "signature|not a certificate request",
        ),
    ],
    ids=["empty", "rubbish", "large", "weak", "ed25519", "mail", "suffix", "nul", "nobody", "many", "forged"],
)
def test_requests_that_are_not_signed(content: bytes, says: str) -> None:
    """Each is refused with the reason."""
    with pytest.raises(InvalidRequestError, match=says):
        parse_request(content)


@given(st.binary(max_size=300))
def test_random_octets(content: bytes) -> None:
    """Random octets are never a request, and raise nothing else."""
    with pytest.raises(InvalidRequestError):
        parse_request(content)
