"""The processes of a running Postfix: since when they run, and which messages they hold.

Owns: reading that in /proc, and ending those whose service is gone.  Must not know: why somebody asks.
Sources: proc(5); master(8), whose children the processes are; bounce(8) and deliver_request(3), by which a
delivery agent keeps the file of the message open, and qmgr(8), which moves it while it is delivered.
"""

import os
import re
import signal
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from domain_secure.policy.terms.problems import NoPermission, Problem

from .processes import run
from .programs import PostfixInstance

_PROC = Path("/proc")
_QUEUES = frozenset({"incoming", "active", "deferred"})
_QUEUE_ID = re.compile(r"[0-9A-Za-z]+")
_RECIPIENT = re.compile(r"^recipient: (.+)$", re.MULTILINE)
#: Who also opens the files of messages, and delivers none.
_NO_AGENTS = frozenset({"qmgr", "oqmgr", "nqmgr", "cleanup", "pickup", "showq", "bounce", "flush", "smtpd"})


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment that no clock which is set moves: seconds since the machine started, and which start."""

    boot: str
    seconds: float

    @classmethod
    def now(cls) -> "Moment":
        """Return this moment."""
        return cls(_boot(), time.clock_gettime(time.CLOCK_BOOTTIME))


@dataclass(frozen=True, slots=True)
class Process:
    """One process of Postfix."""

    pid: int
    program: str
    started: float  #: seconds since the machine started, rounded down to a hundredth

    def has_seen(self, moment: Moment) -> bool:
        """Tell whether it ran at *moment* already."""
        return moment.boot == _boot() and self.started <= moment.seconds


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message that a process is delivering."""

    process: Process
    queue_id: str


def processes(instance: PostfixInstance) -> tuple[Process, ...]:
    """Return what master(8) of the instance has started; none where it does not run.  Needs root.

    Raises Problem where that cannot be told.
    """
    if not instance.is_running:
        return ()
    path = instance.queue_directory / "pid" / "master.pid"
    try:
        master = int(path.read_text())
    except PermissionError as error:
        raise NoPermission("which processes are Postfix's is told to root only", str(path)) from error
    except (OSError, ValueError) as error:
        raise Problem("the process id of Postfix cannot be read", str(path), "run this again") from error
    return tuple(process for parent, process in _all_processes() if parent == master)


def end_services(instance: PostfixInstance, keys: Collection[str]) -> bool:
    """Ask each process that serves one of *keys*, ``NAME/TYPE``, to end; tell whether none is left.

    Needs root.  For services that were taken out of master.cf: master(8) ends their processes itself, and
    does nothing else until they have ended.  Under a unit that leaves it without CAP_KILL, as Debian's does
    from 13 on, it only waits, for as long as somebody's server keeps one of them waiting.
    """
    if not keys:
        return True
    left = [process for process in processes(instance) if service_of(process.pid) in keys]
    for process in left:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
    return not left


def service_of(pid: int) -> str | None:
    """Return what a process of Postfix serves, ``NAME/TYPE`` as in master.cf; None where it is gone.

    Source: master(8) names it by ``-n``, unless the program is called so, and its type by ``-t``.
    """
    try:
        program, *options = (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return None
    # Behind the first -o stands what anybody may have written.
    own = options[: options.index("-o")] if "-o" in options else options
    named = dict(pairwise(own))
    return f"{named.get('-n', Path(program).name)}/{named.get('-t', '')}"


def deliveries(instance: PostfixInstance, running: tuple[Process, ...]) -> frozenset[Delivery]:
    """Return which messages are being delivered by whom among *running*; needs root."""
    queue = os.path.realpath(instance.queue_directory)
    return frozenset(
        Delivery(process, queue_id)
        for process in running
        if process.program not in _NO_AGENTS
        for queue_id in _open_messages(process.pid, queue)
    )


def recipients(instance: PostfixInstance, queue_id: str) -> tuple[str, ...] | None:
    """Return who is still to get a message; None where it is gone or cannot be read."""
    done = run(["postcat", "-c", str(instance.config_directory), "-e", "-q", queue_id])
    return tuple(_RECIPIENT.findall(done.stdout)) if done.returncode == 0 else None


def _open_messages(pid: int, queue: str) -> Iterator[str]:
    try:
        descriptors = list((_PROC / str(pid) / "fd").iterdir())
    except OSError:
        return  # it has ended
    for descriptor in descriptors:
        try:
            target = descriptor.readlink()
        except OSError:
            continue
        if target.is_relative_to(queue):
            folders = target.relative_to(queue).parts
            if folders and folders[0] in _QUEUES and _QUEUE_ID.fullmatch(target.name):
                yield target.name


def _all_processes() -> Iterator[tuple[int, Process]]:
    """Yield every process with its parent's id."""
    ticks = os.sysconf("SC_CLK_TCK")
    for entry in os.scandir(_PROC):
        if not entry.name.isdecimal():
            continue
        try:
            text = Path(entry.path, "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # it has ended
        # The name stands in parentheses and may hold any character; the third field follows it.
        name, _, rest = text.partition(" (")[2].rpartition(") ")
        fields = rest.split()
        yield int(fields[1]), Process(int(entry.name), name, int(fields[19]) / ticks)


def _boot() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
