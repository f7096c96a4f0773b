"""A bypass is said to be in force where it is, and nowhere else."""

from pathlib import Path

import pytest

from domain_secure.commands.bypass.in_force import bring_in_force
from domain_secure.policy.bypass.bypass import Bypass, Reading, Wish, begun, ended
from domain_secure.policy.bypass.bypass_file import BypassFile, reading
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.time_words import parse_span

WOODGROVE = Entry("woodgrovebank.test")


def begin(now: Reading) -> Bypass:
    """Return a bypass that begins now."""
    wish = Wish(WOODGROVE, (), parse_span("4h"), "anna", "tonight")
    return begun(wish, (), (), None, now)[-1]


def test_one_that_is_over_by_then_is_not_in_force(tmp_path: Path) -> None:
    """Ended by somebody else, or by a clock, between the writing and the answer, it is told as that."""
    path = tmp_path / "domain-secure.toml"
    path.write_text('paths.state = "."\n[metrics]\nlisten = "127.0.0.1:1"\n[receive]\ndomains = []\n')
    now = reading()
    new = begin(now)
    with BypassFile(tmp_path).edited() as edit:
        edit.put([new])
    assert bring_in_force(path, WOODGROVE, new) is ExitStatus.DONE
    with BypassFile(tmp_path).edited() as edit:
        edit.put([ended(new, "bert", now)])
    with pytest.raises(Problem, match="is not in force"):
        bring_in_force(path, WOODGROVE, new)
    assert bring_in_force(path, WOODGROVE) is ExitStatus.DONE
