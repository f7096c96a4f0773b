"""Carrying out what detach plans: one half, or all of it with what goes along.

Owns: what goes with the last of ours, besides Postfix's two files.
Must not know: arguments, or what is said about it.
"""

from contextlib import AbstractContextManager

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.files import atomic_file
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.attach import service_remains
from domain_secure.postfix.attach.attach_execution import Outcome, execute
from domain_secure.postfix.attach.attachment import Plan, Request, plan_detach
from domain_secure.postfix.instance import socket_folder
from domain_secure.postfix.instance.programs import PostfixInstance

from .service_units import restore


def take_out(
    configuration: Configuration,
    instance: PostfixInstance,
    request: Request,
    *,
    with_units: bool,
    shown: Plan | None = None,
) -> tuple[Outcome, list[str]]:
    """Detach, and return what was changed, with a line for each unit that was given back.

    with_units: also take away what attach wrote for the service units.
    shown: what somebody agreed to; raises Problem where it is not that any more, and where detach does.
    """
    with locked(instance):
        plan = plan_detach(configuration, instance, request)
        refuse_other(plan, shown)
        outcome = execute(plan, instance)
        service_remains.remove(instance)
        if request.receive:
            socket_folder.remove(instance)
        return outcome, list(restore(configuration)) if with_units else []


def refuse_other(plan: Plan, shown: Plan | None) -> None:
    """Raise Problem where a plan is not what was shown."""
    if shown is not None and (plan.current, plan.after) != (shown.current, shown.after):
        raise Problem(
            "somebody changed it meanwhile, and nothing was done",
            str(plan.config_directory),
            "run this again",
        )


def locked(instance: PostfixInstance) -> AbstractContextManager[None]:
    """Let one attach or detach at a time work on a configuration directory."""
    if not instance.config_directory.is_dir():
        raise Problem(
            "there is no such directory",
            str(instance.config_directory),
            "name Postfix's configuration directory with --config-dir",
        )
    return atomic_file.writer_lock(instance.config_directory)
