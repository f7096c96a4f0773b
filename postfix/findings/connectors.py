"""The connectors of one instance: each smtpd service that takes mail, each smtp transport that gives it away.

Owns: what an administrator compares: routing, host name, certificate, domain security, protocol log level.
Must not judge: whether that is right is the doctor's part.
Sources: master(5), postconf(5); the columns are those that Exchange shows of its connectors.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.certificates.certificate_file import encoded_certificates
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.certificates.presented_names import names_host, names_of
from domain_secure.policy.configuration.configuration import Configuration, LogLevel
from domain_secure.policy.own.certificate_path import read_limited
from domain_secure.policy.terms.domain import InvalidDomainError, parse_domain
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.endpoints import attached, milter_listener
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.programs import PostfixInstance, Service
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE

_PREFIXES = {"smtpd": "smtpd_tls", "smtp": "smtp_tls"}
_KINDS = ("cert_file", "eccert_file", "dcert_file")
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


def connectors_of(configuration: Configuration, instance: PostfixInstance) -> tuple[Connector, ...]:
    """Return the instance's connectors in the order of master.cf; raises Problem where it cannot be asked."""
    queue_directory = instance.queue_directory
    return tuple(
        _connector(service, configuration, instance, queue_directory)
        for service in instance.services()
        if service.program in _PREFIXES
    )


def _connector(
    service: Service, configuration: Configuration, instance: PostfixInstance, queue_directory: Path
) -> Connector:
    receives = service.program == "smtpd"
    prefix = _PREFIXES[service.program]
    host_parameter = "myhostname" if receives else "smtp_helo_name"
    files = [f"{prefix}_{kind}" for kind in ("chain_files", *_KINDS)]
    settings = instance.service_parameters(service, host_parameter, *files, *_SMART_HOSTS)
    fqdn = settings[host_parameter]
    secured = (
        _asks_the_daemon(service, configuration, queue_directory)
        if receives
        else service.name == TRANSPORT_SERVICE
    )
    level = configuration.log_receive if receives else configuration.log_send
    return Connector(
        name=service.key,
        direction="receive" if receives else "send",
        routing=None if receives else _routing(service, configuration, settings),
        fqdn=fqdn,
        certificate=_shown(settings, prefix, fqdn),
        domain_secure=secured,
        protocol_log=level if secured else LogLevel.OFF,
    )


def _asks_the_daemon(service: Service, configuration: Configuration, queue_directory: Path) -> bool:
    listener = milter_listener(configuration, queue_directory)
    milters = split_elements(service.overrides.get("smtpd_milters", ""))
    return any(
        attached(milter).address(queue_directory, chroot=service.chroot) == listener for milter in milters
    )


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
