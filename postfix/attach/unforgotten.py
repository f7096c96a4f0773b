"""Whether an attached Postfix may still go by former routes, or without tables that were away.

Owns: that question, as root and as anybody else can answer it.
Must not know: who asks, and how Postfix is made to forget.
"""

import os
from dataclasses import dataclass

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.running import processes
from domain_secure.postfix.tables import put_back
from domain_secure.postfix.tables.forgetting import InPlace, remembering

from . import attach_record, routes_record

FIX = "run `domain-secure generate` as root"


@dataclass(frozen=True, slots=True)
class Unforgotten:
    """Something else than the tables in place may still be gone by."""

    detail: str
    is_certain: bool  #: False: only root can look, and has not since the tables were put in place
    tables_were_away: bool = False  #: False: it is former routes


def unforgotten(configuration: Configuration, instance: PostfixInstance) -> Unforgotten | None:
    """Return why mail may go by former routes, or wait for want of tables; None where neither can be.

    Raises nothing: what cannot be asked is not certain.
    """
    return _without_tables(configuration, instance) or _by_former_routes(configuration, instance)


def _by_former_routes(configuration: Configuration, instance: PostfixInstance) -> Unforgotten | None:
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


def _without_tables(configuration: Configuration, instance: PostfixInstance) -> Unforgotten | None:
    """Return who may have started while tables were away, as far as that is noted."""
    try:
        moment = put_back.pending(configuration.state)
        if moment is None:
            return None
        if os.geteuid() != 0:
            told = "tables of Postfix's were away, and nobody has looked who started without them"
            return Unforgotten(told, False, True)
        left = put_back.left_from_then(processes(instance), moment)
    except (Problem, OSError) as problem:
        return Unforgotten(f"whether Postfix goes on without tables is not known: {problem}", False, True)
    if not left:
        return None
    named = ", ".join(f"{process.program}[{process.pid}]" for process in left)
    return Unforgotten(f"{named} may have started while tables were away that are there again", True, True)


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
