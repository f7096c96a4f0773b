"""What others do while somebody follows a document, and whether what it promises is so.

Owns: the machine as the documents find it, each ``meanwhile`` of theirs, and the words in them that stand for
what differs from machine to machine.
"""

import json
import shutil
import smtplib
import socket
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from mail_hosts import (
    AUTHORITY,
    CONFIGURATION,
    EDGE_ADDRESS,
    HOME,
    MATERIAL,
    OURS,
    PARTNER,
    PARTNER_ADDRESS,
    POSTFIX,
    STRANGER_ADDRESS,
    USER,
    Edge,
    Partner,
    digest,
    issue,
    make_certificate,
    run,
    submit,
    wait_for,
)

_PROXY = "203.0.113.4"
_UNKNOWN = MATERIAL / "unknown.pem"
_ZONE = Path("/etc/unbound/unbound.conf.d/machine.conf")
_FILES = ("main.cf", "master.cf")
_PROMETHEUS = "http://127.0.0.1:9090/api/v1/query?query="


class Others:
    """The partner, strangers, our users, and who looks whether it is as it should be."""

    def __init__(self, edge: Edge, partner: Partner) -> None:
        self.edge, self.partner = edge, partner
        self._words: dict[str, str] = {}  #: what a word of the documents stands for at this point
        self._without_us: dict[str, bytes] = {}
        self._waiting = ""
        self._events: dict[str, Callable[[], None]] = {
            "mail flows both ways": self.mail_flows,
            "the partner writes": self._partner_writes,
            "one of us writes to the partner": self._we_write,
            "somebody forges the partner's mail": lambda: self._stranger_is(550),
            "somebody forges the partner's mail, and is let in": lambda: self._stranger_is(250),
            "their certificate has two days left": self._two_days_are_left,
            "Sunday has come, and the certificate with that key has ended": self._certificate_ends,
            "they show the new certificate": lambda: self.partner.show(MATERIAL / "new.pem"),
            "a message came with an unknown certificate": self._an_unknown_certificate_comes,
            "that message comes again, and is let in": self._it_comes_again,
            "the partner is back at its first certificate": self._first_certificate,
            "our certificate with its key lies here": self._certificate_lies_here,
            "our MX is the proxy": lambda: self._point_to(_PROXY),
            "our MX is the edge": lambda: self._point_to(EDGE_ADDRESS),
            "the filter listens at 10024": self._amavis,
            "the filter listens at 11332": lambda: self._await_port(11332),
            "the partner writes by amavis": self._by_amavis,
            "the partner writes by rspamd": self._by_rspamd,
            "Prometheus has the metrics and the rules": self._prometheus_has_them,
            "nothing of ours is on this machine": self._bare,
            "these are the files of Postfix without us": self._note_files,
            "Postfix has its former files": self._former_files,
            "THUMBPRINT is the one in the list": self._thumbprint,
            "the edges go by the name contoso.test": lambda: self._marked_by(OURS),
            "the relay at 203.0.113.3 brings a mark, which stays": self._relay_brings_a_mark,
            "a delivery to the partner hangs": self._delivery_hangs,
            "the partner's server answers again": self._answers_again,
        }

    def do(self, what: str) -> None:
        """Let it happen; raises AssertionError where what must hold does not."""
        self._events[what]()

    def said(self, text: str) -> str:
        """Return what a text of a document says on this machine."""
        for word, value in self._words.items():
            text = text.replace(word, value)
        return text

    def set_up(self) -> None:
        """Make the machine of the documents: Postfix, a partner, the product installed and attached."""
        self.partner.set_up()
        self.edge.set_up()
        # What asks before it does something is answered, as a person would.
        Path("/etc/apt/apt.conf.d/90yes").write_text('APT::Get::Assume-Yes "true";\n')
        (package,) = (HOME / "dist").glob("*.deb")
        run("apt-get", "install", "-q", package)
        authority = CONFIGURATION.with_name("authority.pem")
        shutil.copyfile(AUTHORITY, authority)
        text = CONFIGURATION.read_text()
        assert text.count("\n[trust]\n") == 1
        CONFIGURATION.write_text(text.replace("\n[trust]\n", f'\n[trust]\nca_file = "{authority}"\n'))
        for command in (
            ("receive", "add", PARTNER),
            ("send", "add", PARTNER),
            ("partner", "cert", "add", PARTNER, HOME / "woodgrove.pem"),
            ("attach",),
        ):
            run("domain-secure", *command)
        self.edge.request_certificate()
        self.mail_flows()

    def mail_flows(self) -> None:
        """The partner's mail is marked, ours is verified, and a stranger in his name is refused."""
        self._partner_writes()
        self._we_write()
        self._stranger_is(550)

    def _partner_writes(self, method: str = "") -> str:
        mark = str(uuid4())
        self.partner.send(mark)
        message = self.edge.wait_for(mark)
        assert str(message["X-Domain-Secure"]).startswith(f"pass ({PARTNER}; {method}"), message
        return str(message)

    def _we_write(self) -> None:
        mark = str(uuid4())
        self.edge.send(mark)
        received = " ".join(str(self.partner.wait_for(mark)["Received"]).split())
        assert f'Client CN "mail.{OURS}"' in received, received

    @staticmethod
    def _stranger_is(code: int) -> None:
        assert submit(EDGE_ADDRESS, STRANGER_ADDRESS, f"jane@{PARTNER}") == code

    def _two_days_are_left(self) -> None:
        issue(MATERIAL / "ending.pem", f"mail.{PARTNER}", certificate=HOME / "woodgrove.pem", days=2)
        issue(MATERIAL / "new.pem", f"mail.{PARTNER}", certificate=HOME / "woodgrove-new.pem")
        self.partner.show(MATERIAL / "ending.pem")
        self._words = {"DIGEST": digest(HOME / "woodgrove.pem", of_the_key=True)}

    def _certificate_ends(self) -> None:
        """A certificate of the same key ended long ago."""
        ended = MATERIAL / "ended.pem"
        key = MATERIAL / "ending.key"
        run(
            *("openssl", "req", "-x509", "-config", MATERIAL / "openssl.cnf", "-key", key, "-out", ended),
            *("-subj", f"/CN=mail.{PARTNER}", "-addext", f"subjectAltName=DNS:mail.{PARTNER}"),
            *("-CA", AUTHORITY, "-CAkey", AUTHORITY.with_suffix(".key")),
            *("-not_before", "20200101000000Z", "-not_after", "20200601000000Z"),
        )
        ended.write_bytes(key.read_bytes() + ended.read_bytes())
        self.partner.show(ended)

    def _an_unknown_certificate_comes(self) -> None:
        """The partner's sending server shows one that no authority vouches for, and its MX does not."""
        make_certificate(_UNKNOWN, f"mail.{PARTNER}", f"subjectAltName=DNS:mail.{PARTNER}")
        self._words = {"DIGEST": f"sha256:{digest(_UNKNOWN)}"}
        _UNKNOWN.write_bytes(_UNKNOWN.with_suffix(".key").read_bytes() + _UNKNOWN.read_bytes())
        self.partner.set(f"smtp_tls_chain_files = {_UNKNOWN}")
        self._waiting = str(uuid4())
        self.partner.send(self._waiting)
        shown = ("domain-secure", "log", "show", "--last", "1")
        wait_for(lambda: "unknown-certificate" in run(*shown).stdout, "the message to be deferred")

    def _it_comes_again(self) -> None:
        run("postqueue", "-c", "/etc/woodgrove", "-f")
        assert self.edge.wait_for(self._waiting)["X-Domain-Secure"].startswith(f"pass ({PARTNER}; pin;")

    def _first_certificate(self) -> None:
        run("domain-secure", "partner", "set", PARTNER, "pins=")
        self.partner.show(MATERIAL / f"{PARTNER}.pem")
        self.mail_flows()

    def _certificate_lies_here(self) -> None:
        shutil.copyfile(self.edge.certificate(), HOME / "mail.pem")

    @staticmethod
    def _point_to(address: str) -> None:
        name = f"mail.{OURS}. A "
        text = _ZONE.read_text()
        former = text.partition(name)[2].partition('"')[0]
        _ZONE.write_text(text.replace(f"{name}{former}", f"{name}{address}"))
        run("systemctl", "restart", "unbound")

    def _amavis(self) -> None:
        """As its package has it, and with a name, which it does not find on a machine without a network."""
        node = Path("/etc/amavis/conf.d/05-node_id")
        node.write_text(f'use strict;\n$myhostname = "mail.{OURS}";\n$enable_db = 0;\n1;\n')
        run("systemctl", "restart", "amavis")
        self._await_port(10024)

    @staticmethod
    def _await_port(port: int) -> None:
        def is_open() -> bool:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return True
            return False

        wait_for(is_open, f"port {port}")

    def _by_amavis(self) -> None:
        assert "(amavis, port 10024)" in " ".join(self._partner_writes().split())
        self._we_write()
        self._stranger_is(550)

    def _by_rspamd(self) -> None:
        self._partner_writes()
        log = Path("/var/log/rspamd/rspamd.log")
        wait_for(lambda: "DOMAIN_SECURE(-10.00)" in log.read_text(errors="replace"), "rspamd to see the mark")

    @staticmethod
    def _prometheus_has_them() -> None:
        def answer(query: str) -> str:
            with suppress(OSError), urllib.request.urlopen(f"{_PROMETHEUS}{query}") as page:  # noqa: S310 - ourselves
                results = json.load(page)["data"]["result"]
                return results[0]["value"][1] if results else ""
            return ""

        wait_for(lambda: answer("domain_secure_healthy") == "1", "Prometheus to have the metrics")
        wait_for(lambda: answer("domain_secure:messages_received:15m"), "Prometheus to go by the rules")

    @staticmethod
    def _bare() -> None:
        """Another server: it has Postfix, and neither our configuration nor our state."""
        run("apt-get", "purge", "-q", "postfix-domain-secure")
        assert not Path("/var/lib/domain-secure").exists()

    def _marked_by(self, name: str) -> None:
        """A setting in the file is taken over within a second, without a command that waits for it."""
        results = f"Authentication-Results: {name}; x-domain-secure=pass"
        wait_for(lambda: results in self._partner_writes(), f"results of {name}")

    def _relay_brings_a_mark(self) -> None:
        mark, brought = str(uuid4()), f"pass ({PARTNER}; pkix; TLSv1.3) by mx1.{OURS}; ref=4F2C1A0B"
        with smtplib.SMTP(EDGE_ADDRESS, 25, source_address=(STRANGER_ADDRESS, 0)) as session:
            text = f"X-Domain-Secure: {brought}\r\nFrom: <jane@{PARTNER}>\r\nSubject: {mark}\r\n\r\nbody\r\n"
            session.sendmail(f"jane@{PARTNER}", f"{USER}@{OURS}", text)
        assert self.edge.wait_for(mark).get_all("X-Domain-Secure") == [brought]

    def _delivery_hangs(self) -> None:
        """The partner's server takes the connection and never says a word."""
        run("systemctl", "stop", "woodgrove")
        self._silent = socket.create_server((PARTNER_ADDRESS, 25))
        self.edge.send(str(uuid4()))
        self._connection, _ = self._silent.accept()

    def _answers_again(self) -> None:
        for left in (self._connection, self._silent):
            left.close()
        run("systemctl", "start", "woodgrove")

    def _note_files(self) -> None:
        self._without_us = {name: (POSTFIX / name).read_bytes() for name in _FILES}

    def _former_files(self) -> None:
        assert {name: (POSTFIX / name).read_bytes() for name in _FILES} == self._without_us
        assert submit(EDGE_ADDRESS, STRANGER_ADDRESS, f"jane@{PARTNER}") == 250

    def _thumbprint(self) -> None:
        listed = run("domain-secure", "cert", "list").stdout.splitlines()
        self._words = {"THUMBPRINT": next(line.split()[0] for line in listed if f"mail.{OURS}" in line)}
