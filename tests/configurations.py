"""Configurations for tests, made without a file."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from domain_secure.policy.certificates.trust import ClientPurpose, CommonName, Revocation
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
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.lists import DomainList


def make_configuration(state: Path = Path("/nonexistent"), **changes: Any) -> Configuration:
    """Return the defaults of DESIGN section 5 with two empty lists, and *changes* applied."""
    configuration = Configuration(
        path=Path("/etc/domain-secure/domain-secure.toml"),
        mode=Mode.ENFORCE,
        receive=DomainList(()),
        on_failure=OnFailure.REJECT,
        send=DomainList(()),
        partners={},
        trust=Trust(
            Path("/etc/ssl/certs/ca-certificates.crt"),
            ca_file_is_default=True,
            client_purpose=ClientPurpose.ACCEPT_SERVER,
            revocation=Revocation.PREFER,
            common_name=CommonName.NEVER,
        ),
        inbound=Inbound((), (), True, 5.0, WhenDown.DEFER_ALL, None),
        direct=True,
        config_directory=Path("/etc/postfix"),
        metrics_listen=("127.0.0.1", 9797),
        metrics_access=WebAccess(),
        state=state,
        log_receive=LogLevel.NORMAL,
        log_send=LogLevel.NORMAL,
        milter_socket=None,
        policy_socket=None,
        files=(),
    )
    return replace(configuration, **changes)


def make_partner(entry: str, **changes: Any) -> Partner:
    """Return the default rule of an entry with *changes* applied."""
    return replace(default_partner(Entry(entry), Mode.ENFORCE), **changes)
