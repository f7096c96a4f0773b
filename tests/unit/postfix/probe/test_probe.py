"""Probes of real TCP servers: good ones, and those that do their worst."""

import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from domain_secure.policy.sending.delivery import FailureReason
from domain_secure.policy.terms.domain import Domain
from domain_secure.postfix.probe.probe import ClientIdentity, Envelope, ProbeResult, ProbeTarget, probe
from domain_secure.postfix.probe.tls_session import TlsSession

from lab.certificates import Authority, Issued
from lab.waiting import DEADLINE
from unit.postfix.mail_servers import HELLO, Server, says, serve, server_context, starts_tls

HOST = Domain("mail.woodgrovebank.test")
AUTHORITY = Authority.create("Authority")
IDENTITY = ClientIdentity("mail.contoso.test")


def look(server: Server, identity: ClientIdentity = IDENTITY, time_limit: float = 20) -> ProbeResult:
    """Probe a server on the loopback interface."""
    return probe(ProbeTarget("127.0.0.1", HOST, server.port), identity, time_limit)


@pytest.fixture
def issued() -> Issued:
    """Return a certificate below an intermediate authority."""
    return AUTHORITY.authority("Intermediate").issue(HOST, dns_names=(HOST,))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_chain_is_collected_as_it_is_shown(issued: Issued, tmp_path: Path, version: ssl.TLSVersion) -> None:
    """The whole chain, nothing verified; and nothing is said but EHLO, STARTTLS, EHLO and QUIT."""
    context = server_context(issued, tmp_path)
    context.maximum_version = version
    with serve(starts_tls(context)) as server:
        result = look(server)
    assert [one.der for one in result.chain] == [
        issued.der,
        issued.chain[0].public_bytes(Encoding.DER),
    ]
    assert result.tls_version == version.name.replace("_", ".")
    assert result.cipher
    assert (result.failure, result.remark) == (None, None)
    hello = b"EHLO mail.contoso.test\r\n"
    assert server.heard == [hello, b"STARTTLS\r\n", hello, b"QUIT\r\n"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("mode", [ssl.CERT_NONE, ssl.CERT_OPTIONAL])
@pytest.mark.parametrize("shown", [True, False])
def test_our_certificate_is_shown_when_asked(
    issued: Issued, tmp_path: Path, version: ssl.TLSVersion, mode: ssl.VerifyMode, shown: bool
) -> None:
    """And whether it was asked for is told, with and without one to show."""
    context = server_context(issued, tmp_path)
    context.maximum_version = version
    context.load_verify_locations(cadata=AUTHORITY.certificate_pem.decode())
    context.verify_mode = mode
    ours = AUTHORITY.issue("mail.contoso.test").write(tmp_path, "ours")
    seen: list[bytes | None] = []

    def behave(connection: socket.socket, server: Server) -> None:
        says(*HELLO)(connection, server)
        connection.sendall(b"220 go\r\n")
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(4096)
            seen.append(secured.getpeercert(binary_form=True))
            secured.sendall(b"221 bye\r\n")

    identity = ClientIdentity("mail.contoso.test", ours, ours) if shown else IDENTITY
    with serve(behave) as server:
        result = look(server, identity)
    assert result.certificate_requested is (mode is ssl.CERT_OPTIONAL)
    assert bool(seen[0]) is (shown and mode is ssl.CERT_OPTIONAL)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_chain_of_a_server_that_insists_on_our_certificate(
    issued: Issued, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """It ends the session, but it has shown its own by then."""
    context = server_context(issued, tmp_path)
    context.maximum_version = version
    context.load_verify_locations(cadata=AUTHORITY.certificate_pem.decode())
    context.verify_mode = ssl.CERT_REQUIRED
    with serve(starts_tls(context)) as server:
        result = look(server)
    assert result.chain[0].der == issued.der
    assert result.failure or result.remark
    # In TLS 1.3 the server proves its key before it sees our certificate.
    assert result.proved_chain == (result.chain if version is ssl.TLSVersion.TLSv1_3 else ())


def test_host_name_is_sent(issued: Issued, tmp_path: Path) -> None:
    """Providers choose the certificate by it."""
    context = server_context(issued, tmp_path)
    names: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with serve(starts_tls(context)) as server:
        look(server)
        probe(ProbeTarget("127.0.0.1", None, server.port), IDENTITY)
    assert names == [HOST, None]


def test_weak_and_odd_certificates_are_seen(tmp_path: Path) -> None:
    """What they are worth is judged elsewhere."""
    weak = Authority.create("Weak", key="rsa1024").issue(key="rsa1024")
    context = server_context_of_anything(weak, tmp_path)
    with serve(starts_tls(context)) as server:
        assert look(server).chain[0].der == weak.der


def server_context_of_anything(issued: Issued, folder: Path) -> ssl.SSLContext:
    """Return a TLS server that is not particular about its own key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(issued.write(folder, "weak"))
    return context


@pytest.mark.parametrize(
    ("replies", "why"),
    [
        ((b"554 go away\r\n",), "greeted us with 554 go away"),
        ((b"SSH-2.0-OpenSSH_9.2\r\n",), "does not speak SMTP"),
        ((b"220 hi\r\n", b"502 no\r\n"), "answered EHLO with 502 no"),
        ((b"220 hi\r\n", b"250-mail\r\n250 SIZE\r\n"), "does not offer STARTTLS"),
        ((*HELLO, b"454 not now\r\n"), "answered STARTTLS with 454 not now"),
        ((b"220 hi\r\n250-mail\r\n250 STARTTLS\r\n",), "answers before it is asked"),
        ((*HELLO, b"220 go\r\n250 injected\r\n"), "between STARTTLS and the handshake"),
        ((*HELLO, b"220 go\r\n250"), "between STARTTLS and the handshake"),
        ((*HELLO, b"220 go\r\n", b"no TLS at all\r\n"), "TLS handshake failed"),
        ((), "closed the connection|connection broke"),
        ((b"220 " + b"x" * 3000,), "longer than"),
    ],
)
def test_server_that_does_not_do_its_part(replies: tuple[bytes, ...], why: str) -> None:
    """Each has its clause; none is followed further."""
    with serve(says(*replies)) as server:
        result = look(server)
    assert result.chain == ()
    assert result.failure is not None
    assert any(one in result.failure for one in why.split("|")), result.failure
    assert not any(b"MAIL" in heard or b"QUIT" in heard for heard in server.heard)


def test_nobody_listens() -> None:
    """A closed port is a failure with its reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    result = probe(ProbeTarget("127.0.0.1", HOST, port), IDENTITY)
    assert result.failure == "no connection (Connection refused)"


@pytest.mark.parametrize("chunk", [b"", b"2", b"220-x\r\n"])
def test_endless_servers_are_given_up_in_time(chunk: bytes) -> None:
    """Silence, octets that drip, and a greeting without end cost the time limit and no more."""
    stop = threading.Event()

    def behave(connection: socket.socket, _: Server) -> None:
        while not stop.wait(0.02):
            connection.sendall(chunk)

    started = time.monotonic()
    with serve(behave) as server:
        result = look(server, time_limit=0.5)
        stop.set()
    assert result.failure
    assert time.monotonic() - started < DEADLINE


def test_flood_is_cut_off() -> None:
    """A server that sends as fast as it can is left after a few hundred kilobytes."""

    def behave(connection: socket.socket, server: Server) -> None:
        says(*HELLO)(connection, server)
        connection.sendall(b"220 go\r\n")
        connection.recv(4096)
        # The head of a handshake message of 16 MiB, in records.
        record = b"\x16\x03\x03\x40\x00" + b"\x02\xff\xff\xff" + b"\x00" * 0x3FFC
        while True:
            connection.sendall(record)

    with serve(behave) as server:
        result = look(server)
    assert result.failure


def test_huge_chain_is_refused(tmp_path: Path) -> None:
    """A chain of a megabyte is not read to its end."""
    padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\0" * 60000)
    issued = AUTHORITY.issue(HOST, dns_names=(HOST,))
    fat = [AUTHORITY.issue(f"fat {number}", extensions=((padding, False),)) for number in range(8)]
    whole = Issued(issued.certificate, issued.key, tuple(one.certificate for one in fat))
    with serve(starts_tls(server_context(whole, tmp_path))) as server:
        result = look(server)
    assert result.failure
    assert result.chain == ()


def test_own_certificate_that_cannot_be_used(issued: Issued, tmp_path: Path) -> None:
    """A broken file of ours is told as such."""
    ours = tmp_path / "ours.pem"
    ours.write_text("nothing")
    with serve(starts_tls(server_context(issued, tmp_path))) as server:
        result = look(server, ClientIdentity("mail.contoso.test", ours, ours))
    assert result.failure == f"our certificate in {ours} cannot be used"


def test_source_address() -> None:
    """We connect from the address that Postfix connects from, and a foreign one is a failure."""
    sources: list[str] = []

    def behave(connection: socket.socket, _: Server) -> None:
        sources.append(connection.getpeername()[0])

    with serve(behave) as server:
        look(server, ClientIdentity("mail.contoso.test", ipv4_source="127.0.0.9"))
        result = look(server, ClientIdentity("mail.contoso.test", ipv4_source="192.0.2.77"))
    assert sources == ["127.0.0.9"]
    assert result.failure is not None
    assert result.failure.startswith("no connection (")


def answering(context: ssl.SSLContext, *replies: bytes) -> Callable[[socket.socket, Server], None]:
    """Return the behaviour of a server that answers line by line under TLS."""

    def behave(connection: socket.socket, server: Server) -> None:
        says(*HELLO)(connection, server)
        connection.sendall(b"220 go\r\n")
        with context.wrap_socket(connection, server_side=True) as secured:
            for reply in replies:
                server.heard.append(secured.recv(4096))
                secured.sendall(reply)

    return behave


@pytest.mark.parametrize(
    ("replies", "commands"),
    [
        ((b"250 a\r\n", b"250 b\r\n", b"250 c\r\n", b"250 d\r\n", b"221 e\r\n"), 4),
        ((b"250 a\r\n", b"550 5.7.1 no\r\n", b"221 e\r\n"), 2),
        ((b"250 a\r\n", b"250 b\r\n", b"450 later\r\n", b"221 e\r\n"), 3),
    ],
)
def test_envelope_is_said_until_it_is_refused(
    issued: Issued, tmp_path: Path, replies: tuple[bytes, ...], commands: int
) -> None:
    """Then QUIT; DATA is never said, and what was begun is reset."""
    every = [b"EHLO mail.contoso.test", b"MAIL FROM:<a@x.test>", b"RCPT TO:<b@y.test>", b"RSET"]
    with serve(answering(server_context(issued, tmp_path), *replies)) as server:
        target = ProbeTarget("127.0.0.1", HOST, server.port)
        result = probe(target, IDENTITY, 20, envelope=Envelope("a@x.test", "b@y.test"))
    said = [line.rstrip(b"\r\n") for line in server.heard[2:]]
    assert said == [*every[:commands], b"QUIT"]
    assert [one.command.encode() for one in result.exchanges] == every[:commands]
    assert result.remark is None


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (says(b"554 go away\r\n"), FailureReason.SESSION_REFUSED),
        (says(b"\xff\xff\r\n"), FailureReason.SESSION_REFUSED),
        (says(HELLO[0], b"250 mail\r\n"), FailureReason.NO_TLS),
        (says(*HELLO, b"454 not now\r\n"), FailureReason.NO_TLS),
        (says(*HELLO, b"220 go\r\n", b"no handshake"), FailureReason.HANDSHAKE),
        (says(HELLO[0]), FailureReason.CONNECTION_LOST),
    ],
)
def test_a_failure_has_a_word(
    behaviour: Callable[[socket.socket, Server], None], reason: FailureReason
) -> None:
    """The same words as those of deliveries."""
    with serve(behaviour) as server:
        assert look(server).reason is reason


def test_refused_connection_says_nothing_about_security() -> None:
    """So that it raises no alarm."""
    with serve(says()) as server:
        pass
    assert look(server).reason is FailureReason.UNREACHABLE


@pytest.mark.parametrize("clear", [True, False])
def test_encrypted_octets_do_not_pass_for_a_certificate(monkeypatch: pytest.MonkeyPatch, clear: bool) -> None:
    """In TLS 1.2 the encrypted Finished may begin with the octet that stands for a Certificate message."""
    certificate = b"\x16\x03\x03\x00\x04\x0b\x00\x00\x00"
    key_exchange, change = b"\x16\x03\x03\x00\x01\x10", b"\x14\x03\x03\x00\x01\x01"
    session = TlsSession.__new__(TlsSession)
    monkeypatch.setattr(TlsSession, "version", "TLSv1.2")
    session._flight = (certificate if clear else b"") + key_exchange + change + certificate
    assert session.certificate_requested is clear


@pytest.fixture
def insisting(issued: Issued, tmp_path: Path) -> ssl.SSLContext:
    """A server that trusts client certificates of another authority alone."""
    context = server_context(issued, tmp_path)
    context.load_verify_locations(cadata=Authority.create("Another").certificate_pem.decode())
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("shown", [True, False])
def test_a_server_that_does_not_accept_our_certificate(
    insisting: ssl.SSLContext, tmp_path: Path, version: ssl.TLSVersion, shown: bool
) -> None:
    """In TLS 1.3 it says so behind the handshake, which is waited for; before, in it."""
    insisting.maximum_version = version
    ours = AUTHORITY.issue("mail.contoso.test").write(tmp_path, "ours")
    identity = ClientIdentity("mail.contoso.test", ours, ours) if shown else IDENTITY
    with serve(starts_tls(insisting)) as server:
        result = look(server, identity)
    assert (result.reason or result.refusal) is FailureReason.CLIENT_CERTIFICATE
    assert "alert" in (result.failure or result.remark or "")
    assert result.shows_ours is shown
    assert result.chain


@pytest.mark.parametrize(
    ("mode", "refusal"),
    [
        (ssl.CERT_OPTIONAL, FailureReason.CLIENT_CERTIFICATE),
        (ssl.CERT_NONE, FailureReason.CONNECTION_LOST),
    ],
)
@pytest.mark.parametrize("gentle", [True, False])
def test_a_server_that_hangs_up_without_an_alert(
    issued: Issued, tmp_path: Path, mode: ssl.VerifyMode, refusal: FailureReason, gentle: bool
) -> None:
    """Who asked for a certificate has something against ours; of others nobody knows why."""
    context = server_context(issued, tmp_path)
    context.load_verify_locations(cadata=AUTHORITY.certificate_pem.decode())
    context.verify_mode = mode

    def behave(connection: socket.socket, server: Server) -> None:
        says(*HELLO)(connection, server)
        connection.sendall(b"220 go\r\n")
        with context.wrap_socket(connection, server_side=True) as secured:
            if gentle:
                secured.unwrap()
            secured.close()

    with serve(behave) as server:
        result = look(server)
    assert (result.failure, result.refusal, result.exchanges) == (None, refusal, ())
    assert result.remark


@pytest.mark.parametrize(
    ("reply", "refusal"),
    [
        (b"421 4.7.1 mail Error: Client certificate not trusted\r\n", FailureReason.CLIENT_CERTIFICATE),
        (b"454 4.7.5 no\r\n", FailureReason.CLIENT_CERTIFICATE),
        (b"421 4.3.2 busy\r\n", FailureReason.SESSION_REFUSED),
        (b"502 5.5.2 HELO only\r\n", None),
    ],
)
def test_the_first_reply_under_tls_decides(
    issued: Issued, tmp_path: Path, reply: bytes, refusal: FailureReason | None
) -> None:
    """It may be that our certificate is not accepted, or that nobody is served now."""
    with serve(answering(server_context(issued, tmp_path), reply, b"221 bye\r\n")) as server:
        result = look(server)
    assert result.refusal is refusal
    assert (result.remark is None) is (refusal is None)


def test_silence_after_the_handshake_is_no_refusal(issued: Issued, tmp_path: Path) -> None:
    """The server asked for a certificate, and nobody knows what it would have said."""
    context = server_context(issued, tmp_path)
    context.load_verify_locations(cadata=AUTHORITY.certificate_pem.decode())
    context.verify_mode = ssl.CERT_OPTIONAL

    def behave(connection: socket.socket, server: Server) -> None:
        says(*HELLO)(connection, server)
        connection.sendall(b"220 go\r\n")
        with context.wrap_socket(connection, server_side=True) as secured:
            while secured.recv(4096):
                pass

    with serve(behave) as server:
        result = look(server, time_limit=2.0)
    assert (result.tls_version, result.refusal) == ("TLSv1.3", FailureReason.CONNECTION_LOST)


def test_padded_records_tell_nothing(issued: Issued, tmp_path: Path) -> None:
    """With RecordPadding in OpenSSL's own configuration nobody knows whether a certificate was asked for."""
    configuration = tmp_path / "openssl.cnf"
    configuration.write_text(
        "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nRecordPadding = 512\n"
    )
    code = (
        "import sys; from domain_secure.postfix.probe.probe import *; "
        "target = ProbeTarget('127.0.0.1', None, int(sys.argv[1])); "
        "result = probe(target, ClientIdentity('mail.contoso.test')); "
        "print(result.tls_version, result.certificate_requested, result.failure)"
    )
    with serve(starts_tls(server_context(issued, tmp_path))) as server:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, str(server.port)],
            env={"OPENSSL_CONF": str(configuration)},
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout == "TLSv1.3 None None\n"
