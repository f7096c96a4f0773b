"""The recorder: observers can be slow, fail or die, and who tells them does not feel it."""

import threading
from collections.abc import Sequence

from domain_secure.milter.record.recorder import Recorder

from lab.waiting import DEADLINE


class Listener:
    """Remembers what it was given; waits first where it is told to, and fails where it is told to."""

    def __init__(self, *, fails: bool = False) -> None:
        self.heard: list[int] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.is_busy = threading.Event()
        self.is_closed = False
        self._fails = fails

    def consume(self, batch: Sequence[int]) -> None:
        """Take records."""
        self.is_busy.set()
        self.may_go_on.wait()
        if self._fails:
            raise RuntimeError("broken")
        self.heard += batch

    def close(self) -> None:
        """End."""
        self.is_closed = True


def test_everything_arrives_in_order_before_the_end() -> None:
    """What was told before the stop is handed on, in order, and observers are closed."""
    listener = Listener()
    recorder: Recorder[int] = Recorder((listener,), lambda _: None)
    recorder.start()
    for number in range(1000):
        recorder.observe(number)
    recorder.stop()
    assert listener.heard == list(range(1000))
    assert listener.is_closed


def test_an_observer_that_fails_does_not_take_from_the_others() -> None:
    """A fault in one observer is logged, and the next one hears everything."""
    listener = Listener()
    recorder: Recorder[int] = Recorder((Listener(fails=True), listener), lambda _: None)
    recorder.start()
    recorder.observe(1)
    recorder.observe(2)
    recorder.stop()
    assert listener.heard == [1, 2]


def test_who_can_wait_loses_nothing() -> None:
    """A thread that no message waits for tells everything, however slow the observer is."""
    listener = Listener()
    lost: list[int] = []
    recorder: Recorder[int] = Recorder((listener,), lost.append, limit=2)
    recorder.start()
    for number in range(20):
        recorder.observe_patiently(number)
    recorder.stop()
    assert listener.heard == list(range(20))
    assert not lost


def test_a_slow_observer_costs_records_and_no_time() -> None:
    """While an observer hangs, telling returns at once; what does not fit is lost and counted."""
    listener = Listener()
    listener.may_go_on.clear()
    lost: list[int] = []
    recorder: Recorder[int] = Recorder((listener,), lost.append, limit=5)
    recorder.start()
    recorder.observe(0)
    assert listener.is_busy.wait(DEADLINE)
    for number in range(1, 21):
        recorder.observe(number)  # would hang here
    assert sum(lost) == 15
    listener.may_go_on.set()
    recorder.stop()
    assert listener.heard == [0, 1, 2, 3, 4, 5]


def test_who_waits_is_told_when_all_is_handed_on() -> None:
    """What was told before is with the observers once the wait is over, and only then."""
    listener = Listener()
    listener.may_go_on.clear()
    recorder: Recorder[int] = Recorder((listener,), lambda _: None)
    assert not recorder.settle(DEADLINE)  # nobody would ever hand anything on
    recorder.start()
    recorder.observe(1)
    assert listener.is_busy.wait(DEADLINE)
    recorder.observe(2)
    assert not recorder.settle(0.0)
    listener.may_go_on.set()
    assert recorder.settle(DEADLINE)
    assert listener.heard == [1, 2]
    recorder.stop()
