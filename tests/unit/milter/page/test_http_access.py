"""Who may ask over HTTP."""

import base64
from pathlib import Path

import pytest

from domain_secure.milter.page.http_access import Access, read_token
from domain_secure.policy.terms.problems import Problem

TOKEN = "0123456789abcdef"


def basic(user: str, password: str) -> str:
    """Return a header as a browser sends it."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.mark.parametrize(
    "header", [f"Bearer {TOKEN}", f"bearer  {TOKEN}", basic("", TOKEN), basic("anybody", TOKEN)]
)
def test_the_token_opens(header: str) -> None:
    """As a bearer's token, or as the password of any user."""
    assert Access(TOKEN).is_granted(header)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        TOKEN,
        "Bearer",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN} x",
        f"Digest {TOKEN}",
        basic(TOKEN, ""),
        basic("x", TOKEN.upper()),
        "Basic !!!",
        "Basic /////w==",
        "Bearer ü",
    ],
)
def test_nothing_else_does(header: str | None) -> None:
    """Neither another token nor what cannot be read."""
    assert not Access(TOKEN).is_granted(header)


@pytest.mark.parametrize(
    "host", [None, "localhost", "LOCALHOST:9797", "127.0.0.1:9797", "127.1.2.3", "[::1]:9797", "status.test."]
)
def test_names_of_ours(host: str | None) -> None:
    """Loopback by name and address, and what is configured."""
    assert Access(None, ["status.test"]).is_addressed(host)


@pytest.mark.parametrize(
    "host",
    ["", "evil.test", "localhost.evil.test", "192.0.2.1:9797", "[2001:db8::1]:1", "evil.test:9797@localhost"],
)
def test_another_name_is_not_answered(host: str) -> None:
    """A name that a stranger made point at us, as in DNS rebinding, is none of ours."""
    assert not Access().is_addressed(host)


def test_with_a_token_any_name_will_do() -> None:
    """A page that rebinds DNS does not know the token."""
    assert Access(TOKEN).is_addressed("mx1.contoso.test:9797")


def test_the_token_of_a_file(tmp_path: Path) -> None:
    """Read without the line's end; too short, open to all and unreadable are refused without showing it."""
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o640)
    assert read_token(path) == TOKEN
    path.chmod(0o644)
    with pytest.raises(Problem, match="everybody on this machine"):
        read_token(path)
    path.chmod(0o600)
    path.write_text("short\n")
    with pytest.raises(Problem, match="16 printable"):
        read_token(path)
    with pytest.raises(Problem, match="cannot read the token"):
        read_token(tmp_path / "nowhere")
