"""The ways in by which nobody proves who he is: mail of our own users and programs arrives without marks.

Owns: which services are such ways, the clones of cleanup(8) that take marks off there, why one is left out.
Must not know: files; it is asked with an instance whose configuration has nothing of ours in it.

cleanup(8) takes the marks off by itself, so that no mail waits for our daemon there, and no mark passes while
it is away.  Its clone has what the administrator set for header fields behind ours: the first table that
knows a field decides.
Sources: postconf(5), header_checks(5), regexp_table(5), FILTER_README, pickup(8), qmqpd(8), smtpd(8).
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.programs import PostfixInstance, Service

from .attach_signs import UNMARKED_SERVICE

OVERRIDES = "receive_override_options"
NO_CHECKS = "no_header_body_checks"
TRUSTED = "trusted_services names it"
THIS_HOST = "only this host reaches it, and filters give mail back by such a service"
USERS_PORTS = frozenset({"submission", "submissions", "smtps", "587", "465"})
_PROGRAMS = frozenset({"smtpd", "pickup", "qmqpd"})
_BY_COMMAND = frozenset({"pipe", "spawn"})  #: a transport of these may give mail back by sendmail(1)
_SUBORDINATE = ("mime_header_checks", "nested_header_checks")  #: are $header_checks where nobody sets them
_REFERENCE = re.compile(r"\$(?:header_checks\b|\(header_checks\)|\{header_checks\})")

# What a lenient reader passes over between letters, and what he may read as any letter: see policy's marks.
_PASSED_OVER = r"[^[:alnum:]]*(\([^()]*\)[^[:alnum:]]*)*"
_METHOD = _PASSED_OVER.join(f"({letter}|[^[:print:][:space:]]+)" for letter in "xdomainsecure")
#: The table by which cleanup(8) takes both fields off; regexp_table(5) folds case.
MARKS_OFF = (
    "regexp:{ { /^X-Domain-Secure[[:space:]]*:/ IGNORE }, "
    f"{{ /^Authentication-Results[[:space:]]*:.*{_METHOD}/ IGNORE }} }}"
)


@dataclass(frozen=True, slots=True)
class Clone:
    """One cleanup(8) that takes marks off."""

    original: str  #: ``name/type`` of the one that is cloned
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Unmarked:
    """What master.cf is to get so that these ways in bring no marks."""

    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  #: by service
    clones: Mapping[str, Clone] = field(default_factory=dict)  #: by name


def plan_unmarked(
    configuration: Configuration, instance: PostfixInstance, attached: Collection[str]
) -> Unmarked:
    """Return what the ways in need that are not *attached*; those that are left out need nothing."""
    services = {service.key: service for service in instance.services()}
    left = left_out(configuration, instance, attached)
    options: dict[str, dict[str, str]] = {}
    clones: dict[str, Clone] = {}
    names: dict[tuple[str, bool], str] = {}
    for service in ways_in(services.values()):
        if service.key in attached or service.key in left:
            continue
        values = instance.service_parameters(service, "cleanup_service_name", OVERRIDES)
        original = services[f"{values['cleanup_service_name']}/unix"]
        overrides = split_elements(values[OVERRIDES])
        checks = NO_CHECKS not in overrides
        number = len(names) + 1
        suffix = f"-{number}" if number > 1 else ""
        name = names.setdefault((original.key, checks), f"{UNMARKED_SERVICE}{suffix}")
        clones.setdefault(name, Clone(original.key, _cleanup_options(instance, original, checks=checks)))
        options[service.key] = {"cleanup_service_name": name}
        if not checks:
            # The comma in front, which says nothing to Postfix, is by what it is known for ours.
            kept = [one for one in overrides if one != NO_CHECKS]
            options[service.key][OVERRIDES] = "," + ",".join(kept)
    return Unmarked(options, clones)


def ways_in(services: Collection[Service]) -> Iterator[Service]:
    """Yield the services by which mail gets into the queue from outside of Postfix."""
    behind_postscreen = any(service.program == "postscreen" for service in services)
    for service in services:
        if service.program in _PROGRAMS and (service.type != "pass" or behind_postscreen):
            yield service


def left_out(
    configuration: Configuration, instance: PostfixInstance, attached: Collection[str]
) -> dict[str, str]:
    """Return the ways in, other than those *attached*, whose marks stay, each with the reason."""
    services = {service.key: service for service in instance.services()}
    surroundings = _surroundings(configuration, instance, services)
    return {
        service.key: why
        for service in ways_in(services.values())
        if service.key not in attached
        and (why := _why_left(configuration, instance, service, surroundings)) is not None
    }


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What may bring mail that has marks of ours."""

    services: Collection[str]
    filter: str | None  #: the first filter there is
    by_command: str | None  #: the first filter that is a program
    has_relays: bool


def _surroundings(
    configuration: Configuration, instance: PostfixInstance, services: Mapping[str, Service]
) -> _Surroundings:
    programs = {service.name: service.program for service in services.values() if service.type == "unix"}
    taking = list(filters(instance, services.values()))
    by_command = (one for one in taking if programs.get(one.partition(":")[0]) in _BY_COMMAND)
    inbound = configuration.inbound
    relays = bool(inbound.trusted_relays or inbound.trusted_relay_certificates)
    return _Surroundings(services.keys(), next(iter(taking), None), next(by_command, None), relays)


def _why_left(
    configuration: Configuration, instance: PostfixInstance, service: Service, surroundings: _Surroundings
) -> str | None:
    """Return why marks stay on what *service* takes in; None: they go."""
    values = instance.service_parameters(service, "cleanup_service_name", "smtpd_proxy_filter")
    if service.key in configuration.inbound.trusted_services:
        return TRUSTED
    if f"{values['cleanup_service_name']}/unix" not in surroundings.services:
        return f"master.cf has no {values['cleanup_service_name']}/unix, which it names"
    if service.program == "smtpd":
        if values["smtpd_proxy_filter"]:
            return "smtpd_proxy_filter takes its mail, and gives it back by another service"
        return None if is_of_users(service) else _why_smtpd_left(service, surroundings)
    if service.program == "pickup" and surroundings.by_command:
        return f"the filter {surroundings.by_command} may give mail back by it, marks and all"
    return None


def _why_smtpd_left(service: Service, surroundings: _Surroundings) -> str | None:
    if is_of_this_host(service):
        return THIS_HOST
    if surroundings.filter:
        return f"the filter {surroundings.filter} may give mail back by it, marks and all"
    return "a trusted relay may bring its mail by it" if surroundings.has_relays else None


def is_of_users(service: Service) -> bool:
    """Tell whether an inet service listens where users hand in their mail (RFC 6409, RFC 8314)."""
    return service.type == "inet" and service.name.rpartition(":")[2] in USERS_PORTS


def is_of_this_host(service: Service) -> bool:
    """Tell whether only this host reaches a service of smtpd(8)."""
    if service.type not in {"inet", "pass"}:
        return True
    host = service.name.rpartition(":")[0].strip("[]").lower()
    return host.startswith(("127.", "localhost", "::1"))


def filters(instance: PostfixInstance, services: Collection[Service]) -> Iterator[str]:
    """Yield what takes mail from the ways in among *services* before it is delivered."""
    for service in ways_in(services):
        values = instance.service_parameters(service, "content_filter", "smtpd_proxy_filter")
        if values["content_filter"]:
            yield values["content_filter"]
        if service.program == "smtpd" and values["smtpd_proxy_filter"]:
            yield f"smtp:{values['smtpd_proxy_filter']}"


def _cleanup_options(instance: PostfixInstance, original: Service, *, checks: bool) -> dict[str, str]:
    """Return what a clone of *original* gets; without *checks* nobody's else are made, as before."""
    own = instance.service_unexpanded(original, "header_checks").strip() if checks else ""
    options = {"header_checks": f"{MARKS_OFF}, {own}" if own else MARKS_OFF}
    for name in _SUBORDINATE:
        value = instance.service_unexpanded(original, name)
        if not checks:
            options[name] = ""
        elif _REFERENCE.search(value):
            options[name] = _REFERENCE.sub(lambda _: own, value)
    if not checks:
        options["body_checks"] = ""
    return options
