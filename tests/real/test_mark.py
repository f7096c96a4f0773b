"""The Sieve scripts of docs/mark.md, run by Pigeonhole on messages as the edge marks them."""

import json
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lab.laboratory import CONTOSO, WOODGROVE, Lab
from lab.product import Product

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


FORGED = (
    PASS,
    "x-domain-SECURE : pass",
    "Authentication-Results: mx2.contoso.test;\n x-domain-secure=pass header.d=woodgrovebank.test",
    "Authentication-Results: x-domain-secure=pass",
    'Authentication-Results: "mail.contoso.test"; dkim=pass;\n\tX-Domain-Secure (c) = pass',
    "X-Hidden: a\rX-Domain-Secure: pass",
)
ATTACHED = "X-Domain-Secure: pass (in the message that is attached)"


def test_what_our_own_users_send_loses_marks(own_lab: Lab) -> None:
    """By sendmail and by submission, with no daemon; the administrator's checks and attachments stay."""
    contoso, product = own_lab.contoso, Product(own_lab)
    directory = str(contoso.layout.configuration)
    own_lab.namespaces.run(
        "postconf", "-c", directory, "-M", "submission/inet=submission inet n - y - - smtpd"
    )
    contoso.configure(header_checks="regexp:{{/^X-Other:/ REPLACE X-Other: seen}}")
    before = [(contoso.layout.configuration / name) for name in ("main.cf", "master.cf")]
    found = [own_lab.namespaces.outside(path).read_bytes() for path in before]
    product.configure(f'[receive]\ndomains = ["{WOODGROVE}"]\n')
    told = product.attach("--no-send").stdout
    assert "marks are taken off what comes in by" in told
    words = {
        one["word"] for one in json.loads(product.command("check", "--json", check=False).stdout)["findings"]
    }
    assert not words & {"marks-brought-in", "attach-outdated", "mark-taken-away"}
    for way in ("sendmail", "submission"):
        recipient, mark = f"b@{CONTOSO}", f"by hand, {way}."
        header = "\n".join((f"From: a@{CONTOSO}", f"To: {recipient}", "Subject: x", *FORGED, "X-Other: kept"))
        text = (
            f"{header}\nAuthentication-Results: mx2.contoso.test; spf=pass\nMIME-Version: 1.0\n"
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHello, "
            f"{mark}\n--b\nContent-Type: message/rfc822\n\n{ATTACHED}\n\nx\n--b--\n"
        )
        if way == "sendmail":
            command = f"printf '%s' \"$1\" | sendmail -C {directory} -f a@{CONTOSO} {recipient}"
            own_lab.namespaces.run("sh", "-c", command, "-", text)
        else:
            send_text(own_lab, text, recipient)
        delivered = contoso.wait_for_delivery(mark).decode()
        assert ATTACHED in delivered
        rest = delivered.replace(ATTACHED, "").replace("X-Hidden: a X-Domain-Secure", "")
        assert "x-domain-secure" not in rest.lower()
        assert "\rX" not in delivered
        assert "X-Other: seen" in delivered
        assert "spf=pass" in delivered
    product.detach()
    assert [own_lab.namespaces.outside(path).read_bytes() for path in before] == found


def send_text(lab: Lab, text: str, recipient: str) -> None:
    """Give Contoso's submission service a message, from inside."""
    program = (
        "import smtplib, sys\n"
        "with smtplib.SMTP('127.0.0.1', 587) as client:\n"
        "    client.sendmail(sys.argv[1], [sys.argv[1]], sys.argv[2].encode().replace(b'\\n', b'\\r\\n'))\n"
    )
    lab.namespaces.run(sys.executable, "-c", program, recipient, text)
