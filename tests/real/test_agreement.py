"""A partner changes its key: announced in a file, accepted once, and applied at its time under mail."""

import json
import re
import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from domain_secure.policy.certificates.certificate import Certificate, parse
from domain_secure.policy.terms.timed_pin import time_text

from lab.laboratory import ADDRESSES, AUTHORITY_FILE, CONTOSO, WOODGROVE, Lab
from lab.messages import compose
from lab.namespaces import InnerProcess
from lab.postfix_host import PostfixHost
from lab.product import COMMAND, Product
from lab.waiting import wait_for

pytestmark = pytest.mark.real

HOST = f"mail.{WOODGROVE}"
WORK = Path("/run/lab/work")
FILE, LOG = Path("/run/lab/woodgrove.toml"), Path("/run/lab/woodgrove-edge.log")
FIRST, SECOND = timedelta(seconds=55), timedelta(seconds=40)  #: until the next key counts, and with both
SETTINGS = f"""\
[receive]
domains = ["{CONTOSO}"]
[send]
domains = ["{CONTOSO}"]
[postfix]
config_directory = "/run/lab/{WOODGROVE}/etc"
[paths]
state = "/run/lab/woodgrove-state"
[metrics]
listen = "127.0.0.1:9798"
[milter]
socket = "inet:8891@127.0.0.1"
[policy_service]
socket = "inet:8892@127.0.0.1"
[selfproof]
enabled = false
[trust]
ca_file = "{AUTHORITY_FILE}"
"""

Command = Callable[..., CompletedProcess[str]]


class PartnersEdge:
    """Woodgrove's edge with the product, beside Contoso's on the same machine."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        lab.namespaces.outside(FILE).write_text(SETTINGS)
        self._process: InnerProcess | None = None

    def command(self, *arguments: str | Path) -> CompletedProcess[str]:
        """Run the command line as Woodgrove's root."""
        return self.lab.namespaces.run(COMMAND, "--config", FILE, *arguments)

    def serve(self) -> None:
        """Start the daemon, and attach Postfix."""
        log = self.lab.namespaces.outside(LOG)
        self._process = self.lab.namespaces.start(COMMAND, "--config", FILE, "serve", output=log)
        wait_for(lambda: " started " in self.log(), "Woodgrove's daemon", context=self.log)
        with self.lab.woodgrove.reloaded():
            self.command("attach")

    def log(self) -> str:
        """Return what the daemon printed."""
        path = self.lab.namespaces.outside(LOG)
        return path.read_text(errors="replace") if path.exists() else ""

    def next_certificate(self) -> Path:
        """Have the request that waits signed; return the file that `cert import` takes."""
        key = x509.load_pem_x509_csr(self.lab.namespaces.outside(WORK / "next.csr").read_bytes()).public_key()

        class PublicOnly:
            def public_key(self) -> object:
                return key

        names = (WOODGROVE, HOST)
        issued = self.lab.authority.issue(HOST, dns_names=names, key=PublicOnly())  # type: ignore[arg-type]
        self.lab.namespaces.outside(WORK / "next.pem").write_bytes(issued.certificate_pem)
        return WORK / "next.pem"

    def next_one(self) -> Certificate:
        """Return that certificate."""
        content = self.lab.namespaces.outside(WORK / "next.pem").read_bytes()
        return parse(x509.load_pem_x509_certificate(content).public_bytes(Encoding.DER))


class Mail:
    """Messages both ways, each after the one before has arrived, until somebody says stop."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._stop = threading.Event()
        self.failures: list[BaseException] = []
        self.arrived = {CONTOSO: 0, WOODGROVE: 0}

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Let it flow in both directions while the block runs."""
        lab = self._lab
        ways = ((lab.woodgrove, lab.contoso), (lab.contoso, lab.woodgrove))
        threads = [threading.Thread(target=self._send, args=way) for way in ways]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _send(self, here: PostfixHost, there: PostfixHost) -> None:
        try:
            while not self._stop.is_set():
                self.one(here, there)
        except BaseException as error:  # noqa: BLE001 - told by the test that waits
            self.failures.append(error)

    def one(self, here: PostfixHost, there: PostfixHost) -> None:
        """Send one message, and wait until it has arrived."""
        sender, recipient = f"user@{here.domain}", f"admin@{there.domain}"
        message = compose(sender, recipient)
        assert self._lab.submit(here, message, sender=sender, recipient=recipient).code == 250
        there.wait_for_delivery(message.mark)
        self.arrived[there.domain] += 1

    def more(self, number: int) -> None:
        """Wait until so many more messages have arrived at each side."""
        before = dict(self.arrived)
        wait_for(
            lambda: self.failures or all(self.arrived[one] >= before[one] + number for one in before),
            "more mail in both directions",
        )
        assert self.failures == []


def accept(here: Command, there: Command, domain: str, name: str, *options: str, known: bool = False) -> None:
    """Let *there* export an agreement, and *here* accept it; its key is confirmed unless it is *known*."""
    exported = json.loads(there("agreement", "export", "--out", WORK / name, "--json", *options).stdout)
    assert exported["domains"] == [domain]
    key = () if known else ("--key", exported["fingerprint"], "--domain", domain)
    told = here("agreement", "import", WORK / name, *key).stdout
    (command,) = re.findall(rf"^  (domain-secure partner set {domain} .*)$", told, re.MULTILINE)
    assert "in force" in here(*shlex.split(command)[1:]).stdout


def test_a_roll_over_of_keys_refuses_nothing_and_leaves_nothing_unproved(own_product: Product) -> None:
    """Both sides go by pins alone; the daemon is started anew between the acceptance and the change."""
    lab, contoso, partner = own_product.lab, own_product, PartnersEdge(own_product.lab)
    lab.namespaces.outside(WORK).mkdir()
    partner.serve()
    accept(contoso.command, partner.command, WOODGROVE, "woodgrove.toml")
    accept(partner.command, contoso.command, CONTOSO, "contoso.toml")
    contoso.command("partner", "set", WOODGROVE, "methods=pin", "send_method=pin")
    partner.command("partner", "set", CONTOSO, "methods=pin", "send_method=pin")
    request = ("--domain", HOST, "--domain", WOODGROVE, "--out", WORK / "next.csr")
    partner.command("cert", "request", *request)
    begins = time_text(datetime.now(UTC) + FIRST)
    timed = ("--next-from", begins, "--overlap", f"{SECOND.seconds}s")
    accept(contoso.command, partner.command, WOODGROVE, "next.toml", *timed, known=True)
    contoso.stop()
    contoso.serve()
    old = parse(lab.identities[WOODGROVE].der)
    after = len(contoso.log())
    mail = Mail(lab)
    with mail.flowing():
        mail.more(2)
        contoso.wait_for_log("begun=spki-sha256:", after=after)
        mail.more(2)
        partner.command("cert", "import", partner.next_certificate(), "--enable")
        new = partner.next_one()
        contoso.wait_for_log(f"certificate={new.certificate_pin}", after=after)
        contoso.wait_for_log(f"begun=- ended={old.public_key_pin}", after=after)
        mail.more(2)
    assert mail.failures == []

    def decisions() -> list[str]:
        return re.findall(r"decision verdict=(\S+) .*", contoso.log()[after:])

    # A decision is written down beside the mail, not before it.
    wait_for(lambda: len(decisions()) >= mail.arrived[CONTOSO], "every decision to be logged")
    assert set(decisions()) == {"pass"}
    assert set(re.findall(r"decision verdict=(\S+)", partner.log())) == {"pass"}
    for host in (lab.contoso, lab.woodgrove):
        assert not re.search(r"status=(?:deferred|bounced)|milter-reject|reject: ", host.log())
        assert host.queue() == []
    sent = f'domain_secure_messages_sent_total{{domain="{WOODGROVE}"}}'
    wait_for(lambda: contoso.metrics()[sent] == mail.arrived[WOODGROVE], "all mail to be counted as proved")
    assert "sent-unverified" not in contoso.log()
    failures = [key for key in contoso.metrics() if key.startswith("domain_secure_outbound_session_failures")]
    assert all(contoso.metrics()[key] == 0 for key in failures)
    reply = lab.send(
        lab.contoso,
        compose(f"user@{WOODGROVE}", f"admin@{CONTOSO}"),
        source=ADDRESSES[WOODGROVE],
        sender=f"user@{WOODGROVE}",
        recipient=f"admin@{CONTOSO}",
        tls=lab.client_context(lab.identities[WOODGROVE]),
    )
    # Of the old key after its end nobody knows more than what a clock says.
    assert (reply.code, reply.status) == (451, "4.7.5")
    assert "(dates-unknown)" in str(reply)
