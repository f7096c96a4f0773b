"""Bring a change of what is demanded of mail that comes in in force, and say so only then.

Owns: what is asked, and what is said at the end.  The daemon decides about the next message by what it has
read; Postfix asks it where it is attached.
"""

import argparse
from collections.abc import Collection
from pathlib import Path

from domain_secure.commands.fleet.fleet_wait import waited
from domain_secure.commands.terminal.common import add_to_document, configuration_path, note
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.editing.policy_store import FileStore, PolicyStore
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import ExitStatus

from .daemon_step import await_daemon, not_yet


def in_force(
    arguments: argparse.Namespace, store: PolicyStore, *, receiving: bool, sent_to: Collection[Entry]
) -> ExitStatus:
    """Return once a change of *store* is in force: for mail that comes in, and for mail to *sent_to*.

    At once with ``--no-wait``; in a fleet on every live node.  Raises Problem.
    """
    if arguments.no_wait:
        return ExitStatus.DONE
    if not isinstance(store, FileStore):
        return waited(arguments, store, at_least=receiving or bool(sent_to))
    path = configuration_path(arguments)
    if receiving:
        bring_receiving_in_force(path, quiet=bool(sent_to))
    if not sent_to:
        return ExitStatus.DONE
    # What knows Postfix's routes takes its time to load, and the other direction has no need of it.
    from .in_force import bring_in_force  # noqa: PLC0415

    return bring_in_force(path, sent_to)


def bring_receiving_in_force(path: Path, *, quiet: bool = False) -> None:
    """Return once the daemon decides about mail by the configuration at *path*, and say so unless *quiet*.

    Where no daemon runs, or Postfix does not ask it, that is said instead.  Raises Problem, which says "not
    yet in force, because …", with the status DIFFERENCE.
    """
    add_to_document({"in_force": False})
    with not_yet():
        configuration = load(path)
        if not await_daemon(configuration):
            note(
                "it has no effect on mail that comes in yet: the daemon does not run; "
                "start it with `systemctl start domain-secure`"
            )
        elif not _is_asked(configuration):
            note(
                "it has no effect on mail that comes in yet: Postfix is not attached for receiving; "
                "run domain-secure attach"
            )
        else:
            add_to_document({"in_force": True})
            if not quiet:
                print("in force")


def _is_asked(configuration: Configuration) -> bool:
    """Tell whether a service of Postfix asks the daemon; raises Problem where that cannot be told."""
    # Knows Postfix, which a machine without a daemon has no need of.
    from domain_secure.postfix.attach.attachment import receives  # noqa: PLC0415
    from domain_secure.postfix.instance.programs import PostfixInstance  # noqa: PLC0415

    return receives(configuration, PostfixInstance(configuration.config_directory))
