"""Who this Postfix is when it delivers to a partner, so that a probe looks the same to the other side.

Owns: which settings say so.
Must not know: probes.
Source: postconf(5): smtp_helo_name, smtp_bind_address, smtp_tls_chain_files, smtp_tls_cert_file.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from domain_secure.policy.terms.domain import InvalidDomainError, parse_domain
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE

from .probe import ClientIdentity

_ORIGINAL = "smtp/unix"  #: what delivers to partners before attach has made the dedicated transport
_PARAMETERS = (
    "smtp_bind_address",
    "smtp_bind_address6",
    "smtp_helo_name",
    "smtp_tls_cert_file",
    "smtp_tls_chain_files",
    "smtp_tls_eccert_file",
    "smtp_tls_eckey_file",
    "smtp_tls_key_file",
)
_FRESH_SECONDS = 300.0


def client_identity(instance: PostfixInstance) -> ClientIdentity:
    """Return the identity of the transport that delivers to partners; raises Problem.

    A certificate whose key must not be read by this process is left out: the key belongs to Postfix, and a
    server shows its own certificate to clients without one too, unless it insists.
    """
    service = instance.service(f"{TRANSPORT_SERVICE}/unix") or instance.service(_ORIGINAL)
    if service is None:
        values = instance.parameters(*_PARAMETERS)
    else:
        values = instance.service_parameters(service, *_PARAMETERS)
    certificate, key = _files(values)
    readable = certificate and key and os.access(certificate, os.R_OK) and os.access(key, os.R_OK)
    return ClientIdentity(
        helo=_host_name(values.get("smtp_helo_name", "")),
        certificate_file=Path(certificate) if readable else None,
        key_file=Path(key) if readable else None,
        ipv4_source=values.get("smtp_bind_address") or None,
        ipv6_source=values.get("smtp_bind_address6") or None,
    )


class CurrentIdentity:
    """Calls to it return the present identity, at most five minutes old; raises nothing."""

    def __init__(self, instance: Callable[[], PostfixInstance]) -> None:
        self._instance = instance
        self._lock = threading.Lock()
        self._known: tuple[float, ClientIdentity] | None = None

    def __call__(self) -> ClientIdentity:
        """Return the identity; while Postfix cannot be asked that is the machine's name alone."""
        with self._lock:
            if self._known is None or time.monotonic() - self._known[0] > _FRESH_SECONDS:
                try:
                    identity = client_identity(self._instance())
                except Problem:
                    identity = ClientIdentity(_host_name(""))
                self._known = (time.monotonic(), identity)
            return self._known[1]


def _files(values: dict[str, str]) -> tuple[str, str]:
    """Return the files of certificate and key, as Postfix prefers them; empty where there are none."""
    if chain_files := values.get("smtp_tls_chain_files", "").replace(",", " ").split():
        return chain_files[0], chain_files[0]
    for kind in ("", "ec"):
        if certificate := values.get(f"smtp_tls_{kind}cert_file"):
            return certificate, values.get(f"smtp_tls_{kind}key_file") or certificate
    return "", ""


def _host_name(text: str) -> str:
    for name in (text, socket.gethostname()):
        try:
            return parse_domain(name)
        except InvalidDomainError:
            continue
    return "localhost"
