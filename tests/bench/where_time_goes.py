"""Where the processor time of a message goes, through a real Postfix: by program, thread, side of the kernel.

Owns: what the kernel counts of processes and their threads, before and after one load.
Sources: proc(5) ``stat``, ``status``; the first field of ``schedstat`` is time on the processor in ns.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import mail_flow
from .measurement import Measurement
from lab.laboratory import CONTOSO, LOOPBACK, WOODGROVE, Lab
from lab.waiting import wait_for

PART = "cost"

_SESSIONS = 8
_TICKS = os.sysconf("SC_CLK_TCK")
_DAEMON = "daemon"


@dataclass(frozen=True, slots=True)
class _Used:
    """What was used up so far: µs by program, and the daemon's own account."""

    programs: Counter[str]
    threads: Counter[int]  #: µs by thread id
    user: float  #: µs
    kernel: float  #: µs
    switches: int  #: the daemon's, who waited for something


def why_not() -> str | None:
    """Return why this part cannot run here, or None."""
    return mail_flow.why_not()


def measure(messages: int) -> list[Measurement]:
    """Return µs, switches and system calls a message, for mail that is not listed and for listed mail."""
    # A process that ended is counted with master: none may.
    with mail_flow.attached(max_use="1000000", max_idle="1h") as (lab, product):
        found = []
        for what, sender in (("unlisted", "stranger.example.test"), ("listed", WOODGROVE)):
            _send(lab, sender, messages // 5 + 1)
            before = _used(lab, product.pid)
            _send(lab, sender, messages)
            found += _account(what, before, _used(lab, product.pid), messages)
            if shutil.which("strace"):
                found += _system_calls(lab, product.pid, what, sender, messages // 5 + 1)
    return found


def _send(lab: Lab, sender: str, messages: int) -> None:
    load = ("smtp-source", "-s", str(_SESSIONS), "-m", str(messages), "-M", sender)
    path = ("-f", f"adele.vance@{sender}", "-t", f"megan.bowen@{CONTOSO}", f"inet:{LOOPBACK}:25")
    lab.namespaces.run(*load, *path)
    wait_for(lambda: mail_flow.is_queue_empty(lab), "an empty queue", deadline=60)


def _account(what: str, before: _Used, after: _Used, messages: int) -> list[Measurement]:
    def row(name: str, value: float, unit: str = "µs/msg") -> Measurement:
        return Measurement(PART, f"{what}: {name}", unit, (value / messages,))

    programs = after.programs - before.programs
    threads = sorted((after.threads - before.threads).items(), key=lambda each: -each[1])
    rest = sum(used for _, used in threads[2:])
    return [
        *(row(name, used) for name, used in programs.most_common(8)),
        row(f"{_DAEMON}, in its own code", after.user - before.user),
        row(f"{_DAEMON}, in the kernel", after.kernel - before.kernel),
        *(row(f"{_DAEMON}, thread {number}", used) for number, (_, used) in enumerate(threads[:2], 1)),
        row(f"{_DAEMON}, all other threads", rest),
        row(f"{_DAEMON} waited and was woken", after.switches - before.switches, "/msg"),
    ]


def _used(lab: Lab, daemon: int) -> _Used:
    programs: Counter[str] = Counter()
    for entry in lab.namespaces.outside("/proc").glob("[0-9]*"):
        name, _, _, microseconds = _process(entry)
        programs[name] += round(microseconds)
    own = Path(f"/proc/{daemon}")
    _, user, kernel, microseconds = _process(own)
    ours = {"domain-secure", "python", "python3"} & programs.keys()
    for name in ours:
        del programs[name]
    programs[_DAEMON] = round(microseconds)
    threads = Counter({int(task.name): round(_on_processor(task)) for task in (own / "task").iterdir()})
    return _Used(programs, threads, user, kernel, sum(map(_switches, (own / "task").iterdir())))


def _process(entry: Path) -> tuple[str, float, float, float]:
    """Return the name of a process, and its µs in its own code, in the kernel, and in all; children too."""
    try:
        name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
    except (FileNotFoundError, ProcessLookupError):
        return "", 0.0, 0.0, 0.0  # ended while we looked, and counted with its parent from now on
    fields = [int(each) / _TICKS * 1e6 for each in rest.split()[11:15]]
    return name, fields[0], fields[1], sum(fields)


def _on_processor(task: Path) -> float:
    return int((task / "schedstat").read_text().split()[0]) / 1000


def _switches(task: Path) -> int:
    lines = (task / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))


def _system_calls(lab: Lab, daemon: int, what: str, sender: str, messages: int) -> list[Measurement]:
    """Return which system calls the daemon makes for a message, the most frequent first."""
    with tempfile.TemporaryDirectory() as folder:
        summary = Path(folder) / "calls"
        tracing = subprocess.Popen(
            ["strace", "-f", "-c", "-S", "calls", "-o", summary, "-p", str(daemon)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(lambda: _is_traced(daemon), "strace to look at the daemon")
        _send(lab, sender, messages)
        tracing.send_signal(signal.SIGINT)
        tracing.wait()
        calls = dict(_calls(summary.read_text()))
    rows = sorted(calls.items(), key=lambda each: -each[1])[:8]
    return [
        Measurement(PART, f"{what}: {_DAEMON}, {name}(2)", "/msg", (number / messages,))
        for name, number in rows
    ]


def _is_traced(process: int) -> bool:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return any(line.startswith("TracerPid:") and line.split()[1] != "0" for line in lines)


def _calls(summary: str) -> Iterator[tuple[str, int]]:
    for line in summary.splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[3].isdecimal() and fields[-1] != "total":
            yield fields[-1], int(fields[3])
