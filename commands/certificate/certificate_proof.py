"""The proof that what was enabled is shown: a handshake with our own port 25, and the way back without one.

Sources: RFC 3207; postconf(5) smtpd_tls_chain_files: what cannot be loaded costs all sessions their TLS.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.own.enabled_certificates import Role
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.attach.certificate_settings import services_showing
from domain_secure.postfix.instance.own_listener import own_listener
from domain_secure.postfix.instance.programs import PostfixInstance, is_port_25
from domain_secure.postfix.probe.probe import ClientIdentity, ProbeTarget, probe

_SECONDS = 15.0  #: postscreen(8) lets a client wait for six
_PAUSE_SECONDS = 0.2  #: between two looks, while processes with the former files come to their end
_NO_TLS = frozenset({"", "none"})


@dataclass(frozen=True, slots=True)
class Proof:
    """What a handshake showed; nothing is said where none was to be made."""

    why_not: str | None = None  #: why none can be made, which is no fault
    fault: str | None = None  #: why a client is not shown the certificate


def prove(instance: PostfixInstance, file: Path, certificate: Certificate) -> Proof:
    """Look whether a client at port 25 is shown *certificate*, which is in *file*; raises Problem."""
    if (why_not := _why_not(instance, file)) is not None:
        return Proof(why_not=why_not)
    return Proof(fault=_fault(instance, certificate))


def _why_not(instance: PostfixInstance, file: Path) -> str | None:
    if not instance.is_running:
        return "Postfix does not run"
    services = {one.key: one for one in instance.services()}
    shown = services_showing(instance, {Role.SERVER: file})[Role.SERVER]
    at_the_door = [services[key] for key in shown if key == "smtpd/pass" or is_port_25(services[key].name)]
    if not at_the_door or own_listener(instance) is None:
        return "no service on port 25 shows it"
    names = ("smtpd_tls_security_level", "smtpd_use_tls", "smtpd_enforce_tls")
    values = instance.service_parameters(at_the_door[0], *names)
    is_offered = values[names[0]] not in _NO_TLS or "yes" in (values[names[1]], values[names[2]])
    return None if is_offered else "STARTTLS is not offered"


def _fault(instance: PostfixInstance, certificate: Certificate) -> str | None:
    listener = own_listener(instance)
    if listener is None:
        return "nothing listens on port 25"
    target = ProbeTarget(listener[0], port=listener[1])
    identity = ClientIdentity(instance.parameter("myhostname"))
    deadline = time.monotonic() + _SECONDS
    while True:
        result = probe(target, identity)
        if result.failure is None and result.chain[:1] == (certificate,):
            return None
        if time.monotonic() >= deadline:
            return result.failure or "another certificate is shown"
        time.sleep(_PAUSE_SECONDS)


def unproved(why: str, what: str) -> Problem:
    """Return what a person is told where the former certificate is back."""
    return Problem(
        f"a handshake with port 25 of this machine failed ({why}); the former certificate is back",
        what,
        "see what smtpd says in Postfix's log, or run `cert enable` with --accept proof",
        ExitStatus.DIFFERENCE,
    )
