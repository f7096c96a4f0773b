"""Each other mail server against the product, in both directions, and what the document says of it.

``./dev interoperability`` runs all of it and writes the tables of ``docs/interoperability.md``.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from .exchange_online import SIGNER, ExchangeOnline
from .exim import Exim
from .guide import DOCUMENT
from .mail_server import DELIVERED, HOST, OURS, REFUSED, THEIRS, WAITS, MailServer, Outcome
from .opensmtpd import OpenSmtpd
from .python_mail import AioSmtpd, Swaks
from .sendmail import Sendmail
from lab.certificates import Authority, Issued, self_signed
from lab.files import put
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, WOODGROVE, Lab
from lab.messages import compose, header_lines
from lab.product import Product
from machines.debian_root import UnavailableError

#: What the partner's servers show, to whoever connects and to whom they connect.
RIGHT, NONE, NAME, AUTHORITY, SELF_SIGNED = (
    "right",
    "none",
    "another name",
    "another authority",
    "self-signed",
)
SHOWN = (RIGHT, NONE, NAME, AUTHORITY, SELF_SIGNED)
THEY_SEND, WE_SEND = "they send to us", "we send to them"
#: Who is there in our place, as a server and as a client.
NO_STARTTLS, NOT_OURS = "no STARTTLS", "mail of others"
AS_SERVER = {NAME: "203.0.113.66", AUTHORITY: "203.0.113.67", NO_STARTTLS: "203.0.113.68"}
AS_CLIENT = (RIGHT, NONE, NAME, AUTHORITY)
THEIR_CLIENT, THEIR_SERVER = "as a client", "as a server"

KINDS: tuple[type[MailServer], ...] = (Exim, OpenSmtpd, Sendmail, AioSmtpd, Swaks, ExchangeOnline)

_BEGIN, _END = "<!-- table: begin -->\n", "<!-- table: end -->\n"
_REPLY = re.compile(r"\b([45]\d\d)[- ,'b\"(]+([45]\.\d+\.\d+)")
_REASON = re.compile(r"\(([a-z]+(?:-[a-z]+)*)\) \[ref")
_WORDS = re.compile("Server certificate not verified|TLS is required, but was not offered|the session ends")
_WORDS_FOR = {"the session ends": "the handshake fails"}
_VERSIONS = "Tried with: "


@dataclass(frozen=True, slots=True)
class Case:
    """One cell: a server, what it does, and what is wrong with the other side or its own certificate."""

    server: str
    way: str
    shown: str


@dataclass
class Tried:
    """Everything that was tried: what we make of them, and what they make of who is not us."""

    versions: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)  #: why, where a server's programs cannot be had
    ours: dict[Case, Outcome] = field(default_factory=dict)
    theirs: dict[Case, Outcome] = field(default_factory=dict)


class Trial:
    """The product on Contoso's Postfix, and one mail server after the other in Woodgrove's place."""

    def __init__(self, lab: Lab, product: Product) -> None:
        self.lab = lab
        self.product = product
        self.tried = Tried()
        self._made: dict[tuple[str, ...], dict[str, Issued | None]] = {}
        self._stranger = stranger = Authority.create("Somebody")
        self.as_us: dict[str, Issued | None] = {
            # As public authorities issue them: no common name.
            RIGHT: lab.authority.issue(None, dns_names=(CONTOSO, f"mail.{CONTOSO}")),
            NONE: None,
            NAME: lab.identities[EVIL],
            AUTHORITY: stranger.issue(CONTOSO, dns_names=(CONTOSO, f"mail.{CONTOSO}")),
        }

    def run(self) -> Tried:
        """Try everything."""
        with ThreadPoolExecutor() as together:
            servers = [server for server in together.map(self._server, KINDS) if server is not None]
        self._prepare()
        for server in servers:
            self.tried.versions[server.name] = server.version
            server.install()
            with self._in_place(server):
                for shown, issued in self._certificates(server.names).items():
                    self._try_certificate(server, shown, issued)
        return self.tried

    def _server(self, kind: type[MailServer]) -> MailServer | None:
        if kind is ExchangeOnline:
            return ExchangeOnline(self.lab, [one for one in self.as_us.values() if one is not None])
        try:
            return kind(self.lab)
        except UnavailableError as error:
            self.tried.left_out[kind.name] = str(error)
            return None

    def _prepare(self) -> None:
        """Make room for others, and put somebody else where we could be sought."""
        ours = self.as_us[RIGHT]
        assert ours is not None
        self.lab.present(self.lab.contoso, ours)
        self.lab.woodgrove.stop()
        self._place_impostors()

    def _certificates(self, names: tuple[str, ...]) -> dict[str, Issued | None]:
        """Return what a server of these names shows; the product knows all of it."""
        if names not in self._made:
            made = self._made[names] = {
                RIGHT: self.lab.authority.issue(names[0], dns_names=names),
                NONE: None,
                NAME: self.lab.identities[EVIL],
                AUTHORITY: self._stranger.issue(names[0], dns_names=names),
                SELF_SIGNED: self_signed(names[0], dns_names=names),
            }
            for shown, issued in made.items():
                if issued is not None:
                    path = self.lab.certificate_file(issued, f"shown-{issued.fingerprint}")
                    domain = WOODGROVE if shown is RIGHT else EVIL
                    self.product.command("partner", "cert", "add", "--force", domain, path)
            self.product.settle()
        return self._made[names]

    def _place_impostors(self) -> None:
        """Let Evil's Postfix take mail for Contoso: with its own certificate, a stranger's, and none."""
        evil, lab = self.lab.evil, self.lab
        evil.stop()
        for address in AS_SERVER.values():
            if address != evil.address:
                lab.namespaces.add_address(address)
        evil.configure(
            inet_interfaces=", ".join(AS_SERVER.values()), virtual_mailbox_domains=f"{EVIL}, {CONTOSO}"
        )
        forged = self.as_us[AUTHORITY]
        assert forged is not None
        options = {
            NAME: "",
            AUTHORITY: f" -o smtpd_tls_chain_files={lab.certificate_file(forged, 'forged')}",
            NO_STARTTLS: " -o smtpd_tls_security_level=none",
        }
        services = "".join(
            f"{address}:smtp inet n - y - - smtpd{options[what]}\n" for what, address in AS_SERVER.items()
        )
        path = evil.outside(evil.layout.configuration / "master.cf")
        path.write_text(re.sub(r"(?m)^smtp +inet .*\n", services, path.read_text(), count=1))
        evil.start()

    @contextmanager
    def _in_place(self, server: MailServer) -> Iterator[None]:
        """Lead mail for Woodgrove to this server, by the rule that its partner would be given."""
        lab, rule = self.lab, []
        if server.mx != HOST:
            lab.dns.add(f"{server.mx}. A {ADDRESSES[WOODGROVE]}")
            lab.dns.replace(f"{WOODGROVE}.", f"{WOODGROVE}. MX 10 {server.mx}.")
        if isinstance(server, ExchangeOnline):
            lab.dns.add(SIGNER.zone_line())
            rule.append("gateway=exchange-online")
        if server.via:
            rule.append(f"via=[{server.via}]")
        if rule:
            self.product.change("partner", "set", WOODGROVE, *rule)
        yield
        for setting in rule:
            self.product.change("partner", "set", WOODGROVE, f"{setting.partition('=')[0]}=")

    def _try_certificate(self, server: MailServer, shown: str, issued: Issued | None) -> None:
        """Let the server show one certificate: mail both ways, and with the right one with others, too."""
        server.start(issued)
        try:
            self.tried.ours[Case(server.name, THEY_SEND, shown)] = self._they_send(server)
            if server.receives:
                self.tried.ours[Case(server.name, WE_SEND, shown)] = self._we_send(server)
            if shown is RIGHT:
                self._try_others(server)
        finally:
            server.stop()

    def _they_send(self, server: MailServer) -> Outcome:
        message = compose(THEIRS, OURS)
        outcome = server.send(message)
        if outcome.word != DELIVERED:
            assert self.lab.contoso.delivered(message.mark) is None
            return outcome
        marks = header_lines(self.lab.contoso.wait_for_delivery(message.mark), "X-Domain-Secure")
        return Outcome(DELIVERED, " ".join(marks) or "no mark")

    def _we_send(self, server: MailServer) -> Outcome:
        contoso, message = self.lab.contoso, compose(OURS, THEIRS)
        before = len(contoso.log())
        reply = self.lab.submit(contoso, message, sender=OURS, recipient=THEIRS)
        queue_id = reply.text.split()[-1]
        told = contoso.wait_for_log(rf"{queue_id}: to=<{THEIRS}>.* status=(\w+) \((.*)\)$", after=before)
        if told[1] != "sent":
            contoso.wait_for_deferred(1)
            assert server.delivered(message.mark) is None
            # The server that failed is asked again for the next message.
            self.lab.namespaces.run("postsuper", "-d", "ALL")
            self.lab.namespaces.run("postqueue", "-f")
            return Outcome(WAITS if told[1] == "deferred" else REFUSED, told[2])
        server.wait_for_delivery(message.mark)
        host = re.escape(server.via or server.mx)
        level = re.findall(
            rf"domain-secure/smtp\[\d+\]: (\w+) TLS connection established to {host}",
            contoso.log()[before:],
        )
        return Outcome(DELIVERED, f"{level[-1].lower() if level else 'no'} TLS")

    def _try_others(self, server: MailServer) -> None:
        """See what the server does with who is not us, as a client and as a server."""
        for what, address in AS_SERVER.items():
            message = compose(THEIRS, OURS)
            with self._sought_at(address):
                outcome = server.send(message)
            if outcome.word == DELIVERED:
                self.lab.evil.wait_for_delivery(message.mark)
            else:
                assert self.lab.evil.delivered(message.mark) is None
            self.tried.theirs[Case(server.name, THEIR_CLIENT, what)] = outcome
        for what in AS_CLIENT if server.receives else ():
            self.tried.theirs[Case(server.name, THEIR_SERVER, what)] = server.try_as(self.as_us[what])
        if server.receives:
            # A certificate is demanded of us alone.
            self.tried.theirs[Case(server.name, THEIR_SERVER, NOT_OURS)] = server.try_as(None, f"user@{EVIL}")

    @contextmanager
    def _sought_at(self, address: str) -> Iterator[None]:
        """Let DNS say that Contoso's server is at another address, as whoever forges it does."""
        host = f"mail.{CONTOSO}."
        self.lab.dns.replace(host, f"{host} A {address}")
        try:
            yield
        finally:
            self.lab.dns.replace(host, f"{host} A {ADDRESSES[CONTOSO]}")


def tables(tried: Tried) -> str:
    """Return what the document has of it: two tables in Markdown."""
    versions = ", ".join(f"{name} {version}".strip() for name, version in tried.versions.items())
    ours = _table(tried.ours, {THEY_SEND: SHOWN, WE_SEND: SHOWN}, SHOWN)
    columns = {
        "us": ("", RIGHT),
        "no certificate": ("", NONE),
        "a certificate of another name": (NAME, NAME),
        "a certificate of another authority": (AUTHORITY, AUTHORITY),
        "no STARTTLS": (NO_STARTTLS, ""),
        "others with mail of their own, without certificate": ("", NOT_OURS),
    }
    as_client, as_server = zip(*columns.values(), strict=True)
    theirs = _table(tried.theirs, {THEIR_CLIENT: as_client, THEIR_SERVER: as_server}, columns)
    return (
        f"{_VERSIONS}{versions}.\n\n"
        "What the partner's server shows, and what becomes of the mail:\n\n"
        f"{ours}\n"
        "What the partner's server does, set up by the snippets below, with whoever says to be us:\n\n"
        f"{theirs}"
    )


def _table(
    outcomes: Mapping[Case, Outcome], keys: Mapping[str, Sequence[str]], columns: Iterable[str]
) -> str:
    titles = list(columns)
    lines = [f"| | | {' | '.join(titles)} |", f"| --- | --- |{' --- |' * len(titles)}"]
    for server in dict.fromkeys(case.server for case in outcomes):
        for way in keys:
            found = [outcomes.get(Case(server, way, key)) for key in keys[way]]
            if any(found):
                lines.append(f"| {server} | {way} | {' | '.join(map(in_words, found))} |")
    return "\n".join(lines) + "\n"


def in_words(outcome: Outcome | None) -> str:
    """Return one cell: the word, and of what was said the codes and the reason."""
    if outcome is None:
        return "–"
    said = outcome.said
    if outcome.word == DELIVERED:
        mark = re.search(r"pass \([^;]+; (\w+);", said)
        detail = f", marked `pass` by {mark[1]}" if mark else f", over {said}" if said.endswith("TLS") else ""
        return f"{DELIVERED}{detail}"
    codes, reason, words = _REPLY.search(said), _REASON.search(said), _WORDS.match(said)
    parts = [
        " ".join(codes.groups()) if codes else "",
        f"`{reason[1]}`" if reason else "",
        _WORDS_FOR.get(words[0], words[0]) if words else "",
    ]
    detail = " ".join(part for part in parts if part)
    return f"{outcome.word}: {detail}" if detail else outcome.word


def documented(text: str) -> str:
    """Return the tables that a document has."""
    return text.partition(_BEGIN)[2].partition(_END)[0]


def compared(table: str, left_out: Iterable[str] = ()) -> str:
    """Return tables without the line that says with what they were made, and without some servers."""
    skipped = (_VERSIONS, *(f"| {name} |" for name in left_out))
    return "".join(line for line in table.splitlines(keepends=True) if not line.startswith(skipped))


def written(text: str, table: str) -> str:
    """Return a document with other tables."""
    before, _, rest = text.partition(_BEGIN)
    return before + _BEGIN + table + _END + rest.partition(_END)[2]


def try_all() -> Tried:
    """Try everything in a laboratory of its own."""
    with Lab() as lab:
        product = Product(lab)
        product.install(WOODGROVE)
        return Trial(lab, product).run()


def main() -> None:
    """Write the document's tables anew; where a server cannot be tried, nothing is written."""
    tried = try_all()
    if tried.left_out:
        sys.exit("\n".join(f"{name} was not tried: {reason}" for name, reason in tried.left_out.items()))
    put(DOCUMENT, written(DOCUMENT.read_text(), tables(tried)).encode())


if __name__ == "__main__":
    main()
