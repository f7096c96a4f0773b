"""``suggest`` on a log file, as a user runs it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain_secure.commands.main import main

TODAY = datetime.now(UTC)
CIPHER = (
    "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) server-signature ECDSA server-digest SHA256"
)


def delivery(domain: str, trust: str | None, *, ago: timedelta = timedelta(hours=1)) -> str:
    """Return the lines of one delivered message."""
    delivery.number += 1  # type: ignore[attr-defined]
    relay = f"mx.{domain}[192.0.2.1]:25"
    header = f"{(TODAY - ago).isoformat()} mail postfix/smtp[{delivery.number}]: "  # type: ignore[attr-defined]
    summary = f"{header}{trust} TLS connection established to {relay}: {CIPHER}\n" if trust else ""
    return (
        f"{summary}{header}{delivery.number:X}ABCDE: to=<a@{domain}>, relay={relay}, "  # type: ignore[attr-defined]
        "delay=0.1, delays=0/0/0.1/0, dsn=2.0.0, status=sent (250 Ok)\n"
    )


delivery.number = 1  # type: ignore[attr-defined]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with a configuration and a log."""
    (tmp_path / "domain-secure.toml").write_text(
        f'[send]\ndomains = ["listed.test"]\n[postfix]\nconfig_directory = "{tmp_path}/none"\n'
    )
    start = delivery("other.test", None, ago=timedelta(hours=3))
    lines = [
        *[delivery("woodgrovebank.test", "Trusted")] * 2,
        delivery("woodgrovebank.test", "Trusted"),
        *[delivery("fabrikam.test", "Untrusted") for _ in range(4)],
        *[delivery("mixed.test", trust) for trust in ("Trusted", "Trusted", "Trusted", None)],
        *[delivery("listed.test", "Trusted") for _ in range(5)],
        *[delivery("few.test", "Trusted") for _ in range(2)],
    ]
    again = delivery("woodgrovebank.test", "Trusted")
    (tmp_path / "mail.log").write_text(start + "".join(lines) + again)
    return tmp_path


def run(place: Path, *arguments: str) -> int:
    """Run the command."""
    configuration = place / "domain-secure.toml"
    return main(["suggest", "--config", str(configuration), "--file", str(place / "mail.log"), *arguments])


def test_proposals_with_their_numbers(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who got mail over TLS alone, and often enough; by how much is proved, and each message once."""
    assert run(place, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [(one["domain"], one["readiness"], one["messages"]) for one in document["proposed"]] == [
        ("woodgrovebank.test", "trusted", 3),
        ("fabrikam.test", "encrypted", 4),
    ]
    first = document["proposed"][0]
    assert first["servers"] == ["mx.woodgrovebank.test"]
    assert first["did_not_ask_for_our_certificate"] == 3
    assert first["commands"] == [
        "domain-secure probe woodgrovebank.test",
        "domain-secure send add woodgrovebank.test",
    ]


def test_what_a_person_reads(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both groups with what they mean, and the commands of the first."""
    assert run(place) == 0
    shown = capsys.readouterr().out
    assert "names were not compared" in shown
    assert shown.index("woodgrovebank.test") < shown.index("fabrikam.test")
    assert "domain-secure send add woodgrovebank.test" in shown
    assert "mixed.test" not in shown


def test_nothing_to_propose(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says so, and why that may be."""
    assert run(place, "--minimum", "100") == 0
    assert "no domain can be proposed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(("--since", "yesterday"), "--since"), (("--file", "/nonexistent"), "/nonexistent")],
)
def test_wrong_use(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], word: str
) -> None:
    """A time or a file that is none: status 2, and which."""
    assert run(place, *arguments) == 2
    assert word in capsys.readouterr().err
