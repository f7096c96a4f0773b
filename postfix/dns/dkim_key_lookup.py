"""The public keys of DKIM signatures, from DNS.

Owns: for how long a key is kept, and how many names are looked up at a time.
Must not know: how DNS is asked (look-ups are passed in), what is in a key.
Invariant: asking never waits.  A look-up that failed is told as one and is not kept for long.
Source: RFC 6376 section 3.6.2; DNSSEC is not asked for, as by every verifier.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from domain_secure.policy.dkim.message_signature import KeyAnswer
from domain_secure.postfix.work.paced_tasks import Pace, PacedTasks, Room

from .dns_lookup import Lookups, LookupStatus

_ROOM = Room(threads=8, waiting=256)
_PACE = Pace(after_success=0.0, after_failure=1.0, longest=1.0)
# Selectors are few; what somebody makes up must not push the used ones out for long.
_KEPT = 1024
# A key that is withdrawn has to stop counting soon, whatever its time to live says.
_LONGEST_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class _Found:
    answer: KeyAnswer
    seconds: int  #: for which it holds


class DkimKeyLookup:
    """A KeySource on *lookup*; safe from many threads."""

    def __init__(self, lookup: Lookups, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, KeyAnswer]] = OrderedDict()
        self._tasks: PacedTasks[str, _Found] = PacedTasks(
            lambda name: _look_up(name, lookup),
            lambda found: not found.answer.failure,
            _PACE,
            _ROOM,
            monotonic=monotonic,
        )

    def find(self, name: str) -> Future[KeyAnswer]:
        """Return a future of the TXT records under *name*."""
        future: Future[KeyAnswer] = Future()
        kept = self._fresh(name)
        if kept is not None:
            future.set_result(kept)
            return future
        task = self._tasks.ask(name)
        if task is None:
            future.set_result(KeyAnswer(failure=f"TXT of {name}: a look-up failed a moment ago"))
            return future

        def done(task: Future[_Found]) -> None:
            if (error := task.exception()) is not None:
                future.set_result(KeyAnswer(failure=f"TXT of {name}: {type(error).__name__}"))
            else:
                future.set_result(self._kept_answer(name, task.result()))

        task.add_done_callback(done)
        return future

    def _kept_answer(self, name: str, found: _Found) -> KeyAnswer:
        if not found.answer.failure:
            with self._lock:
                until = self._monotonic() + min(found.seconds, _LONGEST_SECONDS)
                self._kept[name] = (until, found.answer)
                self._kept.move_to_end(name)
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return found.answer

    def _fresh(self, name: str) -> KeyAnswer | None:
        with self._lock:
            kept = self._kept.get(name)
            if kept is None or self._monotonic() >= kept[0]:
                return None
            self._kept.move_to_end(name)
        return kept[1]


def _look_up(name: str, lookup: Lookups) -> _Found:
    found = lookup(name, "TXT")
    if found.status is LookupStatus.FAILED:
        return _Found(KeyAnswer(failure=found.detail), 0)
    return _Found(KeyAnswer(tuple(b"".join(record.strings) for record in found.records)), found.seconds)
