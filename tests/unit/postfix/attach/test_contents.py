"""Contents staged in a folder of their own, to be asked about."""

import shutil

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
