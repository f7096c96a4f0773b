"""``domain-secure socket-folder``: the folder of the daemon's sockets, made before somebody listens in it."""

import argparse

from domain_secure.commands.terminal.common import add_to_document, configuration_of
from domain_secure.policy.terms.problems import ExitStatus
from domain_secure.postfix.instance import socket_folder
from domain_secure.postfix.instance.endpoints import SOCKET_FOLDER
from domain_secure.postfix.instance.programs import PostfixInstance

from .service_units import adapt


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``socket-folder``."""
    del command
    parser.description = (
        "Makes the folder domain-secure in Postfix's queue directory, for the daemon's user and Postfix's "
        "group, or mends its owner and mode; sockets of a service manager in it become the daemon's. Where "
        "the queue directory is not where the service units look for it, they are told by a drop-in. The "
        "units run this as root before each start."
    )
    parser.set_defaults(run=make)


def make(arguments: argparse.Namespace) -> ExitStatus:
    """Make or mend the folder, where the daemon listens in it."""
    configuration = configuration_of(arguments)
    instance = PostfixInstance(configuration.config_directory)
    if configuration.milter_socket is None or configuration.policy_socket is None:
        socket_folder.create(instance)
    add_to_document({"folder": str(instance.queue_directory / SOCKET_FOLDER)})
    for line in adapt(configuration, instance):
        print(line)
    return ExitStatus.DONE
