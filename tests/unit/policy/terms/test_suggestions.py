"""What is offered to somebody who wrote a word or a domain that is not known."""

import errno
import sys
from collections.abc import Sequence

import pytest

from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.suggestions import did_you_mean, nearest, nearest_entry

LISTS = (
    DomainList.of("woodgrovebank.test", "*.fabrikam.test", "mail.contoso.test"),
    DomainList.of("adatum.example"),
)


@pytest.mark.parametrize(
    ("written", "found"),
    [("recieve", "receive"), ("SEND", "send"), ("send_method", "send-method"), ("xyz", None), ("", None)],
)
def test_the_nearest_word(written: str, found: str | None) -> None:
    """Slips of the finger, capitals and underscores are seen through; what is like nothing is nothing."""
    assert nearest(written, ("receive", "send", "send-method")) == found


class NoDescriptor:
    """Opens no file of a module."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: object = None) -> None:
        """Say why."""
        del path, target
        raise OSError(errno.EMFILE, "Too many open files", name)


def test_without_a_descriptor_nothing_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message itself is told all the same."""
    monkeypatch.delitem(sys.modules, "difflib", raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoDescriptor])
    assert nearest("recieve", ("receive",)) is None
    monkeypatch.undo()
    assert nearest("recieve", ("receive",)) == "receive"


def test_the_question() -> None:
    """It is put behind a message, or left out."""
    assert did_you_mean("send") == "; did you mean send?"
    assert did_you_mean(None) == ""


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("woodgrovebnak.test", "woodgrovebank.test"),
        ("woodgrovbank.test", "woodgrovebank.test"),
        ("wodgrovebnk.test", "woodgrovebank.test"),
        ("woodgrovebank.tets", "woodgrovebank.test"),
        ("*.woodgrovebank.test", "woodgrovebank.test"),
        ("mail.woodgrovebank.test", "woodgrovebank.test"),
        ("fabrikam.test", "*.fabrikam.test"),
        ("mail.fabrikam.test", "*.fabrikam.test"),
        ("*.fabrikm.test", "*.fabrikam.test"),
        ("contoso.test", "mail.contoso.test"),
        ("adatun.example", "adatum.example"),
        ("unlike.org", None),
    ],
)
def test_the_nearest_entry(written: str, found: str | None) -> None:
    """An entry above or below, the one with a wildcard, or the one that differs by a letter or two."""
    assert nearest_entry(Entry(written), LISTS) == found


def test_a_slip_is_found_in_a_long_list() -> None:
    """One letter is seen through however long the list is."""
    entries = DomainList.of(*(f"domain{number:07}.example" for number in range(50_000)))
    assert nearest_entry(Entry("domian0049999.example"), (entries,)) == "domain0049999.example"
