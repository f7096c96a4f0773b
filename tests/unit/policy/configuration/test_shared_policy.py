"""A node's own file and the fleet's policy as one configuration."""

from pathlib import Path

import pytest

from domain_secure.policy.certificates.trust import Revocation
from domain_secure.policy.configuration.configuration import Configuration, Mode
from domain_secure.policy.configuration.reading import parse
from domain_secure.policy.configuration.shared_policy import SharedPolicy
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import Problem

PATH = Path("/etc/domain-secure/domain-secure.toml")
LOCAL = """\
[store]
type = "etcd"
endpoints = ["https://etcd1.contoso.test:2379"]
node = "edge1"
[trust]
ca_file = "/etc/hostname"
"""


def together(shared: str, local: str = "", **lists: bytes) -> Configuration:
    """Return the configuration of edge1."""
    return parse(f"{local}\n{LOCAL}".encode(), PATH, shared=SharedPolicy(shared.encode(), lists, 7))


def test_both_halves_count() -> None:
    """Lists, rules and shared trust come from the fleet, paths from the node, long lists from their text."""
    found = together(
        'mode = "observe"\n[receive]\ndomains = ["a.test"]\ndomains_file = "receive.domains"\n'
        '[trust]\nrevocation = "require"\n[partner."a.test"]\nnames = ["b.test"]\n',
        receive=b"c.test\n# d\n*.e.test\n",
    )
    assert list(found.receive) == ["a.test", "c.test", "*.e.test"]
    assert (found.mode, found.trust.revocation) == (Mode.OBSERVE, Revocation.REQUIRE)
    assert found.trust.ca_file == Path("/etc/hostname")
    assert found.partners[Entry("a.test")].names == ("b.test",)
    assert found.revision == 7
    assert found.store.node == "edge1"


def test_one_name_for_results() -> None:
    """The fleet names it for all, and a node's own file for itself."""
    shared = '[inbound]\nauthserv_id = "contoso.test"\n'
    assert together(shared).inbound.authserv_id == "contoso.test"
    own = together(shared, '[inbound]\nauthserv_id = "mx1.contoso.test"\nprobe = false\n').inbound
    assert (own.authserv_id, own.probe) == ("mx1.contoso.test", False)
    assert together("", '[inbound]\nauthserv_id = "mx1"\n').inbound.authserv_id == "mx1"


def test_rules_of_one_node() -> None:
    """A node's own rule goes over the fleet's, key by key, however the domain is spelled; others' do not."""
    found = together(
        '[partner."A.test"]\nnames = ["b.test"]\nmode = "observe"\n'
        '[node.edge1.partner."a.test"]\nmode = "enforce"\n'
        '[node.edge2.partner."a.test"]\nnames = ["c.test"]\n'
        '[node.edge1.partner."x.test"]\nmode = "observe"\n'
    )
    rule = found.partners[Entry("a.test")]
    assert (rule.mode, rule.names) == (Mode.ENFORCE, ("b.test",))
    assert found.partners[Entry("x.test")].mode is Mode.OBSERVE


@pytest.mark.parametrize(
    ("shared", "local", "said"),
    [
        ("", 'mode = "observe"', f"this is shared by the fleet: {PATH}:1: mode"),
        ("", '[partner."a.test"]\nmode = "observe"', "this is shared by the fleet"),
        ("", "[trust]\nrevokation = 1", "TOML"),
        ('[paths]\nstate = "/x"', "", "this belongs to each node: the fleet's policy:2: paths.state"),
        ('[trust]\nca_file = "/x"', "", "this belongs to each node: the fleet's policy:2: trust.ca_file"),
        ('[receive]\ndomains = [\n"com"\n]', "", "the fleet's policy:3: receive.domains[0]"),
        ('[receive]\ndomains_file = "/etc/passwd"', "", "cannot read /etc/passwd"),
        ("node = 1", "", "this must be a table of tables"),
        ('[node.edge1]\nmode = "observe"', "", "unknown key: the fleet's policy:2: node.edge1.mode"),
        ('[node.edge1.partner."a.test"]\nmode = "no"', "", "'no' is not known here"),
        ('[node.edge1.partner]\n"a.test" = 1', "", "this must be a table"),
        ('[node.edge1.partner."..x"]\nmode = "observe"', "", "..x"),
        ("[", "", "the file is not valid TOML"),
    ],
)
def test_faults_are_placed_where_they_stand(shared: str, local: str, said: str) -> None:
    """A fault names the file it is in, the node's or the fleet's, and its line there."""
    with pytest.raises(Problem) as caught:
        together(shared, local)
    assert said in str(caught.value)


def test_own_fault_is_told_before_the_missing_policy(tmp_path: Path) -> None:
    """A node that has nothing from the store yet is told what is wrong in its own file first."""
    path = tmp_path / "domain-secure.toml"
    text = f'[store]\ntype = "etcd"\n[paths]\nstate = "{tmp_path}"\n'
    with pytest.raises(Problem) as caught:
        parse(text.encode(), path)
    assert "no etcd server is named" in caught.value.what
    with pytest.raises(Problem) as caught:
        parse(text.replace('"etcd"', '"etcd"\nendpoints = ["http://h:1"]').encode(), path)
    assert "nothing of the fleet's policy yet" in caught.value.what
