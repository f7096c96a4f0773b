"""A proposal as text and as a document."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.commands.importing.proposal_text import proposal_document, proposal_text, summary
from domain_secure.policy.configuration.configuration import Mode
from domain_secure.policy.importing.proposal import Gathering, Place, Proposal, Step
from domain_secure.policy.terms.domain import Entry

SETTINGS = {"send": {"domains": ["a.test"]}, "partner": {"a.test": {"mx": ["mx.b.test"]}}}


def proposal(text: str = "x") -> Proposal:
    """Return a proposal with *text* wherever a stranger's file may put one."""
    gathering = Gathering()
    gathering.send[Entry("a.test")] = None
    gathering.partner(Place(text, 1), Entry("a.test"), {"mx": ("mx.b.test",)}, text)
    gathering.leave_out(Place(text, 2), text, f"because {text}")
    for line in (4, 5, 9):
        gathering.set_aside(Place(text, line), text, text)
    return gathering.finish(Mode.ENFORCE, [Step("domain-secure attach", text)])


def test_the_text_has_its_parts_in_order() -> None:
    """What it is from, what is missing, what else was read, the commands, what to do, the configuration."""
    text = proposal_text(proposal(), ["x"])
    parts = (
        "# Proposed from x; nothing is in force.",
        "# no domains to receive from, 1 domain to send to; 1 thing without an equivalent",
        "#   x:2: x: because x",
        "#   x:4-9: x: x, x, x",
        "#   domain-secure partner set a.test mx=mx.b.test",
        "#   domain-secure attach",
        "[send]",
        '[partner."a.test"]',
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert tomllib.loads(text) == SETTINGS


@given(st.text(min_size=1) | st.sampled_from(["\n", "\r[x]", "\u2028", "\x1b[2J", "a " * 200, "-" * 300]))
def test_whatever_a_file_holds_the_configuration_is_the_same(text: str) -> None:
    """Nothing gets out of its comment, and no cursor moves."""
    printed = proposal_text(proposal(text), [text])
    assert tomllib.loads(printed) == SETTINGS
    assert all(letter.isprintable() or letter == "\n" for letter in printed)


@pytest.mark.parametrize("out", [None, Path("new.toml")])
def test_the_document_has_the_same(out: Path | None) -> None:
    """Each thing with its file and line."""
    document = proposal_document(proposal(), out)
    assert document["partners"] == [{"domain": "a.test", "keys": {"mx": ["mx.b.test"]}}]
    assert document["left_out"] == [{"file": "x", "line": 2, "what": "x", "reason": "because x"}]
    assert [one["line"] for one in document["about_something_else"]] == [4, 5, 9]
    assert tomllib.loads(document["configuration"]) == SETTINGS
    assert document["written"] == ([] if out is None else ["new.toml"])


def test_the_summary_counts() -> None:
    """One of a thing, several, and none."""
    assert summary(Gathering().finish(Mode.ENFORCE)) == (
        "no domains to receive from, no domains to send to; no things without an equivalent"
    )
