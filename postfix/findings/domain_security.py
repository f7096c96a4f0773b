"""Whether domain security is on at one service of Postfix, by what that service's own settings say.

Owns: what has to be there for ``on``, and what a service that has a part of it is called.
Must not know: what attach wrote; an administrator may have written the same by hand.
Sources: MILTER_README and SMTPD_POLICY_README; postconf(5) for each parameter.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.postfix.instance.endpoints import (
    attached,
    milter_listener,
    policy_listener,
    restrictions,
)
from domain_secure.postfix.instance.lookups import split_elements
from domain_secure.postfix.instance.programs import PostfixInstance, Service
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE, Table, table_path

#: What is asked of a service, by direction.
RECEIVING = (
    "smtpd_milters",
    "smtpd_data_restrictions",
    "smtpd_tls_ask_ccert",
    "smtpd_milter_maps",
    "receive_override_options",
)
SENDING = ()
_TABLES = {
    "smtp_tls_policy_maps": Table.TLS_POLICY,
    "transport_maps": Table.TRANSPORT,
}


@unique
class State(StrEnum):
    """How far domain security is on."""

    ON = "on"
    OFF = "off"
    PARTLY = "partly"  #: some of what it takes is there, and some is not
    UNKNOWN = "unknown"  #: what the files say may not be what Postfix does


@dataclass(frozen=True, slots=True)
class Security:
    """What was found at one service."""

    state: State
    detail: str | None = None
    is_asked: bool = False  #: the daemon is asked there, or the transport is there


def receiving_security(
    service: Service, settings: Mapping[str, str], configuration: Configuration, queue_directory: Path
) -> Security:
    """Return it for a service of smtpd(8), by its expanded *settings* of `RECEIVING`."""
    milter, policy = (
        milter_listener(configuration, queue_directory),
        policy_listener(configuration, queue_directory),
    )
    asks_milter = any(
        attached(one).address(queue_directory, chroot=service.chroot) == milter
        for one in split_elements(settings["smtpd_milters"])
    )
    asks_policy = any(
        attached(one).address(queue_directory, chroot=service.chroot) == policy
        for _, one in restrictions(settings["smtpd_data_restrictions"])
        if one
    )
    if not asks_milter and not asks_policy:
        return Security(State.OFF)
    missing = list(_missing(settings, asks_milter=asks_milter, asks_policy=asks_policy))
    state = State.PARTLY if missing else State.ON
    return Security(state, ", ".join(missing) or None, is_asked=asks_milter)


def _missing(settings: Mapping[str, str], *, asks_milter: bool, asks_policy: bool) -> Iterator[str]:
    if not asks_milter:
        yield "smtpd_milters does not name the daemon"
    if not asks_policy:
        yield "smtpd_data_restrictions does not ask the daemon"
    if settings["smtpd_tls_ask_ccert"] != "yes":
        yield "smtpd_tls_ask_ccert is no"
    if settings.get("smtpd_milter_maps"):
        yield "smtpd_milter_maps lets some clients pass by the daemon"
    if "no_milters" in split_elements(settings["receive_override_options"]):
        yield "receive_override_options has no_milters"


def sending_security(
    service: Service, instance: PostfixInstance, configuration: Configuration, *, is_there: bool
) -> Security:
    """Return it for a service of smtp(8): only the dedicated transport can have it.

    *is_there*: master.cf has the service.
    """
    if service.name != TRANSPORT_SERVICE:
        return Security(State.OFF, f"listed domains leave by {TRANSPORT_SERVICE}/unix")
    missing = list(_missing_tables(instance, configuration))
    if not is_there:
        if len(missing) == len(_wanted(configuration)):
            return Security(State.OFF, "there is no such transport; attach makes it")
        return Security(State.PARTLY, "tables are named, and there is no such transport")
    if missing:
        return Security(State.PARTLY, f"{', '.join(missing)} does not name our table", is_asked=True)
    return Security(State.ON, is_asked=True)


def _wanted(configuration: Configuration) -> dict[str, Table]:
    """Return the tables that have to be named, by parameter; without `direct` nothing is routed."""
    routes = configuration.direct
    return {name: table for name, table in _TABLES.items() if routes or table is Table.TLS_POLICY}


def _missing_tables(instance: PostfixInstance, configuration: Configuration) -> Iterator[str]:
    wanted = _wanted(configuration)
    found = instance.parameters(*wanted)
    for name, table in wanted.items():
        path = str(table_path(configuration.state, table))
        named = [one.partition(":")[2] for one in split_elements(found.get(name, ""))]
        if path not in named:
            yield name
