"""Waiting to be enforced: begun, told, ended; nobody is enforced by it who is not clean."""

from pathlib import Path

import pytest

from domain_secure.commands.main import main
from domain_secure.policy.configuration.configuration import Mode
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.promotion.waiting import waiting
from domain_secure.policy.terms.domain import Entry

WOODGROVE = Entry("woodgrovebank.test")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a configuration with one partner that is observed, and no history."""
    file = tmp_path / "domain-secure.toml"
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text("")
    file.write_text(
        f'metrics.listen = "127.0.0.1:1"\npaths.state = "state"\n[trust]\nca_file = "{ca_file}"\n[receive]\n'
        f'domains = ["{WOODGROVE}", "*.fabrikam.test"]\n[partner."{WOODGROVE}"]\nmode = "observe"\n'
    )
    return file


def promote(path: Path, *arguments: str) -> int:
    """Run ``promote``."""
    return main(["--config", str(path), "promote", *arguments])


def test_waits_until_it_is_clean(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Asked twice it is so already; what is not clean stays observed; and it can be cancelled."""
    state = path.parent / "state"
    assert promote(path, WOODGROVE, "--when-clean", "14d") == 0
    assert promote(path, WOODGROVE, "--when-clean", "14d") == 0
    assert "already so" in capsys.readouterr().out
    assert [one.days for one in waiting(state)] == [14]
    assert promote(path, "--due") == 0
    assert "was ever seen here" in capsys.readouterr().out
    assert load(path).partner(WOODGROVE).mode is Mode.OBSERVE
    assert promote(path) == 0
    assert "waits" in capsys.readouterr().out
    assert promote(path, WOODGROVE, "--cancel") == 0
    assert waiting(state) == ()


@pytest.mark.parametrize("time", ["soon", "36h", "400d"])
def test_a_time_that_cannot_be_waited_for(path: Path, time: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whole days are waited for, of which records are kept."""
    assert promote(path, WOODGROVE, "--when-clean", time) == 2
    assert "--when-clean" in capsys.readouterr().err


def test_nothing_seen_is_not_clean(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a history nobody is enforced, unless it is asked for even so."""
    assert promote(path, WOODGROVE) == 1
    assert "stays observed" in capsys.readouterr().out
    assert load(path).partner(WOODGROVE).mode is Mode.OBSERVE
    assert promote(path, WOODGROVE, "--even-so", "--no-wait") == 0
    assert load(path).partner(WOODGROVE).mode is Mode.ENFORCE
    assert promote(path, WOODGROVE) == 0
    assert "already so" in capsys.readouterr().out


@pytest.mark.parametrize("domain", ["mail.fabrikam.test", "evil.test"])
def test_whose_rule_is_anothers(path: Path, domain: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that an entry covers, or no entry has, is told, and changes nothing."""
    before = path.read_bytes()
    assert promote(path, domain, "--even-so", "--no-wait") == 1
    assert domain in capsys.readouterr().err
    assert path.read_bytes() == before
