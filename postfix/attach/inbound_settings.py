"""The inbound half of attach: what a service of smtpd(8) needs so that we see its sessions and are obeyed.

Owns: the ``-o`` options of that service, the clone of cleanup(8), and the reasons to refuse.
Must not know: files; it is asked with an instance whose configuration has nothing of ours in it.
Sources: postconf(5), MILTER_README, SMTPD_POLICY_README, TLS_README, and what was measured with Postfix 3.7.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.endpoints import Address, milter_listener, policy_listener
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.programs import PostfixInstance, Service

from .attach_signs import CLEANUP_SERVICE, Signs, normal
from .client_certificates import RESTRICTION_PARAMETERS, Asleep, keep_asleep
from .unmarked import Unmarked, filters, is_of_this_host, plan_unmarked

CERTIFICATE_PARAMETERS = (
    "smtpd_tls_chain_files",
    "smtpd_tls_cert_file",
    "smtpd_tls_eccert_file",
    "smtpd_tls_dcert_file",
)
FINGERPRINT_RESTRICTIONS = {"check_ccert_access", "permit_tls_clientcerts"}
COPIED_PARAMETERS = ("smtpd_milters", "smtpd_data_restrictions")

FORBID_BARE_NEWLINE = "smtpd_forbid_bare_newline"
PERMITTING_BARE_NEWLINE = frozenset({"no", "note"})
REPLACE_STRAY = "cleanup_replace_stray_cr_lf"

_THIS_HOST = ip_address("127.0.0.1")

CONNECT_TIMEOUT = 10  #: seconds; the socket is on this host
COMMAND_TIMEOUT = 30  #: seconds; nothing that is answered before the content waits for anybody
# An unknown certificate is waited for up to probe_timeout before the end of the message is answered.  Were
# Postfix to give up first, the sender would read Postfix's words instead of our reason.
CONTENT_MARGIN = 25  #: seconds
POLICY_TIMEOUT = 10  #: seconds


@dataclass(frozen=True, slots=True)
class InboundPlan:
    """What master.cf is to get."""

    options: Mapping[str, Mapping[str, str]]  #: by service
    cleanup_options: Mapping[str, str]  #: of the clone of cleanup(8); empty where none is needed
    endpoints: tuple[str, ...]  #: in Postfix's notation, to be known again
    #: What acts on client certificates and is kept from it, by service.
    asleep: Mapping[str, Asleep] = field(default_factory=dict)
    unmarked: Unmarked = field(default_factory=Unmarked)  #: of the other ways in

    @property
    def all_options(self) -> dict[str, Mapping[str, str]]:
        """Return what every service gets, those among them that are new."""
        clones = {f"{name}/unix": clone.options for name, clone in self.unmarked.clones.items()}
        if self.cleanup_options:
            clones[f"{CLEANUP_SERVICE}/unix"] = self.cleanup_options
        return {**self.options, **self.unmarked.options, **clones}

    @property
    def signs(self) -> Signs:
        """Return by what it is known again."""
        copied = [
            options[name]
            for key, options in self.options.items()
            for name in (*COPIED_PARAMETERS, *self.asleep.get(key, Asleep()).options)
            if name in options
        ]
        return Signs(endpoints=frozenset(self.endpoints), values=frozenset(map(normal, copied)))


def plan_inbound(configuration: Configuration, instance: PostfixInstance, keys: Sequence[str]) -> InboundPlan:
    """Return what the services *keys* need, by default that of port 25; raises Problem for what cannot be."""
    services = {service.key: service for service in instance.services()}
    options: dict[str, dict[str, str]] = {}
    endpoints: list[str] = []
    asleep: dict[str, Asleep] = {}
    cleanup = _cleanup_options(instance, services)
    for key in keys or default_services(services):
        service = _smtpd(services, key)
        _refuse_given_back(configuration, instance, service, services)
        _refuse_unsafe(instance, service)
        listeners = _endpoints(configuration, instance, service)
        endpoints += listeners
        asleep[key] = keep_asleep(instance, service)
        options[key] = {
            **_options(configuration, instance, service, listeners, asleep[key]),
            **_line_ends(instance, service),
        }
        if cleanup and instance.service_parameter(service, "cleanup_service_name") == "cleanup":
            options[key]["cleanup_service_name"] = CLEANUP_SERVICE
    unmarked = plan_unmarked(configuration, instance, options)
    return InboundPlan(options, cleanup, tuple(dict.fromkeys(endpoints)), asleep, unmarked)


def default_services(services: Mapping[str, Service]) -> tuple[str, ...]:
    """Return the services that take mail from other organisations on port 25."""
    front = services.get("smtp/inet")
    # POSTSCREEN_README: postscreen(8) takes the connection, and hands it to the smtpd(8) behind smtpd/pass.
    return ("smtpd/pass",) if front is not None and front.program == "postscreen" else ("smtp/inet",)


def _smtpd(services: Mapping[str, Service], key: str) -> Service:
    service = services.get(key)
    if service is not None and service.program == "smtpd":
        return service
    those = [other.key for other in services.values() if other.program == "smtpd"]
    fix = f"name one with --service: {', '.join(those)}" if those else "add a service that runs smtpd"
    what = f"there is no service {key}" if service is None else f"{key} runs {service.program}, not smtpd"
    raise Problem(what, "master.cf", fix)


def _refuse_given_back(
    configuration: Configuration,
    instance: PostfixInstance,
    service: Service,
    services: Mapping[str, Service],
) -> None:
    """Refuse a service by which a filter gives mail back, which we have let in once."""
    if not is_of_this_host(service) or trusts_this_host(configuration):
        return
    if (taking := next(filters(instance, services.values()), None)) is not None:
        raise Problem(
            f"the filter {taking} may give mail back by it, without TLS: listed mail that was let in would "
            "be refused there, and returned to its sender",
            service.key,
            "leave it out, for its mail was judged when it came; attached it can only be with 127.0.0.1 in "
            "[inbound] trusted_relays",
        )


def trusts_this_host(configuration: Configuration) -> bool:
    """Tell whether what this host gives back is let in, with the marks it has."""
    return any(_THIS_HOST in network for network in configuration.inbound.trusted_relays)


def _refuse_unsafe(instance: PostfixInstance, service: Service) -> None:
    values = instance.service_parameters(
        service,
        *CERTIFICATE_PARAMETERS,
        "smtpd_tls_security_level",
        "smtpd_use_tls",
        "smtpd_enforce_tls",
        "smtpd_tls_wrappermode",
        "receive_override_options",
        "smtpd_milter_maps",
        "smtpd_proxy_filter",
    )
    where = f"{service.key}: "
    legacy = ("smtpd_use_tls", "smtpd_enforce_tls", "smtpd_tls_wrappermode")
    if values["smtpd_tls_security_level"] in {"", "none"} and not any(
        values[name] == "yes" for name in legacy
    ):
        raise Problem(
            "STARTTLS is not offered, so that nobody can prove who they are",
            f"{where}smtpd_tls_security_level",
            "set smtpd_tls_security_level = may",
        )
    files = [
        file for name in CERTIFICATE_PARAMETERS for file in split_elements(values[name]) if file != "none"
    ]
    if not files:
        raise Problem(
            "there is no server certificate, and without one Postfix asks no client for theirs",
            f"{where}smtpd_tls_chain_files",
            "set smtpd_tls_chain_files to a key and its certificate chain",
        )
    if missing := [file for file in files if not Path(file).exists()]:
        raise Problem(
            "the server certificate is missing", f"{where}{missing[0]}", "put it there, or name another file"
        )
    if "no_milters" in split_elements(values["receive_override_options"]):
        raise Problem(
            "no_milters keeps every milter out",
            f"{where}receive_override_options",
            "take no_milters out of it",
        )
    if values["smtpd_milter_maps"]:
        raise Problem(
            "for some clients other milters would be asked instead of ours",
            f"{where}smtpd_milter_maps",
            "empty it for this service, with -o smtpd_milter_maps= in master.cf",
        )
    if values["smtpd_proxy_filter"]:
        raise Problem(
            "a filter before the queue hides the queue id, by which both views of a session are joined",
            f"{where}smtpd_proxy_filter",
            "filter with content_filter or a milter instead",
        )


def _endpoints(configuration: Configuration, instance: PostfixInstance, service: Service) -> tuple[str, str]:
    """Return the listeners of milter and policy service as a process of *service* reaches them."""
    queue = instance.queue_directory
    listeners = (milter_listener(configuration, queue), policy_listener(configuration, queue))
    milter, policy = (_endpoint(address, queue, service) for address in listeners)
    return milter, policy


def _endpoint(address: Address, queue: Path, service: Service) -> str:
    if address.path is None:
        host = f"[{address.host}]" if ":" in address.host else address.host or "127.0.0.1"
        return f"inet:{host}:{address.port}"
    if address.path.is_relative_to(queue):
        return f"unix:{address.path.relative_to(queue)}"
    if not service.chroot:
        return f"unix:{address.path}"
    raise Problem(
        f"the socket cannot be reached from the chroot of {service.key}, {queue}",
        f"socket = unix:{address.path}",
        "take socket out of [milter] and [policy_service], or name a path below that folder",
    )


def _options(
    configuration: Configuration,
    instance: PostfixInstance,
    service: Service,
    endpoints: tuple[str, str],
    asleep: Asleep,
) -> dict[str, str]:
    milter, policy = endpoints
    present = {
        name: asleep.options.get(name) or instance.service_unexpanded(service, name)
        for name in COPIED_PARAMETERS
    }
    for name in COPIED_PARAMETERS:
        if any(endpoint in present[name] for endpoint in endpoints):
            raise Problem(
                "the daemon is named there already, and would be asked twice",
                f"main.cf or {service.key}: {name}",
                "take it out; attach adds it",
            )
    content_timeout = math.ceil(configuration.inbound.probe_timeout) + CONTENT_MARGIN
    # The policy service only lends its eyes; the milter decides.  DUNNO is safe: without what the policy
    # service saw, the milter defers mail of listed domains, and of those only.
    options = {
        **asleep.options,
        "smtpd_milters": _listed(
            f"{{ {milter}, default_action=tempfail, connect_timeout={CONNECT_TIMEOUT}s, "
            f"command_timeout={COMMAND_TIMEOUT}s, content_timeout={content_timeout}s }}",
            present["smtpd_milters"],
        ),
        "smtpd_data_restrictions": _listed(
            f"check_policy_service {{ {policy}, timeout={POLICY_TIMEOUT}s, default_action=DUNNO }}",
            present["smtpd_data_restrictions"],
        ),
        "smtpd_tls_ask_ccert": "yes",
    }
    if _digest_must_change(instance, service):
        options["smtpd_tls_fingerprint_digest"] = "sha256"
    return options


def _line_ends(instance: PostfixInstance, service: Service) -> dict[str, str]:
    """Return what lets no more than CRLF . CRLF end a message, where this Postfix knows how.

    Others would let a partner's server be made to send a second message, in its own session.
    """
    value = instance.service_parameters(service, FORBID_BARE_NEWLINE).get(FORBID_BARE_NEWLINE, "yes")
    # Every release that knows the parameter knows this value of it.
    return {FORBID_BARE_NEWLINE: "yes"} if value.lower() in PERMITTING_BARE_NEWLINE else {}


def _listed(ours: str, present: str) -> str:
    return f"{ours}, {present}" if present.strip() else ours


def _digest_must_change(instance: PostfixInstance, service: Service) -> bool:
    """Tell whether fingerprints must become SHA-256; raises Problem where tables are keyed by them."""
    digest = instance.service_parameter(service, "smtpd_tls_fingerprint_digest")
    if digest.lower() == "sha256":
        return False
    if used := next(_fingerprint_restrictions(instance, service), None):
        raise Problem(
            f"{used} looks up {digest} fingerprints, and the pins need sha256",
            f"{service.key}: smtpd_tls_fingerprint_digest",
            "rewrite the table with sha256 fingerprints, and set smtpd_tls_fingerprint_digest = sha256",
        )
    return True


def _fingerprint_restrictions(instance: PostfixInstance, service: Service) -> Iterator[str]:
    classes = split_elements(instance.service_parameter(service, "smtpd_restriction_classes"))
    values = instance.service_parameters(service, *RESTRICTION_PARAMETERS, *classes)
    for name, value in values.items():
        for word in re.split(r"[\s,{}]+", value):
            if word in FINGERPRINT_RESTRICTIONS:
                yield f"{word} in {name}"


def _cleanup_options(instance: PostfixInstance, services: Mapping[str, Service]) -> dict[str, str]:
    """Return what makes a cleanup(8) leave no lone CR, where it does."""
    cleanup = services.get("cleanup/unix")
    if cleanup is None or instance.service_parameters(cleanup, REPLACE_STRAY).get(REPLACE_STRAY) != "no":
        return {}
    # A reader may take a lone carriage return for the end of a line, and what follows for a field.
    return {REPLACE_STRAY: "yes"}
