"""What ``partner add`` is asked for, and what it refuses before anybody is looked at."""

import json
from pathlib import Path
from typing import Any

import pytest
from documents import checked

from domain_secure.commands.command_line import parse
from domain_secure.commands.main import COMMANDS, main
from domain_secure.commands.onboarding.wish import Wish, wish_of
from domain_secure.policy.onboarding.steps import Step
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.pin import Pin

PIN = f"spki-sha256:{'ab' * 32}"


def wish(*words: str) -> Wish:
    """Return what is asked for by arguments, with nobody at a terminal."""
    return wish_of(parse(["partner", "add", *words], COMMANDS))


def test_the_options_are_keys_of_a_partner() -> None:
    """The short ones and ``--set`` are one thing."""
    found = wish(
        "A.test", "--yes", "--names", "a.test,b.test", "--method", "pin", "--pin", PIN, "--set", "mx=m.b.test"
    )
    assert (found.entry, found.spelling) == ("a.test", "A.test")
    assert found.values == {"names": "a.test,b.test", "send_method": "pin", "mx": "m.b.test"}
    assert found.pins == (Pin.parse(PIN),)


@pytest.mark.parametrize(
    ("words", "directions"),
    [
        ((), set()),
        (("--send",), {Direction.SEND}),
        (("--receive",), {Direction.RECEIVE}),
        (("--send", "--receive"), set(Direction)),
    ],
)
def test_directions(words: tuple[str, ...], directions: set[Direction]) -> None:
    """None is as it was begun."""
    assert wish("a.test", "--yes", *words).directions == directions


def test_enforcing_is_asked_for_by_name() -> None:
    """``--yes`` goes as far as sending; a step that is named is the last one."""
    found = wish("a.test", "--yes")
    assert found.reaches(Step.SEND)
    assert not found.reaches(Step.ENFORCE)
    assert wish("a.test", "--yes", "--step", "enforce").reaches(Step.ENFORCE)
    assert not wish("a.test", "--yes", "--step", "rule").reaches(Step.OBSERVE)
    assert wish("a.test", "--step", "probe").only_looks


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "nobody can be asked, and nothing was changed"),
        (("--step", "enforce"), "nobody can be asked, and nothing was changed"),
        (("--yes", "--set", "mode=enforce"), "use --step observe or --step enforce"),
        (("--yes", "--set", f"pins={PIN}"), "use --pin"),
        (("--yes", "--set", "nmaes=a.test"), "names"),
        (("--yes", "--set", "mx"), "this is not KEY=VALUE"),
        (("--yes", "--pin", "ab"), "write sha256:DIGEST or spki-sha256:DIGEST"),
        (("--yes", "--names", "co.uk"), "names=co.uk"),
    ],
)
def test_what_is_refused(
    words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before any server is asked, and with nothing written."""
    file = tmp_path / "domain-secure.toml"
    file.write_text('[paths]\nstate = "state"\n')
    former = file.read_bytes()
    assert main(["--config", str(file), "partner", "add", "a.test", *words]) == 2
    assert said in capsys.readouterr().err
    assert file.read_bytes() == former
    assert list(tmp_path.iterdir()) == [file]


def shown(file: Path, domain: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return what ``partner show`` tells."""
    assert main(["--config", str(file), "partner", "show", domain, "--json"]) == 0
    return checked(capsys.readouterr().out)


def test_partner_show_tells_how_far_it_came(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is done is asked of the configuration, and since when of what was kept until it is removed."""
    file = tmp_path / "domain-secure.toml"
    file.write_text('[paths]\nstate = "state"\n')
    state = tmp_path / "state"
    state.mkdir()
    time = "2026-12-01T09:00:00+00:00"
    way = {
        "begun": time,
        "by": "alice",
        "directions": ["receive", "send"],
        "done": {"probe": time, "rule": time, "observe": time},
        "found": "delivered: over verified TLS",
    }
    (state / "onboarding.json").write_text(json.dumps({"format": 1, "partners": {"a.test": way}}))
    done = {one["step"]: one["done"] for one in shown(file, "a.test", capsys)["onboarding"]["steps"]}
    assert done == {"probe": True, "rule": True, "observe": False, "send": False, "enforce": False}
    main(["--config", str(file), "receive", "add", "a.test", "--no-wait"])
    capsys.readouterr()
    assert main(["--config", str(file), "partner", "show", "a.test"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert (
        "probe done, rule done since 2026-12-01, observe done since 2026-12-01, send left, enforce done"
        in told
    )
    assert main(["--config", str(file), "partner", "remove", "a.test", "--no-wait"]) == 0
    capsys.readouterr()
    assert main(["--config", str(file), "partner", "show", "a.test", "--json"]) == 1


def test_what_is_kept_and_cannot_be_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rule is shown all the same."""
    file = tmp_path / "domain-secure.toml"
    file.write_text('[receive]\ndomains = ["a.test"]\n[paths]\nstate = "state"\n')
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "onboarding.json").write_text("{")
    document = shown(file, "a.test", capsys)
    assert document["onboarding"] is None
    assert "cannot be understood" in document["onboarding_problem"]


def test_what_a_wildcard_enforces_stays_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An entry of its own would begin by watching."""
    file = tmp_path / "domain-secure.toml"
    file.write_text('[receive]\ndomains = ["*.a.test"]\n[paths]\nstate = "state"\n')
    assert main(["--config", str(file), "partner", "add", "b.a.test", "--yes"]) == 1
    assert "is enforced already, as *.a.test" in capsys.readouterr().err
