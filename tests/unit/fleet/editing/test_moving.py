"""From one machine's file to the fleet's policy and back."""

import tomllib
from pathlib import Path

import pytest

from domain_secure.fleet.editing.moving import apart, together
from domain_secure.policy.configuration.reading import parse
from domain_secure.policy.configuration.shared_policy import SharedPolicy

FILE = """\
# Contoso
mode = "observe"  # trial

[receive]
domains = ["a.test"]  # Alpha
domains_file = "more.txt"

[partner."a.test"]  # the bank
names = ["b.test"]

[trust]
revocation = "require"  # all of us
crl_files = []  # mine

[inbound]
probe = false

[store]
endpoints = ["http://127.0.0.1:2379"]
node = "edge1"
"""


def read(path: Path) -> bytes:
    """Return the content of the one other file."""
    assert path == Path("/etc/x/more.txt")
    return b"c.test\n"


def test_apart_and_together() -> None:
    """Each key goes to one half with its comment, and both halves together mean what the file meant."""
    halves = apart(FILE.encode(), Path("/etc/x"), read)
    shared = halves.texts["policy"].decode()
    assert halves.texts["receive"] == b"c.test\n"
    assert '# Alpha\ndomains_file = "receive.domains"' in shared or "# Alpha" in shared
    assert "# all of us" in shared
    assert "# mine" in halves.local.decode()
    assert not tomllib.loads(shared).keys() & {"inbound", "store"}
    assert tomllib.loads(halves.local.decode()).keys() == {"trust", "inbound", "store"}
    path = Path("/etc/x/domain-secure.toml")
    as_node = parse(
        halves.local, path, shared=SharedPolicy(halves.texts["policy"], {"receive": halves.texts["receive"]})
    )
    alone = parse(FILE.encode(), path, read)
    for field in ("mode", "receive", "send", "partners", "trust", "inbound"):
        assert getattr(as_node, field) == getattr(alone, field), field
    files = together(halves.local, halves.texts, "edge1")
    again = parse(files[""], path, lambda file: files[file.name])
    for field in ("mode", "receive", "send", "partners", "trust", "inbound", "store"):
        assert getattr(again, field) == getattr(alone, field), field


@pytest.mark.parametrize(
    "text",
    [
        "",
        "store.type = 'file'\nreceive.domains = ['a.test']\n",
        'partner = {"a.test" = {mode = "observe"}}\n',
        "[receive]\n[send]\n[trust]\n",
    ],
)
def test_odd_layouts(text: str) -> None:
    """However a file is laid out, it comes apart into valid halves."""
    halves = apart(text.encode(), Path("/"), read)
    assert tomllib.loads(halves.local.decode())["store"]["type"] == "etcd"
    assert "store" not in tomllib.loads(halves.texts["policy"].decode())


def test_leaving_takes_the_rules_of_this_node() -> None:
    """What held on this node alone holds afterwards, and other nodes' rules are left behind."""
    shared = (
        b'[partner."a.test"]\nmode = "observe"\n[node.edge1.partner."a.test"]\nmode = "enforce"\n'
        b'[node.edge2.partner."a.test"]\nmode = "observe"\n'
    )
    document = tomllib.loads(together(b"", {"policy": shared}, "edge1")[""].decode())
    assert document["partner"] == {"a.test": {"mode": "enforce"}}
    assert "node" not in document


@pytest.mark.parametrize(("own", "left"), [("", "contoso.test"), ('authserv_id = "mx1"\n', "mx1")])
def test_a_name_of_its_own_stays_with_the_node(own: str, left: str) -> None:
    """Who joins keeps it, and who leaves takes the fleet's where there is none."""
    file = FILE.replace("probe = false\n", f"probe = false\n{own}")
    halves = apart(file.encode(), Path("/etc/x"), read)
    assert b"authserv_id" not in halves.texts["policy"]
    policy = halves.texts["policy"] + b'[inbound]\nauthserv_id = "contoso.test"\n'
    files = together(halves.local, halves.texts | {"policy": policy}, "edge1")
    assert tomllib.loads(files[""].decode())["inbound"] == {"probe": False, "authserv_id": left}
