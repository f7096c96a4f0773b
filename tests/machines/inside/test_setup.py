"""`domain-secure setup` from `apt install` to the first secured message: without a terminal, then at one."""

import json
import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from mail_hosts import (
    AUTHORITY,
    EDGE_ADDRESS,
    HOME,
    OURS,
    PARTNER,
    SECONDS,
    SOCKET_UNIT,
    STRANGER_ADDRESS,
    UNIT,
    Edge,
    Partner,
    cursor,
    journal,
    postfix_files,
    run,
    state,
    submit,
)

Files = Mapping[str, tuple[bytes, int]]

UNITS = (SOCKET_UNIT, UNIT)
#: Where Debian looks for authorities that the administrator trusts, update-ca-certificates(8).
TRUSTED = Path("/usr/local/share/ca-certificates/machine.crt")


@pytest.fixture(scope="module", autouse=True)
def bare() -> Iterator[Files]:
    """Yield Postfix's files before anything; ours is installed, and does not run."""
    shutil.copyfile(AUTHORITY, TRUSTED)
    run("update-ca-certificates")
    files, end = postfix_files(), cursor()
    (package,) = (HOME / "dist").glob("*.deb")
    run("apt-get", "install", "-q", "-y", package)
    run("systemctl", "disable", "--now", *UNITS)
    yield files
    # The daemon proves itself by canaries that nobody gets, and sends none before attach and after detach.
    assert re.findall("to=<postmaster@.*status=.*", journal("--facility=mail", after=end)) == []


@pytest.fixture(scope="module")
def undo() -> list[str]:
    """Return the commands that lead back, as far as setup has named any yet."""
    return []


def test_nobody_who_says_no_is_changed(edge: Edge, bare: Files) -> None:
    """Asked before the first step, a person may go away again."""
    command = ["domain-secure", "setup", "--partner", PARTNER, "--cert", str(edge.certificate())]
    _dialogue(command, {"Do this?": "n"}, status=1)
    assert postfix_files() == bare
    assert [state(unit) for unit in UNITS] == ["inactive", "inactive"]


def test_without_a_terminal(edge: Edge, partner: Partner, bare: Files, undo: list[str]) -> None:
    """One command leads to mail that is secured both ways, and what it names leads back."""
    wish = ("--partner", PARTNER, "--cert", edge.certificate(), "--yes")
    done = json.loads(run("domain-secure", "setup", *wish, "--json").stdout)
    assert {one["step"]: one["outcome"] for one in done["steps"]}["daemon"] == "done"
    assert done["problem"] is None
    _assert_secured(edge, partner)
    undo += done["undo"]
    for command in undo:
        run(*shlex.split(command))
    assert postfix_files() == bare
    assert [state(unit) for unit in UNITS] == ["inactive", "inactive"]
    lists = [run("domain-secure", name, "list", "--json").stdout for name in ("receive", "send")]
    assert [json.loads(text)["domains"] for text in lists] == [[], []]
    assert submit(EDGE_ADDRESS, STRANGER_ADDRESS, f"admin@{PARTNER}") == 250


def test_at_a_terminal(edge: Edge, partner: Partner, undo: list[str]) -> None:
    """A person is asked for the partner and the certificate, sees the change, and agrees twice."""
    shown = _dialogue(
        ["domain-secure", "setup"],
        {
            "The first partner": PARTNER,
            "Postfix shows no certificate of ours": str(edge.certificate()),
            "Do this?": "y",
            "Apply this?": "yes",
        },
    )
    assert "smtpd_milters" in shown
    assert shown.partition("to undo it:\n")[2].split("\n") == [*(f"    {command}" for command in undo), ""]
    _assert_secured(edge, partner)


def _assert_secured(edge: Edge, partner: Partner) -> None:
    """Mail goes both ways as it should, and both units come with the next boot; setup has run `check`."""
    assert {run("systemctl", "is-enabled", unit).stdout.strip() for unit in UNITS} == {"enabled"}
    assert [state(unit) for unit in UNITS] == ["active", "active"]
    inbound, outbound = str(uuid4()), str(uuid4())
    partner.send(inbound)
    edge.send(outbound)
    assert edge.wait_for(inbound)["X-Domain-Secure"].startswith(f"pass ({PARTNER};")
    assert f'Client CN "mail.{OURS}"' in " ".join(str(partner.wait_for(outbound)["Received"]).split())
    # Mail is watched, and none refused.
    assert submit(EDGE_ADDRESS, STRANGER_ADDRESS, f"admin@{PARTNER}") == 250


def _dialogue(command: list[str], answers: Mapping[str, str], status: int = 0) -> str:
    """Run a command at a terminal, give each answer as soon as it is asked for, and return what was shown."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=HOME) as process:
        os.close(theirs)
        shown, asked = b"", 0
        waiting, end = list(answers.items()), time.monotonic() + SECONDS
        while time.monotonic() < end and select.select([ours], [], [], SECONDS)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # EIO: the last who held the other end has gone
                break
            if waiting and waiting[0][0].encode() in shown[asked:]:
                asked = len(shown)
                os.write(ours, f"{waiting.pop(0)[1]}\n".encode())
        if time.monotonic() >= end:
            process.kill()
    os.close(ours)
    text = shown.decode().replace("\r\n", "\n")
    assert process.returncode == status, text
    assert waiting == [], text
    return text
