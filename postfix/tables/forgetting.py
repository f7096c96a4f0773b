"""Whether a running Postfix still goes by what the tables said before, and making it forget.

Owns: who remembers what, and for how long.
Must not know: who wants to know, and which domains were changed.
Sources, and measured: qmgr(8) resolves a message once, when it becomes active, and keeps the last answer of
trivial-rewrite(8) for 30 s; trivial-rewrite looks every ten seconds whether its tables were replaced; smtp(8)
does before each delivery, so that one whose delivery began before goes by what it found then.  ``postfix
reload`` ends the first two at once, and lets deliveries come to their end.
"""

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.instance.processes import run
from domain_secure.postfix.instance.programs import PostfixInstance
from domain_secure.postfix.instance.resolver import QUEUE_MANAGERS
from domain_secure.postfix.instance.running import (
    Delivery,
    Moment,
    Process,
    deliveries,
    end_services,
    processes,
    recipients,
)

from .publication import Record
from .tables import Table

ROUTERS = QUEUE_MANAGERS | {"trivial-rewrite"}
RELOAD_SECONDS = 30.0
DELIVERY_SECONDS = 30.0  #: for which deliveries under way are waited for
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class InPlace:
    """By when the tables of the send list were in place."""

    policies: Moment
    routes: Moment

    @classmethod
    def of(cls, configuration: Configuration) -> "InPlace | None":
        """Return it from the record of what was published; None where nothing was."""
        tables = Record.read(configuration.state / "maps").tables
        if Table.TLS_POLICY not in tables or Table.TRANSPORT not in tables:
            return None
        return cls(tables[Table.TLS_POLICY].moment, tables[Table.TRANSPORT].moment)


def remembering(running: Iterable[Process], in_place: InPlace) -> tuple[Process, ...]:
    """Return those who may still route by the table before."""
    return tuple(
        process for process in running if process.program in ROUTERS and process.has_seen(in_place.routes)
    )


def begun_before(
    under_way: Collection[Delivery], running: Collection[Process], in_place: InPlace
) -> frozenset[Delivery]:
    """Return the deliveries that may have begun by former routes or policies.

    A delivery agent that has started since the policies were in place, and since the queue manager of now,
    was given none of the former.
    """
    managers = [process for process in running if process.program in QUEUE_MANAGERS]
    return frozenset(
        one
        for one in under_way
        if one.process.has_seen(in_place.policies)
        or not managers
        or any(one.process.started <= manager.started for manager in managers)
    )


def forget(
    instance: PostfixInstance,
    in_place: InPlace,
    without_tables: Callable[[Collection[Process]], Collection[Process]] = lambda _: (),
) -> bool:
    """Reload Postfix where somebody remembers former routes, and return once nobody does; needs root.

    Likewise where somebody goes on without tables that are there again: *without_tables* tells who of those
    that run.  Returns whether it was reloaded.  Raises Problem when it cannot be, or does not follow.
    """
    running = processes(instance)
    if not remembering(running, in_place) and not without_tables(running):
        return False
    if grave := [complaint for complaint in instance.check() if complaint.is_grave]:
        raise Problem(
            f"Postfix would not come through a reload: {grave[0].text}",
            str(instance.config_directory),
            "mend it",
            ExitStatus.NO_ANSWER,
        )
    reload_and_wait(instance)
    if still := remembering(processes(instance), in_place):
        names = ", ".join(f"{process.program}[{process.pid}]" for process in still)
        raise Problem(
            f"{names} goes on as before although Postfix was reloaded",
            str(instance.config_directory),
            "see Postfix's log, and restart it",
            ExitStatus.NO_ANSWER,
        )
    return True


def reload_and_wait(instance: PostfixInstance, gone: Collection[str] = ()) -> None:
    """Reload a running Postfix; return when nobody routes any more who did before.  Raises Problem.

    *gone* are services, ``NAME/TYPE``, that are no longer in master.cf: their processes are ended.
    Where its processes cannot be told it returns at once.
    """
    try:
        before = {process for process in processes(instance) if process.program in ROUTERS}
    except Problem:
        instance.reload()
        return
    instance.reload()
    _wait(lambda: end_services(instance, gone) and not before & set(processes(instance)), RELOAD_SECONDS)
    running = processes(instance)
    if running and not any(process.program in QUEUE_MANAGERS for process in running):
        # The one that ended may have taken with it what should have woken the next.
        run(["postkick", "-c", str(instance.config_directory), "public", "qmgr", "W"])


def await_deliveries(
    instance: PostfixInstance, in_place: InPlace, is_concerned: Callable[[str], bool]
) -> frozenset[Delivery]:
    """Wait for deliveries that began before, to recipients for whom *is_concerned* is true; needs root.

    Returns those that have not ended within `DELIVERY_SECONDS`.
    """
    running = processes(instance)
    waiting = {
        one
        for one in begun_before(deliveries(instance, running), running, in_place)
        # Of a message that cannot be read it is not known: then it is waited for.
        if (found := recipients(instance, one.queue_id)) is None or any(map(is_concerned, found))
    }

    def are_over() -> bool:
        waiting.intersection_update(deliveries(instance, tuple({one.process for one in waiting})))
        return not waiting

    _wait(are_over, DELIVERY_SECONDS)
    return frozenset(waiting)


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    due = time.monotonic() + seconds
    while not condition() and time.monotonic() < due:
        time.sleep(_PAUSE)
