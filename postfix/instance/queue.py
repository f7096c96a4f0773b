"""Postfix's queue, as postqueue(1) lists it, and messages in it that are to end now.

Owns: the form of that list.  Must not know: which messages.
Sources: postqueue(1) "JSON OBJECT FORMAT"; postsuper(1) -f (Postfix 3.5).
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from domain_secure.policy.sending.patience import QueuedMessage, Waiting
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.policy.terms.problems import ExitStatus, Problem

from .processes import last_line, run
from .programs import PostfixInstance


def queued(instance: PostfixInstance) -> Iterator[QueuedMessage]:
    """Yield the messages in the queue; raises Problem where Postfix does not tell."""
    command = ["postqueue", "-c", str(instance.config_directory), "-j"]
    done = run(command)
    if done.returncode != 0:
        raise Problem(
            last_line(done.stderr) or f"postqueue ended with status {done.returncode}",
            " ".join(command),
            "see that Postfix runs, and run this as root",
            ExitStatus.NO_ANSWER,
        )
    for line in done.stdout.splitlines():
        yield parse(line)


def last_activity(queue_directory: Path) -> float | None:
    """Return when a message was last taken up or done with, by the clock; None where that is not told.

    Each goes through the folder ``active`` (qmgr(8)), which everybody may look at from outside.
    """
    try:
        return (queue_directory / "active").stat().st_mtime
    except OSError:
        return None


def parse(line: str) -> QueuedMessage:
    """Return one message; raises Problem for what postqueue(1) would not print."""
    try:
        document = parse_json(line)
        return QueuedMessage(
            str(document["queue_name"]),
            str(document["queue_id"]),
            datetime.fromtimestamp(document["arrival_time"], UTC),
            str(document["sender"]),
            tuple(Waiting(str(one["address"]), one.get("delay_reason")) for one in document["recipients"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError) as error:
        raise Problem(
            "the queue's list is not what postqueue(1) describes",
            line[:80],
            "install Postfix 3.7 or later",
            ExitStatus.NO_ANSWER,
        ) from error


def expire(instance: PostfixInstance, queue_ids: Iterable[str]) -> None:
    """Let messages go back to their senders, as if their time in the queue were over.  Needs root."""
    for queue_id in queue_ids:
        for command in (
            ["postsuper", "-c", str(instance.config_directory), "-f", queue_id, "deferred"],
            # The queue manager looks at it at once, and returns it instead of trying again.
            ["postqueue", "-c", str(instance.config_directory), "-i", queue_id],
        ):
            done = run(command)
            if done.returncode != 0:
                raise Problem(
                    last_line(done.stderr) or f"{command[0]} ended with status {done.returncode}",
                    " ".join(command),
                    "run this as root",
                    ExitStatus.NO_ANSWER,
                )
