"""Short ways to the frozen values that decisions are made of."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.certification_path import PathOutcome, PathValidation
from domain_secure.policy.certificates.trust import ClientPurpose, CommonName, Revocation
from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.configuration.configuration import (
    Configuration,
    Inbound,
    LogLevel,
    Mode,
    OnFailure,
    Partner,
    Trust,
    WebAccess,
    WhenDown,
    default_partner,
)
from domain_secure.policy.decision.evidence import KnownCertificate, Session
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.tls import TlsVersion

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FINGERPRINT = Pin.certificate("ab" * 32)
PUBLIC_KEY = Pin.public_key("cd" * 32)
WOODGROVE = Entry("woodgrovebank.test")


def configuration(
    *receive: str,
    partners: Mapping[Entry, Partner] | None = None,
    trust: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Configuration:
    """Return a configuration that lists *receive* (woodgrovebank.test where none is given)."""
    plain = Configuration(
        path=Path("/etc/domain-secure/domain-secure.toml"),
        mode=Mode.ENFORCE,
        receive=DomainList.of(*(receive or (WOODGROVE,))),
        on_failure=OnFailure.REJECT,
        send=DomainList(()),
        partners=partners or {},
        trust=replace(
            Trust(Path("/ca.pem"), False, ClientPurpose.ACCEPT_SERVER, Revocation.PREFER, CommonName.NEVER),
            **(trust or {}),
        ),
        inbound=Inbound((), (), True, 5.0, WhenDown.DEFER_ALL, None),
        direct=True,
        config_directory=Path("/etc/postfix"),
        metrics_listen=("127.0.0.1", 9797),
        metrics_access=WebAccess(),
        state=Path("/var/lib/domain-secure"),
        log_receive=LogLevel.NORMAL,
        log_send=LogLevel.NORMAL,
        milter_socket=None,
        policy_socket=None,
        files=(),
    )
    return replace(plain, **changes)


def partner(entry: str = WOODGROVE, **changes: Any) -> Partner:
    """Return a partner rule with its defaults, changed."""
    return replace(default_partner(Entry(entry), Mode.ENFORCE), **changes)


def claim(domain: str = WOODGROVE, entry: str | None = None, source: str = "envelope") -> Claim:
    """Return a claim to be *domain*."""
    return Claim(Entry(entry or domain), Domain(domain), source)


def session(**changes: Any) -> Session:
    """Return a TLS 1.3 session with a peer certificate."""
    plain = Session(TlsVersion.TLS_1_3, "TLS_AES_256_GCM_SHA384", FINGERPRINT, PUBLIC_KEY, None, None)
    return replace(plain, **changes)


def known(*dns_names: str, outcome: PathOutcome = PathOutcome.TRUSTED, **changes: Any) -> KnownCertificate:
    """Return a certificate whose content is known."""
    not_before, not_after = NOW - timedelta(days=30), NOW + timedelta(days=60)
    certificate = Certificate(
        der=b"",
        certificate_pin=FINGERPRINT,
        public_key_pin=PUBLIC_KEY,
        subject="CN=subject",
        issuer="CN=issuer",
        common_name=changes.pop("common_name", None),
        dns_names=dns_names,
        not_before=not_before,
        not_after=not_after,
    )
    path = PathValidation(outcome, "the detail", not_before, not_after)
    return KnownCertificate(
        certificate, changes.pop("path", path), changes.pop("revocation", RevocationStatus.UNKNOWN)
    )
