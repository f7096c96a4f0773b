"""Root's side: what it believes, and that whoever asked hears what became of it."""

import json
from pathlib import Path

import pytest

from domain_secure.commands.changes.applying import result_of
from domain_secure.policy.terms.event import Event

TOKEN = "a token of some length"


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """A configuration with token, in a folder that root alone may write."""
    folder = tmp_path / "etc"
    folder.mkdir(mode=0o755)
    token = folder / "page.token"
    token.write_text(TOKEN)
    token.chmod(0o640)
    made = folder / "domain-secure.toml"
    made.write_text(
        f'[metrics]\nallow_changes = true\ntoken_file = "page.token"\n'
        f'[paths]\nstate = "{tmp_path}"\n[postfix]\nconfig_directory = "{tmp_path / "no-postfix"}"\n'
    )
    return made


def told(path: Path, *, is_awaited: bool = True, **changes: object) -> tuple[str, list[str]]:
    """Return why an order was not carried out, and the lines that were logged."""
    act = {"act": "promote", "subject": "woodgrovebank.test", "value": "", "reason": ""}
    order = {"format": 1, "act": act, "state": "0", "token": TOKEN, "who": "ann", "client": "::1"}
    logged: list[Event] = []
    result = result_of(path, json.dumps(order | changes).encode(), logged.append, lambda: is_awaited)
    assert result.problem is not None
    assert not result.said
    return str(result.problem), [str(one) for one in logged]


def test_the_whole_way_to_a_file_is_roots(configuration: Path, tmp_path: Path) -> None:
    """A folder far above it, or a link in between, is enough for whoever may write there."""
    assert "not believed" not in told(configuration)[0]
    tmp_path.chmod(0o777)
    assert f"not believed: {tmp_path}:" in told(configuration)[0]
    tmp_path.chmod(0o755)
    between = tmp_path / "between"
    between.mkdir()
    (between / "link.toml").symlink_to(configuration)
    first = configuration.with_name("first.toml")
    first.symlink_to("../between/link.toml")
    assert "not believed" not in told(first)[0]
    between.chmod(0o777)
    assert f"not believed: {between}:" in told(first)[0]


def test_links_that_lead_nowhere(configuration: Path) -> None:
    """In a circle, or to what is not there: said, and no fault of ours."""
    token = configuration.with_name("page.token")
    token.unlink()
    assert "cannot be looked at" in told(configuration)[0]
    token.symlink_to("page.token")
    assert "too many links" in told(configuration)[0]


def test_a_fault_of_ours_is_told_and_logged(configuration: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked is not left without an answer, and root's unit goes on."""
    monkeypatch.setattr(Path, "lstat", lambda _: {}["of ours"])
    text, logged = told(configuration)
    assert "it is not known what was done" in text
    assert logged == ["internal-error where=apply-change type=KeyError detail=\"'of ours'\""]


@pytest.mark.parametrize("content", [b"", b"[]", b"[" * 16_000, b'{"format": 1}', b"\xff\xfe", b'"\\ud800"'])
def test_what_is_no_order(configuration: Path, content: bytes) -> None:
    """It is refused in one line, whatever was sent."""
    logged: list[Event] = []
    result = result_of(configuration, content, logged.append, lambda: True)
    assert result.problem is not None
    assert "cannot be understood" in str(result.problem)
    assert [one.word for one in logged] == ["change-refused"]
