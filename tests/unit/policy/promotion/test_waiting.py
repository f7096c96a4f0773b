"""Who waits to be enforced."""

from dataclasses import replace
from pathlib import Path

import pytest

from domain_secure.policy.promotion.waiting import FILE, Waiting, edited, every, waiting
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import Problem

ONE = Waiting(Entry("woodgrovebank.test"), 14, 5, "anna", "2026-11-27T12:00:00+00:00")


def test_kept_and_done(tmp_path: Path) -> None:
    """Who waits is kept; who is done waits no longer, and is remembered."""
    assert waiting(tmp_path / "none") == ()
    with edited(tmp_path) as known:
        known.append(ONE)
    assert waiting(tmp_path) == (ONE,)
    done = replace(ONE, done="2026-11-28T12:00:00+00:00")
    with edited(tmp_path) as known:
        known[:] = [done]
    assert (waiting(tmp_path), every(tmp_path)) == ((), (done,))


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    """Nobody is enforced by what cannot be read, and nothing is written over it."""
    (tmp_path / FILE).write_text("{")
    with pytest.raises(Problem, match="cannot be read"), edited(tmp_path):
        pass
    assert (tmp_path / FILE).read_text() == "{"
