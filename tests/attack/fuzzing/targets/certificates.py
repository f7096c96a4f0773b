"""Certificates, chains, revocation lists and OCSP answers, from whoever shows or serves them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain_secure.policy.certificates import certificate, issuers, path_validation, presented_names
from domain_secure.policy.certificates.certificate import Certificate, Chain, read_certificates
from domain_secure.policy.certificates.certificate_document import certificate_document
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.certificates.trust import ClientPurpose
from domain_secure.policy.certificates.weaknesses import key_weakness, signature_weakness
from domain_secure.policy.revocation import needs
from domain_secure.policy.revocation.judge import RevocationJudge
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.revocation.statements import (
    MalformedOcspAnswerError,
    MalformedRevocationListError,
    parse_statements,
)

from attack.fuzzing.corpus import FOLDER
from attack.fuzzing.target import Fault, Take, Target

_NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def known_chain() -> Chain:
    """Return the chain that the kept lists and answers are about: its leaf, its authority."""
    return read_certificates((FOLDER / "certificates" / "known-chain").read_bytes())


@contextmanager
def _certificates(folder: Path) -> Iterator[Take]:
    del folder
    anchors = path_validation.TrustAnchors.of(known_chain()[1:])

    def take(octets: bytes) -> None:
        path_validation.TrustAnchors.load(octets)
        with suppress(MalformedCertificateError):
            issuers.read_issuers(octets, known_chain()[0])
        try:
            chain = read_certificates(octets)
        except MalformedCertificateError:
            return
        own = path_validation.TrustAnchors.of(chain[1:])
        for trusted in (anchors, own):
            found = path_validation.validate(chain[0], chain[1:], trusted, ClientPurpose.ACCEPT_SERVER, _NOW)
            if found.certificates and found.certificates[-1] not in trusted:
                raise Fault("a path ends at nobody who is trusted")
        issuers.linked(chain[0], chain[1:])
        for one in chain:
            _told(one)
        list(needs.needs(chain))
        list(needs.passed_over(chain))

    yield take


def _told(one: Certificate) -> None:
    """Do with a certificate what commands and the page do."""
    json.dumps(certificate_document(one))
    names = presented_names.names_of(one)
    presented_names.some(names)
    for name in names[:20]:
        presented_names.names_host(name, "mail.woodgrovebank.test")
    key_weakness(one)
    signature_weakness(one)
    certificate.is_authority(one)
    issuers.issuer_locations(one)
    needs.has_no_revocation_information(one)


def _statements(*, answers: bool) -> Target:
    @contextmanager
    def opened(folder: Path) -> Iterator[Take]:
        del folder
        path = known_chain()

        def take(octets: bytes) -> None:
            try:
                statements = parse_statements(octets, answers=answers)
            except (MalformedRevocationListError, MalformedOcspAnswerError):
                return
            judge = RevocationJudge()
            judge.judge_by(path, statements, _NOW)
            late = judge.judge_by(path, statements, _NOW + timedelta(days=4000))
            if late.status is RevocationStatus.GOOD:
                raise Fault("what is long past says that a certificate is good")

        yield take

    if answers:
        return Target("ocsp", opened, 64 * 1024, 2.0, (b"\x30",))
    return Target("crl", opened, 1024 * 1024, 8.0, (b"\x30",))


TARGETS = (
    Target("certificates", _certificates, 1024 * 1024, 8.0, (b"-----END", b"\x30")),
    _statements(answers=False),
    _statements(answers=True),
)
