"""A fleet: how soon a change is in force on every edge, and what a list of a million costs.

Three etcd servers with TLS and users, and edges that are real daemons, all on this one machine: with two
processors, fifty daemons wait for each other longer than for etcd.
"""

import json
import re
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from .measurement import Measurement, usage_of
from .start_up import resident_memory
from lab import etcd as etcd_lab
from lab.edge import COMMAND, Edge
from lab.etcd import Etcd
from lab.namespaces import Namespaces, missing_programs

PART = "fleet"
GOAL = "<= 1000 ms"

_ADDRESS = "192.0.2.1"
_ENFORCED = re.compile(r"enforced by all (\d+) live nodes after ([0-9.]+) s")
_AT_ONCE = 4  #: daemons that are started together


def why_not() -> str | None:
    """Return why this part cannot run here, or None."""
    missing = missing_programs(etcd_lab.PROGRAMS)
    return f"not installed: {', '.join(missing)}" if missing else None


def measure(edges: int, changes: int, domains: int) -> list[Measurement]:
    """Return milliseconds to a change on all edges, and what a long list takes."""
    with _cluster() as (store, folder, cluster):
        writes = [_write(cluster, number) for number in range(changes)]
        admin = Edge(
            store,
            folder / "administrator",
            cluster.access,
            9700,
            password="administrator-secret",
            shared=_LIST,
        )
        (admin.folder / "long.domains").write_text("woodgrovebank.test\n")
        admin.command("fleet", "init")
        fleet = _edges(store, folder, cluster, edges)
        spread = [_spread(admin, number, edges) for number in range(changes)]
        memory = [resident_memory(edge.pid) for edge in fleet]
        for edge in fleet:
            edge.kill()
    reference = Measurement(PART, "etcdctl put", "ms", tuple(writes))
    values = tuple(seconds * 1000 for seconds in spread)
    everywhere = Measurement(PART, f"a change in force on {edges} edges", "ms", values, goal=GOAL)
    return [
        reference,
        everywhere.against(reference),
        Measurement(PART, "an edge, memory", "MiB", tuple(memory)),
        *_long_list(domains),
    ]


_LIST = '[receive]\ndomains = ["a.test"]\ndomains_file = "long.domains"\n'


@contextmanager
def _cluster() -> Iterator[tuple[Namespaces, Path, Etcd]]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        store, folder = Namespaces("store.test"), Path(name)
        try:
            store.add_address(_ADDRESS)
            cluster = Etcd(store, folder / "etcd", _ADDRESS)
            cluster.start()
            cluster.add_users({"administrator": "administrator-secret"})
            yield store, folder, cluster
        finally:
            store.close()


def _write(cluster: Etcd, number: int) -> float:
    """Return the milliseconds that the smallest write takes, its program included."""
    started = time.perf_counter()
    cluster.control("put", "/bench", str(number))
    return (time.perf_counter() - started) * 1000


def _edges(store: Namespaces, folder: Path, cluster: Etcd, number: int) -> list[Edge]:
    made = [
        Edge(store, folder / f"edge{one}", cluster.access, 10_000 + one, password="administrator-secret")
        for one in range(number)
    ]
    for edge in made:  # all as one user of etcd: making fifty users measures nothing
        _as_administrator(edge)

    def start(edge: Edge) -> None:
        edge.command("fleet", "join")
        edge.serve()
        edge.wait_until_enforcing(1)

    with ThreadPoolExecutor(_AT_ONCE) as together:
        list(together.map(start, made))
    return made


def _spread(admin: Edge, number: int, edges: int) -> float:
    """Return the seconds from a change being written to its being in force everywhere, as ``--wait`` says."""
    said = admin.command("receive", "add", f"change{number}.test", "--wait=120").stdout
    found = _ENFORCED.search(said)
    if found is None or int(found[1]) != edges:
        raise ChildProcessError(said)
    return float(found[2])


def _long_list(domains: int) -> list[Measurement]:
    """Return what a list of so many domains costs the writer, the store and an edge."""
    with _cluster() as (store, folder, cluster):
        writer = Edge(
            store, folder / "writer", cluster.access, 9700, password="administrator-secret", shared=_LIST
        )
        text = "".join(f"partner-{number}.example{number % 97}.test\n" for number in range(domains))
        (writer.folder / "long.domains").write_text(text)
        _as_administrator(writer)
        edge = Edge(store, folder / "edge", cluster.access, 9701, password="administrator-secret")
        _as_administrator(edge)
        enter = (*store.entry, COMMAND, "--config")
        alone = usage_of(*enter, writer.file, "receive", "list", "--json")
        init = usage_of(*enter, writer.file, "fleet", "init")
        join = usage_of(*enter, edge.file, "fleet", "join")
        first_octets = _octets(cluster)
        started = time.perf_counter()
        edge.begin()
        edge.wait_until_started()
        start = time.perf_counter() - started
        edge.wait_until_enforcing(1)
        change = usage_of(*enter, writer.file, "receive", "add", "one-more.test")
        started = time.perf_counter()
        edge.wait_until_enforcing(2)
        late = time.perf_counter() - started
        memory, octets = resident_memory(edge.pid), _octets(cluster) - first_octets
        edge.kill()
    listed = f"{domains:,} domains"
    reference = Measurement(PART, f"receive list from a file, {listed}", "s", (alone.wall,))

    def measured(what: str, unit: str, value: float) -> Measurement:
        return Measurement(PART, f"{what}, {listed}", unit, (value,))

    return [
        reference,
        measured("fleet init", "s", init.wall).against(reference),
        measured("fleet init, peak memory", "MiB", init.peak),
        measured("fleet join", "s", join.wall).against(reference),
        measured("daemon of a node until it serves", "s", start).against(reference),
        measured("receive add, one more", "s", change.wall).against(reference),
        measured("from written to in force on the edge", "s", late),
        measured("the edge, memory", "MiB", memory),
        measured("etcd's database", "MiB", first_octets / 2**20),
        measured("the same, grown by one more domain", "KiB", octets / 2**10),
        Measurement(PART, f"the text itself, {listed}", "MiB", (len(text) / 2**20,)),
    ]


def _as_administrator(edge: Edge) -> None:
    edge.file.write_text(
        edge.file.read_text().replace(f'username = "{edge.name}"', 'username = "administrator"')
    )


def _octets(cluster: Etcd) -> int:
    """Return what etcd's database holds, after what it has deleted."""
    said = cluster.control("endpoint", "status", "--write-out=json") or "[]"
    return max(int(one["Status"]["dbSizeInUse"]) for one in json.loads(said))
