"""Our reading of Postfix's routing against a running trivial-rewrite(8)."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from scratch_postfix import MAIN, Scratch, make_scratch

from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.tables.routing import SAMPLE_USER, Router

from lab.waiting import DEADLINE, wait_for

pytestmark = pytest.mark.real

DOMAINS = (
    "woodgrovebank.test",
    "x.sub.test",
    "y.sub.test",
    "sub.test",
    "pattern.test",
    "nexthop.test",
    "empty.test",
    "error.test",
    "relay.test",
    "deep.relay.test",
    "not.relay.test",
    "table.test",
    "mailbox.test",
    "alias.test",
    "contoso.test",
    "file.test",
    "other.test",
)
CLASSES = (
    "virtual_mailbox_domains = mailbox.test",
    "virtual_alias_domains = alias.test",
    "relay_domains = !not.relay.test, relay.test, texthash:{folder}/relay_table, {folder}/relay_file",
)
TABLES = (
    "transport_maps = regexp:{folder}/patterns, texthash:{folder}/first texthash:{folder}/second, "
    "inline:{{ {{inline.test=smtp:[inline]}} }}"
)
FILES = {
    "patterns": "/@pattern\\.test$/ smtp:[pattern]\n/^other\\.test$/ smtp:[never-asked]\n",
    "first": "woodgrovebank.test x:\n.sub.test x:\nnexthop.test :[nexthop]\nempty.test :\n",
    "second": "woodgrovebank.test smtp:[gateway]\nx.sub.test smtp:[exact]\nerror.test error:\n",
    "star": "* smtp:[star]\n",
    "relay_table": "table.test x\n",
    "relay_file": "# a comment\nfile.test\n",
}


@pytest.fixture(scope="module")
def running() -> Iterator[Scratch]:
    """Return a scratch Postfix whose trivial-rewrite runs."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # master(8) opens its lock file as Postfix's user
        scratch = make_scratch(folder)
        shutil.chown(folder / "data", scratch.instance.mail_owner)
        master = folder / "postfix" / "master.cf"
        # Nothing that listens on the network.
        lines = [line for line in master.read_text().splitlines() if " inet " not in line]
        master.write_text("\n".join(lines) + "\n")
        for table, content in FILES.items():
            (folder / table).write_text(content)
        configure(scratch)
        command = ["postfix", "-c", str(folder / "postfix")]
        subprocess.run([*command, "start"], check=True, capture_output=True)
        try:
            yield scratch
        finally:
            subprocess.run([*command, "stop"], check=False, capture_output=True)


def configure(scratch: Scratch, *settings: str) -> None:
    """Set nothing but these parameters, the folder filled in, and have a running Postfix read them."""
    folder = scratch.folder
    (folder / "postfix" / "main.cf").write_text(MAIN.format(folder=folder))
    scratch.set(f"maillog_file = {folder}/log", f"maillog_file_prefixes = {folder}")
    scratch.set(*(setting.format(folder=folder) for setting in settings))
    if scratch.instance.is_running:
        before = started(scratch)
        scratch.instance.reload()
        wait_for(lambda: not started(scratch) & before, "the end of who has read the former parameters")


def started(scratch: Scratch) -> set[str]:
    """Return the process ids of what master(8) has started."""
    master = (scratch.folder / "queue" / "pid" / "master.pid").read_text().strip()
    return set(Path(f"/proc/{master}/task/{master}/children").read_text().split())


def ask_trivial_rewrite(scratch: Scratch, address: str) -> tuple[str, str]:
    """Return transport and nexthop for *address*, from Postfix itself."""
    path = scratch.folder / "queue" / "private" / "rewrite"
    request = ("request", "resolve", "sender", "", "address", address, "")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(DEADLINE)
        connection.connect(str(path))
        with connection.makefile("rb") as stream:
            _attributes(stream)  # it says first who it is
            connection.sendall("".join(f"{word}\0" for word in request).encode())
            answer = _attributes(stream)
    return answer["transport"], answer["nexthop"]


def _attributes(stream: socket.SocketIO) -> dict[str, str]:
    """Read one list of attributes: names and values, each ended by a NUL, and an empty name."""
    words = []
    word = bytearray()
    while byte := stream.read(1):
        if byte != b"\0":
            word += byte
        elif word or len(words) % 2:
            words.append(word.decode())
            word.clear()
        else:
            break
    return dict(zip(words[::2], words[1::2], strict=True))


@pytest.mark.parametrize(
    "settings",
    [
        (),
        ("relayhost = [relay.contoso.test]:587",),
        ("relayhost = [relay.contoso.test]", *CLASSES),
        ("default_transport = smtp:[default]", "relay_transport = relay:[relay]", *CLASSES),
        (*CLASSES, TABLES, "relayhost = [relay.contoso.test]"),
        (*CLASSES, TABLES, "transport_maps = texthash:{folder}/first, texthash:{folder}/star"),
        (TABLES, "parent_domain_matches_subdomains = transport_maps"),
        (*CLASSES, "parent_domain_matches_subdomains ="),
    ],
)
def test_agrees_with_trivial_rewrite(running: Scratch, settings: tuple[str, ...]) -> None:
    """For every class of address and every kind of entry we name Postfix's own transport and nexthop."""
    configure(running, *settings)
    routes = Router.of(running.instance).routes(DOMAINS)
    for domain in DOMAINS:
        transport, nexthop = ask_trivial_rewrite(running, f"{SAMPLE_USER}@{domain}")
        route = routes[domain]
        assert (route.transport, route.nexthop) == (transport, nexthop.removeprefix("5.1.1 ")), domain


def test_an_entry_of_main_cf_that_is_there_twice(tmp_path: Path) -> None:
    """What Postfix only warns of does not pass for a table that does not answer."""
    scratch = make_scratch(tmp_path)
    scratch.set("relayhost = [first]", "transport_maps = inline:{a.test=smtp:}", "relayhost = [second]")
    assert scratch.instance.query("inline:{a.test=smtp:}", ["a.test", "b.test"]) == {"a.test": "smtp:"}
    assert Router.of(scratch.instance).routes(["b.test"])["b.test"].nexthop == "[second]"


def test_a_table_that_does_not_answer(tmp_path: Path) -> None:
    """An unknown answer is a problem, not the absence of an entry."""
    scratch = make_scratch(tmp_path)
    scratch.set("transport_maps = texthash:/nonexistent/table")
    with pytest.raises(Problem, match="texthash:/nonexistent/table"):
        Router.of(scratch.instance).routes(["a.test"])


def test_what_senders_change_is_named(tmp_path: Path) -> None:
    """Tables that route by sender are named, unless an entry for the domain wins over them."""
    scratch = make_scratch(tmp_path)
    scratch.set(
        "sender_dependent_relayhost_maps = inline:{ {a@contoso.test=[relay]} }",
        "transport_maps = inline:{ {b.test=smtp:} }",
    )
    routes = Router.of(scratch.instance).routes(["a.test", "b.test"])
    assert routes["a.test"].by_sender == ("sender_dependent_relayhost_maps",)
    assert routes["b.test"].by_sender == ()
