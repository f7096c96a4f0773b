"""The Sieve scripts of docs/mark.md, run by Pigeonhole on messages as the edge marks them."""

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lab.laboratory import CONTOSO, Lab

pytestmark = pytest.mark.real

DOCUMENT = Path(__file__).parents[2] / "docs" / "mark.md"
KEYWORD, FOLDER, UNMARKED = re.findall(r"```sieve\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
PASS = "X-Domain-Secure: pass (woodgrovebank.test; pkix; TLSv1.3) by mail.contoso.test; ref=4F2C1A0B"
FAIL = "X-Domain-Secure: fail (woodgrovebank.test; name-mismatch; TLSv1.3) by mail.contoso.test; ref=4F2C1A0B"
ANOTHERS = "X-Domain-Secure: pass (woodgrovebank.test; pkix; TLSv1.3) by mail.evil.test; ref=4F2C1A0B"
_NOBODY = "65534"


def actions(script: str, *headers: str, author: str = "admin@woodgrovebank.test") -> str:
    """Return what a script does with a message."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        (folder / "script.sieve").write_text(script)
        lines = (*headers, f"From: {author}", "To: alice@contoso.test", "Subject: x", "", "Hello.", "")
        (folder / "message").write_bytes("\r\n".join(lines).encode())
        done = subprocess.run(
            [
                "sieve-test",
                "-o",
                f"mail_uid={_NOBODY}",
                "-o",
                f"mail_gid={_NOBODY}",
                "script.sieve",
                "message",
            ],
            cwd=folder,
            env={"HOME": name, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("headers", "marked"),
    [((PASS,), True), ((PASS, PASS), True), ((FAIL,), False), ((ANOTHERS,), False), ((), False)],
)
def test_mark_becomes_a_keyword(headers: tuple[str, ...], marked: bool) -> None:
    """Ours alone, and only a pass."""
    assert ("$DomainSecured" in actions(KEYWORD, *headers)) is marked


def test_mark_becomes_a_folder() -> None:
    """With the keyword on the message there."""
    told = actions(FOLDER, PASS)
    assert "store message in folder: Secured" in told
    assert "$DomainSecured" in told
    assert "Secured" not in actions(FOLDER, FAIL)


@pytest.mark.parametrize(
    ("headers", "author", "collected"),
    [
        ((), "admin@woodgrovebank.test", True),
        ((FAIL,), "admin@woodgrovebank.test", True),
        ((PASS,), "admin@woodgrovebank.test", False),
        ((), "bob@elsewhere.test", False),
    ],
)
def test_unmarked_mail_of_a_partner_is_collected(
    headers: tuple[str, ...], author: str, collected: bool
) -> None:
    """And nobody else's."""
    assert ("Not secured" in actions(UNMARKED, *headers, author=author)) is collected


@pytest.mark.parametrize("service", ["pickup/unix", "submission/inet"])
def test_what_our_own_users_send_loses_marks(own_lab: Lab, service: str) -> None:
    """By the commands of the page: marks go, whatever else there is stays, and no daemon is needed."""
    contoso, run = own_lab.contoso, own_lab.namespaces.run
    directory = str(contoso.layout.configuration)
    run("postconf", "-c", directory, "-M", "submission/inet=submission inet n - y - - smtpd")
    section = DOCUMENT.read_text().partition("## What your own users send")[2]
    commands = re.findall(r"^    sudo postconf (-[eMP]) '(.+)'$", section, re.MULTILINE)
    assert len(commands) == 4
    for option, setting in commands:
        run("postconf", "-c", directory, option, setting.replace("pickup/unix", service))
    contoso.reload()
    recipient = f"b@{CONTOSO}"
    text = (
        f"From: a@{CONTOSO}\nTo: {recipient}\nSubject: x\n{PASS}\nX-Other: kept\n"
        "Authentication-Results: mx2.contoso.test; spf=pass\n"
        "Authentication-Results: mx2.contoso.test;\n x-domain-secure=pass header.d=woodgrovebank.test\n"
        "\nHello, by hand.\n"
    )
    if service == "pickup/unix":
        run("sh", "-c", f"printf '%s' \"$1\" | sendmail -C {directory} -f a@{CONTOSO} {recipient}", "-", text)
    else:
        send_text(own_lab, text, recipient)
    delivered = contoso.wait_for_delivery("Hello, by hand.").decode()
    assert "X-Domain-Secure" not in delivered
    assert "x-domain-secure" not in delivered
    assert "X-Other: kept" in delivered
    assert "spf=pass" in delivered


def send_text(lab: Lab, text: str, recipient: str) -> None:
    """Give Contoso's submission service a message, from inside."""
    program = (
        "import smtplib, sys\n"
        "with smtplib.SMTP('127.0.0.1', 587) as client:\n"
        "    client.sendmail(sys.argv[1], [sys.argv[1]], sys.argv[2])\n"
    )
    lab.namespaces.run(sys.executable, "-c", program, recipient, text)
