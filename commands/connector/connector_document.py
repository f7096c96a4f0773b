"""The connectors of this machine as plain values with stable keys.

Owns: which states hold, once the running Postfix was asked as well.
Must not know: how they are printed, or switched.
"""

from dataclasses import asdict
from typing import Any

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.problems import NoPermission, Problem
from domain_secure.postfix.findings.connectors import Connector, connectors_of
from domain_secure.postfix.findings.domain_security import State
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.services.other_instances import other_instances
from domain_secure.postfix.services.unread_files import unread_files


def connectors_document(configuration: Configuration, instance: PostfixInstance) -> dict[str, Any]:
    """Return every connector, whether Postfix goes by the files, and which instances were not looked at.

    Raises Problem where Postfix cannot be asked about its own.
    """
    is_running, unread, problem = _running(instance)
    others, others_problem = _others(instance)
    return {
        "config_directory": str(instance.config_directory),
        "connectors": [
            _document(one, configuration, unread) for one in connectors_of(configuration, instance)
        ],
        "running": is_running,
        "running_problem": problem,
        "unread": unread,
        "other_instances": others,
        "other_instances_problem": others_problem,
    }


def _document(connector: Connector, configuration: Configuration, unread: list[str]) -> dict[str, Any]:
    document = asdict(connector)
    state, detail = connector.state, connector.detail
    if unread:
        state = State.UNKNOWN
        detail = f"{', '.join(unread)} changed after Postfix read it, and says {connector.state}"
    return document | {
        "state": state,
        "detail": detail,
        "protocol_log_own": connector.name in configuration.log_services,
        "dns_routing": None if connector.routing is None else connector.routing == "DNS",
    }


def _running(instance: PostfixInstance) -> tuple[bool | None, list[str], str | None]:
    """Return whether Postfix runs, which of its files it has not read, and why that is not known."""
    try:
        is_running = instance.is_running
        return is_running, [str(file) for file in unread_files(instance)], None
    except NoPermission as problem:
        return None, [], str(problem)
    except (Problem, OSError) as error:
        return None, [], str(error)


def _others(instance: PostfixInstance) -> tuple[list[dict[str, str]], str | None]:
    try:
        found = other_instances(instance)
    except Problem as problem:
        return [], str(problem)
    return [{"name": one.name, "config_directory": str(one.config_directory)} for one in found], None
