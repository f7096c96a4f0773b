"""The counters of a daemon that does not answer, as it wrote them down last.

Must not know: what is shown of them.
"""

from pathlib import Path

from domain_secure.commands.terminal.daemon_client import Sample
from domain_secure.milter.metrics.inbound_metrics import InboundMetrics
from domain_secure.milter.metrics.metrics import COUNTED_SINCE
from domain_secure.milter.metrics.outbound_metrics import NAMES
from domain_secure.policy.history.history import History
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.log.delivery_ledger import read_sums


def kept_samples(state: Path) -> tuple[Sample, ...]:
    """Return what the daemon's metrics would show of messages; nothing for a file that cannot be read."""
    return (*_received(state), *_sent(state))


def _received(state: Path) -> list[Sample]:
    try:
        counted = History(state).counted()
    except Problem:
        return []
    if counted.since is None:
        return []
    labels = {one.name: one.labels for one in InboundMetrics().counters}
    found = [Sample(COUNTED_SINCE, {"direction": Direction.RECEIVE}, counted.since.timestamp())]
    for (name, *values), number in counted.sums.items():
        if len(labels.get(name, ())) == len(values):
            found.append(Sample(f"{name}_total", dict(zip(labels[name], values, strict=True)), number))
    return found


def _sent(state: Path) -> list[Sample]:
    try:
        sums, since = read_sums(state)
    except Problem:
        return []
    found = [] if since is None else [Sample(COUNTED_SINCE, {"direction": Direction.SEND}, since.timestamp())]
    for key, number in sums.items():
        labels = {"domain": key.entry} | ({"reason": key.reason} if key.reason else {})
        found.append(Sample(f"{NAMES[key.counter]}_total", labels, number))
    return found
