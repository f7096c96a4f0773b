"""A thread whose beginning is not waited for without end.

``threading.Thread.start`` returns when the new thread has begun.  One that gets no memory for its first step
ends before that, and whoever started it would wait for ever, be it the one that reads all sessions.

Owns: how long its beginning is waited for, and that it does nothing once it was given up.
Sources: CPython's ``threading.Thread.start`` and ``_bootstrap``, 3.11 to 3.14.
"""

import threading
from collections.abc import Callable
from typing import Any

BEGIN_SECONDS = 1.0


class _Begun(threading.Event):
    """Set by a thread that has begun; nobody waits longer for it than this."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set; return whether it is."""
        return super().wait(BEGIN_SECONDS if timeout is None else timeout)


class BoundedStartThread(threading.Thread):
    """A daemon thread that does *target* with *args*."""

    def __init__(self, target: Callable[..., object], args: tuple[Any, ...] = (), *, name: str) -> None:
        super().__init__(target=target, args=args, name=name, daemon=True)
        self._started = _Begun()
        self._beginning = threading.Lock()
        self._is_given_up = False

    def start(self) -> None:
        """Begin; raises RuntimeError where it has not begun in time, and does nothing afterwards."""
        super().start()
        with self._beginning:
            if not self._started.is_set():
                self._is_given_up = True
                raise RuntimeError(f"the thread {self.name} did not begin: is there memory for it?")

    def run(self) -> None:
        """Do what is to be done, unless whoever asked for it was told that it will not be."""
        with self._beginning:
            if self._is_given_up:
                return
        super().run()
