"""How soon a command is there, and the daemon by itself: when it is ready, and what it holds in memory then.

Of the daemon also with long lists, and how soon one more domain is in force then.

Sources: sd_notify(3) for READY, proc(5) for VmRSS.
"""

import compileall
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scratch_postfix import make_scratch

from .measurement import Measurement, Usage, usage_of
from lab.waiting import DEADLINE, wait_for
from promises import ROOT

PART = "daemon"
READY_GOAL = "<= 500 ms"
LONG_READY_GOAL = "<= 3 s"
LONG_MEMORY_GOAL = "<= 150 MiB"
MORE_GOAL = "<= 1 s"
MEMORY_GOAL = "<= 60 MiB"

PROGRAM = Path(sys.executable).with_name("domain-secure")
# -P: in the checkout each folder has a second name.
_IMPORTS = "import cryptography.x509"
_REFERENCE = "python with the libraries"
_LONGEST = 600  #: seconds for the tables of a million domains
_COMMANDS = (("--version",), ("receive", "list"))
_PACKAGES = ("commands", "fleet", "manual", "milter", "policy", "postfix")
PAUSE = 6.0  #: seconds in which a daemon begins and ends everything that it does by itself


def compile_all() -> None:
    """Compile the modules, as whoever installs them does: the start is not to be measured with that in it."""
    for package in _PACKAGES:
        compileall.compile_dir(ROOT / package, quiet=1)


def measure_long(domains: int, rounds: int) -> list[Measurement]:
    """Return the same of a daemon with *domains* on both lists, and the seconds that a change takes."""
    compile_all()
    ready, memory, added, later, written = [], [], [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            configuration = _configuration(folder, long=True)
            with (folder / "long.domains").open("w") as stream:
                stream.writelines(f"partner-{number:07d}.test\n" for number in range(domains))
            with _daemon(folder, configuration) as (daemon, seconds):
                ready.append(seconds)
                _await_log(folder, "maps-published")
                memory.append(resident_memory(daemon.pid))
                # It returns once the daemon says that it goes by the change.
                added.append(usage_of(PROGRAM, "--config", configuration, "receive", "add", "one-more.test"))
                written.append(_in_force_after_a_line(folder, domains + 3))
                later.append(resident_memory(daemon.pid))

    def measured(what: str, unit: str, values: Iterable[float], goal: str = "") -> Measurement:
        return Measurement(PART, f"{what}, {domains:,} domains", unit, tuple(values), goal=goal)

    return [
        measured("serve until ready", "s", ready, LONG_READY_GOAL),
        measured("serve, memory when idle", "MiB", memory, LONG_MEMORY_GOAL),
        measured(
            "receive add, the whole command until in force", "s", (one.wall for one in added), MORE_GOAL
        ),
        measured("receive add, processor", "s", (one.processor for one in added)),
        measured("a line more in the file until in force", "s", written),
        measured("serve, memory after two changes", "MiB", later, LONG_MEMORY_GOAL),
    ]


def _in_force_after_a_line(folder: Path, expected: int) -> float:
    """Return the seconds from a line being written to the daemon going by *expected* entries, as it logs."""
    with (folder / "long.domains").open("a") as stream:
        stream.write("two-more.test\n")
    began = time.perf_counter()
    _await_log(folder, f"receive_domains={expected} ")
    return time.perf_counter() - began


def _await_log(folder: Path, text: str) -> None:
    log = folder / "log"
    wait_for(lambda: text in log.read_text(), text, deadline=_LONGEST, context=log.read_text)


def measure(rounds: int) -> list[Measurement]:
    """Return milliseconds to an end or to readiness, and MiB when idle, beside interpreters that do less."""
    compile_all()
    nothing, libraries, daemon = [], [], []
    commands: dict[tuple[str, ...], list[Usage]] = {words: [] for words in _COMMANDS}
    with tempfile.TemporaryDirectory() as name:
        configuration = _configuration(Path(name))
        for _ in range(rounds):
            nothing.append(usage_of(sys.executable, "-P", "-c", "pass"))
            for words, usages in commands.items():
                usages.append(usage_of(PROGRAM, "--config", configuration, *words))
            libraries.append(usage_of(sys.executable, "-P", "-c", _IMPORTS))
            daemon.append(_start_once())

    def measured(what: str, unit: str, values: Iterable[float], goal: str = "") -> Measurement:
        return Measurement(PART, what, unit, tuple(values), goal=goal)

    empty = measured("python -c pass", "ms", (usage.wall * 1000 for usage in nothing))
    bare_time = measured(f"python -c '{_IMPORTS}'", "ms", (usage.wall * 1000 for usage in libraries))
    bare_memory = measured("the same, peak memory", "MiB", (usage.peak for usage in libraries))
    ready = measured("serve until ready", "ms", (ready * 1000 for ready, _ in daemon), READY_GOAL)
    idle = measured("serve, memory when idle", "MiB", (idle for _, idle in daemon), MEMORY_GOAL)
    return [
        empty,
        *(
            measured(
                " ".join(("domain-secure", *words)), "ms", (usage.wall * 1000 for usage in usages)
            ).against(empty)
            for words, usages in commands.items()
        ),
        bare_time,
        bare_memory,
        ready.against(bare_time, called=_REFERENCE),
        idle.against(bare_memory, called=_REFERENCE),
    ]


def resident_memory(pid: int) -> float:
    """Return the MiB of memory that a process holds now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "VmRSS":
            return int(value.split()[0]) / 1024
    raise ProcessLookupError(f"process {pid} has ended")


def _start_once() -> tuple[float, float]:
    """Return the seconds from exec to READY, and the MiB when all has begun that goes on by itself."""
    with tempfile.TemporaryDirectory() as name:
        configuration = _configuration(Path(name))
        with _daemon(Path(name), configuration) as (daemon, ready):
            time.sleep(PAUSE)
            return ready, resident_memory(daemon.pid)


@contextmanager
def _daemon(folder: Path, configuration: Path) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """Yield a daemon that is ready, and the seconds that took it from exec."""
    with _notifications(folder / "notify") as channel:
        started = time.perf_counter()
        with (folder / "log").open("wb") as log:
            daemon = subprocess.Popen(
                [PROGRAM, "--config", configuration, "serve"],
                env=os.environ | {"NOTIFY_SOCKET": str(folder / "notify")},
                stdout=log,
                stderr=log,
            )
        try:
            _await_readiness(channel, daemon, folder / "log")
            yield daemon, time.perf_counter() - started
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(DEADLINE)


def _await_readiness(channel: socket.socket, daemon: subprocess.Popen[bytes], log: Path) -> None:
    # Short waits, so that a daemon that ends at once is noticed; a datagram ends a wait by itself.
    channel.settimeout(0.1)
    while True:
        try:
            if channel.recv(4096).startswith(b"READY=1"):
                return
        except TimeoutError:
            if daemon.poll() is not None:
                raise ChildProcessError(f"the daemon ended at once: {log.read_text()}") from None


def _configuration(folder: Path, *, long: bool = False) -> Path:
    make_scratch(folder)
    # Postfix programs read a file that is younger than a second twice, a second apart.
    os.utime(folder / "postfix/main.cf", (0, 0))
    path = folder / "domain-secure.toml"
    lists = 'domains = ["woodgrovebank.test"]' + ('\ndomains_file = "long.domains"' if long else "")
    path.write_text(
        f"""\
[receive]
{lists}
[send]
{lists}
[postfix]
config_directory = "{folder}/postfix"
[paths]
state = "{folder}/state"
[metrics]
listen = "127.0.0.1:{_free_port()}"
[milter]
socket = "unix:{folder}/milter"
[policy_service]
socket = "unix:{folder}/policy"
"""
    )
    return path


@contextmanager
def _notifications(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(path))
        yield channel


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
