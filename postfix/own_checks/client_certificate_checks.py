"""The doctor's questions about the certificates that our servers show partners when they send.

Must not know: how the transport got them (``certificate_settings``).
Sources: postconf(5) smtp_tls_chain_files, smtp_tls_cert_file and smtp_tls_key_file; RFC 5280 section
4.2.1.12 for the purpose.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from domain_secure.policy.certificates.certificate import MAXIMUM_FILE_OCTETS, Certificate, parse
from domain_secure.policy.certificates.certificate_file import encoded_certificates
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.certificates.pem import MalformedPemError, pem_blocks
from domain_secure.policy.certificates.purposes import Purpose, purposes_of
from domain_secure.policy.own.certificate_path import read_limited
from domain_secure.policy.own.private_key import UnusableKeyError, belongs_to, parse_pem
from domain_secure.policy.terms.problems import NoPermission, Problem
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.findings.service_facts import PostfixFacts
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE

ENABLE = "import the right one and run domain-secure cert enable THUMBPRINT"
_PAIRS = (
    ("smtp_tls_cert_file", "smtp_tls_key_file"),
    ("smtp_tls_eccert_file", "smtp_tls_eckey_file"),
    ("smtp_tls_dcert_file", "smtp_tls_dkey_file"),
)


def check_certificates(facts: PostfixFacts, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong with the certificates our servers show partners.

    Raises NoPermission where a file must not be read.
    """
    for name, key_names in _files(facts):
        content = _read(name)
        certificates = _certificates(content)
        if certificates:
            yield from _check_certificate(name, certificates[0], now)
            yield from _check_key(name, certificates[0], key_names, content)
        elif name in key_names and len(key_names) > 1 and _has_key(content):
            continue  # smtp_tls_chain_files: a key may have a file of its own, in front of its chain.
        else:
            yield Finding.error(
                "client-certificate-unreadable",
                "there is no certificate to show partners, and the transport defers all its mail",
                f"{name} is missing or holds no PEM certificate",
                "put the key and its chain there, or run domain-secure cert enable THUMBPRINT",
            )


def _files(facts: PostfixFacts) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each file of certificates, with the files in which its key may be."""
    transport = facts.sender(TRANSPORT_SERVICE)
    if transport is None:
        return
    if chains := split_elements(transport.value("smtp_tls_chain_files")):
        yield from ((name, tuple(chains)) for name in chains)
        return
    for certificate, key in _PAIRS:
        if name := transport.value(certificate):
            yield name, (transport.value(key) or name,)


def _check_certificate(name: str, certificate: Certificate, now: datetime) -> Iterator[Finding]:
    if (end := certificate.not_after) < now:
        yield Finding.error(
            "client-certificate-expired",
            "the certificate our servers show partners has expired",
            f"{name}: valid until {end:%Y-%m-%d %H:%M} UTC",
            "renew it, then run postfix reload",
        )
    if (start := certificate.not_before) > now:
        yield Finding.error(
            "client-certificate-not-yet-valid",
            "the certificate our servers show partners is not valid yet",
            f"{name}: valid from {start:%Y-%m-%d %H:%M} UTC, and it is {now:%Y-%m-%d %H:%M} UTC here",
            "set the clock right (timedatectl status), or show the former certificate until then",
        )
    if Purpose.CLIENT not in purposes_of(certificate):
        yield Finding.error(
            "client-certificate-purpose",
            "the certificate our servers show partners is for servers only, and partners do not trust it",
            f"{name}: {certificate.subject}: its extended key usage has no clientAuth",
            f"request one for both purposes: domain-secure cert request; {ENABLE}",
        )


def _check_key(
    name: str, certificate: Certificate, key_names: tuple[str, ...], content: bytes
) -> Iterator[Finding]:
    """Yield a finding unless one of the keys is the certificate's: Postfix then has no certificate at all."""
    places = ", ".join(key_names)
    readable = True
    for key_name in key_names:
        try:
            for block in pem_blocks(content if key_name == name else _read(key_name)):
                if block.label.endswith("PRIVATE KEY") and belongs_to(parse_pem(block.text), certificate):
                    return
        except (UnusableKeyError, MalformedPemError) as error:
            readable, places = False, f"{key_name}: {error}"
    yield Finding.error(
        "client-certificate-key",
        "the private key of the certificate for partners "
        + ("belongs to another certificate or is missing" if readable else "cannot be used")
        + ", and the transport defers all its mail",
        f"{name}: {certificate.subject}; looked for its key in {places}",
        ENABLE,
    )


def _has_key(content: bytes) -> bool:
    try:
        return any(block.label.endswith("PRIVATE KEY") for block in pem_blocks(content))
    except MalformedPemError:
        return False


def _read(name: str) -> bytes:
    """Return a file's content, nothing when there is no such file; raises NoPermission."""
    try:
        content = read_limited(Path(name), unattended=True)
    except NoPermission:
        raise
    except Problem:
        return b""
    return content if len(content) <= MAXIMUM_FILE_OCTETS else b""


def _certificates(content: bytes) -> tuple[Certificate, ...]:
    try:
        return tuple(parse(der) for der in encoded_certificates(content))
    except MalformedCertificateError:
        return ()
