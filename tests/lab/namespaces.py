"""Private Linux namespaces for one laboratory: network, mounts, processes, host name.

Owns: the process that holds the namespaces, and the ways into them.  Within, ``/etc``, ``/run``,
``/var/spool``, ``/var/log`` and ``/var/lib/postfix`` are private and in memory, so that Postfix and unbound
run on their ordinary paths without touching the host's.  The namespaces have no name anywhere: they live as
long as their first process, and that lives as long as the pipe to us is open; even ``kill -9`` leaves nothing
behind.

Must not know: what runs inside.  Sources: namespaces(7), pid_namespaces(7), unshare(1), nsenter(1), setns(2).
"""

import ctypes
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from .waiting import wait_for

#: Programs without which there is no laboratory.
PROGRAMS = ("unshare", "nsenter", "ip", "mount")

_CLONE_NEWNET = 0x40000000
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# The first process of the namespaces.  A private /run hides the host's journal, resolver and nscd from the
# laboratory; where a syslog daemon listens on /dev/log itself, that is hidden too.  `cat` returns when the
# other end of the pipe is closed, by whatever death; with the first process all others end.
_FIRST_PROCESS = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 lab /run
mkdir /run/lab /run/lab/etc
find /etc -mindepth 1 -maxdepth 1 ! -name .git -exec cp -a -t /run/lab/etc {} +
mount --bind /run/lab/etc /etc
for folder in /var/lib/postfix /var/log /var/spool; do
    mount -t tmpfs -o mode=755 lab "$folder"
done
if [ -S /dev/log ]; then
    mount --bind /dev/null /dev/log
fi
echo "$1" >/proc/sys/kernel/hostname
ip link set lo up
echo ready
cat >/dev/null
exit
"""


class LabError(Exception):
    """A part of the laboratory does not work; not a finding about the product."""


def missing_programs(programs: Sequence[str]) -> list[str]:
    """Return which of the *programs* are not installed."""
    return [program for program in programs if shutil.which(program, path=_PATH) is None]


class Namespaces:
    """Namespaces with a loopback interface and nothing else; close() ends all processes in them."""

    def __init__(self, hostname: str) -> None:
        self._entered: list[subprocess.Popen[bytes]] = []
        self._holder = subprocess.Popen(
            [
                "unshare",
                "--net",
                "--mount",
                "--pid",
                "--uts",
                "--ipc",
                "--fork",
                "--kill-child",
                "--mount-proc",
                "sh",
                "-c",
                _FIRST_PROCESS,
                "lab",
                hostname,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            # Ctrl-C on the terminal is for us alone; we close the pipe.
            start_new_session=True,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != b"ready\n":
            _, errors = self._holder.communicate()
            raise LabError(f"cannot make namespaces: {errors.decode(errors='replace').strip()}")
        first = _first_child(self._holder.pid)
        assert first is not None
        self.pid = first  #: of the first process, as the host counts

    def close(self) -> None:
        """End every process inside; the kernel then drops the mounts and the network."""
        self._holder.communicate()
        for entering in self._entered:
            entering.wait()

    @property
    def entry(self) -> list[str]:
        """Return the beginning of a command line that runs something inside."""
        return ["nsenter", f"--target={self.pid}", "--net", "--mount", "--pid", "--uts", "--ipc", "--"]

    def run(
        self,
        *command: str | Path,
        check: bool = True,
        standard_input: str | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside to its end; raises LabError when *check* is set and it fails."""
        result = subprocess.run(
            [*self.entry, *map(str, command)],
            input=standard_input,
            stdin=subprocess.DEVNULL if standard_input is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment(variables),
            check=False,
        )
        if check and result.returncode != 0:
            said = (result.stderr or result.stdout).strip()
            raise LabError(f"`{' '.join(map(str, command))}` ended with {result.returncode}: {said}")
        return result

    def start(
        self, *command: str | Path, output: Path | None = None, variables: Mapping[str, str] | None = None
    ) -> "InnerProcess":
        """Start a command inside and return it running; *output*, a path outside, gets what it prints."""
        with (output or Path(os.devnull)).open("ab") as sink:
            entering = subprocess.Popen(
                [*self.entry, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=environment(variables),
                start_new_session=True,
            )
        self._entered.append(entering)
        return InnerProcess(entering)

    def outside(self, path: str | Path) -> Path:
        """Return how a *path* inside is reached from here; a symbolic link on it must be relative."""
        return Path(f"/proc/{self.pid}/root", *Path(path).parts[1:])

    @contextmanager
    def network(self) -> Iterator[None]:
        """Let the calling thread open sockets inside; an open socket stays inside afterwards."""
        with (
            Path("/proc/thread-self/ns/net").open() as here,
            Path(f"/proc/{self.pid}/ns/net").open() as there,
        ):
            _set_network(there.fileno())
            try:
                yield
            finally:
                _set_network(here.fileno())

    def add_address(self, address: str) -> None:
        """Give the loopback interface one more *address*, IPv4 or IPv6."""
        # Duplicate address detection makes an IPv6 address unusable for a second.
        detection = ["nodad"] if ":" in address else []
        self.run("ip", "address", "add", address, "dev", "lo", *detection)


class InnerProcess:
    """A process inside, with the nsenter(1) that waits for it."""

    def __init__(self, entering: subprocess.Popen[bytes]) -> None:
        self._entering = entering

    @property
    def pid(self) -> int:
        """Return the process id as the host counts; raises LabError when the process has ended."""
        return wait_for(self._child, "the command that nsenter starts")

    @property
    def is_running(self) -> bool:
        """Tell whether the process has not ended yet."""
        return self._entering.poll() is None

    def signal(self, signal_number: int) -> None:
        """Send a signal; raises LabError when the process has ended."""
        os.kill(self.pid, signal_number)
        if signal_number in {signal.SIGCONT, signal.SIGKILL}:
            # nsenter(1) stops together with what it waits for, and reaps nobody then.
            self._entering.send_signal(signal.SIGCONT)

    def wait(self, deadline: float) -> int:
        """Return the exit status, negative for a signal; raises subprocess.TimeoutExpired."""
        return self._entering.wait(deadline)

    def _child(self) -> int | None:
        if not self.is_running:
            raise LabError(f"the process has ended with status {self._entering.returncode}")
        return _first_child(self._entering.pid)


def _first_child(pid: int) -> int | None:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else None


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of commands inside: nothing of ours but *variables*."""
    return {"PATH": _PATH, "LANG": "C.UTF-8", **(variables or {})}


def _set_network(descriptor: int) -> None:
    # os.setns() came with Python 3.12.
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "setns")
