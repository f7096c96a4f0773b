"""One socket in two notations."""

from pathlib import Path

import pytest
from configurations import make_configuration

from domain_secure.postfix.instance.endpoints import (
    Address,
    attached,
    listener,
    milter_listener,
    policy_listener,
    restrictions,
)

QUEUE = Path("/var/spool/postfix")
TCP = Address(None, "127.0.0.1", "8891")


@pytest.mark.parametrize(
    ("element", "chroot", "address"),
    [
        ("unix:domain-secure/milter", True, Address(QUEUE / "domain-secure/milter")),
        ("unix:domain-secure/milter", False, Address(QUEUE / "domain-secure/milter")),
        ("local:domain-secure/milter", True, Address(QUEUE / "domain-secure/milter")),
        ("unix:/run/milter", False, Address(Path("/run/milter"))),
        ("unix:/run/milter", True, Address(QUEUE / "run/milter")),
        ("{ unix:x, default_action=accept }", True, Address(QUEUE / "x")),
        ("inet:127.0.0.1:8891", True, TCP),
        ("127.0.0.1:8891", True, TCP),
        ("inet:[::1]:8891", True, Address(None, "::1", "8891")),
    ],
)
def test_where_postfix_connects(element: str, chroot: bool, address: Address) -> None:
    """A path is below the queue directory when it is relative, and always so inside the chroot."""
    assert attached(element).address(QUEUE, chroot=chroot) == address


@pytest.mark.parametrize(
    ("notation", "address"),
    [
        ("unix:/run/milter", Address(Path("/run/milter"))),
        ("inet:8891@127.0.0.1", TCP),
        ("inet6:8891@[::1]", Address(None, "::1", "8891")),
    ],
)
def test_where_the_daemon_listens(notation: str, address: Address) -> None:
    """libmilter writes the port first."""
    assert listener(notation) == address


def test_the_default_sockets() -> None:
    """Unless configured, both are below the queue directory."""
    assert milter_listener(make_configuration(), QUEUE) == Address(QUEUE / "domain-secure/milter")
    assert policy_listener(make_configuration(policy_socket="unix:/p"), QUEUE) == Address(Path("/p"))


def test_options_of_an_element() -> None:
    """An option's value may have blanks, in braces of its own."""
    element = "{ unix:p, timeout=10s, {default_action=451 4.3.5 try later} }"
    assert attached(element).options == {"timeout": "10s", "default_action": "451 4.3.5 try later"}


def test_restrictions() -> None:
    """A policy service belongs to the word before it."""
    value = "reject_unauth_pipelining, check_policy_service { unix:p, timeout=1s }, permit"
    assert list(restrictions(value)) == [
        ("reject_unauth_pipelining", None),
        ("check_policy_service", "{ unix:p, timeout=1s }"),
        ("permit", None),
    ]
