"""What units beside the daemon do for it on a booted machine, within their restrictions."""

import base64
import re
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from booted_machine import (
    CONFIGURATION,
    DAEMON_USER,
    OURS,
    PARTNER,
    SETTINGS,
    STATE,
    UNIT,
    Machine,
    run,
    wait_for,
)

BYPASS, BYPASS_PATH = "domain-secure-bypass.service", "domain-secure-bypass.path"
CHANGES, CHANGES_SOCKET = "domain-secure-changes.service", "domain-secure-changes.socket"
IN_FORCE = STATE / "bypass" / "in-force.json"
TOKEN = "0123456789abcdef-of-the-machine"
PAGE = "http://127.0.0.1:9797"
REFLECTOR = f"reflector@{OURS}"


def ask(path: str, form: dict[str, str] | None = None) -> str:
    """Return what the status page answers; raises AssertionError for anything but a page."""
    credentials = base64.b64encode(f"ann:{TOKEN}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"} | ({"Origin": PAGE} if form else {})
    data = urlencode(form).encode() if form else None
    try:
        with urllib.request.urlopen(urllib.request.Request(PAGE + path, data, headers)) as answer:  # noqa: S310 - ourselves
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{path}: {error.code} {error.read().decode()}") from error


@pytest.fixture
def changing(machine: Machine) -> Iterator[Machine]:
    """Return the machine with a page that may change something."""
    token = CONFIGURATION.with_name("page.token")
    token.write_text(f"{TOKEN}\n")
    run("chgrp", DAEMON_USER, token)
    token.chmod(0o640)
    machine.configure(f'{SETTINGS}\n[metrics]\nallow_changes = true\ntoken_file = "{token}"\n')
    run("systemctl", "enable", "--now", CHANGES_SOCKET)
    run("systemctl", "restart", UNIT)
    machine.wait_until_it_answers()
    yield machine
    run("systemctl", "disable", "--now", CHANGES_SOCKET)
    machine.configure(SETTINGS)
    run("systemctl", "restart", UNIT)


def change(**act: str) -> str:
    """Ask for a change and confirm it."""
    fields = {"subject": "", "value": "", "reason": ""} | act
    (number,) = re.findall(r'name="confirmation" value="([^"]+)"', ask(f"/change?{urlencode(fields)}"))
    return ask("/change", fields | {"confirmation": number})


def test_the_page_changes_postfix_and_our_file(changing: Machine) -> None:
    """Root's unit writes below /etc, speaks with Postfix and makes tables."""
    master = Path("/etc/postfix/master.cf")
    for value, code in (("off", 250), ("on", 550)):
        change(act="connector", subject="smtp/inet", value=value)
        wait_for(
            lambda code=code: changing.send(PARTNER, certified=False) == code, f"the connector to be {value}"
        )
        assert master.stat().st_uid == 0
    told = change(act="bypass", subject=PARTNER, value="1h", reason="scenario")
    assert IN_FORCE.exists(), told
    run("domain-secure", "partner", "bypass", PARTNER, "--end")
    assert "change-done" in changing.journal(CHANGES)


@pytest.fixture
def without_daemon(machine: Machine) -> Iterator[Machine]:
    """Return the machine with a bypass in force and the daemon gone for good."""
    run("domain-secure", "partner", "bypass", PARTNER, "--for", "20s", "--again", "--reason", "scenario")
    wait_for(lambda: machine.state(BYPASS) == "active", "root's unit to wait for the end")
    run("systemctl", "kill", f"--signal={signal.SIGKILL}", UNIT)
    run("systemctl", "stop", UNIT)
    yield machine
    run("domain-secure", "partner", "bypass", PARTNER, "--end", check=False)


def tables() -> str:
    """Return how mail to the partner has to leave, by the table that Postfix reads."""
    return (STATE / "maps" / "tls_policy").read_text()


def test_a_bypass_ends_without_the_daemon(without_daemon: Machine) -> None:
    """The unit that waits makes the tables again, and ends."""
    assert IN_FORCE.exists()
    assert "\tmay\n" in tables()
    wait_for(lambda: not IN_FORCE.exists(), "the bypass to end")
    wait_for(lambda: "\tsecure " in tables(), "the tables to demand proof again")
    wait_for(lambda: without_daemon.state(BYPASS) == "inactive", "root's unit to end")
    assert without_daemon.state(BYPASS_PATH) == "active"


def test_the_reflector_answers_within_the_restrictions(machine: Machine) -> None:
    """The daemon hands its answer to Postfix, which brings it to the partner's server."""
    if run("id", "reflector", check=False).returncode != 0:
        run("useradd", "reflector")
    machine.configure(f'{SETTINGS}\n[reflector]\naddress = "{REFLECTOR}"\n')
    identifier = f"<{uuid4()}@{PARTNER}>"
    text = (
        f"From: <user@{PARTNER}>\r\nTo: <{REFLECTOR}>\r\nDate: {format_datetime(datetime.now(UTC))}\r\n"
        f"Message-ID: {identifier}\r\nSubject: what did you see?\r\n\r\nbody\r\n"
    )

    def is_answered() -> bool:
        with machine.session(certified=True) as client:
            client.sendmail(f"user@{PARTNER}", [REFLECTOR], text)
        return "reflector-letter outcome=answered" in machine.journal()

    wait_for(is_answered, "a letter to be answered")
    wait_for(
        lambda: any(f"In-Reply-To: {identifier}" in told for _, told in machine.server.messages),
        "the answer to arrive",
    )
