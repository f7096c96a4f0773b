"""This machine as an edge: Postfix and the product on 203.0.113.1, a partner's server on 203.0.113.2.

Needs the standard library and cryptography alone.  Everything runs as an administrator would have it:
Debian's Postfix under its units, the daemon under ours.
"""

import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

EDGE, PARTNER_SERVER, CLIENT = "203.0.113.1", "203.0.113.2", "203.0.113.3"
OURS, PARTNER, OTHER = "contoso.test", "woodgrovebank.test", "fabrikam.test"
USER = "recipient"
CONFIGURATION = Path("/etc/domain-secure/domain-secure.toml")
AUTHORITY = CONFIGURATION.with_name("authority.pem")
STATE = Path("/var/lib/domain-secure")
MATERIAL = Path("/root/machine")
UNIT = "domain-secure.service"
SOCKET_UNIT = "domain-secure.socket"
DAEMON_USER = "domain-secure"
SECONDS = 60.0

SETTINGS = f"""\
[receive]
domains = ["{PARTNER}"]
[send]
domains = ["{PARTNER}"]
[partner."{PARTNER}"]
via = "[{PARTNER_SERVER}]"
[trust]
ca_file = "{AUTHORITY}"
revocation = "off"
"""
MAIN_CF = {
    "myhostname": f"mail.{OURS}",
    "mydomain": OURS,
    "mydestination": f"{OURS}, localhost",
    # An address that is there: Postfix's programs look for it among the machine's interfaces.
    "inet_interfaces": f"{EDGE}, 127.0.0.1",
    "inet_protocols": "ipv4",
    "mynetworks": "127.0.0.0/8",
    "relayhost": "",
    "alias_maps": "",
    "mailbox_command": "",
    "home_mailbox": "",
    "maillog_file": "",
    "smtpd_tls_security_level": "may",
    "smtpd_tls_chain_files": f"{MATERIAL}/mail.{OURS}.pem",
    "smtp_tls_loglevel": "1",
    "smtpd_client_connection_count_limit": "0",
    "smtpd_client_connection_rate_limit": "0",
}


def run(*command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command and return what it printed; raises AssertionError where it fails and *check* is set."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def wait_for(condition: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    """Wait until *condition* holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds:g} s for {what}"
        time.sleep(0.1)


class Issuer:
    """A certificate authority."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._make("Machine authority", self._key, None)

    def pem(self) -> bytes:
        """Return its certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, host: str, path: Path) -> Path:
        """Write a certificate for *host*, with its key, for servers and clients."""
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(
            private + self._make(host, key, host).public_bytes(serialization.Encoding.PEM) + self.pem()
        )
        return path

    def _make(self, name: str, key: ec.EllipticCurvePrivateKey, host: str | None) -> x509.Certificate:
        now = datetime.now(UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = subject if host is None else self.certificate.subject
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=90))
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        if host is None:
            usage = x509.KeyUsage(
                *[False] * 5, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False
            )
            builder = builder.add_extension(usage, critical=True)
        else:
            purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False
            ).add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        return builder.sign(self._key, hashes.SHA256())


class PartnerServer:
    """The partner's mail server: takes mail over TLS, asks for a certificate, keeps what it got."""

    def __init__(self, certificate: Path, authority: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._context.load_verify_locations(authority)
        self._context.verify_mode = ssl.CERT_OPTIONAL
        self.messages: list[tuple[str, str]] = []  #: the name in the client's certificate, and the message
        self.open()

    def open(self) -> None:
        """Listen, again."""
        self._listening = socket.create_server((PARTNER_SERVER, 25))
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def close(self) -> None:
        """Take no more."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            self._talk(connection)
        connection.close()

    def _talk(self, connection: socket.socket) -> None:
        connection.sendall(f"220 mail.{PARTNER} ESMTP\r\n".encode())
        for line in connection.makefile("rb"):
            word = line.strip().upper()[:8]
            answer = b"250 ok"
            if word.startswith(b"EHLO"):
                answer = b"250-hello\r\n250 STARTTLS"
            elif word == b"STARTTLS":
                answer = b"220 go ahead"
            connection.sendall(answer + b"\r\n")
            if word == b"STARTTLS":
                break
        else:
            return
        secured = self._context.wrap_socket(connection, server_side=True)
        self._take_messages(secured, _common_name(secured))

    def _take_messages(self, connection: ssl.SSLSocket, name: str) -> None:
        """Answer everything, after the handshake."""
        stream = connection.makefile("rb")
        for line in stream:
            if line.strip().upper() == b"DATA":
                connection.sendall(b"354 go ahead\r\n")
                lines = list(iter(lambda: next(stream), b".\r\n"))
                self.messages.append((name, b"".join(lines).decode()))
            connection.sendall(b"250 ok\r\n")


def _common_name(connection: ssl.SSLSocket) -> str:
    certificate = connection.getpeercert() or {}
    return next(
        (value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"), ""
    )


@dataclass
class Machine:
    """The machine; every method speaks to what runs on it."""

    server: PartnerServer
    mailbox: Path = field(default=Path("/var/mail") / USER)

    @classmethod
    @contextmanager
    def set_up(cls) -> Iterator[Self]:
        """Set everything up, as an administrator would; leaves it running afterwards."""
        MATERIAL.mkdir(mode=0o700, exist_ok=True)
        CONFIGURATION.parent.mkdir(mode=0o755, exist_ok=True)
        run("systemctl", "stop", UNIT, SOCKET_UNIT, check=False)
        run("domain-secure", "detach", check=False)
        shutil.rmtree(STATE, ignore_errors=True)
        issuer = Issuer()
        AUTHORITY.write_bytes(issuer.pem())
        for host in (f"mail.{OURS}", f"mail.{PARTNER}"):
            issuer.issue(host, MATERIAL / f"{host}.pem")
        if run("id", USER, check=False).returncode != 0:
            run("useradd", "--create-home", USER)
        _set_up_postfix()
        CONFIGURATION.write_text(SETTINGS)
        run("systemd-sysusers")
        run("systemctl", "daemon-reload")
        run("domain-secure", "partner", "cert", "add", PARTNER, MATERIAL / f"mail.{PARTNER}.pem")
        machine = cls(PartnerServer(MATERIAL / f"mail.{PARTNER}.pem", AUTHORITY))
        run("systemctl", "start", SOCKET_UNIT, UNIT)
        machine.attach()
        run("systemctl", "start", "postfix")
        try:
            yield machine
        finally:
            machine.server.close()

    def attach(self) -> None:
        """Connect Postfix, and let it show our certificate."""
        run("domain-secure", "attach")
        run("domain-secure", "cert", "import", MATERIAL / f"mail.{OURS}.pem", "--enable")

    def version(self) -> str:
        """Return the product's version."""
        return run("domain-secure", "--version").stdout.split()[-1]

    def restore(self) -> None:
        """Bring back what every scenario finds: our settings, both units running."""
        CONFIGURATION.write_text(SETTINGS)
        if "active" not in (self.state(SOCKET_UNIT), self.state(UNIT)):
            run("systemctl", "stop", UNIT, SOCKET_UNIT, check=False)
        run("systemctl", "start", SOCKET_UNIT, check=False)
        run("systemctl", "start", UNIT)
        self.wait_until_it_answers()

    def wait_until_it_answers(self) -> None:
        """Wait until the daemon takes a message of a stranger."""
        wait_for(lambda: self.send(OTHER, certified=False) == 250, "the daemon to answer")

    def settle(self) -> None:
        """Return when all go by what the file says; what is gone from it counts a while later."""
        assert run("domain-secure", "send", "add", PARTNER).stdout.splitlines()[-1].startswith("in force")

    def send(self, domain: str, *, certified: bool, mark: str = "", author: str = "") -> int:
        """Send a message from *domain* to our user and return the code that decided about it."""
        try:
            with self.session(certified=certified) as client:
                return submit(client, domain, mark, author)
        except smtplib.SMTPResponseException as error:
            return error.smtp_code

    @contextmanager
    def session(self, *, certified: bool) -> Iterator[smtplib.SMTP]:
        """Yield an SMTP session with our port 25 under TLS, with the partner's certificate if *certified*."""
        client = smtplib.SMTP(EDGE, 25, f"mail.{PARTNER}", timeout=SECONDS, source_address=(CLIENT, 0))
        with client:
            context = ssl.create_default_context(cafile=str(AUTHORITY))
            context.check_hostname = False
            if certified:
                context.load_cert_chain(MATERIAL / f"mail.{PARTNER}.pem")
            client.starttls(context=context)
            client.ehlo()
            yield client

    def delivered(self, mark: str) -> str:
        """Wait for the message that has *mark* in its subject, and return its header."""
        found: list[str] = []

        def look() -> bool:
            text = self.mailbox.read_text(errors="replace") if self.mailbox.exists() else ""
            found.extend(part for part in re.split(r"(?m)^From ", text) if f"Subject: {mark}\n" in part)
            return bool(found)

        wait_for(look, f"{mark} to be delivered")
        return found[0].split("\n\n")[0]

    def send_out(self, mark: str) -> None:
        """Hand Postfix a message to the partner."""
        message = f"From: <{USER}@{OURS}>\nTo: <user@{PARTNER}>\nSubject: {mark}\n\nbody\n"
        subprocess.run(
            ["sendmail", "-f", f"{USER}@{OURS}", f"user@{PARTNER}"], input=message, text=True, check=True
        )

    def metric(self, name: str) -> float:
        """Return a sample of the metrics page, or 0 where there is none yet."""
        page = run(
            "python3", "-c", f"import urllib.request as r; print(r.urlopen('{METRICS}').read().decode())"
        )
        for line in page.stdout.splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        return 0.0

    def state(self, unit: str) -> str:
        """Return a unit's state: active, failed, activating …"""
        return run("systemctl", "is-active", unit, check=False).stdout.strip()

    def property(self, name: str, unit: str = UNIT) -> str:
        """Return one property of a unit."""
        return run("systemctl", "show", "--value", "--property", name, unit).stdout.strip()

    def journal(self, unit: str = UNIT, *, after: str = "") -> str:
        """Return what a unit has logged, past *after*, a cursor."""
        past = [f"--after-cursor={after}"] if after else []
        return run("journalctl", "--no-pager", "--output=cat", f"--unit={unit}", *past).stdout

    def cursor(self) -> str:
        """Return the end of the journal."""
        shown = run("journalctl", "--no-pager", "--lines=0", "--show-cursor").stdout
        return shown.rpartition("-- cursor: ")[2].strip()

    def configure(self, text: str) -> None:
        """Write the configuration, and nothing else."""
        tomllib.loads(text)
        CONFIGURATION.write_text(text)


METRICS = "http://127.0.0.1:9797/metrics"


def submit(client: smtplib.SMTP, domain: str, mark: str = "", author: str = "") -> int:
    """Send one message in a session and return the code that decided about it."""
    sender = author or domain
    code, _ = client.mail(f"user@{domain}")
    if code == 250:
        code, _ = client.rcpt(f"{USER}@{OURS}")
    if code == 250:
        text = f"From: <user@{sender}>\r\nTo: <{USER}@{OURS}>\r\nSubject: {mark or uuid4()}\r\n\r\nbody\r\n"
        try:
            code, _ = client.data(text)
        except smtplib.SMTPDataError as refused:
            code = refused.smtp_code
    return code


def _set_up_postfix() -> None:
    if not Path("/etc/postfix/main.cf").exists():
        run("cp", "/usr/share/postfix/main.cf.debian", "/etc/postfix/main.cf")
    for name, value in MAIN_CF.items():
        run("postconf", "-e", f"{name} = {value}")
    run("systemctl", "restart", "postfix")
