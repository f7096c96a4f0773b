"""Where this machine reaches its own smtpd of port 25.

Sources: master(5) for ``[host:]port``; postconf(5) inet_interfaces, smtpd_upstream_proxy_protocol,
postscreen_upstream_proxy_protocol.
"""

from dataclasses import dataclass

from .programs import PostfixInstance, Service, is_port_25

_SMTP_PORT = 25
_EVERYWHERE = frozenset({"all", "loopback-only"})
_PROXY_SETTING = {
    "smtpd": "smtpd_upstream_proxy_protocol",
    "postscreen": "postscreen_upstream_proxy_protocol",
}


@dataclass(frozen=True, slots=True)
class OwnListener:
    """The first service of port 25."""

    address: str
    port: int
    service: str  #: as in master.cf, ``name/type``
    is_behind_proxy: bool = False  #: it wants to hear the PROXY protocol first
    others: tuple[str, ...] = ()  #: further services of port 25

    def __str__(self) -> str:
        """Return it for a person."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.service} at {host}:{self.port}"


def own_listener(instance: PostfixInstance) -> OwnListener | None:
    """Return where to connect to, None where nothing listens on port 25; raises Problem."""
    services = [one for one in instance.services() if one.type == "inet" and is_port_25(one.name)]
    if not services:
        return None
    first, *others = services
    host = first.name.rpartition(":")[0].strip("[]")
    return OwnListener(
        host or _interface(instance.parameter("inet_interfaces")),
        _SMTP_PORT,
        first.key,
        _is_behind_proxy(instance, first),
        tuple(one.key for one in others),
    )


def _is_behind_proxy(instance: PostfixInstance, service: Service) -> bool:
    setting = _PROXY_SETTING.get(service.program)
    return setting is not None and bool(instance.service_parameter(service, setting, ""))


def _interface(setting: str) -> str:
    names = setting.replace(",", " ").split()
    if not names or _EVERYWHERE & set(names):
        return "127.0.0.1"
    local = [name for name in names if name.startswith("127.") or name in {"localhost", "[::1]", "::1"}]
    return (local or names)[0].strip("[]")
