"""What an import proposes."""

import shlex
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.commands.command_line import parse as parse_command
from domain_secure.commands.main import COMMANDS
from domain_secure.policy.configuration.configuration import LogLevel, Mode
from domain_secure.policy.configuration.reading import parse
from domain_secure.policy.importing.proposal import Gathering, Place, Proposal
from domain_secure.policy.terms.domain import Entry

HERE = Place("file", 3)


def gathered(mode: Mode = Mode.ENFORCE) -> Proposal:
    """Return a proposal that has something of everything."""
    gathering = Gathering()
    for text in ("a.test", "*.b.test"):
        entry = gathering.entry(HERE, text, text)
        assert entry is not None
        gathering.send[entry] = None
    gathering.receive[Entry("a.test")] = None
    assert gathering.partner(HERE, Entry("a.test"), {"mx": ("mx.c.test",), "send_method": "dane"}, "x")
    gathering.log["send"] = LogLevel.VERBOSE
    return gathering.finish(mode)


@pytest.mark.parametrize("mode", Mode)
def test_the_configuration_is_what_was_gathered(mode: Mode) -> None:
    """Lists, partners, levels and mode, as the daemon reads them."""
    configuration = parse(gathered(mode).configuration().encode(), Path("/etc/x.toml"))
    assert tuple(configuration.send) == ("a.test", "*.b.test")
    assert tuple(configuration.receive) == ("a.test",)
    partner = configuration.partner(Entry("a.test"))
    assert (partner.mx, str(partner.send_method), partner.mode) == (("mx.c.test",), "dane", mode)
    assert (configuration.mode, configuration.log_send) == (mode, LogLevel.VERBOSE)


@pytest.mark.parametrize("mode", Mode)
def test_the_commands_do_the_same(mode: Mode) -> None:
    """Each is one that the command line takes; a wildcard is quoted."""
    commands = gathered(mode).commands
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "domain-secure"
        parse_command(words, COMMANDS)
    assert "domain-secure send add a.test '*.b.test'" in commands
    assert "domain-secure log send verbose" in commands
    observed = " mode=observe" if mode is Mode.OBSERVE else ""
    assert f"domain-secure partner set a.test mx=mx.c.test send_method=dane{observed}" in commands
    assert any("partner set '*.b.test'" in one for one in commands) is (mode is Mode.OBSERVE)


def test_nothing_proposed_is_an_empty_configuration() -> None:
    """Which is valid, and demands nothing."""
    found = Gathering().finish(Mode.ENFORCE)
    assert (found.configuration(), found.commands) == ("", ())


@pytest.mark.parametrize(
    ("keys", "key"),
    [({"mx": ("a..b",)}, "mx"), ({"send_method": "magic"}, "send_method"), ({"pins": ("sha256:1",)}, "pins")],
)
def test_a_key_that_cannot_be_is_left_out(keys: dict[str, str | tuple[str, ...]], key: str) -> None:
    """With its place and the reason, and the other keys of that partner as well."""
    gathering = Gathering()
    assert not gathering.partner(HERE, Entry("a.test"), {"servername": "x.test", **keys}, "what")
    assert gathering.partners == {}
    (one,) = gathering.left_out
    assert (one.place, one.what) == (HERE, "what")
    assert one.reason.startswith(f"{key} of a partner cannot be so: ")


def test_what_is_left_out_stands_in_the_order_of_the_files() -> None:
    """As a person goes through them."""
    gathering = Gathering()
    for file, line in (("b", 1), ("a", 10), ("a", 9)):
        gathering.leave_out(Place(file, line), "x", "y")
    assert [str(one.place) for one in gathering.finish(Mode.ENFORCE).left_out] == ["a:9", "a:10", "b:1"]


@given(st.lists(st.text(max_size=20) | st.sampled_from(["a.test", "*.b.test", "C.test."]), max_size=8))
def test_only_entries_get_in(texts: list[str]) -> None:
    """Each text is an entry that the configuration takes, or is named."""
    gathering = Gathering()
    found = [gathering.entry(HERE, text, text) for text in texts]
    for entry in filter(None, found):
        gathering.send[entry] = None
    assert len(gathering.left_out) == found.count(None)
    proposal = gathering.finish(Mode.ENFORCE)
    tomllib.loads(proposal.configuration())
    assert tuple(parse(proposal.configuration().encode(), Path("/etc/x.toml")).send) == proposal.send
