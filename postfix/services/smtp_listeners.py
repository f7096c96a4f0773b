"""Where the smtpd(8) services of an instance listen.

Sources: master(5) for ``[host:]port``; POSTSCREEN_README: postscreen(8) hands its sessions to ``smtpd/pass``;
postconf(5) smtpd_upstream_proxy_protocol, postscreen_upstream_proxy_protocol.
"""

import socket

from domain_secure.policy.terms.smtp_listener import SmtpListener
from domain_secure.postfix.instance.programs import PostfixInstance, Service

BEHIND_POSTSCREEN = "smtpd/pass"
_PROXY_SETTINGS = {
    "smtpd": "smtpd_upstream_proxy_protocol",
    "postscreen": "postscreen_upstream_proxy_protocol",
}


def smtp_listeners(instance: PostfixInstance) -> tuple[SmtpListener, ...]:
    """Return them in the order of master.cf, those behind postscreen(8) where that listens.

    A service whose port has no number is left out: its sessions are at no address that is known.  Raises
    Problem where Postfix cannot be asked.
    """
    found = []
    for service in instance.services():
        if service.type == "inet" and service.program in _PROXY_SETTINGS:
            host, _, port = service.name.rpartition(":")
            if (number := _number(port)) is not None:
                key = service.key if service.program == "smtpd" else BEHIND_POSTSCREEN
                is_behind_proxy = _is_behind_proxy(instance, service)
                found.append(SmtpListener(key, host.strip("[]"), number, is_behind_proxy))
    return tuple(found)


def _is_behind_proxy(instance: PostfixInstance, service: Service) -> bool:
    return bool(instance.service_parameter(service, _PROXY_SETTINGS[service.program], ""))


def _number(port: str) -> int | None:
    if port.isascii() and port.isdecimal():
        return int(port)
    try:
        return socket.getservbyname(port, "tcp")
    except OSError:
        return None
