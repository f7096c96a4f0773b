"""Editing through the interface that a file and a fleet share."""

from pathlib import Path

import pytest

from domain_secure.policy.editing.editing import ListName, add, set_entries
from domain_secure.policy.editing.policy_store import FileStore
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.problems import ExitStatus, Problem


def test_set_of_a_list_that_is_another_by_now_is_refused(tmp_path: Path) -> None:
    """Whoever says what was shown gets both versions where it is not so any more, and nothing changes."""
    store = FileStore(tmp_path / "domain-secure.toml")
    add(store, ListName.RECEIVE, ["a.test", "b.test"])
    before = store.path.read_bytes()
    with pytest.raises(Problem) as caught:
        set_entries(store, ListName.RECEIVE, ["c.test"], DomainList.of("a.test", "x.test"))
    assert caught.value.status is ExitStatus.DIFFERENCE
    assert "without x.test and also with b.test" in caught.value.what
    assert caught.value.where == "shown: a.test x.test; now: a.test b.test"
    assert store.path.read_bytes() == before
    set_entries(store, ListName.RECEIVE, ["c.test"], DomainList.of("b.test", "a.test"))
    with pytest.raises(Problem, match="no revisions"):
        store.list_at("receive", 1)
