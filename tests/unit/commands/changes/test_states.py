"""The state that an act starts from: it is another one as soon as anything that counts is."""

from datetime import timedelta
from pathlib import Path

import pytest

from domain_secure.commands.changes.states import state_of
from domain_secure.milter.changes.acts import Act, Kind
from domain_secure.policy.bypass.bypass import Wish, begun
from domain_secure.policy.bypass.bypass_file import BypassFile, reading
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.terms.domain import Entry

BYPASS = Act(Kind.BYPASS, "woodgrovebank.test", "4h", "their key broke")


def configured(folder: Path, state: Path) -> Configuration:
    """Return a configuration with one partner, in a folder of its own."""
    folder.mkdir()
    path = folder / "domain-secure.toml"
    path.write_text(f'[receive]\ndomains = ["woodgrovebank.test"]\n[paths]\nstate = "{state}"\n')
    return load(path)


def bypass(configuration: Configuration, hours: int) -> None:
    """Begin a bypass of the partner, or give the one that there is another end."""
    files = BypassFile(configuration.state)
    wish = Wish(Entry("woodgrovebank.test"), (), timedelta(hours=hours), "ann", "their key broke")
    with files.edited() as edit:
        edit.put(begun(wish, files.present(), files.former(), files.account(), reading()))


def test_a_bypass_that_somebody_began_meanwhile(tmp_path: Path) -> None:
    """It is told, and a confirmation of before is none of now; nor is it when its end is another."""
    configuration = configured(tmp_path / "etc", tmp_path)
    before = state_of(configuration, BYPASS)
    assert "bypassed until" not in before.words
    bypass(configuration, 1)
    begins = state_of(configuration, BYPASS)
    assert "it is bypassed until" in begins.words
    bypass(configuration, 3)
    assert len({before.digest, begins.digest, state_of(configuration, BYPASS).digest}) == 3


@pytest.mark.parametrize("act", [BYPASS, Act(Kind.PROMOTE, "woodgrovebank.test")])
def test_another_configuration_is_another_state(tmp_path: Path, act: Act) -> None:
    """A daemon whose file no unit serves cannot have the unit of another change the like-named partner."""
    one, other = (configured(tmp_path / name, tmp_path) for name in ("one", "other"))
    assert state_of(one, act).digest != state_of(other, act).digest
    assert state_of(one, act).digest == state_of(load(one.path), act).digest
