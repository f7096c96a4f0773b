"""A certificate as a document for people."""

import pytest
from cryptography import x509

from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.certificates.certificate_document import certificate_document

from lab.certificates import Authority

ROOT = Authority.create("Lab Root")


def test_document() -> None:
    """Whose it is, who issued it, from when until when, and its two pins."""
    certificate = parse(ROOT.issue("mail.a.test", dns_names=["mail.a.test", "a.test"]).der)
    assert certificate_document(certificate) == {
        "subject": "CN=mail.a.test",
        "issuer": "CN=Lab Root",
        "names": ["mail.a.test", "a.test"],
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "certificate": str(certificate.certificate_pin),
        "public_key": str(certificate.public_key_pin),
    }


@pytest.mark.parametrize("number", [20, 21])
def test_number_of_names(number: int) -> None:
    """Twenty are shown."""
    names = [f"{position}.test" for position in range(number)]
    shown = certificate_document(parse(ROOT.issue(dns_names=names).der))
    assert shown["names"] == names[:20]


def test_what_strangers_write() -> None:
    """No local part of an address is shown, and no text without end."""
    parts = [
        x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{letter}@a.test" + letter * 50)
        for letter in "abcdefgh"
    ]
    issuer = Authority.create("", subject=x509.Name(parts))
    shown = certificate_document(parse(issuer.issue(dns_names=["a@" + "b" * 400]).der))
    assert shown["names"] == ["…@" + "b" * 298]
    assert shown["issuer"].startswith("CN=…@a.testh")
    assert len(shown["issuer"]) == 300
    own = certificate_document(parse(issuer.der))
    assert own["subject"] == own["issuer"] == shown["issuer"]
