"""``domain-secure cert enable``: let Postfix show a certificate, after a look at what that would lose."""

import argparse
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from domain_secure.commands.terminal.common import ALREADY_SO, add_to_document, configuration_of, note
from domain_secure.policy.certificates.certificate import Chain
from domain_secure.policy.certificates.path_validation import TrustAnchors
from domain_secure.policy.certificates.purposes import Purpose
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.files import atomic_file
from domain_secure.policy.own.enabled_certificates import EnabledCertificates, Role
from domain_secure.policy.own.own_certificate import OwnCertificate
from domain_secure.policy.own.renewal_check import Change, Objection, by_itself, compare, host_name
from domain_secure.policy.own.shown_chain import chain_faults
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.thumbprint import find
from domain_secure.postfix.attach import attach_record
from domain_secure.postfix.attach.attach_execution import execute
from domain_secure.postfix.attach.attach_record import Record
from domain_secure.postfix.attach.attachment import Plan
from domain_secure.postfix.attach.certificate_plan import plan_certificates
from domain_secure.postfix.attach.certificate_settings import enabled_files, overrides
from domain_secure.postfix.attach.contents import MAIN
from domain_secure.postfix.instance.listings import remembering
from domain_secure.postfix.instance.programs import PostfixInstance

from .certificate_common import Use, anchors_of, inventory_of, peers_of, prune
from .certificate_proof import prove, tell_what_was_not_proved, unproved

_PURPOSES = {Role.SERVER: Purpose.SERVER, Role.CLIENT: Purpose.CLIENT}
_HOST_PARAMETERS = {Role.SERVER: "myhostname", Role.CLIENT: "smtp_helo_name"}


def add_parsers(actions: Any) -> None:
    """Declare ``enable`` among the actions of ``cert``."""
    parser = actions.add_parser(
        "enable",
        help="let Postfix show a certificate, as server and as client",
        description="Let Postfix show a certificate. It is compared with the one in use before; when "
        "something is lost, nothing is changed and the exit status is 1. `domain-secure detach` undoes it.",
    )
    parser.add_argument("thumbprint", metavar="THUMBPRINT", help="SHA-1 or SHA-256, or how it begins")
    side = parser.add_mutually_exclusive_group()
    side.add_argument("--server-only", action="store_true", help="for clients that connect to us only")
    side.add_argument("--client-only", action="store_true", help="for servers we connect to only")
    add_vetoes(parser)
    parser.set_defaults(run=run_enable)


def add_vetoes(parser: argparse.ArgumentParser) -> None:
    """Declare ``--accept`` and ``--force``."""
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        choices=list(Change),
        type=Change,
        metavar="WHAT",
        help=f"put it to use although this is worse than before: {', '.join(Change)}; may be repeated",
    )
    parser.add_argument("--force", action="store_true", help="put it to use whatever is lost")


def accepted_of(arguments: argparse.Namespace) -> frozenset[Change]:
    """Return what the person takes into account."""
    return frozenset(Change if arguments.force else arguments.accept)


def run_enable(arguments: argparse.Namespace) -> ExitStatus:
    """Put a certificate to use; 1 when something speaks against it."""
    configuration = configuration_of(arguments)
    own = find(arguments.thumbprint, inventory_of(configuration).certificates)
    roles = tuple(Role)
    if arguments.server_only:
        roles = (Role.SERVER,)
    elif arguments.client_only:
        roles = (Role.CLIENT,)
    return enable(configuration, own, roles, accepted_of(arguments), datetime.now(UTC))


@remembering()
def enable(
    configuration: Configuration,
    own: OwnCertificate,
    roles: Collection[Role],
    accepted: Collection[Change],
    now: datetime,
) -> ExitStatus:
    """Let Postfix show *own* as *roles*, in one change; raises Problem when more than *accepted* is lost."""
    own.key()
    instance = PostfixInstance(configuration.config_directory)
    main = instance.config_directory / MAIN
    if not os.access(main, os.W_OK):
        raise Problem("Postfix's configuration cannot be changed", str(main), "run this as root")
    enabled = EnabledCertificates(configuration.state)
    with atomic_file.writer_lock(instance.config_directory):
        pointed = enabled_files(main.read_bytes())
        in_use = {role: chain for role, chain in enabled.chains().items() if role in pointed}
        objections = tuple(_objections(configuration, instance, own, roles, in_use, now))
        _refuse(objections, accepted, own)
        plan = plan_certificates(configuration, instance, {role: enabled.file(role) for role in roles})
        former, record = enabled.files(), attach_record.read(plan.record_path)
        changed = enabled.enable(own, roles)
        try:
            outcome = execute(plan, instance)
        except Problem:
            enabled.put_back(former)
            raise
        if changed and not outcome.changed and instance.is_running:
            instance.reload()
        proof = prove(instance, enabled, roles)
        if proof.fault is not None:
            if Change.PROOF not in accepted:
                enabled.put_back(former)
                _undo(plan, record, instance)
                raise unproved(proof.fault, f"certificate {own.sha1[:8].upper()}")
            note(f"accepted: proof: a handshake {proof.fault}")
    _tell(configuration, own, changed=changed or bool(outcome.changed))
    not_proved = (*proof.why_not, *filter(None, (proof.fault,)))
    add_to_document({"not_proved": list(not_proved)})
    tell_what_was_not_proved(proof)
    if changed:
        prune(configuration, [chain[0].certificate_pin.digest for chain in in_use.values()], now)
    return ExitStatus.DONE


def _undo(plan: Plan, record: Record | None, instance: PostfixInstance) -> None:
    """Bring main.cf and the record to what they were before *plan*, and Postfix to read them."""
    reverse = replace(plan, current=plan.after, after=plan.current, record=record)
    if not execute(reverse, instance).changed and instance.is_running:
        instance.reload()


def _objections(
    configuration: Configuration,
    instance: PostfixInstance,
    own: OwnCertificate,
    roles: Collection[Role],
    in_use: Mapping[Role, Chain],
    now: datetime,
) -> Iterator[Objection]:
    hosts = {role: instance.parameter(_HOST_PARAMETERS[role]) for role in roles}
    anchors = anchors_of(configuration)
    found: dict[str, Objection] = {}
    for role in roles:
        former = in_use.get(role)
        compared = compare(former, own.chain, peers_of(configuration)) if former else ()
        # What is so already is lost to nobody, and what the comparison says is more to the point.
        known = {one.change for one in compared}
        if former:
            before = _alone(former, role, hosts[role], now, anchors)
            known |= {one.change for one in before} - {Change.DATES}
        alone = _alone(own.chain, role, hosts[role], now, anchors)
        own_faults = (one for one in alone if one.change not in known)
        found |= {str(objection): objection for objection in (*compared, *own_faults)}
    yield from found.values()
    for override in overrides(instance, roles):
        yield Objection(
            Change.OVERRIDE,
            f"{override.service} has a certificate of its own (-o {override.parameter}={override.value}), "
            "which it goes on to show; take the option out of master.cf",
        )


def _alone(
    chain: Chain, role: Role, host: str, now: datetime, anchors: TrustAnchors | None
) -> Iterator[Objection]:
    yield from by_itself(chain[0], {_PURPOSES[role]}, now)
    yield from host_name(chain[0], host, _HOST_PARAMETERS[role])
    yield from chain_faults(chain, anchors)


def _refuse(objections: Collection[Objection], accepted: Collection[Change], own: OwnCertificate) -> None:
    refused = [one for one in objections if one.change not in accepted]
    for objection in objections:
        note(f"{'against it' if objection in refused else 'accepted'}: {objection}")
    if not refused:
        return
    fixes = dict.fromkeys(one.fix for one in refused)
    words = " ".join(f"--accept {change}" for change in dict.fromkeys(one.change for one in refused))
    raise Problem(
        f"nothing was changed, because of {', '.join(dict.fromkeys(one.change for one in refused))}",
        f"certificate {own.sha1[:8].upper()}",
        f"{'; '.join(fixes)}; or run `domain-secure cert enable {own.sha1[:8].upper()} {words}`",
        ExitStatus.DIFFERENCE,
    )


def _tell(configuration: Configuration, own: OwnCertificate, *, changed: bool) -> None:
    services = Use.of(configuration).services_of(own)
    add_to_document({"thumbprint": own.sha1.upper(), "changed": changed, "services": services})
    print(f"{'' if changed else f'{ALREADY_SO}: '}enabled: {own.sha1.upper()}, {own.certificate.subject}")
    for service in services:
        print(f"  {service}")
