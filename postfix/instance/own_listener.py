"""Where this machine reaches its own smtpd of port 25.

Sources: master(5) for ``[host:]port``; postconf(5) inet_interfaces.
"""

from .programs import PostfixInstance, is_port_25

_SMTP_PORT = 25
_EVERYWHERE = frozenset({"all", "loopback-only"})


def own_listener(instance: PostfixInstance) -> tuple[str, int] | None:
    """Return address and port, None where nothing listens on port 25; raises Problem."""
    for service in instance.services():
        if service.type != "inet" or not is_port_25(service.name):
            continue
        host = service.name.rpartition(":")[0].strip("[]")
        return host or _interface(instance.parameter("inet_interfaces")), _SMTP_PORT
    return None


def _interface(setting: str) -> str:
    names = setting.replace(",", " ").split()
    if not names or _EVERYWHERE & set(names):
        return "127.0.0.1"
    local = [name for name in names if name.startswith("127.") or name in {"localhost", "[::1]", "::1"}]
    return (local or names)[0].strip("[]")
