"""Pages are there as if they had been loaded at the start."""

import sys
from pathlib import Path

import pytest

from domain_secure.commands.serve import pages
from domain_secure.commands.serve.late_pages import FurtherPages, late_status_page
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import load


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    """Return one with one listed domain."""
    file = tmp_path / "domain-secure.toml"
    file.write_text(f'[receive]\ndomains = ["a.test"]\n[paths]\nstate = "{tmp_path}"\n')
    return load(file)


def test_they_are_the_same_pages(configuration: Configuration) -> None:
    """Every path is served, and no other."""
    late = FurtherPages(lambda: configuration)
    assert set(late) == set(pages.further_pages(lambda: configuration))
    assert len(late) == len(list(late))
    assert "/secret" not in late
    assert b"Domain security report" in late["/report"]("")[1]
    assert b"<html" in late_status_page(lambda: configuration)("")[1]


def test_what_cannot_be_loaded_is_told_and_tried_again(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that could not be imported is a fault of that request alone."""
    render, late = late_status_page(lambda: configuration), FurtherPages(lambda: configuration)
    monkeypatch.setitem(sys.modules, "domain_secure.commands.serve.pages", None)
    with pytest.raises(ImportError):
        render("")
    with pytest.raises(ImportError):
        late["/report"]
    monkeypatch.undo()
    assert b"<html" in render("")[1]
    assert "/report" in late
