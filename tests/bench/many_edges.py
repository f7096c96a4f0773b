"""A thousand edges at one real etcd: how soon a change is acknowledged by all, and how soon all are back.

Owns: the processes that run the agents, and what is asked of them, of etcd and of the command line.
The agents are those of the daemon with everything of a fleet; mail and Postfix are not in it.  They share
the machine with etcd, so that what is measured is what both take together.
Sources: proc(5), ``stat`` and ``status``.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .start_up import resident_memory
from lab import etcd as etcd_lab
from lab.edge import Edge
from lab.etcd import Etcd
from lab.namespaces import LabError, Namespaces, environment, missing_programs
from lab.waiting import wait_for
from promises import Promise

PART = "edges"
EDGES, QUICK = 1000, 4

_ADDRESS = "192.0.2.1"
_PROCESSES = 4
_CHANGES = 5
_PATIENCE = 180.0  #: seconds; how long something takes is judged by its promise
_REST_SECONDS = 30.0
_ENFORCED = re.compile(r"enforced by all (\d+) live nodes after ([0-9.]+) s")
_TICKS = os.sysconf("SC_CLK_TCK")
_SHORT = 3.0  #: times the goal, within which a shortfall is the one that is known
_NEEDED = (
    "On two processors the agents and etcd take these from each other: a thousand begin at once, and the "
    "only server does not answer within five seconds. It would take agents on other machines than etcd's."
)
_LIST = '[receive]\ndomains = ["a.test"]\n'


def why_not() -> str | None:
    """Return why this part cannot run here, or None."""
    if os.geteuid() != 0:
        return "needs root, for namespaces of its own"
    missing = missing_programs(etcd_lab.PROGRAMS)
    return f"not installed: {', '.join(missing)}" if missing else None


def measure(edges: int) -> list[Promise]:
    """Return what is promised of so many edges and what was seen of them, until something does not happen."""
    seen: list[Promise] = []
    with _fleet(edges) as fleet:
        try:
            seen.extend(_seen(fleet, edges))
        except (LabError, TimeoutError) as error:
            told = str(error)[:200]
            seen.append(Promise(PART, "the rest", "to happen", told, held=False, needed=_NEEDED, known=True))
    return seen


def _seen(fleet: "_Fleet", edges: int) -> Iterator[Promise]:
    many = f"{edges:,} edges"
    yield _within(f"{many} that never were there fetch the policy", 120, fleet.fetched())
    yield _within(f"{many} begin at once: all have reported", 60, fleet.start())
    slowest = max(fleet.spread(number) for number in range(min(_CHANGES, edges)))
    yield _within(f"a change in force on {many} and acknowledged, the slowest", 30, slowest)
    rest, memory = fleet.rest(), resident_memory(fleet.etcd_pid)
    yield Promise(
        PART,
        f"etcd with {many} at rest",
        "<= 1 processor, <= 1024 MiB",
        f"{rest:.2f} processors, {memory:.0f} MiB",
        rest <= 1 and memory <= 1024,
    )
    yield _within(f"`fleet status` of {many}, each on a line", 10, fleet.status())
    back = fleet.back()
    yield _within(f"after a restart of etcd all {many} are back", 60, back.seconds)
    took = f"etcd's processor time until all {many} are back"
    yield _within(took, 120, back.processor)
    yield _within("a change afterwards", 30, fleet.spread(_CHANGES))


def _within(what: str, goal: float, seconds: float) -> Promise:
    is_known = goal < seconds <= _SHORT * goal
    needed = _NEEDED if seconds > goal else ""
    told = f"{seconds:.1f} s"
    return Promise(PART, what, f"<= {goal:g} s", told, seconds <= goal, needed, known=is_known)


@dataclass(frozen=True, slots=True)
class _Back:
    seconds: float
    processor: float


class _Fleet:
    def __init__(self, cluster: Etcd, admin: Edge, agents: Sequence["_Agents"], edges: int) -> None:
        self._began = time.monotonic()
        self._cluster = cluster
        self._admin = admin
        self._agents = agents
        self._edges = edges

    @property
    def etcd_pid(self) -> int:
        """Return the process id of the store."""
        return self._cluster.pid(0)

    def fetched(self) -> float:
        """Return the seconds from the first process to every edge having a policy."""
        for one in self._agents:
            one.ask("state")
        return time.monotonic() - self._began

    def start(self) -> float:
        """Start all agents; return the seconds until each has reported."""
        started = time.monotonic()
        for one in self._agents:
            one.ask("start")
        self._wait_until_live()
        return time.monotonic() - started

    def spread(self, number: int) -> float:
        """Return the seconds from a change to its being in force everywhere, as ``--wait`` says."""
        said = self._admin.command("receive", "add", f"change{number}.test", f"--wait={_PATIENCE:g}").stdout
        found = _ENFORCED.search(said)
        if found is None or int(found[1]) != self._edges:
            raise LabError(said)
        return float(found[2])

    def rest(self) -> float:
        """Return how many processors etcd takes while nothing happens."""
        before, seconds = _processor_seconds(self.etcd_pid), min(_REST_SECONDS, self._edges)
        time.sleep(seconds)
        return (_processor_seconds(self.etcd_pid) - before) / seconds

    def status(self) -> float:
        """Return the seconds of ``fleet status``; raises LabError where a node has no line of its own."""
        started = time.monotonic()
        done = self._admin.command("fleet", "status")
        seconds = time.monotonic() - started
        lines = [line for line in done.stdout.splitlines() if line.startswith("edge") and " live " in line]
        if len(lines) != self._edges or not all(" yes " in line for line in lines):
            raise LabError(f"{len(lines)} lines for {self._edges} edges:\n{done.stdout[:2000]}")
        return seconds

    def back(self) -> _Back:
        """Restart etcd; return the seconds until every edge had an answer, and etcd's processor time."""
        self._cluster.kill(0)
        wall, started = time.time(), time.monotonic()
        self._cluster.begin(0)

        def all_answered() -> bool:
            return all(contact > wall for one in self._agents for _, contact in one.ask("state"))

        wait_for(all_answered, "every edge to be back", deadline=_PATIENCE)
        return _Back(time.monotonic() - started, _processor_seconds(self.etcd_pid))

    def _wait_until_live(self) -> None:
        def all_live() -> bool:
            nodes: list[dict[str, Any]] = json.loads(
                self._admin.command("fleet", "status", "--json", check=False).stdout
            )["nodes"]
            return sum(node["state"] == "live" for node in nodes) == self._edges

        wait_for(all_live, "every edge to report", deadline=_PATIENCE)


class _Agents:
    """One process of agents."""

    def __init__(self, store: Namespaces, files: Sequence[Path], log: Path) -> None:
        program = [sys.executable, "-P", "-m", "bench.fleet_agents"]
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [*store.entry, *program, *map(str, files)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment({"PYTHONPATH": str(Path(__file__).parents[1])}),
            )

    def ask(self, what: str) -> Any:
        """Ask and return the answer; raises LabError where the process has ended."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise LabError(f"the agents have ended:\n{self._log.read_text()[-2000:]}")
        return json.loads(line)

    def end(self) -> None:
        """End the process, as a crash would."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def _fleet(edges: int) -> Iterator[_Fleet]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, ExitStack() as stack:
        store, folder = Namespaces("store.test"), Path(name)
        stack.callback(store.close)
        store.add_address(_ADDRESS)
        cluster = Etcd(store, folder / "etcd", _ADDRESS, members=1)
        cluster.start()
        cluster.add_users({"administrator": "administrator-secret"})
        admin = _edge(store, folder / "administrator", cluster, shared=_LIST)
        admin.command("fleet", "init")
        files = [_edge(store, folder / f"edge{number:04d}", cluster).file for number in range(edges)]
        agents = []
        for number in range(_PROCESSES):
            one = _Agents(store, files[number::_PROCESSES], folder / f"agents{number}.log")
            stack.callback(one.end)
            agents.append(one)
        yield _Fleet(cluster, admin, agents, edges)


def _edge(store: Namespaces, folder: Path, cluster: Etcd, *, shared: str = "") -> Edge:
    """Return an edge that has joined, or with a *shared* policy one that has not.

    All are one user of etcd: making a thousand users measures nothing.
    """
    made = Edge(store, folder, cluster.access, 9700, password="administrator-secret", shared=shared)
    text = made.file.read_text().replace(f'username = "{made.name}"', 'username = "administrator"')
    made.file.write_text(text if shared else text.replace("[store]", '[store]\ntype = "etcd"'))
    return made


def _processor_seconds(pid: int) -> float:
    """Return what a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / _TICKS
