"""The connectors of one instance: each smtpd service that takes mail, each smtp transport that gives it away.

Owns: what an administrator compares: routing, host name, certificate, domain security, protocol log level.
Must not judge: whether that is right is the doctor's part.  What is on and what is off is
``domain_security``'s.
Sources: master(5), postconf(5); the columns are those that Exchange shows of its connectors.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.certificates.certificate_file import encoded_certificates
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.certificates.presented_names import names_host, names_of
from domain_secure.policy.configuration.configuration import Configuration, LogLevel
from domain_secure.policy.own.certificate_path import read_limited
from domain_secure.policy.terms.domain import InvalidDomainError, parse_domain
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.listings import remembering
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.programs import PostfixInstance, Service
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE

from .domain_security import RECEIVING, SENDING, State, receiving_security, sending_security

#: What the dedicated transport is a clone of, and looks like before there is one.
_ORIGINAL = "smtp/unix"
_PREFIXES = {"smtpd": "smtpd_tls", "smtp": "smtp_tls"}
_KINDS = ("cert_file", "eccert_file", "dcert_file")
_LEGACY_TLS = {
    "smtpd": ("smtpd_use_tls", "smtpd_enforce_tls", "smtpd_tls_wrappermode"),
    "smtp": ("smtp_use_tls", "smtp_enforce_tls", "smtp_tls_wrappermode"),
}
# What leaves by another transport than ours goes where these say, and to the MX hosts without them.
_SMART_HOSTS = ("default_transport", "relayhost", "sender_dependent_relayhost_maps")


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """The first certificate that a connector shows: where it is and whose it is, or why it cannot be read."""

    file: str
    problem: str | None
    names: tuple[str, ...] = ()
    covers_fqdn: bool | None = None  #: whether it is for the connector's own host name; None: it is not known


@dataclass(frozen=True, slots=True)
class Connector:
    """One service of master.cf."""

    name: str  #: ``name/type``
    direction: str  #: ``receive`` or ``send``
    routing: str | None  #: of a sending one: ``DNS`` or ``smart host …``
    fqdn: str  #: what it calls itself: in its greeting, or in EHLO
    certificate: ShownCertificate | None  #: None: it shows none
    domain_secure: bool
    protocol_log: LogLevel  #: of what is decided here, ``off`` where domain security is
    state: State  #: of domain security
    detail: str | None  #: one clause about a state that is neither on nor plainly off
    tls: str  #: ``required``, ``offered`` or ``none``: what the service does for everybody


@remembering()
def connectors_of(configuration: Configuration, instance: PostfixInstance) -> tuple[Connector, ...]:
    """Return the instance's connectors in the order of master.cf; raises Problem where it cannot be asked.

    Behind them comes the dedicated transport as it would be, where there is none.
    """
    queue_directory = instance.queue_directory
    services = [service for service in instance.services() if service.program in _PREFIXES]
    by_key = {service.key: service for service in services}
    if (original := by_key.get(_ORIGINAL)) and f"{TRANSPORT_SERVICE}/unix" not in by_key:
        services.append(replace(original, name=TRANSPORT_SERVICE))
    return tuple(
        _connector(service, configuration, instance, queue_directory, is_there=service.key in by_key)
        for service in services
    )


def _connector(
    service: Service,
    configuration: Configuration,
    instance: PostfixInstance,
    queue_directory: Path,
    *,
    is_there: bool,
) -> Connector:
    receives = service.program == "smtpd"
    prefix = _PREFIXES[service.program]
    host_parameter = "myhostname" if receives else "smtp_helo_name"
    files = [f"{prefix}_{kind}" for kind in ("chain_files", *_KINDS)]
    tls = [f"{prefix}_security_level", *_LEGACY_TLS[service.program]]
    asked = RECEIVING if receives else SENDING
    settings = instance.service_parameters(service, host_parameter, *files, *_SMART_HOSTS, *tls, *asked)
    fqdn = settings[host_parameter]
    security = (
        receiving_security(service, settings, configuration, queue_directory)
        if receives
        else sending_security(service, instance, configuration, is_there=is_there)
    )
    level = configuration.log_send
    if receives:
        level = configuration.log_services.get(service.key, configuration.log_receive)
    return Connector(
        name=service.key,
        direction="receive" if receives else "send",
        routing=None if receives else _routing(service, configuration, settings),
        fqdn=fqdn,
        certificate=_shown(settings, prefix, fqdn),
        domain_secure=security.is_asked,
        protocol_log=level if security.is_asked else LogLevel.OFF,
        state=security.state,
        detail=security.detail,
        tls=_tls(settings, tls),
    )


def _tls(settings: Mapping[str, str], names: Iterable[str]) -> str:
    """Return what a service does about TLS: its level, or what the older parameters say without one."""
    level, *legacy = (settings.get(name, "").lower() for name in names)
    use, *enforce = legacy
    if "yes" in enforce[1:]:  # TLS from the first octet
        return "required"
    if level:
        return {"none": "none", "may": "offered"}.get(level, "required")
    if enforce[0] == "yes":
        return "required"
    return "offered" if use == "yes" else "none"


def _routing(service: Service, configuration: Configuration, settings: Mapping[str, str]) -> str:
    if service.name == TRANSPORT_SERVICE and configuration.direct:
        return "DNS"
    _, _, nexthop = settings["default_transport"].partition(":")
    if host := nexthop or settings["relayhost"]:
        return f"smart host {host}"
    return "smart host by sender" if settings["sender_dependent_relayhost_maps"] else "DNS"


def _shown(settings: Mapping[str, str], prefix: str, fqdn: str) -> ShownCertificate | None:
    # postconf(5): where there are chain files, the older parameters are not used.
    chains = split_elements(settings[f"{prefix}_chain_files"])
    files = chains or [settings[f"{prefix}_{kind}"] for kind in _KINDS]
    name = next((file for file in files if file not in {"", "none"}), None)
    if name is None:
        return None
    try:
        certificate = _first_certificate(read_limited(Path(name), unattended=True))
    except Problem as problem:
        cause = problem.__cause__
        why = cause.strerror.lower() if isinstance(cause, OSError) and cause.strerror else problem.what
        return ShownCertificate(name, why)
    except MalformedCertificateError as error:
        return ShownCertificate(name, str(error))
    names = names_of(certificate)
    return ShownCertificate(name, None, names, _covers(names, fqdn))


def _first_certificate(content: bytes) -> Certificate:
    return parse(next(encoded_certificates(content)))


def _covers(names: Iterable[str], fqdn: str) -> bool:
    try:
        host = parse_domain(fqdn)
    except InvalidDomainError:
        return False
    return any(names_host(name, host) for name in names)
