"""A thread that waits for many sockets at once: whoever has something to say, a newcomer, or a task.

Owns: the waiting, the accepting of connections with its pause where the kernel has no descriptor left, and
how another thread has something done in this one.  Must not know what is said on a connection.
Sources: epoll(7), accept(2).
"""

import errno
import select
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

# A task is a few system calls; whoever waits longer than this has asked a thread that hangs.
_TASK_SECONDS = 10.0
# Without a descriptor nobody can be accepted; one comes free with each connection that ends.
_PAUSE_SECONDS = 0.5
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_T = TypeVar("_T")


class SelectorThread:
    """Waits for connections on *listening*, a bound stream socket, and for what is said on any socket.

    *accepted* is given each new connection, *exhausted* is called where the kernel has no descriptor left,
    *ended* when the thread ends by itself because one of them raised, which is ``error`` then.  All of them
    are called in this thread, but for the time before `start`.
    """

    def __init__(
        self,
        name: str,
        listening: socket.socket,
        accepted: Callable[[socket.socket], None],
        exhausted: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        self.error: BaseException | None = None
        self._accepted = accepted
        self._exhausted = exhausted
        self._ended = ended
        self._listening = listening
        self._is_accepting = False
        self._resume: float | None = None  #: when to accept again
        self._is_stopping = False
        self._poll = select.epoll()
        self._ready: dict[int, Callable[[], None]] = {}
        self._tasks: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._woken, self._wake = socket.socketpair()
        self.watch(self._woken, self._work)
        self._accept_on(listening)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start waiting."""
        self._thread.start()

    def stop(self, at_last: Callable[[], None] = lambda: None) -> None:
        """Close the listening socket, call *at_last* in the thread, and end it; waits until it has ended."""
        if self._thread.is_alive():
            self.do(lambda: self._stop(at_last))
            self._thread.join()
        for each in (self._listening, self._woken, self._wake, self._poll):
            each.close()

    @property
    def is_alive(self) -> bool:
        """Tell whether the thread runs."""
        return self._thread.is_alive()

    def do(self, task: Callable[[], _T]) -> _T:
        """Have *task* done by the thread, and return what it returns.

        Raises what it raises, and TimeoutError where the thread does not come to it.
        """
        done: Future[_T] = Future()

        def carry_out() -> None:
            try:
                done.set_result(task())
            except Exception as error:  # noqa: BLE001 - belongs to whoever asked
                done.set_exception(error)

        self.post(carry_out)
        return done.result(_TASK_SECONDS)

    def post(self, task: Callable[[], None]) -> None:
        """Have *task*, which raises nothing, done by the thread, and do not wait for it."""
        self._tasks.put(task)
        self._wake.send(b"\0")

    def watch(self, connection: socket.socket, ready: Callable[[], None]) -> None:
        """Call *ready* as often as there is something to read on a socket, or its end; within a task only."""
        self._poll.register(connection, select.EPOLLIN)
        self._ready[connection.fileno()] = ready

    def leave(self, connection: socket.socket) -> None:
        """Wait for a socket no more, which must not have been closed yet; within a task only."""
        self._poll.unregister(connection)
        del self._ready[connection.fileno()]

    def move_to(self, listening: socket.socket) -> None:
        """Accept on *listening* from now on, and close the former socket; from any thread."""
        self.do(lambda: self._accept_on(listening))

    def stop_accepting(self) -> None:
        """Close the listening socket; held elsewhere, its queue stays; within a task only."""
        self._leave_waiting()
        self._listening.close()

    def _leave_waiting(self) -> None:
        self._resume = None
        if self._is_accepting:
            self._is_accepting = False
            self.leave(self._listening)

    def _accept_on(self, listening: socket.socket) -> None:
        self._leave_waiting()
        if self._listening is not listening:
            self._listening.close()
        # Somebody who has gone again must not be waited for.
        listening.setblocking(False)
        self._listening, self._is_accepting = listening, True
        self.watch(listening, self._accept)

    def _accept(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            # Who waits goes on waiting; asking again at once would only keep the processor busy.
            self._leave_waiting()
            self._resume = time.monotonic() + _PAUSE_SECONDS
            self._exhausted()
            return
        self._accepted(connection)

    def _work(self) -> None:
        self._woken.recv(1)
        self._tasks.get()()

    def _stop(self, at_last: Callable[[], None]) -> None:
        self.stop_accepting()
        at_last()
        self._is_stopping = True

    def _run(self) -> None:
        try:
            self._wait()
        except Exception as error:  # noqa: BLE001 - whoever supervises ends the daemon with it
            self.error = error
            self._ended()

    def _wait(self) -> None:
        poll, ready = self._poll.poll, self._ready
        while not self._is_stopping:
            for descriptor, _ in poll(self._until_resuming()):
                # An earlier one of this round may have hung up on it.
                if (act := ready.get(descriptor)) is not None:
                    act()
            if self._resume is not None and time.monotonic() >= self._resume:
                self._accept_on(self._listening)

    def _until_resuming(self) -> float | None:
        return None if self._resume is None else max(0.0, self._resume - time.monotonic())
