"""The daemon's two sockets in the notations of libmilter and of Postfix.

Owns: reading both, so that they can be compared, and what one attached element of a Postfix setting says.
Sources: smfi_setconn(3) for ``unix:/path`` and ``inet:port@host``; MILTER_README and SMTPD_POLICY_README
for ``unix:path``, ``inet:host:port`` and the braces with options of one service.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration

from .lookups import split_elements

SOCKET_FOLDER = "domain-secure"  #: below Postfix's queue directory


@dataclass(frozen=True, slots=True)
class Address:
    """Where a listener is: *path* for a unix socket, *host* and *port* otherwise."""

    path: Path | None
    host: str = ""
    port: str = ""

    def __str__(self) -> str:
        """Return it for a person, in Postfix's notation."""
        return f"inet:{self.host}:{self.port}" if self.path is None else f"unix:{self.path}"


@dataclass(frozen=True, slots=True)
class Attached:
    """One milter or policy service as a Postfix setting names it."""

    endpoint: str  #: as written
    options: Mapping[str, str]  #: ``default_action`` and the like

    def address(self, queue_directory: Path, *, chroot: bool) -> Address:
        """Return where a process of Postfix would connect to."""
        kind, _, rest = self.endpoint.partition(":")
        if kind in {"unix", "local"}:
            # MILTER_README: relative to the queue directory, which is also the root inside the chroot.
            relative = rest.lstrip("/") if chroot else rest
            return Address(queue_directory / relative)
        host, _, port = (rest if kind in {"inet", "inet6"} else self.endpoint).rpartition(":")
        return Address(None, host.strip("[]"), port)


def listener(notation: str) -> Address:
    """Return the address of a listener in libmilter's notation."""
    kind, _, rest = notation.partition(":")
    if kind in {"unix", "local"}:
        return Address(Path(rest))
    port, _, host = rest.partition("@")
    return Address(None, host.strip("[]"), port)


def milter_listener(configuration: Configuration, queue_directory: Path) -> Address:
    """Return where the daemon listens for milter sessions."""
    notation = configuration.milter_socket
    return listener(notation) if notation else Address(queue_directory / SOCKET_FOLDER / "milter")


def policy_listener(configuration: Configuration, queue_directory: Path) -> Address:
    """Return where the daemon listens for policy requests."""
    notation = configuration.policy_socket
    return listener(notation) if notation else Address(queue_directory / SOCKET_FOLDER / "policy")


def attached(element: str) -> Attached:
    """Return what an element says, ``endpoint`` or ``{ endpoint, option=value, … }``."""
    if not element.startswith("{"):
        return Attached(element, {})
    endpoint, *rest = split_elements(element[1:].removesuffix("}")) or [""]
    options = {}
    for option in rest:
        name, _, value = option.removeprefix("{").removesuffix("}").partition("=")
        options[name.strip()] = value.strip()
    return Attached(endpoint, options)


def restrictions(setting: str) -> Iterator[tuple[str, str | None]]:
    """Yield the restrictions of a list, each with the policy service it asks, if it asks one."""
    elements = iter(split_elements(setting))
    for element in elements:
        yield element, next(elements, "") if element == "check_policy_service" else None
