"""Who writes down what happens: the protocol log, and the history with the counters beside it.

Must not know: what happens.
"""

from collections.abc import Callable
from pathlib import Path

from domain_secure.milter.metrics.inbound_metrics import LOST_HISTORY, LOST_QUEUE
from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.history.seen_hours import InForce
from domain_secure.policy.record.observed import Observed
from domain_secure.policy.terms.event import Event

from .history_keeper import Beside, HistoryKeeper
from .protocol_log import Levels, ProtocolLog
from .recorder import Recorder


def recorder_of(
    history: Path,
    metrics: Metrics,
    levels: Levels,
    configuration: Callable[[], Configuration],
    in_force: Callable[[], InForce | None],
    log: Callable[[Event], None],
) -> Recorder[Observed]:
    """Return what hands on what happens, for a history in the file *history*."""
    keeper = HistoryKeeper(
        history,
        levels,
        lambda: configuration().history,
        log,
        lambda number: metrics.count_lost(LOST_HISTORY, number),
        Beside(metrics.inbound.counted, in_force),
    )
    return Recorder((ProtocolLog(levels, log), keeper), lambda number: metrics.count_lost(LOST_QUEUE, number))
