"""A fleet over three real etcd servers with TLS, users and roles: changes, faults, attacks, recovery.

The tests share one fleet and leave it whole: whatever one of them breaks it mends before it ends.
"""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lab.edge import COMMAND, Edge
from lab.etcd import PREFIX, Etcd
from lab.files import put
from lab.laboratory import AUTHORITY_FILE, Lab
from lab.namespaces import LabError, Namespaces
from lab.waiting import DEADLINE, wait_for

pytestmark = pytest.mark.real

STORE_ADDRESS, FAR_ADDRESS = "192.0.2.1", "192.0.2.2"
WAIT = f"--wait={DEADLINE:g}"
SHARED = """\
[receive]
domains = ["woodgrovebank.test"]  # the bank
domains_file = "long.domains"
[partner."woodgrovebank.test"]
mode = "observe"
"""


@dataclass
class Fleet:
    """The servers; an administrator's machine, which is no edge; edges beside the servers and a far one."""

    etcd: Etcd
    admin: Edge
    near: tuple[Edge, ...]
    far: Edge

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Return every edge."""
        return (*self.near, self.far)

    def enforcing(self) -> set[str]:
        """Return the live nodes that enforce the newest revision, as they report it."""
        status = json.loads(self.admin.command("fleet", "status", "--json", check=False).stdout)
        return {node["node"] for node in status["nodes"] if node["enforces_head"]}

    def change(self, *arguments: str, wait: str = WAIT) -> int:
        """Change something as the administrator, and return the revision every edge enforces then."""
        self.admin.command(*arguments, wait)
        return self.admin.revision()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Three servers, an administrator, two edges beside them and one across a cable."""
    folder = tmp_path_factory.mktemp("fleet")
    store, far = Namespaces("store.test"), Namespaces("far.test")
    try:
        _cable(store, far)
        hosts = far.outside("/etc/hosts")
        hosts.write_text(f"{hosts.read_text()}{STORE_ADDRESS} etcd.test\n")
        etcd = Etcd(store, folder / "etcd", STORE_ADDRESS)
        etcd.start()
        users = {name: f"{name}-secret" for name in ("administrator", "edge1", "edge2", "edge3")}
        etcd.add_users(users)
        admin = Edge(
            store, folder / "administrator", etcd.access, 9700, password=users["administrator"], shared=SHARED
        )
        (admin.folder / "long.domains").write_text("".join(f"d{number}.test\n" for number in range(5000)))
        admin.command("fleet", "init", "--json")
        edges = [
            Edge(where, folder / name, etcd.access, 9700 + number, password=users[name])
            for number, (name, where) in enumerate(
                (("edge1", store), ("edge2", store), ("edge3", far)), start=1
            )
        ]
        for edge in edges:
            edge.command("fleet", "join", "--json")
        for edge in edges:
            edge.begin()
        for edge in edges:
            edge.wait_until_started()
        made = Fleet(etcd, admin, (edges[0], edges[1]), edges[2])
        # A node knows what it enforces before it reports that, and only then it counts.
        wait_for(lambda: made.enforcing() == {edge.name for edge in edges}, "three live nodes")
        yield made
    finally:
        far.close()
        store.close()


def _cable(one: Namespaces, other: Namespaces) -> None:
    """Connect two namespaces; nothing of it is on the host."""
    command = [
        "ip",
        "link",
        "add",
        "cable",
        "netns",
        str(one.pid),
        "type",
        "veth",
        "peer",
        "name",
        "cable",
        "netns",
    ]
    subprocess.run([*command, str(other.pid)], check=True)
    for end, address in ((one, STORE_ADDRESS), (other, FAR_ADDRESS)):
        end.run("ip", "address", "add", f"{address}/24", "dev", "cable")
        end.run("ip", "link", "set", "cable", "up")


def test_a_change_is_enforced_everywhere(fleet: Fleet) -> None:
    """``--wait`` returns when every edge enforces the change; long lists, comments and history are there."""
    done = fleet.admin.command("receive", "add", "fabrikam.test", WAIT)
    assert "enforced by all 3 live nodes" in done.stdout
    number = fleet.admin.revision()
    for edge in fleet.edges:
        assert edge.enforced >= number
        assert edge.listed()[:2] == ["woodgrovebank.test", "fabrikam.test"]
        assert len(edge.listed()) == 5002
    again = json.loads(fleet.admin.command("receive", "add", "fabrikam.test", WAIT, "--json").stdout)
    assert (again["unchanged"], again["in_force"], again["live_nodes"]) == (["fabrikam.test"], True, 3)
    log = json.loads(fleet.admin.command("fleet", "log", "--json").stdout)["revisions"]
    assert (log[0]["revision"], log[0]["what"]) == (number, "receive add fabrikam.test")
    assert (log[0]["node"], log[-1]["what"]) == ("administrator", "fleet init")
    fleet.change("fleet", "revert", "1")
    assert all("fabrikam.test" not in edge.listed() for edge in fleet.edges)
    status = json.loads(fleet.admin.command("fleet", "status", "--json").stdout)
    assert {node["node"]: node["enforces_head"] for node in status["nodes"]} == {
        "edge1": True,
        "edge2": True,
        "edge3": True,
    }
    counted = json.loads(fleet.admin.command("status", "--fleet", "--json").stdout)
    assert [node["node"] for node in counted["nodes"]] == ["edge1", "edge2", "edge3"]
    assert set(counted["total"].values()) == {0}


def test_writers_at_once_lose_nothing(fleet: Fleet) -> None:
    """All who add at once succeed; who sets a list and saw another one gets both versions."""
    with ThreadPoolExecutor() as together:
        list(together.map(lambda name: fleet.admin.command("send", "add", f"{name}.test"), "abcd"))
    assert json.loads(fleet.admin.command("send", "list", "--json").stdout)["domains"].sort() is None
    held = set(json.loads(fleet.admin.command("send", "list", "--json").stdout)["domains"])
    assert held == {"a.test", "b.test", "c.test", "d.test"}
    shown = str(fleet.admin.revision())
    fleet.admin.command("send", "set", "a.test", "--shown", shown)
    done = fleet.admin.command("send", "set", "b.test", "--shown", shown, check=False)
    assert done.returncode == 1
    assert "now: a.test" in done.stderr
    assert "b.test" in done.stderr.split("now:")[0]
    fleet.change("send", "set", "a.test")


def test_rules_of_one_node_are_visible_and_end(fleet: Fleet) -> None:
    """A staged roll-out: one node alone, seen in the status; then all, and nothing of its own is left."""
    fleet.change("partner", "set", "woodgrovebank.test", "mode=enforce", "--nodes=edge1")

    def modes() -> dict[str, str]:
        shown = (
            edge.command("partner", "show", "woodgrovebank.test", "--json").stdout for edge in fleet.edges
        )
        return dict(zip(("edge1", "edge2", "edge3"), (json.loads(one)["mode"] for one in shown), strict=True))

    assert modes() == {"edge1": "enforce", "edge2": "observe", "edge3": "observe"}
    assert "woodgrovebank.test mode=enforce" in fleet.admin.command("fleet", "status").stdout
    fleet.change("partner", "set", "woodgrovebank.test", "mode=enforce")
    assert set(modes().values()) == {"enforce"}
    assert "mode=enforce" not in fleet.admin.command("fleet", "status").stdout.split("OWN RULES")[1]


def test_recipe_of_a_gateway_holds_on_every_edge(fleet: Fleet) -> None:
    """Names by direction are the fleet's, as a partner's other keys are; the word itself is no key."""

    def rules() -> list[dict[str, object]]:
        shown = [
            json.loads(edge.command("partner", "show", "woodgrovebank.test", "--json").stdout)
            for edge in fleet.edges
        ]
        return [{key: one[key] for key in ("receive_names", "send_names", "require")} for one in shown]

    fleet.change("partner", "set", "woodgrovebank.test", "gateway=google-workspace")
    names = ["mx.google.com", "smtp.google.com", "aspmx.l.google.com"]
    expected = {"receive_names": ["smtp.gmail.com"], "send_names": names, "require": ["dkim"]}
    assert rules() == [expected] * len(fleet.edges)
    fleet.change("partner", "set", "woodgrovebank.test", "gateway=")
    assert all(one["require"] == [] for one in rules())


def test_what_is_distrusted_is_so_on_every_edge(fleet: Fleet) -> None:
    """It is part of the revision, and goes back with it."""
    digest = "ab" * 32
    shown = lambda edge: json.loads(  # noqa: E731
        edge.command("partner", "cert", "list", "woodgrovebank.test", "--json").stdout
    )["distrusted"]
    former = fleet.admin.revision()
    fleet.change("partner", "cert", "distrust", digest.upper())
    assert [shown(edge) for edge in fleet.edges] == [[f"sha256:{digest}"]] * len(fleet.edges)
    fleet.change("fleet", "revert", str(former))
    assert [shown(edge) for edge in fleet.edges] == [[]] * len(fleet.edges)


def test_what_a_node_could_not_apply_is_not_written(fleet: Fleet) -> None:
    """A public suffix and a bad value are refused at the writer."""
    before = fleet.admin.revision()
    for arguments in (
        ("receive", "add", "co.uk"),
        ("partner", "set", "x.test", "mode=on"),
        ("fleet", "set", "mode=x"),
    ):
        assert fleet.admin.command(*arguments, check=False).returncode == 2
    assert fleet.admin.revision() == before


def test_a_report_informs_and_never_vetoes(fleet: Fleet) -> None:
    """Whoever has one edge's password says anything in its name: it is named, and changes go through."""
    key = f"{PREFIX}nodes/old/report"
    report = json.loads(fleet.etcd.control("get", f"{PREFIX}nodes/edge1/report", "--print-value-only") or "")
    lies = {"settings": [], "version": "0.0.9", "milter": 10**15, "known": 10**15, "proof": None}
    fleet.etcd.control("put", key, json.dumps(report | lies))
    done = fleet.admin.command("fleet", "set", "trust.revocation=require")
    assert "old, version 0.0.9, reports not to know " in done.stderr
    assert "trust.revocation, and stays behind" in done.stderr
    assert "old enforces revision 1000000000000000, which the store does not hold" in done.stderr
    done = fleet.admin.command("fleet", "set", "trust.revocation=", "--wait=1", check=False)
    assert "old: does NOT enforce" in done.stdout
    fleet.admin.command("fleet", "leave", "--node", "old")
    fleet.change("receive", "add", "informed.test")
    fleet.change("receive", "remove", "informed.test")


def test_edges_may_read_and_report_and_no_more(fleet: Fleet) -> None:
    """With an edge's password the policy cannot be changed, nor another node's report."""
    done = fleet.near[0].command("receive", "add", "evil.test", check=False)
    assert done.returncode == 3
    assert "etcd does not let edge1 do that" in done.stderr
    assert fleet.near[0].command("fleet", "leave", "--node", "edge2", check=False).returncode == 3


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("password_file", "wrong", "etcd does not accept the user or the password"),
        ("cert_file", "expired", "the certificate that this node shows to etcd ended on"),
        ("ca_file", "client", "the certificate of etcd is not accepted here"),
    ],
)
def test_what_keeps_a_node_out_is_said(fleet: Fleet, setting: str, value: str, said: str) -> None:
    """A wrong password, an expired certificate and another authority are told apart, with status 3."""
    yesterday = datetime.now(UTC) - timedelta(hours=1)
    fleet.etcd.certificate("expired", not_after=yesterday)
    (fleet.etcd.folder / "wrong.pem").write_text("wrong\n")
    text = fleet.near[0].file.read_text().splitlines()
    path = fleet.etcd.folder / f"{value}.pem"
    lines = [f'{setting} = "{path}"' if line.startswith(f"{setting} =") else line for line in text]
    other = fleet.near[0].folder / "other.toml"
    other.write_text("\n".join(lines))
    done = fleet.etcd.namespaces.run(
        *("/usr/bin/env", "DOMAIN_SECURE_CONFIG=" + str(other)), COMMAND, "fleet", "status", check=False
    )
    assert done.returncode == 3
    assert said in done.stdout
    assert "this node  edge1 holds revision" in done.stdout


def test_a_certificate_known_to_one_is_known_to_all(fleet: Fleet) -> None:
    """What is imported on one edge reaches the books of the others; rubbish beside it reaches nobody's."""
    domain = "woodgrovebank.test"
    issued = fleet.etcd.authority.issue(domain, dns_names=(domain,))
    fleet.etcd.control("put", f"{PREFIX}book/{'1' * 64}", "rubbish")
    other = json.dumps({"entry": domain, "certificates": []})
    fleet.etcd.control("put", f"{PREFIX}book/{'2' * 64}", standard_input=other)
    fleet.near[0].command("partner", "cert", "add", domain, issued.write(fleet.near[0].folder, "partner"))
    for edge in fleet.edges:
        wait_for(
            lambda e=edge: issued.fingerprint in e.command("partner", "show", domain, "--json").stdout,
            f"the certificate in the book of {edge.name}",
        )
        assert "internal-error" not in edge.log()


def test_what_one_has_fetched_reaches_those_that_cannot(fleet: Fleet) -> None:
    """A revocation list that one edge got is at hand on the others; a name that leads elsewhere is not."""
    own = fleet.near[0].folder / "state" / "revocation"
    own.mkdir(exist_ok=True)
    name = f"{'a' * 40}.statement"
    fleet.etcd.control("put", f"{PREFIX}revocation/../../escaped", "{}")
    header = {"url": "http://ca.test/a.crl", "answers": False, "fetched": datetime.now(UTC).isoformat()}
    put(own / name, f"{json.dumps(header)}\nlist".encode())
    for edge in (fleet.near[1], fleet.far):
        taken = edge.folder / "state" / "revocation-fleet"
        wait_for(lambda t=taken: (t / name).exists(), f"the list on {edge.name}")
        assert [path.name for path in taken.iterdir()] == [name]
    (own / name).unlink()


def test_killed_leader(fleet: Fleet) -> None:
    """Without the leader of etcd a change goes through, and the member that comes back is used."""
    leader = fleet.etcd.leader()
    fleet.etcd.kill(leader)
    number = fleet.change("receive", "add", "leader.test")
    assert all(edge.enforced >= number for edge in fleet.edges)
    fleet.etcd.start(leader)
    fleet.change("receive", "remove", "leader.test")


def test_store_away(fleet: Fleet) -> None:
    """A node that starts without the store enforces what it has and says how old that is."""
    edge, number = fleet.near[0], fleet.admin.revision()
    with fleet.etcd.down():
        edge.kill()
        edge.serve()
        assert edge.log().count("receive_domains=5001") == 1
        edge.wait_for_log("fleet-store-lost")
        # The metrics come after the line.
        wait_for(lambda: edge.enforced == number, "the revision on disk", context=edge.log)
        assert edge.metric("domain_secure_fleet_store_reachable") == 0
        done = edge.command("fleet", "status", check=False)
        assert done.returncode == 3
        assert "the store does not answer" in done.stdout
        assert f"holds revision {number}" in done.stdout
        assert "heard of the store" in done.stdout
        done = fleet.admin.command("receive", "add", "away.test", check=False)
        assert done.returncode == 3
        assert "the store does not answer" in done.stderr
    edge.wait_for_log("fleet-store-found")
    fleet.change("receive", "add", "back.test")
    fleet.change("receive", "remove", "back.test")


def test_partition(fleet: Fleet) -> None:
    """An edge whose packets vanish keeps its policy, ``--wait`` names it, and it catches up by itself."""
    lost = ("ip", "neigh", "replace", STORE_ADDRESS, "dev", "cable", "nud", "permanent", "lladdr")
    before = fleet.far.enforced
    fleet.far.namespaces.run(*lost, "02:00:00:00:00:99")
    # How long the near ones take depends on the machine; the far one takes for ever.
    for seconds in (1.5, 10.0, DEADLINE):
        done = fleet.admin.command(
            "receive", "add", f"partition{seconds:g}.test", f"--wait={seconds:g}", check=False
        )
        assert done.returncode == 1
        assert f"edge3: does NOT enforce revision {fleet.admin.revision()}" in done.stdout
        if "edge1" not in done.stdout:
            break
    assert "edge1" not in done.stdout
    assert fleet.far.enforced == before
    fleet.far.namespaces.run("ip", "neigh", "del", STORE_ADDRESS, "dev", "cable")
    fleet.far.wait_until_enforcing(fleet.admin.revision())
    fleet.change("receive", "remove", *(name for name in fleet.admin.listed() if "partition" in name))


def test_compaction(fleet: Fleet) -> None:
    """etcd forgets its past under the watches, and changes arrive as before."""
    status = json.loads(fleet.etcd.control("get", f"{PREFIX}head", "--write-out=json") or "")
    fleet.etcd.control("compact", str(status["header"]["revision"]))
    fleet.change("receive", "add", "compact.test")
    fleet.change("receive", "remove", "compact.test")


def test_garbage_below_the_prefix(fleet: Fleet) -> None:
    """Rubbish for a head, a chunk and a report: nobody follows it, it is named, and one command mends it."""
    good, number = fleet.admin.listed(), fleet.admin.revision()
    fleet.etcd.control("put", f"{PREFIX}nodes/edge9/report", "rubbish")
    fleet.etcd.control("put", f"{PREFIX}nodes/edge9/more/report", "rubbish")
    for large in "89":
        fleet.etcd.control("put", f"{PREFIX}nodes/edge{large}/member", standard_input="x" * 1_400_000)
    for large in "5678":
        fleet.etcd.control("put", f"{PREFIX}nodes/edge{large}/report", standard_input="x" * 1_400_000)
    fleet.etcd.control("put", f"{PREFIX}chunks/{'0' * 64}", "rubbish")
    head = fleet.etcd.control("get", f"{PREFIX}head", "--print-value-only") or ""
    document = json.loads(head)
    document["revision"] |= {"number": number + 1, "parent": None}
    for rubbish in ("rubbish", json.dumps(document)):
        seen = [len(edge.log()) for edge in fleet.edges]
        fleet.etcd.control("put", f"{PREFIX}head", standard_input=rubbish)
        for edge, start in zip(fleet.edges, seen, strict=True):
            wait_for(
                lambda e=edge, s=start: "fleet-revision-refused" in e.log()[s:], "a refusal", context=edge.log
            )
            assert edge.enforced == number
        done = fleet.admin.command("fleet", "status", check=False)
        assert done.returncode == 1
        assert fleet.admin.command("receive", "add", "x.test", check=False).returncode in {2, 3}
    assert "edge9" in done.stdout
    fleet.etcd.control("del", f"{PREFIX}chunks/", "--prefix")
    fleet.etcd.control("put", f"{PREFIX}head", "rubbish")
    for name in "56789":
        fleet.admin.command("fleet", "leave", "--node", f"edge{name}")
    fleet.change("fleet", "revert", str(number))
    assert fleet.admin.listed() == good


def test_restored_snapshot(fleet: Fleet) -> None:
    """The store goes back to an older snapshot: edges keep the newer policy, say so, and wait to be told."""
    snapshot = fleet.etcd.folder / "snapshot"
    fleet.etcd.save(snapshot)
    fleet.change("receive", "add", "since1.test")
    newest = fleet.change("receive", "add", "since2.test")
    fleet.etcd.kill()
    fleet.etcd.restore(snapshot)
    fleet.etcd.start()
    for edge in fleet.edges:
        edge.wait_for_log("the store went backwards")
        assert edge.enforced == newest
        assert "since2.test" in edge.listed()
    done = fleet.admin.command("fleet", "status", check=False)
    assert done.returncode == 1
    assert "the store went backwards" in done.stdout
    done = fleet.admin.command("receive", "add", "lost.test", check=False)
    assert "the store went backwards" in done.stderr
    number = fleet.change("fleet", "accept", "node")
    assert number > newest
    assert all("since2.test" in edge.listed() for edge in fleet.edges)
    fleet.change("receive", "remove", "since1.test", "since2.test")


def test_only_signed_revisions(fleet: Fleet) -> None:
    """Where signatures are required, who may write to etcd cannot change the policy; the key's owner can."""
    edge, key = fleet.near[1], fleet.admin.folder / "key.pem"
    public = fleet.admin.command("fleet", "key", key).stdout.split()[-1]
    number = fleet.admin.revision()
    edge.command("fleet", "trust", "--require", public)
    edge.settle()
    fleet.admin.command("receive", "add", "unsigned.test", "--no-wait")
    edge.wait_for_log("is signed by nobody, and store.require_signature is set")
    assert edge.enforced == number
    assert "unsigned.test" not in edge.listed()
    done = fleet.admin.command("fleet", "status", check=False)
    assert "signed by nobody" in done.stdout
    text = fleet.admin.file.read_text()
    fleet.admin.file.write_text(text.replace("[store]\n", f'[store]\nsigning_key_file = "{key}"\n'))
    fleet.change("fleet", "sign", str(fleet.admin.revision()))
    assert "unsigned.test" in edge.listed()
    fleet.change("receive", "remove", "unsigned.test")
    fleet.admin.file.write_text(text)
    edge.write(edge.file.read_text().replace("require_signature = true", "require_signature = false"))
    edge.settle()
    fleet.change("receive", "add", "a.test")
    fleet.change("receive", "remove", "a.test")


def test_killed_writers_and_edges(fleet: Fleet) -> None:
    """kill -9 in the middle leaves the former policy or the new one, everywhere, and nobody is in the way."""
    good = set(fleet.admin.listed())
    asked = set()
    for number, delay in enumerate((0.25, 0.35, 0.4, 0.45, 0.5)):
        asked.add(f"killed{number}.test")
        writer = fleet.admin.start_command("receive", "add", f"killed{number}.test")
        time.sleep(delay)
        with suppress(LabError, ProcessLookupError):  # it may be done
            writer.signal(signal.SIGKILL)
        writer.wait(DEADLINE)
    fleet.near[0].kill()
    for text in (fleet.near[0].folder / "state" / "fleet").glob("*.text"):
        text.write_bytes(b"torn")  # a daemon that starts fetches again what a disk has lost
    fleet.near[0].serve()
    fleet.change("receive", "add", "alive.test")
    found = [set(edge.listed()) for edge in fleet.edges]
    assert found[0] == found[1] == found[2]
    assert good | {"alive.test"} <= found[0] <= good | asked | {"alive.test"}
    fleet.change("receive", "remove", "alive.test", *(found[0] & asked))


def test_full_store(tmp_path: Path) -> None:
    """With etcd's quota used up changes are refused and explained, and edges go on."""
    with_store = Namespaces("full.test")
    try:
        with_store.add_address(STORE_ADDRESS)
        etcd = Etcd(with_store, tmp_path / "etcd", STORE_ADDRESS, members=1, quota=2 * 1024 * 1024)
        etcd.start()
        edge = Edge(
            with_store, tmp_path / "edge1", etcd.access, 9700, shared=SHARED.replace("domains_file", "#")
        )
        edge.command("fleet", "init")
        edge.serve()
        edge.wait_until_enforcing(1)

        def is_full() -> bool:
            etcd.control("put", "/filler", check=False, standard_input="x" * 500_000)
            return "NOSPACE" in (etcd.control("alarm", "list") or "")

        wait_for(is_full, "no space")
        done = edge.command("receive", "add", "full.test", check=False)
        assert done.returncode == 3
        assert "the quota of etcd is used up" in done.stderr
        edge.kill()
        edge.serve()
        edge.wait_for_log("fleet-report-refused")
        assert edge.enforced == 1
        etcd.control("del", "/filler")
        status = json.loads(etcd.control("get", "/x", "--write-out=json") or "")
        etcd.control("compact", str(status["header"]["revision"]))
        etcd.control("defrag")
        etcd.control("alarm", "disarm")
        edge.command("receive", "add", "room.test", WAIT)
        assert "room.test" in edge.listed()
        edge.command("fleet", "leave")
        assert "room.test" in edge.file.read_text()
        edge.wait_for_log("fleet-left")
        assert not (edge.folder / "state" / "fleet").exists()
        assert json.loads(edge.command("receive", "list", "--json").stdout)["revision"] is None
    finally:
        with_store.close()


def test_real_postfix(tmp_path: Path, lab: Lab) -> None:
    """Two edges with a Postfix each: the revision is called enforced when the tables on disk hold it."""
    where = lab.namespaces
    where.add_address(STORE_ADDRESS)
    etcd = Etcd(where, tmp_path / "etcd", STORE_ADDRESS, members=1)
    etcd.start()
    edges = [
        Edge(where, tmp_path / name, etcd.access, port, postfix=host.layout.configuration, shared=shared)
        for name, port, host, shared in (
            (
                "edge1",
                9701,
                lab.contoso,
                f'[trust]\nca_file = "{AUTHORITY_FILE}"\n[send]\ndomains = ["a.test"]\n',
            ),
            ("edge2", 9702, lab.woodgrove, f'[trust]\nca_file = "{AUTHORITY_FILE}"\n'),
        )
    ]
    edges[0].command("fleet", "init")
    edges[1].command("fleet", "join")
    for edge in edges:
        edge.serve()
    edges[1].command("send", "add", "b.test", WAIT)
    for edge in edges:
        assert "b.test\tsecure match=b.test:.b.test" in (edge.folder / "state/maps/tls_policy").read_text()
    status = json.loads(edges[0].command("fleet", "status", "--json", check=False).stdout)
    assert [(node["milter"], node["maps"]) for node in status["nodes"]] == [(2, 2), (2, 2)]
    maps = edges[1].folder / "state/maps"
    maps.rename(maps.with_name("moved"))
    maps.write_text("in the way")
    done = edges[0].command("send", "add", "c.test", "--wait=3", check=False)
    assert done.returncode == 1
    assert "edge2: does NOT enforce revision 3" in done.stdout
    maps.unlink()
    maps.with_name("moved").rename(maps)
    edges[0].command("send", "add", "d.test", WAIT)
    # Attached, it takes Postfix itself as well: the tables alone enforce nothing yet.
    edges[0].command("attach", "--no-receive")
    manager = lab.contoso.queue_manager
    done = edges[1].command("send", "add", "e.test")
    assert "enforced by all 2 live nodes" in done.stdout
    assert done.stdout.rstrip().endswith("in force")
    assert lab.contoso.queue_manager != manager
