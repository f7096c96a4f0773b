"""Passwords of nodes stay out of arguments, environments, output and logs; so does what etcd gives for them.

Owns: a small fleet, and what is done there with right and wrong passwords while everything is watched.
"""

import json
import re
import tempfile
from pathlib import Path

from .secrets import Secrets, Seen, found, watched_processes
from .secrets import why_not as no_laboratory
from lab import etcd
from lab.edge import Edge
from lab.etcd import Etcd
from lab.namespaces import Namespaces, missing_programs
from lab.waiting import wait_for
from promises import Promise

PART = "fleet-secrets"
_PASSWORDS = {
    "administrator": "password of the administrator's 5ad1c7",
    "edge1": "password of an edge 90b3f2 & more",
}
_WRONG = "wrong password of known bytes 7710"
# What etcd gives for a password: letters, and the index it was given at.
_TOKEN = re.compile(rb"\b[A-Za-z]{16}\.[0-9]+\b")
_KINDS = {
    "cmdline": "arguments of a process",
    "environ": "environments",
    "output": "what a command printed",
    "log": "the edge's log",
    "page": "what the edge says of itself",
    "store": "what the fleet keeps in etcd",
}


def why_not() -> str | None:
    """Return why it cannot run here, or None."""
    missing = missing_programs(etcd.PROGRAMS)
    return no_laboratory() or (f"not installed: {', '.join(missing)}" if missing else None)


def measure(quick: bool) -> list[Promise]:
    """Play the story and search; the short form is the same."""
    del quick
    secrets = Secrets()
    for name, password in {**_PASSWORDS, "wrong": _WRONG}.items():
        secrets.add(f"password of {name}", password.encode())
        secrets.add(f"password of {name} in JSON", json.dumps(password).encode())
    seen = Seen(secrets)
    texts: dict[tuple[str, bytes], str] = {}
    where = Namespaces("store.test")
    try:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            folder.chmod(0o755)
            store = Etcd(where, folder / "etcd", "127.0.0.1", members=1)
            store.start()
            store.add_users(_PASSWORDS)
            with watched_processes(where, texts):
                _play(where, folder, store, seen)
            kept = store.control("get", etcd.PREFIX, "--prefix")
            seen.look("store", "etcd", kept or "")
    finally:
        where.close()
    for kind, text in texts:
        seen.look(kind, text[:60].decode(errors="replace"), text)
    return found(PART, seen, _KINDS)


def _play(where: Namespaces, folder: Path, store: Etcd, seen: Seen) -> None:
    """Join and change with right passwords and wrong ones, and ask everything that tells of a node."""
    shared = '[receive]\ndomains = ["woodgrovebank.test"]\n'
    administrator = Edge(
        where,
        folder / "administrator",
        store.access,
        9700,
        password=_PASSWORDS["administrator"],
        shared=shared,
    )
    edge = Edge(where, folder / "edge1", store.access, 9701, password=_PASSWORDS["edge1"])

    def command(node: Edge, *arguments: str) -> None:
        done = node.command(*arguments, check=False)
        _look(seen, "output", f"`{' '.join(arguments)}` of {node.name}", (done.stdout + done.stderr).encode())

    command(administrator, "fleet", "init", "--json")
    command(edge, "fleet", "join", "--json")
    edge.serve()
    wait_for(lambda: edge.enforced, "the edge to enforce what the fleet has", context=edge.log)
    command(administrator, "receive", "add", "contoso.test", "--wait=60")
    command(edge, "receive", "add", "evil.test")
    for node in (administrator, edge):
        for arguments in (("fleet", "status"), ("status",), ("check",), ("config", "test")):
            command(node, *arguments)
            command(node, *arguments, "--json")
    right = (edge.folder / "password").read_text()
    for wrong in (_WRONG, f"{right.strip()}\n{_WRONG}", ""):
        (edge.folder / "password").write_text(wrong)
        command(edge, "fleet", "status")
        command(edge, "check", "--json")
    edge.file.write_text(edge.file.read_text().replace("password_file = ", "password = "))
    command(edge, "fleet", "status")
    for path in ("/", "/metrics", "/healthz"):
        _look(seen, "page", path, edge.page(path))
    edge.stop()
    _look(seen, "log", "the daemon's log", edge.log().encode())


def _look(seen: Seen, kind: str, where: str, text: bytes) -> None:
    """Search a text also for what has the form of etcd's own tokens."""
    seen.look(kind, where, text)
    seen.found += [(kind, f"a token of etcd in {where}") for _ in _TOKEN.findall(text)]
