"""Switching domain security of one connector: which request to attach or detach that is, and doing it.

Must not know: arguments, or how it is told.
Invariant: the other connectors stay as they are, and when the last one is off nothing of ours is left.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from domain_secure.commands.attach.attach import apply_attach, reloaded, warn_of_sending
from domain_secure.commands.attach.service_units import adapt
from domain_secure.commands.attach.taking_out import take_out
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.attach.attachment import (
    Plan,
    Request,
    attached_services,
    plan_attach,
    plan_detach,
    sends,
)
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE

TRANSPORT = f"{TRANSPORT_SERVICE}/unix"


@dataclass(frozen=True, slots=True)
class Switch:
    """What is to be done for one connector."""

    request: Request
    is_attach: bool
    is_last: bool  #: nothing of ours is to be left
    plan: Plan


def plan_switch(
    configuration: Configuration, instance: PostfixInstance, name: str, direction: str, *, on: bool
) -> Switch:
    """Return what leads there, which may be nothing; raises Problem for what cannot be done safely."""
    attached = attached_services(configuration, instance)
    if direction == "send":
        if name != TRANSPORT:
            raise Problem(
                "listed domains leave by a transport of their own, whatever this one does",
                name,
                f"domain-secure connector set {TRANSPORT} domain-secure={'on' if on else 'off'}",
            )
        request, is_attach, is_last = Request(receive=False), on, not on and not attached
    else:
        wanted = [one for one in attached if one != name] + ([name] if on else [])
        is_attach = bool(wanted)
        is_last = not is_attach and not sends(configuration, instance)
        request = Request(tuple(wanted), send=False)
    plan = (plan_attach if is_attach else plan_detach)(configuration, instance, request)
    return Switch(request, is_attach, is_last, plan)


def carry_out(switch: Switch, configuration: Configuration, instance: PostfixInstance) -> Iterator[str]:
    """Do it, and yield what was done; raises Problem, also where somebody changed the files meanwhile."""
    if switch.is_attach:
        # Both halves are written anew; of the other one nothing has changed.
        other = "sending: " if switch.request.receive else "receiving: "
        told = apply_attach(configuration, instance, switch.request, switch.plan)
        yield from (line for line in told if not line.startswith(other))
        yield from adapt(configuration, instance)
        return
    outcome, given_back = take_out(
        configuration,
        instance,
        switch.request,
        with_units=switch.is_last,
        shown=switch.plan,
    )
    for name in outcome.changed:
        yield f"changed {instance.config_directory / name}"
    yield reloaded(outcome)
    yield from given_back
    warn_of_sending(configuration, switch.request)
