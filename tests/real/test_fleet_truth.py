"""What edges and a store say of themselves, believed as far as it can be: real etcd, real daemons.

Each test has a fleet of its own, without users: the store's administrator is who attacks here.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.edge import Edge
from lab.etcd import PREFIX, Etcd
from lab.namespaces import Namespaces
from lab.waiting import DEADLINE, wait_for

pytestmark = pytest.mark.real

ADDRESS = "192.0.2.1"
WAIT = f"--wait={DEADLINE:g}"
SHARED = '[receive]\ndomains = ["woodgrovebank.test"]\n'


@dataclass
class Fleet:
    """One server, an administrator's machine and two edges that serve."""

    etcd: Etcd
    admin: Edge
    edges: tuple[Edge, ...]
    folder: Path

    def node(self, name: str, port: int, *, below: str = "") -> Edge:
        """Join one more machine, which does not serve yet."""
        (self.folder / below).mkdir(exist_ok=True)
        made = Edge(self.etcd.namespaces, self.folder / below / name, self.etcd.access, port)
        made.command("fleet", "join")
        return made

    def change(self, *arguments: str) -> int:
        """Change something, and return the revision that every edge enforces then."""
        self.admin.command(*arguments, WAIT)
        return self.admin.revision()

    def head(self) -> str:
        """Return what stands under the head key."""
        return self.etcd.control("get", f"{PREFIX}head", "--print-value-only") or ""

    def put_head(self, value: str) -> None:
        """Write it as the store's administrator can."""
        self.etcd.control("put", f"{PREFIX}head", standard_input=value)

    def sign(self) -> None:
        """Have every node want signatures from now on."""
        key = self.admin.folder / "key.pem"
        public = self.admin.command("fleet", "key", key).stdout.split()[-1]
        text = self.admin.file.read_text()
        self.admin.file.write_text(text.replace("[store]\n", f'[store]\nsigning_key_file = "{key}"\n'))
        for one in (self.admin, *self.edges):
            one.command("fleet", "trust", "--require", public)
        for edge in self.edges:
            edge.settle()


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Return a fleet whose edges enforce the first revision."""
    where = Namespaces("store.test")
    try:
        where.add_address(ADDRESS)
        etcd = Etcd(where, tmp_path / "etcd", ADDRESS, members=1)
        etcd.start()
        admin = Edge(where, tmp_path / "administrator", etcd.access, 9700, shared=SHARED)
        admin.command("fleet", "init")
        made = Fleet(etcd, admin, (), tmp_path)
        made.edges = tuple(made.node(f"edge{number}", 9700 + number) for number in (1, 2))
        for edge in made.edges:
            edge.serve()
        made.change("receive", "add", "first.test")
        yield made
    finally:
        where.close()


def test_two_machines_of_one_name_are_told_apart(fleet: Fleet) -> None:
    """``--wait`` is about each of them, and says of one that stays behind what its own file's fault is."""
    twin = fleet.node("edge1", 9711, below="elsewhere")
    twin.serve()
    fleet.edges[0].wait_for_log("fleet-name-taken node=edge1 machines=2")
    done = fleet.admin.command("receive", "add", "both.test", WAIT)
    assert "enforced by all 3 live nodes" in done.stdout
    assert "2 machines call themselves edge1" in done.stderr
    assert "both.test" in twin.listed()
    for fault in ("nonsense = 1", "= broken"):
        good = twin.file.read_text()
        twin.write(f"{good}\n[inbound.x]\n{fault}\n" if fault.startswith("=") else f"{fault}\n{good}")
        own = twin.command("receive", "list", check=False).stderr.strip().removeprefix("domain-secure: ")
        assert own
        name = f"{fault.strip('= ').split()[0]}.test"
        done = fleet.admin.command("receive", "add", name, "--wait=8", check=False)
        assert done.returncode == 1
        late = next(line for line in done.stdout.splitlines() if "does NOT enforce" in line)
        assert "edge1: does NOT enforce" in late
        assert late.endswith(own), (late, own)
        twin.write(good)
        twin.wait_until_enforcing(fleet.admin.revision())
    twin.stop()
    status = json.loads(fleet.admin.command("fleet", "status", "--json").stdout)
    assert status["doubled"] == []


def test_one_name_for_the_results_of_all(fleet: Fleet) -> None:
    """Set once, and each edge's report has it, except of one whose own file says otherwise."""
    own = fleet.edges[1].file.read_text()
    fleet.edges[1].write(own.replace("[inbound]\n", '[inbound]\nauthserv_id = "mx2.contoso.test"\n'))
    fleet.change("fleet", "set", "inbound.authserv_id=contoso.test")

    def names() -> bool:
        status = json.loads(fleet.admin.command("fleet", "status", "--json").stdout)
        found = {node["node"]: node["authserv_id"] for node in status["nodes"]}
        return found == {"edge1": "contoso.test", "edge2": "mx2.contoso.test"}

    wait_for(names, "both names")
    told = fleet.admin.command("fleet", "status").stdout
    assert "results are written under contoso.test, mx2.contoso.test" in told
    fleet.change("fleet", "set", "inbound.authserv_id=")


def test_a_signature_that_does_not_fit_is_never_to_be_signed(fleet: Fleet) -> None:
    """A revision that was changed after it was signed: refused everywhere, and signing it is refused too."""
    fleet.sign()
    number = fleet.change("receive", "add", "signed.test")
    good = fleet.head()
    forged = json.loads(good)
    forged["revision"] |= {"number": number + 1, "what": "receive add evil.test"}
    fleet.put_head(json.dumps(forged))
    for edge in fleet.edges:
        edge.wait_for_log("was changed after it was signed")
        assert edge.enforced == number
    for command in (("receive", "add", "x.test"), ("fleet", "sign", str(number + 1))):
        done = fleet.admin.command(*command, check=False)
        assert done.returncode != 0
        assert "was changed after it was signed" in done.stderr
        assert "fleet accept node" in done.stderr
        assert "fleet sign" not in done.stderr
    done = fleet.admin.command("fleet", "accept", "node", WAIT)
    assert f"dropped: revision {number + 1}" in done.stdout
    assert "receive add evil.test" in done.stdout
    assert all("signed.test" in edge.listed() for edge in fleet.edges)


def test_a_restored_store_takes_no_write_that_edges_throw_away(fleet: Fleet) -> None:
    """Also from a machine that knows nothing newer; accept says what is dropped."""
    other = fleet.node("other", 9712)
    snapshot = fleet.etcd.folder / "snapshot"
    fleet.etcd.save(snapshot)
    newest = fleet.change("receive", "add", "since.test")
    fleet.etcd.kill()
    fleet.etcd.restore(snapshot)
    fleet.etcd.start()
    for edge in fleet.edges:
        edge.wait_for_log("the store went backwards")
    before = fleet.head()

    def refused() -> str:
        done = other.command("receive", "add", "lost.test", check=False)
        return done.stderr if "was restored from an older copy" in done.stderr else ""

    told = wait_for(refused, "a refusal")
    assert f"edge1 enforces revision {newest}" in told
    assert f"edge2 enforces revision {newest}" in told
    assert fleet.head() == before
    done = other.command("fleet", "accept", "store", WAIT)
    assert f"dropped: edge1 enforces revision {newest}" in done.stdout
    assert "receive add since.test" in done.stdout
    assert other.revision() > newest
    assert all("since.test" not in edge.listed() for edge in fleet.edges)


def test_an_edge_without_its_cache_takes_no_old_revision_in_silence(fleet: Fleet) -> None:
    """It goes by what it knew, then by what others show with a signature; alone, it says so."""
    fleet.sign()
    fleet.change("receive", "add", "old.test")
    old = fleet.head()
    newest = fleet.change("receive", "remove", "old.test")
    edge, other = fleet.edges
    edge.stop()
    new = fleet.head()
    fleet.put_head(old)
    shutil.rmtree(edge.folder / "state" / "fleet")
    edge.begin()
    edge.wait_for_log(f"this node had applied revision {newest}")
    edge.kill()
    shutil.rmtree(edge.folder / "state")
    edge.begin()
    edge.wait_for_log(f"edge2 enforces revision {newest}")
    edge.kill()
    other.stop()
    fleet.etcd.control("del", f"{PREFIX}nodes/", "--prefix")
    edge.serve()
    assert f"fleet-without-past revision={newest - 1}" in edge.log()
    assert "old.test" in edge.listed()
    fleet.put_head(new)
    edge.wait_until_enforcing(newest)
    other.serve()
