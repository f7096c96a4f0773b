"""Contents staged in a folder of their own, to be asked about."""

import os
import shutil
import tempfile

import pytest
from attach_place import Place

from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.attach.contents import MAIN, MASTER, Contents

pytestmark = pytest.mark.skipif(shutil.which("postconf") is None, reason="Postfix is not installed")


def test_a_problem_names_the_files_that_are_meant(place: Place) -> None:
    """Nobody finds a folder that is gone by the time the message is read."""
    contents = Contents(place.files[MAIN] + b"no equals sign here\n", place.files[MASTER])
    with pytest.raises(Problem) as raised, contents.staged(place.instance) as staged:
        staged.services()
    assert str(place.directory) in str(raised.value)
    assert "/domain-secure-" not in str(raised.value)


def test_what_a_killed_plan_left_goes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A staged copy that is older than any plan takes is removed, links in it are not followed."""
    monkeypatch.setattr(tempfile, "tempdir", str(place.folder))
    left, in_use = (place.folder / f"domain-secure-staged-{name}" for name in ("left", "used"))
    for folder in (left, in_use):
        folder.mkdir()
        (folder / "dynamicmaps.cf").symlink_to(place.directory / MAIN)
    os.utime(left, (0, 0))
    with Contents(place.files[MAIN], place.files[MASTER]).staged(place.instance):
        pass
    assert (left.exists(), in_use.exists()) == (False, True)
    assert (place.directory / MAIN).exists()
