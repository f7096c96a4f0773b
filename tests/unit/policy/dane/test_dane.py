"""DANE for clients: every kind of record against certificates of every kind."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.certificates.trust import ClientPurpose
from domain_secure.policy.dane.dane import matches_authority, matches_digest, matches_end_entity
from domain_secure.policy.dane.tlsa import TlsaRecord
from domain_secure.policy.terms.domain import Domain

from lab.certificates import CLIENT, DAY, SERVER, Authority, Issued, self_signed

WOODGROVE = Domain("woodgrovebank.test")
NOW = datetime.now(UTC)
ROOT = Authority.create("Root")
INTERMEDIATE = ROOT.authority("Intermediate")
ISSUED = INTERMEDIATE.issue(WOODGROVE, dns_names=(WOODGROVE,))
LEAF = parse(ISSUED.der)
STRANGER = parse(self_signed(WOODGROVE, dns_names=(WOODGROVE,)).der)

_DIGESTS = {
    0: bytes,
    1: lambda octets: hashlib.sha256(octets).digest(),
    2: lambda octets: hashlib.sha512(octets).digest(),
}


def record(usage: int, selector: int, matching: int, issued: Issued) -> TlsaRecord:
    """Return the record that a certificate's owner publishes, made independently of the product."""
    key = issued.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    made = TlsaRecord.of(usage, selector, matching, _DIGESTS[matching](key if selector else issued.der))
    assert made is not None
    return made


def chain_of(issued: Issued, *further: Issued) -> tuple[Certificate, ...]:
    """Return what a server shows."""
    shown = (issued.certificate, *issued.chain, *(one.certificate for one in further))
    return tuple(parse(one.public_bytes(Encoding.DER)) for one in shown)


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_end_entity(selector: int, matching: int) -> None:
    """3 x y matches the certificate it was made of and no other; an authority's record does not."""
    assert matches_end_entity(record(3, selector, matching, ISSUED), LEAF)
    assert not matches_end_entity(record(3, selector, matching, ISSUED), STRANGER)
    assert not matches_end_entity(record(2, selector, matching, ISSUED), LEAF)


@pytest.mark.parametrize(
    ("numbers", "expected"), [((3, 1, 1), True), ((3, 0, 1), True), ((3, 1, 2), False), ((2, 1, 1), False)]
)
def test_digests_of_an_unknown_certificate(numbers: tuple[int, int, int], expected: bool) -> None:
    """What Postfix tells of a session is enough for SHA-256, and only for it."""
    pins = (LEAF.certificate_pin, LEAF.public_key_pin)
    assert matches_digest(record(*numbers, ISSUED), pins) is expected
    assert not matches_digest(record(*numbers, ISSUED), (STRANGER.certificate_pin, STRANGER.public_key_pin))
    assert not matches_digest(record(*numbers, ISSUED), ())


def test_digest_of_a_key_is_not_one_of_a_certificate() -> None:
    """The same octets under the other selector mean something else."""
    swapped = TlsaRecord.of(3, 0, 1, bytes.fromhex(LEAF.public_key_pin.digest))
    assert swapped is not None
    assert not matches_digest(swapped, (LEAF.certificate_pin, LEAF.public_key_pin))


def vouched(
    published: TlsaRecord, chain: tuple[Certificate, ...], purpose: str = "accept-server", at: datetime = NOW
) -> bool:
    """Judge a chain by an authority's record."""
    return matches_authority(published, chain, (WOODGROVE,), ClientPurpose(purpose), at)


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_authority(selector: int, matching: int) -> None:
    """2 x y matches where the authority is part of the chain: the intermediate, or the root if it is sent."""
    assert vouched(record(2, selector, matching, INTERMEDIATE), chain_of(ISSUED))
    assert not vouched(record(2, selector, matching, ROOT), chain_of(ISSUED))
    assert vouched(record(2, selector, matching, ROOT), chain_of(ISSUED, ROOT))


def test_authority_that_did_not_sign_vouches_for_nobody() -> None:
    """A stranger who sends the partner's authority along is still a stranger."""
    shown = (STRANGER, *chain_of(ISSUED)[1:])
    assert not vouched(record(2, 1, 1, INTERMEDIATE), shown)
    imitated = Authority.create("Root").authority("Intermediate").issue(WOODGROVE, dns_names=(WOODGROVE,))
    assert not vouched(record(2, 1, 1, INTERMEDIATE), chain_of(imitated, INTERMEDIATE))


def test_names_dates_and_purpose_count_for_an_authority() -> None:
    """Unlike with the key of the host itself (RFC 7671 section 5.2)."""
    published = record(2, 1, 1, INTERMEDIATE)
    assert not vouched(published, chain_of(INTERMEDIATE.issue("evil.test", dns_names=("evil.test",))))
    assert not vouched(published, chain_of(INTERMEDIATE.issue(WOODGROVE)))
    assert not vouched(published, chain_of(ISSUED), at=NOW + timedelta(days=3650))
    server_only = INTERMEDIATE.issue(WOODGROVE, dns_names=(WOODGROVE,), purposes=(SERVER,))
    assert vouched(published, chain_of(server_only))
    assert not vouched(published, chain_of(server_only), "require")
    client_only = INTERMEDIATE.issue(WOODGROVE, dns_names=(WOODGROVE,), purposes=(CLIENT,))
    assert vouched(published, chain_of(client_only), "require")


def test_expired_host_certificate_with_its_key_published() -> None:
    """Neither names nor dates count (RFC 7671 section 5.1)."""
    old = self_signed("other.test", not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    assert matches_end_entity(record(3, 1, 1, old), parse(old.der))


def test_record_of_a_leaf_is_no_authority() -> None:
    """2 1 1 with the host's own key vouches for nothing, lest it count twice."""
    assert not vouched(record(2, 1, 1, ISSUED), chain_of(ISSUED))
