"""``domain-secure connector`` on a Postfix that does not run."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from documents import checked
from scratch_postfix import Scratch, make_scratch

from domain_secure.commands.main import main
from domain_secure.policy.configuration.configuration import LogLevel
from domain_secure.policy.configuration.reading import load

from lab.certificates import self_signed

RECEIVING = ("smtp/inet", "submission/inet", "[::1]:2525/inet")
SENDING = "domain-secure/unix"


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """Three services that take mail, none of them attached, and one listed partner."""
    made = make_scratch(tmp_path)
    file = self_signed("Contoso", dns_names=("mail.contoso.test",)).write(tmp_path, "shown")
    made.configure(
        '[receive]\ndomains = ["woodgrovebank.test"]\n[send]\ndomains = ["woodgrovebank.test"]\n'
        '[trust]\nca_file = "/etc/ssl/certs/ca-certificates.crt"\n'
    )
    made.set("smtpd_tls_security_level = may", f"smtpd_tls_chain_files = {file}")
    made.add_service("# an administrator's own words\nsubmission inet n - y - - smtpd")
    made.add_service("[::1]:2525 inet n - y - - smtpd\n  -o smtpd_milters=inet:127.0.0.1:9")
    return made


def files(scratch: Scratch) -> dict[str, bytes]:
    """Return both files of Postfix."""
    return {name: (scratch.folder / "postfix" / name).read_bytes() for name in ("main.cf", "master.cf")}


def states(scratch: Scratch, capture: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Return the state of every connector, as ``connector list`` tells it."""
    return {one["name"]: one["state"] for one in answer(scratch, capture, "list")["connectors"]}


def answer(scratch: Scratch, capture: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Run ``connector`` with ``--json`` and return its document, once it fits its schema."""
    capture.readouterr()
    main(["--config", str(scratch.configuration), "connector", *arguments, "--json"])
    document: dict[str, Any] = checked(capture.readouterr().out)
    return document


def change(scratch: Scratch, name: str, *values: str) -> int:
    """Run ``connector set``; return its exit status."""
    return scratch.run("connector", "set", name, *values)


def test_every_candidate_is_listed(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """Attached or not, and the transport that attach would make."""
    assert states(scratch, capsys) == dict.fromkeys((*RECEIVING, "smtp/unix", "relay/unix", SENDING), "off")


def test_one_switch_is_one_service(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """The others stay as they are, whether they are on or off."""
    assert change(scratch, "submission/inet", "domain-secure=on") == 0
    assert "submission/inet domain-secure: off -> on" in capsys.readouterr().out
    assert change(scratch, "smtp/inet", "domain-secure=on") == 0
    assert change(scratch, "submission/inet", "domain-secure=off") == 0
    found = states(scratch, capsys)
    assert [found[name] for name in RECEIVING] == ["on", "off", "off"]


@pytest.mark.parametrize("value", ["domain-secure=on", "domain-secure=off", "protocol-log=off"])
def test_again_it_is_already_so(scratch: Scratch, capsys: pytest.CaptureFixture[str], value: str) -> None:
    """What is so stays byte for byte, and is said to be so."""
    assert change(scratch, "smtp/inet", value) == 0
    before = files(scratch), scratch.configuration.read_bytes()
    capsys.readouterr()
    assert change(scratch, "smtp/inet", value) == 0
    assert capsys.readouterr().out.startswith("already so: smtp/inet has domain-secure=")
    assert (files(scratch), scratch.configuration.read_bytes()) == before


def test_a_dry_run_changes_nothing(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """It shows the difference, before and after."""
    before = files(scratch), scratch.configuration.read_bytes()
    arguments = ("smtp/inet", "domain-secure=on", "protocol-log=verbose", "--dry-run")
    assert change(scratch, *arguments) == 0
    shown = capsys.readouterr().out
    assert "smtp/inet domain-secure: off -> on\n" in shown
    assert "+  -o smtpd_tls_ask_ccert=yes" in shown
    document = answer(scratch, capsys, "set", *arguments)
    assert [Path(one).name for one in document["changed"]] == ["master.cf", "domain-secure.toml"]
    assert document["after"] is None
    assert (files(scratch), scratch.configuration.read_bytes()) == before


@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_left_after_any_sequence(
    scratch: Scratch, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    """Each switch is where it was put last; all off again, or detached, Postfix's files are the former."""
    before = files(scratch)
    chance = random.Random(seed)
    expected = dict.fromkeys((*RECEIVING, SENDING), "off")
    for _ in range(6):
        name = chance.choice(list(expected))
        expected[name] = chance.choice(("on", "off"))
        change(scratch, name, f"domain-secure={expected[name]}")
    assert {name: state for name, state in states(scratch, capsys).items() if name in expected} == expected
    if seed % 2:
        assert scratch.run("detach") == 0
    else:
        for name in expected:
            assert change(scratch, name, "domain-secure=off") == 0
    assert files(scratch) == before
    assert not any((scratch.state / "attach").glob("*"))


def test_the_transport_of_listed_domains(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """Sending has one switch, that of the dedicated transport; another transport names it."""
    assert change(scratch, "smtp/unix", "domain-secure=on") == 2
    assert f"connector set {SENDING} domain-secure=on" in capsys.readouterr().err
    change(scratch, SENDING, "domain-secure=on")
    assert states(scratch, capsys)[SENDING] == "on"
    assert change(scratch, SENDING, "domain-secure=off") == 0
    assert states(scratch, capsys)[SENDING] == "off"


def test_what_main_cf_says_for_all_is_no_success(
    scratch: Scratch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Off is off when Postfix says so, not when we have nothing left to take out."""
    scratch.set(
        "smtpd_milters = unix:domain-secure/milter",
        "smtpd_data_restrictions = check_policy_service unix:domain-secure/policy",
        "smtpd_tls_ask_ccert = yes",
    )
    assert change(scratch, "smtp/inet", "domain-secure=off") == 1
    assert "domain security is on and not off" in capsys.readouterr().err


def test_the_log_of_one_connector(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """It is written into the configuration, beside those of others, and leaves nothing when it goes."""
    former = scratch.configuration.read_text()
    assert change(scratch, "smtp/inet", "domain-secure=on", "protocol-log=verbose") == 0
    assert change(scratch, "submission/inet", "protocol-log=off") == 0
    levels = {"smtp/inet": LogLevel.VERBOSE, "submission/inet": LogLevel.OFF}
    assert load(scratch.configuration).log_services == levels
    shown = answer(scratch, capsys, "show", "smtp/inet")
    assert (shown["protocol_log"], shown["protocol_log_own"]) == ("verbose", True)
    for name in levels:
        assert change(scratch, name, "protocol-log=default") == 0
    assert load(scratch.configuration).log_services == {}
    assert (
        former.splitlines()
        == [line for line in scratch.configuration.read_text().splitlines() if line != "[log]"][
            : len(former.splitlines())
        ]
    )


def test_the_log_of_the_transport_is_that_of_the_direction(
    scratch: Scratch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All that we send leaves by it."""
    assert change(scratch, SENDING, "protocol-log=verbose") == 0
    assert load(scratch.configuration).log_send is LogLevel.VERBOSE
    assert change(scratch, SENDING, "protocol-log=default") == 0
    assert load(scratch.configuration).log_send is LogLevel.NORMAL
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("smtp", "domain-secure=on"), "write smtp/inet or smtp/unix"),
        (("smtp/inets", "domain-secure=on"), "did you mean smtp/inet?"),
        (("smtp/inet", "domain_secure=on"), "did you mean domain-secure?"),
        (("smtp/inet", "domain-secure=yes"), "write on or off"),
        (("smtp/inet", "protocol-log=loud"), "off or normal or verbose or default"),
        (("smtp/inet", "domain-secure"), "this is not KEY=VALUE"),
        (("smtp/inet", "domain-secure=on", "domain-secure=off"), "given twice"),
    ],
)
def test_what_is_not_understood(
    scratch: Scratch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], word: str
) -> None:
    """It is said what is meant, and nothing is changed."""
    before = files(scratch)
    assert change(scratch, *arguments) == 2
    assert word in capsys.readouterr().err
    assert files(scratch) == before


def test_other_instances_are_named(scratch: Scratch, capsys: pytest.CaptureFixture[str]) -> None:
    """What was not looked at is said, and that this Postfix does not run."""
    document = answer(scratch, capsys, "list")
    assert document["running"] is False
    assert document["unread"] == []
    named = [one["config_directory"] for one in document["other_instances"]]
    assert document["other_instances_problem"] or str(scratch.folder / "postfix") not in named
    assert json.dumps(document)
