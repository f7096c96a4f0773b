"""The log catalogue of the fleet: one function for each line about the store.

The form of a line is ``events``'s part.
"""

import logging

from domain_secure.policy.revisions.revision import Revision
from domain_secure.policy.terms.event import Event


def revision_fetched(revision: Revision) -> Event:
    """Return the line for a revision that was checked and is on disk; ``configuration-loaded`` follows."""
    return Event.of(
        logging.INFO,
        "fleet-revision",
        revision=revision.number,
        who=revision.who,
        node=revision.node,
        what=revision.what,
    )


def revision_refused(problem: str) -> Event:
    """Return the line for a revision of the store that is not applied; the last good one stays in force."""
    return Event.of(logging.ERROR, "fleet-revision-refused", detail=problem)


def left_fleet() -> Event:
    """Return the line for a daemon that follows no store any more, as its file says so; a restart is due."""
    return Event.of(logging.WARNING, "fleet-left", restart="needed")


def without_past(revision: Revision, *, signer: str, others: str) -> Event:
    """Return the line for a first revision where nothing is here to compare it with: it may be old."""
    return Event.of(
        logging.WARNING,
        "fleet-without-past",
        revision=revision.number,
        at=revision.at.isoformat(),
        signed_by=signer,
        others=others,
    )


def name_taken(node: str, *, machines: int) -> Event:
    """Return the line for other machines that report under the name of this node."""
    return Event.of(logging.WARNING, "fleet-name-taken", node=node, machines=machines)


def report_refused(problem: str) -> Event:
    """Return the line for a store that takes no report of this node; its policy is followed all the same."""
    return Event.of(logging.WARNING, "fleet-report-refused", detail=problem)


def store_lost(problem: str, *, revision: int | None) -> Event:
    """Return the line for a store that ceased to answer, and what is enforced meanwhile."""
    return Event.of(logging.WARNING, "fleet-store-lost", detail=problem, enforced_revision=revision)


def store_found(*, seconds: float) -> Event:
    """Return the line for a store that answers again, after how long."""
    return Event.of(logging.INFO, "fleet-store-found", after=f"{seconds:.0f}s")
