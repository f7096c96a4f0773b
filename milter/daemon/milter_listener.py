"""libmilter as a listener that can be paused and moved to another socket.

libmilter opens its listening socket itself and holds it in a variable of its own.  It opens one on a private
path here; the descriptor is then made to stand for the socket that Postfix connects to (dup2(2)).  So it does
not matter where that comes from, and libmilter, which removes the file it made, touches no other.
Owns: the callbacks' registration, the thread, the descriptor.
Sources: libmilter's listener.c (8.17, 8.18): the descriptor is used in poll(2), accept(2) and close(2) alone,
a failed accept(2) with EAGAIN is tried again, and poll(2) returns after 5 s at the latest.
"""

import os
import socket
import stat
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import milter as libmilter
from Milter import close_callback

from domain_secure.milter.session.callbacks import ACTIONS, Callbacks
from domain_secure.policy.terms.problems import Problem


class MilterListener:
    """Accepts milter sessions on *listening*, a bound stream socket, and makes an object for each.

    There can be one in a process: libmilter keeps everything in global variables.
    *ended* is called, in libmilter's thread, when it ends by itself.  Raises Problem.
    """

    def __init__(
        self, listening: socket.socket, session: Callable[[], Callbacks], ended: Callable[[], None]
    ) -> None:
        self._session = session
        self._ended = ended
        self._thread = threading.Thread(target=self._run, name="milter", daemon=True)
        self.error: BaseException | None = None
        self._register()
        self._family = listening.family
        self._descriptor = _open_private_socket(listening.family)
        self.move_to(listening)

    def start(self) -> None:
        """Start serving in a thread of libmilter's."""
        self._thread.start()

    def move_to(self, listening: socket.socket) -> None:
        """Accept on *listening* from now on; it must be of the family of the first one, and is closed here.

        libmilter notices within 5 s; until then connections wait in the queue of the new socket.
        """
        # libmilter must never wait in accept(2) for a connection that has gone again.
        listening.setblocking(False)
        os.dup2(listening.fileno(), self._descriptor, inheritable=False)
        listening.close()

    def stop_accepting(self) -> None:
        """Leave new connections in their queue; the sessions that are open go on."""
        deaf = socket.socket(self._family, socket.SOCK_STREAM)
        # The kernel chooses an address that nobody knows.
        deaf.bind("" if self._family == socket.AF_UNIX else (_loopback(self._family), 0))
        deaf.listen(1)
        self.move_to(deaf)

    @property
    def is_alive(self) -> bool:
        """Tell whether libmilter runs; whether it answers is another question."""
        return self._thread.is_alive()

    def _register(self) -> None:
        libmilter.set_flags(ACTIONS)
        libmilter.set_envfrom_callback(lambda context, *words: context.getpriv().envfrom_bytes(*words))
        libmilter.set_header_callback(
            lambda context, name, value: context.getpriv().header_bytes(name, value)
        )
        libmilter.set_eoh_callback(lambda context: context.getpriv().eoh())
        libmilter.set_body_callback(lambda context, chunk: context.getpriv().body(chunk))
        libmilter.set_eom_callback(lambda context: context.getpriv().eom())
        libmilter.set_abort_callback(lambda context: context.getpriv().abort())
        libmilter.set_close_callback(close_callback)
        libmilter.set_exception_policy(libmilter.TEMPFAIL)
        libmilter.register("domain-secure", negotiate=self._negotiate)

    def _negotiate(self, context: object, options: list[int]) -> int:
        callbacks = self._session()
        callbacks._setctx(context)  # noqa: SLF001 - pymilter's own way to bind a session to its object
        return callbacks.negotiate(options)

    def _run(self) -> None:
        # libmilter waits for signals in a thread of its own, and would take SIGHUP for an order to stop.
        # The kernel offers a signal to the main thread first, whose mask stays as Python left it.
        try:
            libmilter.main()
        except libmilter.error as error:
            self.error = error
        self._ended()


def _open_private_socket(family: int) -> int:
    """Let libmilter open a socket of *family* where nobody looks, and return its descriptor."""
    before = _listening_descriptors()
    with tempfile.TemporaryDirectory(prefix="domain-secure-") as folder:
        where = f"unix:{folder}/milter"
        if family != socket.AF_UNIX:
            where = f"inet{'6' if family == socket.AF_INET6 else ''}:0@[{_loopback(family)}]"
        libmilter.setconn(where)
        try:
            libmilter.opensocket(False)
        except libmilter.error as error:
            raise Problem(
                "libmilter cannot open a socket", where, "let the daemon's user write to the temporary folder"
            ) from error
    (descriptor,) = _listening_descriptors() - before
    return descriptor


def _listening_descriptors() -> set[int]:
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        number = int(entry.name)
        with suppress(OSError):  # the descriptor of the folder itself is closed by now
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                with socket.socket(fileno=os.dup(number)) as one:
                    if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                        found.add(number)
    return found


def _loopback(family: int) -> str:
    return "::1" if family == socket.AF_INET6 else "127.0.0.1"
