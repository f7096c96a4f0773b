"""The counters over a restart: taken up from the history at the start, written down before they are told.

Owns: what stands for the sums of a version that kept none.
Must not know: how sums are kept.
Invariant: a number that somebody was told is in the history, so that no counter falls after a crash: one that
did would be taken for one that began anew, with all it shows as growth.
"""

from collections import Counter
from collections.abc import Callable

from domain_secure.milter.metrics.inbound_metrics import RECEIVED, REFUSED
from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.decision.verdict import Effect, Verdict
from domain_secure.policy.history.counter_sums import Counted, CounterKey
from domain_secure.policy.history.history import History
from domain_secure.policy.record.observed import Observed
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem

from . import events
from .recorder import Recorder

# A disk that takes longer shall not cost the numbers.
_SETTLE_SECONDS = 2.0


def resume(metrics: Metrics, configuration: Configuration, log: Callable[[Event], None]) -> None:
    """Go on from what former daemons counted; where the history cannot be read, begin anew and say so."""
    try:
        counted = counted_before(History(configuration.state))
    except Problem as problem:
        log(events.counted_anew(str(problem)))
    else:
        metrics.inbound.resume(counted, configuration.receive)


def counted_before(history: History) -> Counted:
    """Return the sums that were kept, or what the hours tell where none were; raises Problem."""
    counted = history.counted()
    first = history.first_hour()
    if counted.since is not None or first is None:
        return counted
    sums: Counter[CounterKey] = Counter()
    for (entry, outcome, effect), count in history.outcomes(Direction.RECEIVE).items():
        if outcome == Verdict.PASS.word:
            # With another effect it was another domain of the message that decided.
            if effect == Effect.ACCEPT:
                sums[RECEIVED, entry] += count
        elif effect in {Effect.DEFER, Effect.REJECT}:
            sums[REFUSED, entry, outcome] += count
    return Counted(sums, first)


def told(metrics: Metrics, recorder: Recorder[Observed]) -> bytes:
    """Return the metrics as text, once every number in them is written down if that does not take long."""
    text = metrics.exposition()
    recorder.settle(_SETTLE_SECONDS)
    return text
