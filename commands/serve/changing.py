"""What the daemon needs to let its page change something, composed.

Owns: whether it may at all.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from domain_secure.milter.daemon.daemon import log_event
from domain_secure.policy.configuration.configuration import Configuration

if TYPE_CHECKING:
    from domain_secure.milter.changes.page_changes import PageChanges

Current = Callable[[], Configuration]


def page_changes(configuration: Current) -> "PageChanges | None":
    """Return what changes something for the page; None where that is not allowed at the start."""
    started_with = configuration()
    access = started_with.metrics_access
    if not access.allow_changes:
        return None
    # Loads what most daemons never need.
    from domain_secure.commands.changes import states  # noqa: PLC0415
    from domain_secure.commands.changes.asking import carry_out  # noqa: PLC0415
    from domain_secure.milter.changes.page_changes import PageChanges, Workings  # noqa: PLC0415

    workings = Workings(
        states.offered,
        lambda act: states.state_of(configuration(), act),
        lambda order: carry_out(configuration().path, order),
        lambda: configuration().metrics_access.allow_changes,
    )
    names = (*access.host_names, started_with.metrics_listen[0])
    return PageChanges(workings, names, log_event, time.monotonic, is_tls=access.cert_file is not None)
