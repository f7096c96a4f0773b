"""README.md's own commands, in its own order, on a machine that has a working Postfix and nothing of ours."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from mail_hosts import (
    AUTHORITY,
    BEFORE,
    CONFIGURATION,
    EDGE_ADDRESS,
    HOME,
    OURS,
    POSTFIX,
    STRANGER_ADDRESS,
    UNIT,
    Edge,
    Partner,
    postfix_files,
    run,
    state,
    submit,
    wait_for,
)

ASKED = "domain-secure-generate.path"
BLOCKS = re.findall(r"(?:^    .+\n)+", (HOME / "README.md").read_text(), re.MULTILINE)


def block(containing: str) -> list[str]:
    """Return the commands of README's block that contains a text, without sudo and remarks."""
    (found,) = [text for text in BLOCKS if containing in text]
    lines = (line.partition(" #")[0].strip() for line in found.splitlines())
    return [line.removeprefix("sudo ") for line in lines]


@pytest.fixture(scope="module", autouse=True)
def before(edge: Edge, partner: Partner) -> str:
    """Both Postfix run, and what ours was set up with is noted down; returns what it warns of by itself."""
    partner.set_up()
    edge.set_up()
    wait_for(lambda: submit(EDGE_ADDRESS, STRANGER_ADDRESS, "user@nowhere.example", "before") == 250, "mail")
    shutil.copytree(POSTFIX, BEFORE)
    return _warnings()


def test_installing_starts_the_daemon_and_changes_nothing_in_postfix() -> None:
    """Installed by apt, without a network; the daemon runs and is enabled."""
    before = postfix_files()
    install = [line for line in block("./dev deb") if "apt install" in line]
    run("sh", "-ec", f"{install[0].replace('apt install', 'apt-get install -q -y')}")
    assert postfix_files() == before
    for unit in (UNIT, ASKED):
        assert state(unit) == "active"
        assert run("systemctl", "is-enabled", unit).stdout.strip() == "enabled"


def test_an_administrator_has_a_certificate_and_an_authority(edge: Edge) -> None:
    """Our own certificate is requested, imported and enabled; the authority stands in [trust]."""
    authority = Path("/etc/domain-secure/authority.pem")
    shutil.copyfile(AUTHORITY, authority)
    text = CONFIGURATION.read_text()
    assert text.count("\n[trust]\n") == 1
    trust = f'\n[trust]\nca_file = "{authority}"\nrevocation = "off"\n'
    CONFIGURATION.write_text(text.replace("\n[trust]\n", trust))
    edge.request_certificate()
    assert f"mail.{OURS}" in run("domain-secure", "cert", "list").stdout


@pytest.mark.parametrize("command", block("attach --dry-run"))
def test_each_command_works(command: str) -> None:
    """Each command of README ends well, `check` among them: it finds no error."""
    print(run(*shlex.split(command)).stdout)


def test_partners_are_enforced_from_now_on() -> None:
    """README's last step: refused on the first day, as nothing was watched; then done all the same."""
    careful, at_once = map(shlex.split, block("promote "))
    refused = run(*careful, check=False)
    assert (refused.returncode, "--even-so" in refused.stdout + refused.stderr) == (1, True)
    run(*at_once)
    findings = json.loads(run("domain-secure", "check", "--json").stdout)["findings"]
    assert "observe" not in {finding["word"] for finding in findings}


def test_postfix_finds_nothing_to_warn_of(before: str) -> None:
    """Nothing that attach wrote is unknown, unused or outdated to this Postfix."""
    assert _warnings() == before


def test_check_could_look_at_everything() -> None:
    """Root may see everything on a machine like this one."""
    findings = json.loads(run("domain-secure", "check", "--json").stdout)["findings"]
    assert [finding for finding in findings if finding["severity"] == "not-looked-at"] == []


def _warnings() -> str:
    """Return what Postfix's programs complain of when they read main.cf and master.cf."""
    commands = (("postfix", "check"), *(("postconf", option) for option in ("-n", "-x", "-M", "-P")))
    return "".join(run(*command).stderr for command in commands)
