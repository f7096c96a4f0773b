"""An installation without the extra for fleets."""

import subprocess
import sys
from pathlib import Path

import pytest

_NODE = """\
[paths]
state = "state"
[store]
type = "etcd"
endpoints = ["https://127.0.0.1:1"]
"""


def run(module: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line where *module* is not installed."""
    code = (
        f"import sys; sys.modules[{module!r}] = None; from domain_secure.commands.main import main;"
        "sys.exit(main())"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd="/",
    )


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """The configuration of a node of a fleet."""
    path = tmp_path / "node.toml"
    path.write_text(_NODE)
    return path


@pytest.mark.parametrize("module", ["requests", "etcd3gw", "etcd3gw.client"])
@pytest.mark.parametrize(
    "command", [("fleet", "status"), ("fleet", "join"), ("receive", "add", "a.test"), ("serve",)]
)
def test_a_node_says_what_to_install(node: Path, module: str, command: tuple[str, ...]) -> None:
    """Each command that needs the store, and the daemon, end with one line that names the package."""
    done = run(module, "--config", node, *command)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "the part for fleets is not installed" in done.stderr
    assert "postfix-domain-secure[fleet]" in done.stderr


def test_who_stands_alone_does_not_miss_it(tmp_path: Path) -> None:
    """A machine that is in no fleet works without the extra."""
    path = tmp_path / "alone.toml"
    assert run("requests", "--config", path, "receive", "add", "a.test").returncode == 0
    assert run("requests", "--config", path, "receive", "list").stdout == "a.test\n"
    assert "a.test" in run("requests", "--config", path, "status").stdout
