"""Root's side of a change: what it believes, and what it does."""

from dataclasses import replace
from pathlib import Path

import pytest
from scratch_postfix import Scratch, make_scratch

from domain_secure.commands.changes.applying import result_of
from domain_secure.commands.changes.request import LARGEST, Result, read, socket_path, written
from domain_secure.commands.changes.states import offered, state_of
from domain_secure.milter.changes.acts import Act, Kind
from domain_secure.milter.changes.page_changes import Order
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem

OFF = Act(Kind.CONNECTOR, "smtp/inet", "off")
TOKEN = "0123456789abcdef"


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """A Postfix that is not attached, and a configuration that lets the page change something."""
    made = make_scratch(tmp_path)
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    tmp_path.chmod(0o755)
    made.configure('[receive]\ndomains = ["woodgrovebank.test"]\n')
    allow(made, "true")
    return made


def allow(scratch: Scratch, word: str) -> None:
    """Write whether changes are allowed."""
    file = scratch.configuration
    head, _, listen = file.read_text().partition("[metrics]\n")
    file.write_text(
        f'{head}[metrics]\nallow_changes = {word}\ntoken_file = "token"\n{listen.splitlines()[-1]}\n'
    )
    file.chmod(0o644)


def order(scratch: Scratch) -> Order:
    """Return an order that is to be carried out."""
    return Order(OFF, state_of(load(scratch.configuration), OFF).digest, TOKEN, "ann", "127.0.0.1")


def carried_out(scratch: Scratch, content: bytes) -> tuple[Result, list[str]]:
    """Return what became of an order, and the words of what was logged."""
    logged: list[Event] = []
    result = result_of(scratch.configuration, content, logged.append, lambda: True)
    return Result.read(result.written()), [one.word for one in logged]


def test_what_holds_is_done_by_its_command(scratch: Scratch) -> None:
    """And what the command says is the answer."""
    result, logged = carried_out(scratch, written(order(scratch)))
    assert result.problem is None
    assert result.said == ("already so: smtp/inet has domain-secure=off protocol-log=off",)
    assert logged == ["change-asked", "change-done"]


def test_what_a_command_refuses_is_told(scratch: Scratch) -> None:
    """Postfix offers no TLS here, so that attach refuses; nothing is called done."""
    act = replace(OFF, value="on")
    asked = replace(order(scratch), act=act, state=state_of(load(scratch.configuration), act).digest)
    result, logged = carried_out(scratch, written(asked))
    assert result.problem is not None
    assert "STARTTLS is not offered" in result.problem.what
    assert logged == ["change-asked", "change-refused"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"token": "another"}, "token is not the one"),
        ({"state": "0" * 64}, "somebody changed it"),
        ({"act": replace(OFF, value="on")}, "somebody changed it"),
        ({"act": Act(Kind.CONNECTOR, "nowhere/inet", "on")}, "no such connector"),
        ({"act": Act(Kind.PIN, "evil.test", f"sha256:{'ab' * 32}")}, "on no list"),
        ({"act": Act(Kind.PIN, "woodgrovebank.test", f"sha256:{'ab' * 32}")}, "no certificate"),
    ],
)
def test_orders_that_are_not_carried_out(scratch: Scratch, changes: dict[str, object], word: str) -> None:
    """Whoever sends them; each is logged."""
    result, logged = carried_out(scratch, written(replace(order(scratch), **changes)))  # type: ignore[arg-type]
    assert result.problem is not None
    assert word in result.problem.what
    assert logged == ["change-refused"]


def test_the_setting_is_read_anew(scratch: Scratch) -> None:
    """A daemon that started when it was allowed does not know better."""
    asked = order(scratch)
    allow(scratch, "false")
    result, _ = carried_out(scratch, written(asked))
    assert result.problem is not None
    assert "not allowed" in result.problem.what


@pytest.mark.parametrize("name", ["domain-secure.toml", "token", "."])
def test_files_that_others_can_write_are_not_believed(scratch: Scratch, name: str) -> None:
    """Nor those in a folder in which others can put another in their place."""
    asked = order(scratch)
    place = scratch.folder / name
    place.chmod(place.stat().st_mode | 0o020)
    result, _ = carried_out(scratch, written(asked))
    assert result.problem is not None
    assert "not believed" in result.problem.what


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"[" * 5000,
        b'{"format": 2}',
        b'{"format": 1, "act": [], "state": "", "token": "", "who": "", "client": ""}',
        b'{"format": 1, "act": {}, "state": 0, "token": "", "who": "", "client": ""}',
        b'{"format": 1, "act": {}, "state": "", "token": "", "who": "a\\nb", "client": ""}',
        b'{"format": 1, "act": {"act": "run"}, "state": "", "token": "", "who": "", "client": ""}',
        b'{"format": 1}' + b" " * LARGEST,
        b"\xff\xfe",
    ],
)
def test_whatever_is_sent_is_an_order_or_a_problem(content: bytes) -> None:
    """It never gets further than its form."""
    with pytest.raises(Problem):
        read(content)


def test_an_order_comes_as_it_went(scratch: Scratch) -> None:
    """Nothing is lost on the way."""
    asked = order(scratch)
    assert read(written(asked)) == asked


def test_what_is_offered_has_a_command() -> None:
    """This release can switch connectors and believe certificates."""
    assert {Kind.CONNECTOR, Kind.PIN} <= set(offered())


def test_each_configuration_has_its_socket() -> None:
    """As each instance has its unit."""
    assert socket_path(Path("/etc/domain-secure/out.toml")) == Path("/run/domain-secure-changes/out")
