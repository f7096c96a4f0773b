"""Which sessions the end of the daemon waits for."""

import threading

import pytest

from domain_secure.milter.session.open_sessions import LeftOpen, OpenSessions, Patience

LONG = Patience(limit=1000.0, idle=500.0)


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


def test_nobody_is_waited_for_where_nobody_is(clock: Clock) -> None:
    """An idle daemon ends at once."""
    sessions = OpenSessions(clock)
    session = sessions.begin()
    session.ended()
    session.ended()
    assert sessions.wait_for_end(LONG) == LeftOpen(0, 0)
    assert len(sessions) == 0


def test_a_message_is_waited_for_to_the_limit(clock: Clock) -> None:
    """After that it is left, and counted."""
    sessions = OpenSessions(clock)
    session = sessions.begin()
    session.message_began()
    assert sessions.wait_for_end(Patience(0.0, 0.0)) == LeftOpen(1, 0)
    session.message_ended()
    assert sessions.wait_for_end(Patience(1000.0, 0.0)) == LeftOpen(0, 1)


def test_a_session_between_messages_is_waited_for_while_it_is_fresh(clock: Clock) -> None:
    """A client that says nothing for long is not."""
    sessions = OpenSessions(clock)
    session = sessions.begin()
    clock.now += 10
    assert sessions._worth_waiting(5.0, clock.now + 15) == -5
    session.message_began()
    session.message_ended()
    assert sessions._worth_waiting(5.0, clock.now + 15) == 5
    session.message_began()
    assert sessions._worth_waiting(5.0, clock.now + 15) == 15


def test_the_wait_ends_with_the_session(clock: Clock) -> None:
    """The end of the last session ends the wait, whatever the limit."""
    sessions = OpenSessions(clock)
    session = sessions.begin()
    session.message_began()
    left: list[LeftOpen] = []
    waiting = threading.Thread(target=lambda: left.append(sessions.wait_for_end(LONG)))
    waiting.start()
    session.message_ended()
    session.ended()
    waiting.join(10)
    assert left == [LeftOpen(0, 0)]
