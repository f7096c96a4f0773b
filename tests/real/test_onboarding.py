"""``partner add`` with real servers: five partners, and what a postmaster sees of each.

The transcripts of docs/onboarding.md are made here.
"""

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from transcripts import hold_against

from domain_secure.commands.promotion.enforcing import DAYS, MESSAGES

from lab.certificates import Issued, self_signed
from lab.days import let_days_pass
from lab.dkim_signing import Signer
from lab.laboratory import ADDRESSES, CONTOSO, WOODGROVE, Lab
from lab.messages import Message, compose, header_lines
from lab.product import COMMAND, CONFIGURATION, Product
from lab.terminal import on_terminal
from lab.waiting import wait_for

pytestmark = pytest.mark.real

SENDER, RECIPIENT = f"admin@{WOODGROVE}", f"user@{CONTOSO}"
MAIL = f"mail.{WOODGROVE}"
DOCUMENT = "onboarding.md"
#: What is said of the servers, between its heading and that of the next step.
_SERVERS = re.compile(r"(?ms)^(1 probe: [^\n]*\n).*?^(2 rule: )")
MAKE = "sudo -E ./dev test tests/real/test_onboarding.py"


@dataclass
class Session:
    """An administrator at his terminal beside a partner's servers."""

    product: Product
    shown: list[str] = field(default_factory=list)

    def type(self, *words: str, answers: Sequence[str] = (), status: int = 0, again: bool = False) -> str:
        """Run ``domain-secure`` on the terminal; return what it printed.

        What it saw at the same servers *again* is left out of the transcript.
        """
        command = (COMMAND, "--config", CONFIGURATION, *words)
        screen = on_terminal(self.product.lab.namespaces, *command, answers=answers)
        assert screen.status == status, screen.text
        ends = f"(exit status {status})\n" if status else ""
        told = _SERVERS.sub(r"\1[as above]\n\n\2", screen.text) if again else screen.text
        self.shown.append(f"# domain-secure {' '.join(words)}\n{told}{ends}")
        return screen.text

    def meanwhile(self, what: str) -> None:
        """Say what others did at this point."""
        self.shown.append(f"[{what}]\n")

    def document(self, *words: str, status: int = 0) -> dict[str, Any]:
        """Return what a command answers as a document."""
        done = self.product.command(*words, "--json", check=False)
        assert done.returncode == status, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def look(self, status: int = 0) -> dict[str, Any]:
        """Return what a look that changes nothing finds."""
        return self.document("partner", "add", WOODGROVE, "--step", "probe", status=status)

    def standing(self, status: int = 0) -> str:
        """Return how it stands with each step, in their order."""
        return " ".join(one["standing"] for one in self.look(status)["steps"])

    def take_the_proposal(self, status: int = 1) -> str:
        """Type the first command that a look proposes; return what it printed."""
        program, *words = shlex.split(self.look(status)["next"][0]["command"])
        assert program == "domain-secure"
        return self.type(*words, again=True)

    def holds(self, name: str) -> None:
        """Hold all of it against the document."""
        hold_against(DOCUMENT, name, "\n".join(self.shown), MAKE)


@pytest.fixture
def session(own_lab: Lab) -> Session:
    """Contoso's edge, attached and serving, on which nobody is listed."""
    product = Product(own_lab)
    product.attach()
    product.serve()
    return Session(product)


def shows(session: Session, issued: Issued, **parameters: str) -> None:
    """Let Woodgrove's servers show a certificate, in both directions."""
    lab = session.product.lab
    if parameters:
        lab.woodgrove.configure(**parameters)
    lab.present(lab.woodgrove, issued)


def comes_in(session: Session, signer: Signer | None = None) -> list[str]:
    """Let a message come in by the partner's own server; return our marks on it, once it is recorded."""
    lab = session.product.lab
    message = compose(SENDER, RECIPIENT)
    if signer:
        message = Message(signer.sign(message.content), message.mark)
    before = records(session)
    assert lab.submit(lab.woodgrove, message, sender=SENDER, recipient=RECIPIENT).code == 250
    marks = header_lines(lab.contoso.wait_for_delivery(message.mark), "X-Domain-Secure")
    wait_for(lambda: records(session) > before, "the message in the history", context=session.product.log)
    return marks


def records(session: Session) -> int:
    """Return how many messages of the partner are recorded."""
    words = ("log", "show", "receive", "--domain", WOODGROVE, "--json")
    done = session.product.command(*words, check=False)
    return len(json.loads(done.stdout).get("records", ()))


def goes_out(session: Session) -> None:
    """Let a message of ours go to the partner over verified TLS."""
    lab = session.product.lab
    message = compose(RECIPIENT, SENDER)
    lab.submit(lab.contoso, message, sender=RECIPIENT, recipient=SENDER)
    lab.woodgrove.wait_for_delivery(message.mark)
    lab.contoso.wait_for_log(r"postfix/domain-secure/smtp.*Verified TLS connection established")


def days_pass(session: Session, method: str) -> None:
    """Let a week pass in which the partner writes, as often as is asked for, and proves itself so."""
    for _ in range(MESSAGES):
        assert comes_in(session)[0].startswith(f"pass ({WOODGROVE}; {method}; ")
    let_days_pass(session.product, DAYS)


def test_a_good_certificate(session: Session) -> None:
    """By answers on a terminal: left, gone on with, and enforced once a week of its own mail has passed."""
    text = session.type("partner", "add", WOODGROVE, answers=["y", "q"])
    assert "mail to it   yes: " in text
    assert session.standing() == "done done done left cannot"
    session.type("partner", "add", WOODGROVE, answers=["y"], again=True)
    goes_out(session)
    session.meanwhile("a week later, after the first messages")
    days_pass(session, "pkix")
    session.type("partner", "add", WOODGROVE, answers=["y"], again=True)
    assert session.standing() == "done done done done done"
    again = session.document("partner", "add", WOODGROVE, "--step", "enforce", "--yes")
    assert {one["outcome"] for one in again["steps"]} == {"done", "already"}
    assert again["written"] == []
    session.holds("good")


def test_a_certificate_of_another_name(session: Session) -> None:
    """Nothing weaker is chosen by itself; the command that was proposed lets mail through both ways."""
    lab = session.product.lab
    names = ("mx.provider.test", "mx2.provider.test")
    shows(session, lab.authority.issue(names[0], dns_names=names))
    text = session.type("partner", "add", WOODGROVE, "--yes", status=1)
    assert "the server is no longer checked by the domain; whoever holds" in " ".join(text.split())
    assert session.standing(1) == "done left done cannot cannot"
    session.take_the_proposal()
    goes_out(session)
    assert comes_in(session)[0].startswith(f"pass ({WOODGROVE}; pkix; ")
    assert session.standing() == "done done done done cannot"
    session.holds("name")


def test_a_self_signed_certificate(session: Session) -> None:
    """One pin lets mail through both ways, and enforcing waits for messages that passed by it."""
    shows(session, self_signed(WOODGROVE, dns_names=(MAIL,)))
    session.type("partner", "add", WOODGROVE, "--yes", status=1)
    session.take_the_proposal()
    assert session.document("partner", "add", WOODGROVE, "--step", "enforce", "--yes", status=1)
    goes_out(session)
    session.meanwhile("a week later, after the first messages")
    days_pass(session, "pin")
    session.type("partner", "add", WOODGROVE, "--step", "enforce", "--yes", again=True)
    assert session.standing() == "done done done done done"
    session.holds("self-signed")


def test_no_starttls(session: Session) -> None:
    """Mail from it is watched, mail to it stays as it is, until its administrator has mended it."""
    lab = session.product.lab
    shows(session, lab.identities[WOODGROVE], smtpd_tls_security_level="none")
    text = session.type("partner", "add", WOODGROVE, "--yes", status=1)
    assert "only its administrator can mend that" in text
    assert session.standing(1) == "done done done cannot cannot"
    session.meanwhile("its first message comes in, with a certificate that none of its servers shows")
    assert comes_in(session)[0].startswith(f"temperror ({WOODGROVE}; unknown-certificate; ")
    assert session.standing(1) == "done done done cannot cannot"
    session.type("pending")
    session.meanwhile("its administrator has switched STARTTLS on, and mail comes in again")
    shows(session, lab.identities[WOODGROVE], smtpd_tls_security_level="may")
    session.product.command("probe", WOODGROVE)
    assert comes_in(session)[0].startswith(f"pass ({WOODGROVE}; pkix; ")
    session.type("partner", "add", WOODGROVE, "--yes")
    goes_out(session)
    assert session.standing() == "done done done done cannot"
    session.holds("no-starttls")


def test_a_gateway(session: Session) -> None:
    """The recipe of the gateway, with the partner's own DKIM signature, and what it does not prove."""
    lab, signer, host = session.product.lab, Signer(WOODGROVE), "aspmx.l.google.com"
    server = lab.authority.issue(None, dns_names=("mx.google.com", host))
    client = lab.authority.issue(None, dns_names=("smtp.gmail.com",))
    lab.woodgrove.configure(
        smtpd_tls_chain_files=str(lab.certificate_file(server, "gateway-server")),
        smtp_tls_chain_files=str(lab.certificate_file(client, "gateway-client")),
    )
    lab.woodgrove.reload()
    lab.dns.replace(f"{WOODGROVE}.", f"{WOODGROVE}. MX 10 {host}.")
    lab.dns.add(f"{host}. A {ADDRESSES[WOODGROVE]}", signer.zone_line())
    session.type("partner", "add", WOODGROVE, "--yes", status=1)
    text = session.take_the_proposal()
    assert "mail from it not known: " in text
    goes_out(session)
    session.product.command("partner", "cert", "add", WOODGROVE, "/run/lab/certificates/gateway-client.pem")
    assert comes_in(session, signer)[0].startswith(f"pass ({WOODGROVE}; pkix; ")
    session.holds("gateway")
