"""The doctor's questions about the certificates that our servers show when they send and when they receive.

Must not know: who put them there, ``cert enable`` or a person in main.cf; both are judged alike.
Sources: postconf(5) smtp_tls_chain_files, smtp_tls_cert_file and smtp_tls_key_file, and the same of smtpd;
RFC 5280 section 4.2.1.12 for the purpose.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from domain_secure.policy.certificates.certificate import MAXIMUM_FILE_OCTETS, Certificate, Chain, parse
from domain_secure.policy.certificates.certificate_file import encoded_certificates
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.certificates.path_validation import TrustAnchors
from domain_secure.policy.certificates.pem import MalformedPemError, pem_blocks
from domain_secure.policy.certificates.purposes import Purpose, purposes_of
from domain_secure.policy.certificates.weaknesses import key_weakness
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.own.certificate_path import read_limited
from domain_secure.policy.own.private_key import UnusableKeyError, is_key_of
from domain_secure.policy.own.renewal_check import Change, host_name
from domain_secure.policy.own.shown_chain import chain_faults
from domain_secure.policy.terms.problems import NoPermission, Problem
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.findings.service_facts import PostfixFacts, ServiceFacts
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE

ENABLE = "import the right one and run domain-secure cert enable THUMBPRINT"
_PUT_BEHIND = "put the intermediate certificates behind it, such as fullchain.pem, then run postfix reload"
_PAIRS = (("cert_file", "key_file"), ("eccert_file", "eckey_file"), ("dcert_file", "dkey_file"))


@dataclass(frozen=True, slots=True)
class _Shown:
    """One file of certificates that a service shows."""

    name: str
    key_names: tuple[str, ...]  #: the files in which its key may be
    is_server: bool
    host: str  #: what the service calls itself
    parameter: str  #: where that is set

    @property
    def is_ours(self) -> bool:
        """Tell whether ``cert enable`` writes the file."""
        return Path(self.name).parts[-3:-1] == ("keys", "enabled")

    @property
    def whose(self) -> str:
        return "our servers show those who connect" if self.is_server else "our servers show partners"


def check_certificates(facts: PostfixFacts, configuration: Configuration, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong with the certificates our servers show; raises NoPermission for a closed file."""
    anchors = _anchors(configuration)
    for shown in dict.fromkeys(_files(facts)):
        content = _read(shown.name)
        chain = _certificates(content)
        if chain:
            yield from _check_dates(shown, chain[0], now)
            yield from _check_purpose(shown, chain[0])
            yield from _check_name(shown, chain[0])
            yield from _check_chain(shown, chain, anchors)
            yield from _check_key(shown, chain[0], content)
        elif shown.name in shown.key_names and len(shown.key_names) > 1 and _has_key(content):
            continue  # A key may have a file of its own, in front of its chain.
        elif not shown.is_server:  # Of a server's, ``attach`` and others tell.
            yield Finding.error(
                "client-certificate-unreadable",
                "there is no certificate to show partners, and the transport defers all its mail",
                f"{shown.name} is missing or holds no PEM certificate",
                "put the key and its chain there, or run domain-secure cert enable THUMBPRINT",
            )


def shown_chains(facts: PostfixFacts) -> Iterator[tuple[bool, Chain]]:
    """Yield each chain that is shown, and whether by a server; raises NoPermission for a closed file."""
    for shown in dict.fromkeys(_files(facts)):
        if chain := _certificates(_read(shown.name)):
            yield shown.is_server, chain


def _files(facts: PostfixFacts) -> Iterator[_Shown]:
    transport = facts.sender(TRANSPORT_SERVICE)
    if transport is not None:
        yield from _files_of(transport, is_server=False)
    for receiver in facts.public_receivers:
        yield from _files_of(receiver, is_server=True)


def _files_of(service: ServiceFacts, *, is_server: bool) -> Iterator[_Shown]:
    prefix = "smtpd_tls" if is_server else "smtp_tls"
    parameter = "myhostname" if is_server or not service.value("smtp_helo_name") else "smtp_helo_name"
    host = service.value(parameter)
    if chains := split_elements(service.value(f"{prefix}_chain_files")):
        yield from (_Shown(name, tuple(chains), is_server, host, parameter) for name in chains)
        return
    for certificate, key in _PAIRS:
        name = service.value(f"{prefix}_{certificate}")
        if name not in {"", "none"}:
            keys = (service.value(f"{prefix}_{key}") or name,)
            yield _Shown(name, keys, is_server, host, parameter)


def _check_dates(shown: _Shown, certificate: Certificate, now: datetime) -> Iterator[Finding]:
    if (end := certificate.not_after) < now:
        yield Finding.error(
            "server-certificate-expired" if shown.is_server else "client-certificate-expired",
            f"the certificate {shown.whose} has expired",
            f"{shown.name}: valid until {end:%Y-%m-%d %H:%M} UTC",
            f"import its renewal; {ENABLE}" if shown.is_ours else "renew it, then run postfix reload",
        )
    if (start := certificate.not_before) > now:
        yield Finding.error(
            "server-certificate-not-yet-valid" if shown.is_server else "client-certificate-not-yet-valid",
            f"the certificate {shown.whose} is not valid yet",
            f"{shown.name}: valid from {start:%Y-%m-%d %H:%M} UTC, and it is {now:%Y-%m-%d %H:%M} UTC here",
            "set the clock right (timedatectl status), or show the former certificate until then",
        )


def _check_purpose(shown: _Shown, certificate: Certificate) -> Iterator[Finding]:
    purposes = purposes_of(certificate)
    fix = f"request one for both purposes: domain-secure cert request; {ENABLE}"
    if shown.is_server and Purpose.SERVER not in purposes:
        yield Finding.error(
            "server-certificate-purpose",
            f"the certificate {shown.whose} is not for servers, and partners do not send to us",
            f"{shown.name}: {certificate.subject}: its extended key usage has no serverAuth",
            fix,
        )
    if not shown.is_server and Purpose.CLIENT not in purposes:
        yield Finding.error(
            "client-certificate-purpose",
            f"the certificate {shown.whose} is for servers only, and partners do not trust it",
            f"{shown.name}: {certificate.subject}: its extended key usage has no clientAuth",
            fix,
        )


def _check_name(shown: _Shown, certificate: Certificate) -> Iterator[Finding]:
    for fault in host_name(certificate, shown.host, shown.parameter):
        yield Finding.warning(
            "server-certificate-name" if shown.is_server else "client-certificate-name",
            f"the certificate {shown.whose} is for another host",
            f"{shown.name}: {fault.what}",
            f"request one with that name: domain-secure cert request --domain {shown.host}; {ENABLE}",
        )


def _check_chain(shown: _Shown, chain: Chain, anchors: TrustAnchors | None) -> Iterator[Finding]:
    proof = f"{shown.name}: {chain[0].subject}"
    for fault in chain_faults(chain, anchors):
        if fault.change is Change.SELF_SIGNED:
            yield Finding.warning(
                "server-certificate-self-signed" if shown.is_server else "client-certificate-self-signed",
                f"the certificate {shown.whose} is self-signed",
                f"{proof}: {fault.what}",
                f"have one signed: domain-secure cert request; {ENABLE}",
            )
        elif fault.change is Change.CHAIN:
            yield Finding.warning(
                "server-certificate-chain" if shown.is_server else "client-certificate-chain",
                f"the certificate {shown.whose} comes without its intermediate certificates",
                f"{proof}: {fault.what}",
                f"{fault.fix}; {ENABLE}" if shown.is_ours else _PUT_BEHIND,
            )
        else:
            yield Finding.warning(
                "server-certificate-signature" if shown.is_server else "client-certificate-signature",
                f"the certificate {shown.whose} is signed in a way that is no longer accepted",
                f"{proof}: {fault.what}",
                f"{fault.fix}; {ENABLE}",
            )
    if (weakness := key_weakness(chain[0])) is not None:
        yield Finding.warning(
            "server-certificate-weak-key" if shown.is_server else "client-certificate-weak-key",
            f"the certificate {shown.whose} has a key that many mail servers cannot deal with",
            f"{proof}: its {weakness}",
            f"have one issued for a key of domain-secure cert request; {ENABLE}",
        )


def _check_key(shown: _Shown, certificate: Certificate, content: bytes) -> Iterator[Finding]:
    """Yield a finding unless one of the keys is the certificate's: Postfix then has no certificate at all."""
    name, key_names = shown.name, shown.key_names
    places = ", ".join(key_names)
    readable = True
    for key_name in key_names:
        try:
            for block in pem_blocks(content if key_name == name else _read(key_name)):
                if block.label.endswith("PRIVATE KEY") and is_key_of(block.text, certificate):
                    return
        except (UnusableKeyError, MalformedPemError) as error:
            readable, places = False, f"{key_name}: {error}"
    yield Finding.error(
        "server-certificate-key" if shown.is_server else "client-certificate-key",
        f"the private key of the certificate {shown.whose} "
        + ("belongs to another certificate or is missing" if readable else "cannot be used")
        + (", and no session gets TLS" if shown.is_server else ", and the transport defers all its mail"),
        f"{name}: {certificate.subject}; looked for its key in {places}",
        ENABLE,
    )


def _anchors(configuration: Configuration) -> TrustAnchors | None:
    try:
        return TrustAnchors.load(configuration.trust.ca_file.read_bytes())
    except OSError:
        return None  # ``ca-file-missing`` tells.


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
