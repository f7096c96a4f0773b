"""The proof that what was enabled is shown: handshakes on this machine, and the way back without one.

As server: with our own port 25.  As client: Postfix's client with a server that asks for a certificate.
Sources: RFC 3207; postconf(5) smtpd_tls_chain_files: what cannot be loaded costs all sessions their TLS.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.own.enabled_certificates import EnabledCertificates, Role
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.attach.certificate_settings import services_showing
from domain_secure.postfix.instance.own_listener import own_listener
from domain_secure.postfix.instance.programs import PostfixInstance, is_port_25
from domain_secure.postfix.probe.client_handshake import PROGRAM, program_of, shake_hands
from domain_secure.postfix.probe.probe import ClientIdentity, ProbeTarget, probe

_SECONDS = 15.0  #: postscreen(8) lets a client wait for six
_PAUSE_SECONDS = 0.2  #: between two looks, while processes with the former files come to their end
_NO_TLS = frozenset({"", "none"})


@dataclass(frozen=True, slots=True)
class Proof:
    """What handshakes showed; nothing is said where none was to be made."""

    why_not: tuple[str, ...] = ()  #: as what none can be made, and why, which is no fault
    fault: str | None = None  #: why a peer is not shown the certificate


def prove(instance: PostfixInstance, enabled: EnabledCertificates, roles: Collection[Role]) -> Proof:
    """Look whether peers are shown what is enabled as *roles*; raises Problem."""
    why_not: list[str] = []
    for role in roles:
        chain = enabled.chains().get(role)
        if chain is None:
            continue
        one = (_as_server if role is Role.SERVER else _as_client)(instance, enabled.file(role), chain[0])
        if one.fault is not None:
            return Proof(tuple(why_not), one.fault)
        why_not += one.why_not
    return Proof(tuple(why_not))


def tell_what_was_not_proved(proof: Proof) -> None:
    """Print as what there was no handshake, and why."""
    for one in proof.why_not:
        print(f"not proved by a handshake {one}")


def _as_server(instance: PostfixInstance, file: Path, certificate: Certificate) -> Proof:
    if (why_not := _why_not_as_server(instance, file)) is not None:
        return Proof((f"as server: {why_not}",))
    fault = _fault_as_server(instance, certificate)
    return Proof(fault=fault and f"with port 25 of this machine failed ({fault})")


def _why_not_as_server(instance: PostfixInstance, file: Path) -> str | None:
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


def _fault_as_server(instance: PostfixInstance, certificate: Certificate) -> str | None:
    listener = own_listener(instance)
    if listener is None:
        return "nothing listens on port 25"
    target = ProbeTarget(listener.address, port=listener.port, is_behind_proxy=listener.is_behind_proxy)
    identity = ClientIdentity(instance.parameter("myhostname"))
    deadline = time.monotonic() + _SECONDS
    while True:
        result = probe(target, identity)
        if result.failure is None and result.chain[:1] == (certificate,):
            return None
        if time.monotonic() >= deadline:
            return result.failure or "another certificate is shown"
        time.sleep(_PAUSE_SECONDS)


def _as_client(instance: PostfixInstance, file: Path, certificate: Certificate) -> Proof:
    """Look whether each transport that has *file* can show it, once for each with other settings."""
    program = program_of(instance)
    if program is None:
        return Proof((f"as client: this Postfix came without {PROGRAM}",))
    showing = services_showing(instance, {Role.CLIENT: file})[Role.CLIENT]
    if not showing:
        return Proof(("as client: no service shows it",))
    for key in showing:
        service = instance.service(key)
        if service is None:
            continue
        try:
            found = shake_hands(instance, program, service, file, certificate, datetime.now(UTC))
        except OSError as error:
            return Proof((f"as client: no server can be started for it ({error})",))
        if found.shown != certificate.der:
            why = found.fault or "another certificate was shown"
            return Proof(fault=f"of {key}, as client, with a server on this machine failed ({why})")
    return Proof()


def unproved(why: str, what: str) -> Problem:
    """Return what a person is told where the former certificate is back."""
    return Problem(
        f"a handshake {why}; the former certificate is back",
        what,
        "see what Postfix's log says, or run `cert enable` with --accept proof",
        ExitStatus.DIFFERENCE,
    )
