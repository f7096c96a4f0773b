"""``domain-secure give-up``: return mail that has waited too long for a partner's server."""

import argparse
from datetime import UTC, datetime, timedelta

from domain_secure.commands.terminal.common import configuration_of, print_json, print_table
from domain_secure.policy.sending.patience import GivenUp, overdue
from domain_secure.policy.terms.problems import ExitStatus
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.queue import expire, queued


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``give-up``."""
    del command
    parser.description = (
        "Returns to their senders the messages that wait for nobody but listed domains, for longer than "
        "[outbound] give_up; Postfix says in its notification why they could not be delivered. The timer "
        "domain-secure-give-up.timer runs it."
    )
    parser.add_argument("--dry-run", action="store_true", help="return nothing, print what would be returned")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=give_up)


def give_up(arguments: argparse.Namespace) -> ExitStatus:
    """Return what is overdue, and say what it was."""
    configuration = configuration_of(arguments)
    found: list[GivenUp] = []
    if configuration.give_up is not None:
        instance = PostfixInstance(configuration.config_directory)
        limit = timedelta(seconds=configuration.give_up)
        found = list(overdue(queued(instance), configuration.send, limit, datetime.now(UTC)))
        if not arguments.dry_run:
            expire(instance, [one.message.queue_id for one in found])
    if arguments.json:
        print_json({"give_up_seconds": configuration.give_up, "returned": [_document(one) for one in found]})
    elif configuration.give_up is None:
        print("nothing is given up: [outbound] give_up is not set, and Postfix's own limits hold")
    elif found:
        print_table(("message", "for", "since", "why"), map(_row, found))
    elif arguments.dry_run:
        print("nothing would be returned: no message has waited that long for listed domains alone")
    return ExitStatus.DONE


def _row(one: GivenUp) -> tuple[str, str, str, str]:
    since = f"{one.message.arrival:%Y-%m-%d %H:%M} UTC"
    return one.message.queue_id, ", ".join(one.entries), since, one.reason


def _document(one: GivenUp) -> dict[str, object]:
    return {
        "queue_id": one.message.queue_id,
        "domains": list(one.entries),
        "arrival": one.message.arrival.isoformat(),
        "reason": one.reason,
    }
