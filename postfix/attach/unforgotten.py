"""Whether an attached Postfix may still go by former routes.

Owns: that question, as root and as anybody else can answer it.
Must not know: who asks, and how Postfix is made to forget.
"""

import os
from dataclasses import dataclass

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.running import processes
from domain_secure.postfix.tables.forgetting import InPlace, remembering

from . import attach_record, routes_record

FIX = "run `domain-secure generate` as root"


@dataclass(frozen=True, slots=True)
class Unforgotten:
    """Former routes may still be gone by."""

    detail: str
    is_certain: bool  #: False: only root can look, and has not since the routes were put in place


def unforgotten(configuration: Configuration, instance: PostfixInstance) -> Unforgotten | None:
    """Return why mail may go by former routes; None where none can, or nothing is attached for sending.

    Raises nothing: what cannot be asked is not certain.
    """
    known = routes_record.signature(configuration)
    if not configuration.direct or known is None or not _is_attached(configuration):
        return None
    if routes_record.is_known(configuration, known):
        return None
    if os.geteuid() != 0:
        return Unforgotten(
            "the routes have changed, and nobody has let Postfix forget the former ones", False
        )
    try:
        in_place = InPlace.of(configuration)
        still = remembering(processes(instance), in_place) if in_place else ()
    except Problem as problem:
        return Unforgotten(f"whether Postfix has forgotten former routes is not known: {problem}", False)
    if not still:
        return None
    named = ", ".join(f"{process.program}[{process.pid}]" for process in still)
    return Unforgotten(f"{named} has run since before the routes were changed", True)


def _is_attached(configuration: Configuration) -> bool:
    """Tell whether there is a record of attach; its folder may be closed to who asks."""
    path = attach_record.path_of(configuration.state, configuration.config_directory)
    try:
        path.lstat()
    except PermissionError:
        return path.parent.is_dir()
    except OSError:
        return False
    return True
