"""Two organisations on one machine: Contoso's Postfix is Debian's own, the partner's is a second instance.

Owns: how both are set up, how mail goes in and is found again.  Needs the standard library and openssl(1).
Contoso listens on 203.0.113.1, Woodgrove Bank on 203.0.113.2; a stranger connects from 203.0.113.3.
"""

import base64
import hashlib
import re
import shutil
import smtplib
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

T = TypeVar("T")

OURS, PARTNER, UNPROVED = "contoso.test", "woodgrovebank.test", "fabrikam.test"
EDGE_ADDRESS, PARTNER_ADDRESS, STRANGER_ADDRESS = "203.0.113.1", "203.0.113.2", "203.0.113.3"
HOME = Path("/root")  #: where the administrator stands; README.md and dist/ lie here
MATERIAL = HOME / "material"
BEFORE = HOME / "before"  #: what /etc/postfix was before the package came
AUTHORITY = MATERIAL / "authority.pem"
POSTFIX = Path("/etc/postfix")
CONFIGURATION = Path("/etc/domain-secure/domain-secure.toml")
UNIT = "domain-secure.service"
SOCKET_UNIT = "domain-secure.socket"
METRICS = "http://127.0.0.1:9797/metrics"
SECONDS = 60.0
PARTNER_LOG = Path("/var/log/woodgrove.log")

USER = "recipient"
_PARTNER_CONFIGURATION = Path("/etc/woodgrove")
_PARTNER_MAIL = Path("/var/mail/woodgrove")
_MAIL_USER = 65534  #: nobody
#: The certificate of a machine that was just installed: nobody but itself vouches for it.
_FORMER = MATERIAL / "former.pem"
_OPENSSL = MATERIAL / "openssl.cnf"

_MAIN_CF = {
    "myhostname": f"mail.{OURS}",
    "myorigin": OURS,
    "mydestination": f"{OURS}, localhost",
    "inet_interfaces": f"127.0.0.1, {EDGE_ADDRESS}",
    "inet_protocols": "ipv4",
    "smtp_bind_address": EDGE_ADDRESS,
    "mynetworks": "127.0.0.0/8",
    "relayhost": "",
    "alias_maps": "",
    "alias_database": "",
    "maillog_file": "",
    "smtpd_tls_cert_file": str(_FORMER),
    "smtpd_tls_key_file": str(_FORMER.with_suffix(".key")),
    "smtpd_tls_security_level": "may",
    "smtp_tls_security_level": "may",
    "smtpd_client_connection_rate_limit": "0",
}
_PARTNER_MAIN_CF = {
    "compatibility_level": "3.6",
    "myhostname": f"mail.{PARTNER}",
    "mydestination": "",
    "inet_interfaces": PARTNER_ADDRESS,
    "inet_protocols": "ipv4",
    "smtp_bind_address": PARTNER_ADDRESS,
    "mynetworks": f"{PARTNER_ADDRESS}/32",
    "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
    "queue_directory": "/var/spool/woodgrove",
    "data_directory": "/var/lib/woodgrove",
    "maillog_file": str(PARTNER_LOG),
    "virtual_mailbox_domains": f"{PARTNER}, {UNPROVED}",
    "virtual_mailbox_base": str(_PARTNER_MAIL),
    "virtual_mailbox_maps": "static:inbox/",
    "virtual_uid_maps": f"static:{_MAIL_USER}",
    "virtual_gid_maps": f"static:{_MAIL_USER}",
    "alias_maps": "",
    "alias_database": "",
    "smtpd_tls_security_level": "may",
    "smtpd_tls_chain_files": str(MATERIAL / f"{PARTNER}.pem"),
    "smtpd_tls_CAfile": str(AUTHORITY),
    "smtpd_tls_ask_ccert": "yes",
    "smtpd_tls_received_header": "yes",
    "smtp_tls_security_level": "encrypt",
    "smtp_tls_chain_files": str(MATERIAL / f"{PARTNER}.pem"),
    "smtpd_client_connection_rate_limit": "0",
}
_PARTNER_UNIT = f"""\
[Unit]
After=unbound.service

[Service]
Type=forking
ExecStart=/usr/sbin/postfix -c {_PARTNER_CONFIGURATION} start
ExecStop=/usr/sbin/postfix -c {_PARTNER_CONFIGURATION} stop

[Install]
WantedBy=multi-user.target
"""
_HOSTS = {OURS: EDGE_ADDRESS, PARTNER: PARTNER_ADDRESS, UNPROVED: PARTNER_ADDRESS}
_UNBOUND = "server:\n" + "".join(
    f'  local-zone: "{domain}." static\n'
    f'  local-data: "{domain}. MX 10 mail.{domain}."\n'
    f'  local-data: "mail.{domain}. A {address}"\n'
    # Without it nobody is told of TLS (RFC 8460, section 3).
    f"  local-data: '_smtp._tls.{domain}. TXT \"v=TLSRPTv1; rua=mailto:reports@{domain}\"'\n"
    for domain, address in _HOSTS.items()
)


def run(
    *command: str | Path, check: bool = True, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command and return what it printed; raises AssertionError where it fails and *check* is set."""
    done = subprocess.run(
        list(map(str, command)), input=text or "", capture_output=True, text=True, check=False, cwd=HOME
    )
    assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def wait_for(condition: Callable[[], T | None], what: str) -> T:
    """Return the first true answer of *condition*; raises TimeoutError with the end of the logs."""
    end = time.monotonic() + SECONDS
    while not (answer := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {SECONDS:g} s in vain for {what}\n{postfix_log()}")
        time.sleep(0.1)
    return answer


def state(unit: str) -> str:
    """Return a unit's state: active, failed, activating …"""
    return run("systemctl", "is-active", unit, check=False).stdout.strip()


def journal(what: str, *, after: str = "") -> str:
    """Return what a unit, or whatever an option of journalctl chooses, has logged.

    Past *after*, a cursor, or since the machine was booted.
    """
    chosen = what if what.startswith("--") else f"--unit={what}"
    since = f"--after-cursor={after}" if after else "--boot"
    return run("journalctl", "--no-pager", "--output=cat", since, chosen).stdout


def cursor() -> str:
    """Return the end of the journal, for whoever asks what comes after it."""
    shown = run("journalctl", "--no-pager", "--lines=0", "--show-cursor").stdout
    return shown.rpartition("-- cursor: ")[2].strip()


def postfix_log() -> str:
    """Return the end of what both have logged."""
    of_mail = run("journalctl", "--no-pager", "--facility=mail", "--lines=40", check=False).stdout
    lines = PARTNER_LOG.read_text().splitlines()[-20:] if PARTNER_LOG.exists() else []
    return of_mail + journal(UNIT)[-2000:] + "\n".join(lines)


def metrics() -> dict[str, float]:
    """Return the daemon's samples by their name with labels."""
    with urllib.request.urlopen(METRICS, timeout=SECONDS) as page:
        lines = page.read().decode().splitlines()
    return {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in lines) if name[:1] != "#"
    }


class Edge:
    """Contoso: the machine's own Postfix."""

    def set_up(self) -> None:
        """Set Postfix up as an edge has it before it knows of us."""
        run("useradd", "--create-home", USER)
        make_certificate(_FORMER, f"mail.{OURS}")
        if not (POSTFIX / "main.cf").exists():
            shutil.copyfile("/usr/share/postfix/main.cf.debian", POSTFIX / "main.cf")
        run("postconf", "-e", *(f"{name} = {value}" for name, value in _MAIN_CF.items()))
        Path("/etc/unbound/unbound.conf.d/machine.conf").write_text(_UNBOUND)
        Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        run("systemctl", "restart", "unbound")
        run("systemctl", "restart", "postfix")

    def request_certificate(self) -> None:
        """Get a certificate as docs/certificates.md has it, and put it to use."""
        request, issued = MATERIAL / "mail1.csr", MATERIAL / "issued.pem"
        run("domain-secure", "cert", "request", "--domain", f"mail.{OURS}", "--out", request)
        run(
            *("openssl", "x509", "-req", "-in", request, "-out", issued, "-days", "90"),
            *("-CA", AUTHORITY, "-CAkey", AUTHORITY.with_suffix(".key"), "-copy_extensions", "copy"),
        )
        issued.write_bytes(issued.read_bytes() + AUTHORITY.read_bytes())
        run("domain-secure", "cert", "import", issued, "--enable")

    def certificate(self) -> Path:
        """Return the file of a certificate that was issued to us, with its key."""
        path = MATERIAL / f"{OURS}.pem"
        if not path.exists():
            issue(path, f"mail.{OURS}")
        return path

    def send(self, mark: str, domain: str = PARTNER) -> None:
        """Hand Postfix a message to a user of *domain*, with *mark* in its subject."""
        sender = f"{USER}@{OURS}"
        text = f"From: <{sender}>\nTo: <admin@{domain}>\nSubject: {mark}\n\nbody\n"
        run("sendmail", "-f", sender, f"admin@{domain}", text=text)

    def submit_requiring_tls(self, mark: str) -> None:
        """Hand Postfix a message to the partner that asks for REQUIRETLS (RFC 8689)."""
        text = f"From: <{USER}@{OURS}>\r\nTo: <admin@{PARTNER}>\r\nSubject: {mark}\r\n\r\nbody\r\n"
        with smtplib.SMTP("127.0.0.1", 25, timeout=SECONDS) as session:
            session.starttls(context=ssl._create_unverified_context())  # noqa: S323 - ourselves
            session.sendmail(f"{USER}@{OURS}", f"admin@{PARTNER}", text, mail_options=["REQUIRETLS"])

    def waits(self, mark_of: str) -> str:
        """Return why the message to *mark_of*'s domain waits, or nothing while it does not."""
        queue = run("postqueue", "-j").stdout
        found = re.search(rf'"address": "admin@{re.escape(mark_of)}", "delay_reason": "([^"]+)"', queue)
        return found[1] if found else ""

    def inbox(self) -> dict[str, Message]:
        """Return what our user has got, by subject."""
        return {message["Subject"]: message for message in self._messages()}

    def subjects(self) -> list[str]:
        """Return the subject of each message our user has got, more than once where it came so."""
        return [message["Subject"] for message in self._messages()]

    @staticmethod
    def _messages() -> list[Message]:
        path = Path("/var/mail") / USER
        text = path.read_bytes() if path.exists() else b""
        return list(map(message_from_bytes, re.split(rb"(?m)^From .*\n", text)[1:]))

    def wait_for(self, mark: str) -> Message:
        """Return the message with *mark* in its subject as soon as our user has got it."""
        return wait_for(lambda: self.inbox().get(mark), f"{mark} in the mailbox of {OURS}")


class Partner:
    """Woodgrove Bank: an instance of Postfix with folders of its own."""

    def set_up(self) -> None:
        """Set up the authority, the certificate and the instance, which comes back with each boot."""
        MATERIAL.mkdir(mode=0o700, exist_ok=True)
        _OPENSSL.write_text("[req]\ndistinguished_name = name\n[name]\n")
        make_certificate(
            AUTHORITY,
            "Machine authority",
            "basicConstraints=critical,CA:true",
            "keyUsage=critical,keyCertSign,cRLSign",
        )
        # Where README.md has the partner's certificate.
        issue(MATERIAL / f"{PARTNER}.pem", f"mail.{PARTNER}", certificate=HOME / "woodgrove.pem")
        for folder in (
            _PARTNER_CONFIGURATION,
            Path("/var/spool/woodgrove"),
            Path("/var/lib/woodgrove"),
            _PARTNER_MAIL,
        ):
            folder.mkdir(parents=True, exist_ok=True)
        shutil.chown("/var/lib/woodgrove", "postfix", "postfix")
        shutil.chown(_PARTNER_MAIL, _MAIL_USER, _MAIL_USER)
        lines = (f"{name} = {value}\n" for name, value in _PARTNER_MAIN_CF.items())
        (_PARTNER_CONFIGURATION / "main.cf").write_text("".join(lines))
        master = Path("/usr/share/postfix/master.cf.dist").read_text()
        # Outside a chroot, so that nothing must be copied into it.
        master = re.sub(r"(?m)^(\S+ +\S+ +\S+ +\S+ +)[y-]( )", r"\1n\2", master)
        (_PARTNER_CONFIGURATION / "master.cf").write_text(master)
        Path("/etc/systemd/system/woodgrove.service").write_text(_PARTNER_UNIT)
        run("systemctl", "daemon-reload")
        run("systemctl", "enable", "--now", "woodgrove")

    def set(self, setting: str) -> None:
        """Change one parameter of the partner's Postfix."""
        run("postconf", "-c", _PARTNER_CONFIGURATION, "-e", setting)
        run("postfix", "-c", _PARTNER_CONFIGURATION, "reload")

    def show(self, certificate: Path) -> None:
        """Show another certificate, with its key in the same file, as server and as client."""
        self.set(f"smtpd_tls_chain_files = {certificate}")
        self.set(f"smtp_tls_chain_files = {certificate}")

    def send(self, mark: str, sender: str = f"admin@{PARTNER}") -> None:
        """Let the partner's Postfix send our user a message with *mark* in its subject."""
        assert submit(PARTNER_ADDRESS, PARTNER_ADDRESS, sender, mark) == 250

    def inbox(self) -> dict[str, Message]:
        """Return what the partner has got, by subject."""
        return {message["Subject"]: message for message in self._messages()}

    def subjects(self) -> list[str]:
        """Return the subject of each message the partner has got, more than once where it came so."""
        return [message["Subject"] for message in self._messages()]

    @staticmethod
    def _messages() -> list[Message]:
        return [message_from_bytes(path.read_bytes()) for path in _PARTNER_MAIL.glob("inbox/new/*")]

    def wait_for(self, mark: str) -> Message:
        """Return the message with *mark* in its subject as soon as the partner has got it."""
        return wait_for(lambda: self.inbox().get(mark), f"{mark} in the mailbox of {PARTNER}")


def submit(server: str, client: str, sender: str, mark: str = "") -> int:
    """Send our user one message through port 25 of *server*, and return the reply that decided about it.

    Without a certificate, over TLS where that is offered; 421 stands for a session that was broken off.
    """
    text = f"From: <{sender}>\r\nTo: <{USER}@{OURS}>\r\nSubject: {mark or uuid4()}\r\n\r\nbody\r\n"
    try:
        with smtplib.SMTP(server, 25, "client.test", timeout=SECONDS, source_address=(client, 0)) as session:
            session.ehlo()
            if session.has_extn("starttls"):
                session.starttls(context=ssl._create_unverified_context())  # noqa: S323 - a stranger
            session.sendmail(sender, f"{USER}@{OURS}", text)
    except smtplib.SMTPResponseException as error:
        return error.smtp_code
    except smtplib.SMTPRecipientsRefused as error:
        return next(iter(error.recipients.values()))[0]
    except smtplib.SMTPServerDisconnected:
        return 421
    return 250


def postfix_files() -> dict[str, tuple[bytes, int]]:
    """Return content and mode of each file of Postfix's configuration."""
    paths = (path for path in POSTFIX.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(POSTFIX)): (path.read_bytes(), path.stat().st_mode) for path in paths}


def issue(path: Path, host: str, certificate: Path | None = None, days: int = 90) -> None:
    """Write a host's key and certificate to *path*, and the certificate alone to *certificate*."""
    extensions = (
        f"subjectAltName=DNS:{host}",
        "extendedKeyUsage=serverAuth,clientAuth",
        "basicConstraints=critical,CA:false",
        "subjectKeyIdentifier=hash",
        "authorityKeyIdentifier=keyid",
    )
    issuer = ("-CA", str(AUTHORITY), "-CAkey", str(AUTHORITY.with_suffix(".key")))
    make_certificate(path, host, *extensions, issuer=issuer, days=days)
    if certificate is not None:
        shutil.copyfile(path, certificate)
    path.write_bytes(path.with_suffix(".key").read_bytes() + path.read_bytes())
    path.chmod(0o600)


def digest(certificate: Path, *, of_the_key: bool = False) -> str:
    """Return the SHA-256 of a certificate, or of its public key, in hexadecimal digits."""
    if of_the_key:
        pem = run("openssl", "x509", "-in", certificate, "-noout", "-pubkey").stdout
    else:
        pem = run("openssl", "x509", "-in", certificate).stdout
    body = "".join(line for line in pem.splitlines() if not line.startswith("-----"))
    return hashlib.sha256(base64.b64decode(body)).hexdigest()


def make_certificate(
    path: Path, name: str, *extensions: str, issuer: tuple[str, ...] = (), days: int = 90
) -> None:
    """Write a certificate to *path*, and its key beside it; it signs itself where there is no *issuer*."""
    added = [word for extension in extensions for word in ("-addext", extension)]
    run(
        *(
            "openssl",
            "req",
            "-x509",
            "-config",
            _OPENSSL,
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ),
        *(
            "-nodes",
            "-days",
            str(days),
            "-subj",
            f"/CN={name}",
            "-out",
            path,
            "-keyout",
            path.with_suffix(".key"),
        ),
        *(*issuer, *added),
    )
