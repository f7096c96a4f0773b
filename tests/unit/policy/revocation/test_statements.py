"""Files and octets of revocation lists: read whole, or told what is wrong."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from asn1crypto import core, crl, ocsp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.x509.ocsp import load_der_ocsp_response
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.certificates.certificate import parse
from domain_secure.policy.revocation.revocation import EVERY_REASON
from domain_secure.policy.revocation.statements import (
    MAXIMUM_ANSWER_OCTETS,
    MAXIMUM_FILE_OCTETS,
    MAXIMUM_LIST_OCTETS,
    MAXIMUM_LISTS,
    MalformedOcspAnswerError,
    MalformedRevocationListError,
    parse_ocsp_answers,
    parse_revocation_list,
    parse_statements,
    read_revocation_lists,
)

from lab.certificates import Authority
from lab.forgery import resigned
from lab.revocations import delta_list, ocsp_answer, pem_list, point, revocation_list, scope

ROOT = Authority.create("Lab Root")
REVOKED, GOOD = ROOT.issue("a.test"), ROOT.issue("b.test")
LIST = revocation_list(ROOT, REVOKED)
OTHER = revocation_list(Authority.create("Other"))


def test_facts() -> None:
    """Who issued it, and who is on it."""
    found = parse_revocation_list(LIST)
    assert found.issuer == "CN=Lab Root"
    assert found.has(REVOKED.certificate.serial_number)
    assert not found.has(GOOD.certificate.serial_number)
    assert found.has(-5), "a number that no authority may use cannot be looked up"
    assert found.is_signed_by(parse(ROOT.der))
    assert not found.is_signed_by(parse(GOOD.der))


def test_key_that_cannot_be_read_has_signed_nothing() -> None:
    """Nor has one of a kind that signs nothing."""

    def unknown(certificate: Any) -> None:
        certificate["tbs_certificate"]["subject_public_key_info"]["algorithm"] = {"algorithm": "1.2.3.4"}

    for der in (resigned(ROOT, ROOT, unknown), ROOT.issue("x", key=X25519PrivateKey.generate()).der):
        assert not parse_revocation_list(LIST).is_signed_by(parse(der))


def test_number_that_is_looked_up() -> None:
    """From one on; what is below cannot be looked up, and counts as listed."""
    found = parse_revocation_list(revocation_list(ROOT, 2))
    assert [found.has(number) for number in (-1, 0, 1, 2, 3)] == [True, True, False, True, False]


@pytest.mark.parametrize(
    ("content", "number"),
    [
        (LIST, 1),
        (pem_list(LIST), 1),
        (pem_list(LIST) + ROOT.certificate_pem + pem_list(OTHER), 2),
        (b"\xef\xbb\xbf" + pem_list(LIST).replace(b"\n", b"\r\n"), 1),
        (pem_list(LIST).decode().encode("utf-16"), 1),
    ],
)
def test_forms_of_files(content: bytes, number: int) -> None:
    """DER, PEM, several, certificates beside them, and what Windows makes of them."""
    assert len(read_revocation_lists(content)) == number


NO_LIST = "it is not a revocation list as RFC 5280 wants it"
NO_ANSWER = "it is not an OCSP response as RFC 6960 wants it"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", NO_LIST),
        (b"\0" * 1000, NO_LIST),
        (ROOT.der, NO_LIST),
        (LIST[:-1], NO_LIST),
        (LIST + b"\0", NO_LIST),
        (ROOT.certificate_pem, "it holds something else and no revocation list"),
        (pem_list(LIST)[:-30], "it ends in the middle of a block (X509 CRL)"),
        (pem_list(LIST).replace(b"\nM", b"\n*"), "a block in it is not base64"),
        (pem_list(LIST) * (MAXIMUM_LISTS + 1), "it holds more than 64 lists"),
        (b"-----BEGIN X509 CRL-----\n" * 80_000, "it ends in the middle of a block (X509 CRL)"),
        (b"\x30" * MAXIMUM_LIST_OCTETS, NO_LIST),
        (b"\x30" * (MAXIMUM_LIST_OCTETS + 1), "it is larger than 16 MiB"),
        (b"\x30" * (MAXIMUM_FILE_OCTETS + 1), "it is larger than 64 MiB"),
    ],
)
def test_what_is_refused(content: bytes, why: str) -> None:
    """Truncated, mislabelled, megabytes of nothing: each has its words."""
    with pytest.raises(MalformedRevocationListError) as raised:
        read_revocation_lists(content)
    assert str(raised.value) == why


def test_what_is_just_not_refused() -> None:
    """A file of as many lists, or of as many octets, as it may have."""
    assert len(read_revocation_lists(pem_list(LIST) * MAXIMUM_LISTS)) == MAXIMUM_LISTS
    most = MAXIMUM_FILE_OCTETS - len(pem_list(LIST))
    assert len(read_revocation_lists(pem_list(LIST) + b"x" * most)) == 1


def altered(der: bytes, change: Callable[[Any], None]) -> bytes:
    """Return a list after *change* to asn1crypto's view of what is signed; its signature no longer fits."""
    whole = crl.CertificateList.load(der)
    change(whole["tbs_cert_list"])
    return bytes(whole.dump(force=True))


def test_list_with_an_extension_twice() -> None:
    """Of two readings a stranger must not choose."""

    def double(signed: Any) -> None:
        signed["crl_extensions"].append(signed["crl_extensions"][0].copy())

    with pytest.raises(MalformedRevocationListError) as raised:
        parse_revocation_list(altered(LIST, double))
    assert str(raised.value) == "it breaks the rules for revocation lists (RFC 5280)"


def test_what_a_list_says_of_itself() -> None:
    """Its numbers, scope, reasons and where its delta list is; what it leaves out is nothing."""
    plain = parse_revocation_list(altered(LIST, lambda signed: signed.__delitem__("crl_extensions")))
    assert (plain.signing_key, plain.number, plain.base_number, plain.scope) == (None, None, None, b"")
    assert (plain.reasons, plain.is_indirect, plain.delta_locations) == (EVERY_REASON, False, ())
    reasons = frozenset({x509.ReasonFlags.superseded, x509.ReasonFlags.key_compromise})
    narrow = scope("http://a.test/", only_some_reasons=reasons, indirect_crl=True)
    freshest = x509.FreshestCRL([point("http://a.test/delta"), point("ldap://a.test/")])
    made = delta_list(ROOT, base=3, number=5, extensions=[narrow, (freshest, False)])
    found = parse_revocation_list(made)
    assert (found.number, found.base_number, found.scope) == (5, 3, narrow[0].public_bytes())
    assert (found.reasons, found.is_indirect, found.delta_locations) == (
        reasons,
        True,
        ("http://a.test/delta",),
    )
    assert found.signing_key == x509.SubjectKeyIdentifier.from_public_key(ROOT.key.public_key()).digest
    assert (found.digest, found.der) == (hashlib.sha256(made).hexdigest(), made)
    assert found.issuer_octets == ROOT.certificate.subject.public_bytes()
    dates = x509.load_der_x509_crl(made)
    assert (found.this_update, found.next_update) == (dates.last_update_utc, dates.next_update_utc)
    assert not parse_revocation_list(revocation_list(ROOT, extensions=[scope("http://a.test/")])).is_indirect


@pytest.mark.parametrize("year", [b"0000", b"2060"])
def test_list_with_an_entry_that_cannot_be_read(year: bytes) -> None:
    """All its entries are looked at, so that none is passed over later: a year that no calendar has."""
    dates = {"this_update": datetime(2060, 1, 2, tzinfo=UTC), "next_update": datetime(2061, 1, 1, tzinfo=UTC)}
    made = revocation_list(ROOT, 5, **dates)
    assert made.count(b"20600101") == 1
    made = made.replace(b"20600101", year + b"0101")
    if year == b"2060":
        assert parse_revocation_list(made).has(5)
        return
    with pytest.raises(MalformedRevocationListError) as raised:
        parse_revocation_list(made)
    assert str(raised.value) == NO_LIST


ANSWER = ocsp_answer(GOOD, ROOT)


def answers(change: Callable[[Any], None]) -> bytes:
    """Return an answer after *change* to asn1crypto's view of what is signed."""
    whole = ocsp.OCSPResponse.load(ANSWER)
    change(whole.response_data)
    inner = whole["response_bytes"]["response"].parsed
    inner["tbs_response_data"] = whole.response_data
    whole["response_bytes"]["response"] = core.ParsableOctetString(inner.dump(force=True))
    return bytes(whole.dump(force=True))


def test_what_an_answer_says_of_itself() -> None:
    """About which certificate, from when until when."""
    (found,) = parse_ocsp_answers(ANSWER)
    assert found.serial_number == GOOD.certificate.serial_number
    assert (found.digest, found.der) == (hashlib.sha256(ANSWER).hexdigest(), ANSWER)
    said = load_der_ocsp_response(ANSWER)
    assert (found.this_update, found.next_update) == (said.this_update_utc, said.next_update_utc)


@pytest.mark.parametrize("number", [1, 2, 16, 17])
def test_answer_about_several_certificates(number: int) -> None:
    """Each of the first sixteen is one."""

    def repeat(signed: Any) -> None:
        first = signed["responses"][0]
        for position in range(1, number):
            more = first.copy()
            more["cert_id"]["serial_number"] = position
            signed["responses"].append(more)

    found = parse_ocsp_answers(answers(repeat))
    assert [one.serial_number for one in found] == [GOOD.certificate.serial_number, *range(1, number)][:16]


def test_answer_with_an_extension_twice() -> None:
    """As for lists."""

    def double(signed: Any) -> None:
        nonce = {"extn_id": "nonce", "extn_value": core.ParsableOctetString(b"\4\1x")}
        signed["response_extensions"] = [nonce, nonce]

    with pytest.raises(MalformedOcspAnswerError) as raised:
        parse_ocsp_answers(answers(double))
    assert str(raised.value) == "it breaks the rules for OCSP responses (RFC 6960)"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", NO_ANSWER),
        (LIST, NO_ANSWER),
        (ANSWER[:-1], NO_ANSWER),
        (ANSWER + b"\0", NO_ANSWER),
        (b"\x30" * MAXIMUM_ANSWER_OCTETS, NO_ANSWER),
        (b"\x30" * (MAXIMUM_ANSWER_OCTETS + 1), "it is larger than 64 KiB"),
        (b"\x30\3\n\1\3", "the responder answers: try later"),
        (b"\x30\3\n\1\6", "the responder answers: unauthorized"),
    ],
)
def test_answer_that_is_refused(content: bytes, why: str) -> None:
    """Each has its words, what the responder says of itself among them."""
    with pytest.raises(MalformedOcspAnswerError) as raised:
        parse_ocsp_answers(content)
    assert str(raised.value) == why


def test_either_kind_is_told_from_the_other() -> None:
    """What a location says is a list or an answer as it was asked for, and not as it looks."""
    assert parse_statements(pem_list(LIST), answers=False) == read_revocation_lists(LIST)
    assert parse_statements(ANSWER, answers=True) == parse_ocsp_answers(ANSWER)
    with pytest.raises(MalformedRevocationListError):
        parse_statements(ANSWER, answers=False)
    with pytest.raises(MalformedOcspAnswerError):
        parse_statements(LIST, answers=True)


@given(st.integers(0, len(LIST) - 1), st.binary(min_size=1, max_size=4))
def test_damage_raises_nothing_else(position: int, damage: bytes) -> None:
    """Any changed octet leaves a list that can be read, or an error in words."""
    content = LIST[:position] + damage + LIST[position + len(damage) :]
    try:
        found = parse_revocation_list(content)
    except MalformedRevocationListError:
        return
    found.has(1)
    found.is_signed_by(parse(ROOT.der))


@given(st.binary(max_size=300))
def test_random_octets_raise_nothing_else(content: bytes) -> None:
    """The same for anything at all."""
    with pytest.raises(MalformedRevocationListError):
        read_revocation_lists(content)
