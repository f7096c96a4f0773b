"""The laboratory as a whole: contoso.test, woodgrovebank.test and evil.test, with DNS and an authority.

Owns: who has which address, name and certificate.  Must not know: the product.
The addresses are those kept for documentation (RFC 5737), because 127.0.0.0/8 is "my own network" to a stock
Postfix.
"""

import ssl
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from socket import create_connection
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from . import dns, namespaces, postfix_host
from .certificates import Authority, Issued
from .dns import DnsServer
from .messages import Message
from .namespaces import Namespaces
from .postfix_host import PostfixHost, separate_host, stock_host
from .smtp_client import Dialogue, Reply, client_context
from .waiting import DEADLINE

PROGRAMS = (*namespaces.PROGRAMS, *dns.PROGRAMS, *postfix_host.PROGRAMS)

CONTOSO = "contoso.test"
WOODGROVE = "woodgrovebank.test"
EVIL = "evil.test"
FABRIKAM = "fabrikam.test"  #: has an address and a certificate, and no Postfix
ADDRESSES = {
    CONTOSO: "192.0.2.10",
    WOODGROVE: "198.51.100.20",
    FABRIKAM: "198.51.100.30",
    EVIL: "203.0.113.66",
}
NOBODY = "203.0.113.99"  #: a client that DNS does not know
LOOPBACK = "127.0.0.1"  #: a client that Contoso's Postfix relays for

#: Certificates and keys, as seen inside.
CERTIFICATES = Path("/run/lab/certificates")
AUTHORITY_FILE = CERTIFICATES / "authority.pem"


class Lab:
    """Three mail servers on one private network; close() leaves nothing behind."""

    def __init__(self) -> None:
        self.namespaces = Namespaces(f"mail.{CONTOSO}")
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything."""
        self.namespaces.close()

    def certificate_file(self, issued: Issued, name: str) -> Path:
        """Write a certificate with key and chain, and return where, as seen inside."""
        issued.write(self.namespaces.outside(CERTIFICATES), name)
        return CERTIFICATES / f"{name}.pem"

    def present(self, host: PostfixHost, issued: Issued) -> None:
        """Let a host show another certificate, as server and as client, from now on."""
        self.certificate_file(issued, host.domain)
        host.reload()

    def client_context(self, issued: Issued | None, **options: object) -> ssl.SSLContext:
        """Return a TLS client that shows a certificate, or none; the options are client_context()'s."""
        if issued is None:
            return client_context(None, **options)  # type: ignore[arg-type]
        path = self.certificate_file(issued, f"client-{issued.fingerprint}")
        return client_context(self.namespaces.outside(path), **options)  # type: ignore[arg-type]

    def connect(
        self,
        host: PostfixHost,
        source: str,
        *,
        helo: str = "client.test",
        port: int = 25,
        front: str = "",
    ) -> Dialogue:
        """Open a connection to a host from one of the laboratory's addresses; the greeting is read.

        *front* is the address of who stands in front of the host.
        """
        target = front or (LOOPBACK if source == LOOPBACK else host.address)
        with self.namespaces.network():
            connection = create_connection((target, port), timeout=DEADLINE, source_address=(source, 0))
        dialogue = Dialogue(connection, helo)
        try:
            dialogue.greeting()
            dialogue.ehlo()
        except BaseException:
            connection.close()
            raise
        return dialogue

    def send(
        self,
        host: PostfixHost,
        message: Message,
        *,
        source: str,
        sender: str,
        recipient: str,
        tls: ssl.SSLContext | None = None,
    ) -> Reply:
        """Hand one message to a host, in the clear unless *tls* is given, and return the deciding reply."""
        with self.connect(host, source) as dialogue:
            if tls is not None:
                dialogue.starttls(tls)
            reply = dialogue.message(sender, recipient, message.content)
            dialogue.quit()
        return reply

    def submit(self, host: PostfixHost, message: Message, *, sender: str, recipient: str) -> Reply:
        """Hand a message to a host as one of its own users, for it to deliver anywhere."""
        source = LOOPBACK if host is self.contoso else host.address
        return self.send(host, message, source=source, sender=sender, recipient=recipient)

    def publish_key(self, issued: Issued) -> None:
        """Make Woodgrove's zone a signed one, whose TLSA record 3 1 1 is of this certificate's key."""
        host = f"mail.{WOODGROVE}"
        key = issued.certificate.public_key()
        digest = sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
        self.dns.sign(
            WOODGROVE,
            f"{WOODGROVE}. 300 MX 10 {host}.",
            f"{host}. 300 A {ADDRESSES[WOODGROVE]}",
            f"_25._tcp.{host}. 300 TLSA 3 1 1 {digest}",
        )

    def _build(self) -> None:
        self.dns = DnsServer(self.namespaces)
        self.dns.start()
        self.dns.add(*(record for domain in ADDRESSES for record in _records(domain)))
        for address in (*ADDRESSES.values(), NOBODY):
            self.namespaces.add_address(address)
        self._certify()
        self.contoso = stock_host(self.namespaces, CONTOSO, ADDRESSES[CONTOSO], self._contoso_parameters())
        self.woodgrove = separate_host(
            self.namespaces, WOODGROVE, ADDRESSES[WOODGROVE], self._other_parameters(WOODGROVE)
        )
        self.evil = separate_host(self.namespaces, EVIL, ADDRESSES[EVIL], self._other_parameters(EVIL))
        with ThreadPoolExecutor() as together:
            list(together.map(PostfixHost.start, (self.contoso, self.woodgrove, self.evil)))

    def _certify(self) -> None:
        folder = self.namespaces.outside(CERTIFICATES)
        folder.mkdir(mode=0o755)
        self.authority = Authority.create("Laboratory Authority")
        self.namespaces.outside(AUTHORITY_FILE).write_bytes(self.authority.certificate_pem)
        #: The certificate of each domain, good for server and client.
        self.identities = {domain: self.certificate_for(domain) for domain in ADDRESSES}
        for domain, issued in self.identities.items():
            self.certificate_file(issued, domain)

    def certificate_for(self, domain: str) -> Issued:
        """Return a new certificate of the laboratory's authority for a domain and its mail server."""
        return self.authority.issue(domain, dns_names=(domain, f"mail.{domain}"))

    def _contoso_parameters(self) -> dict[str, str]:
        # The certificate as Debian's own comments in main.cf set one, and logs that tests can read.
        chain = str(CERTIFICATES / f"{CONTOSO}.pem")
        return {
            "smtpd_tls_cert_file": chain,
            "smtpd_tls_key_file": chain,
            "smtp_tls_chain_files": chain,
            "smtp_tls_CApath": "/etc/ssl/certs",
            "smtpd_error_sleep_time": "0",
            "smtp_tls_session_cache_database": "btree:${data_directory}/smtp_scache",
            "smtp_tls_loglevel": "1",
            "smtpd_tls_loglevel": "1",
        }

    def _other_parameters(self, domain: str) -> dict[str, str]:
        chain = str(CERTIFICATES / f"{domain}.pem")
        return {
            "smtpd_tls_chain_files": chain,
            "smtp_tls_chain_files": chain,
            "smtpd_tls_CAfile": str(AUTHORITY_FILE),
            "smtpd_tls_ask_ccert": "yes",
            "smtpd_tls_received_header": "yes",
            "smtp_tls_loglevel": "1",
            "smtpd_tls_loglevel": "1",
        }


def _records(domain: str) -> tuple[str, ...]:
    address = ADDRESSES[domain]
    host = f"mail.{domain}."
    return (
        f"{domain}. MX 10 {host}",
        f"{host} A {address}",
        f"{ip_address(address).reverse_pointer}. PTR {host}",
    )
