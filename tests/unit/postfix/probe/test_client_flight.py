"""The table of handshakes, each row of it played with a real server."""

import re
import socket
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509

from domain_secure.postfix.probe import client_flight
from domain_secure.postfix.probe.client_flight import (
    has_encrypted_certificate,
    has_readable_certificate,
    records,
)
from domain_secure.postfix.probe.timed_stream import TimedStream
from domain_secure.postfix.probe.tls_session import TlsSession

from lab.certificates import Authority

HOST = "mail.woodgrovebank.test"
AUTHORITY = Authority.create("Authority")
MESSAGES = {1: "hello", 11: "certificate", 15: "verify", 16: "key"}
VERSIONS = {
    "TLS 1.0, 1.1 and 1.2": (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2),
    "TLS 1.3": (ssl.TLSVersion.TLSv1_3,),
    "TLS 1.3, HelloRetryRequest": (ssl.TLSVersion.TLSv1_3,),
}


def rows() -> list[tuple[str, ssl.TLSVersion, str, str]]:
    """Return the table in the module's docstring: handshake, version, case, records."""
    table = (client_flight.__doc__ or "").split("until Finished\n", 1)[1].split("\n\n", 1)[0]
    found, handshake = [], ""
    for line in table.splitlines():
        name, _, sent = re.sub(" {2,}", "\t", line.strip()).partition("\t")
        if not sent:
            handshake = name
        else:
            found += [(handshake, version, name, sent) for version in VERSIONS[handshake]]
    return found


def server_context(folder: Path, handshake: str, version: ssl.TLSVersion, case: str) -> ssl.SSLContext:
    """Return a server that makes the handshake of a row."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(AUTHORITY.issue(HOST, dns_names=(HOST,)).write(folder, "server"))
    if "HelloRetryRequest" in handshake:
        context.set_ecdh_curve("secp521r1")  # for which a client sends no key share at first
    if case.startswith("asked"):
        context.load_verify_locations(cadata=AUTHORITY.certificate_pem.decode())
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def ours(folder: Path, case: str) -> Path | None:
    """Return the certificate that we have in a row."""
    if case == "asked, nothing to show":
        return None
    padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\0" * 20_000)
    extensions = ((padding, False),) if case == "asked, more than a record" else ()
    return AUTHORITY.issue("mail.contoso.test", extensions=extensions).write(folder, "ours")


def session_with(context: ssl.SSLContext, certificate: Path | None) -> TlsSession:
    """Return a session after its handshake."""
    near, far = socket.socketpair()

    def serve() -> None:
        with far, suppress(OSError), context.wrap_socket(far, server_side=True) as secured:
            secured.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    with near:
        stream = TimedStream(near, time.monotonic() + 20, 2**20)
        session = TlsSession(stream, HOST, certificate, certificate)
        session.handshake()
    thread.join()
    return session


def spelled(flight: bytes) -> str:
    """Return a flight in the words of the table."""
    words: list[str] = []
    for kind, body in records(flight):
        if kind == 20:
            words.append("ccs")
        elif kind == 23 or (words[-1:] == ["ccs"] and "key" in words):
            words.append("*")
        else:
            words.append(MESSAGES.get(body[0], "more"))
    return " ".join(words)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(("handshake", "version", "case", "sent"), rows())
def test_the_table_says_what_is_sent(
    tmp_path: Path, handshake: str, version: ssl.TLSVersion, case: str, sent: str
) -> None:
    """And the rules find the Certificate in it where there is one, and only there."""
    session = session_with(server_context(tmp_path, handshake, version, case), ours(tmp_path, case))
    assert session.version == version.name.replace("_", ".")
    assert spelled(session._flight) == sent
    assert session.certificate_requested is case.startswith("asked")


def test_the_table_has_each_handshake() -> None:
    """With all cases, in each version; what is not there would not be played."""
    assert len(rows()) == 5 * 4


@pytest.mark.parametrize("case", ["not asked", "asked, nothing to show"])
def test_without_compatibility_all_is_the_same(tmp_path: Path, case: str) -> None:
    """A client of TLS 1.3 may leave ChangeCipherSpec out."""
    context = server_context(tmp_path, "TLS 1.3", ssl.TLSVersion.TLSv1_3, case)
    session = session_with(context, None)
    flight = b"".join(
        bytes([kind, 3, 3]) + len(body).to_bytes(2) + body
        for kind, body in records(session._flight)
        if kind != 20
    )
    assert "ccs" not in spelled(flight)
    assert has_encrypted_certificate(flight, session.cipher) is session.certificate_requested


@pytest.mark.parametrize(
    ("cipher", "length"), [("TLS_AES_128_GCM_SHA256", 53), ("TLS_AES_256_GCM_SHA384", 69)]
)
def test_finished_alone_is_no_certificate(cipher: str, length: int) -> None:
    """It has a record of its own; where the last one has another length, records are padded."""
    finished, empty = b"\x17\x03\x03" + length.to_bytes(2) + b"x" * length, b"\x17\x03\x03\0\x19" + b"x" * 25
    padded = b"\x17\x03\x03" + (528).to_bytes(2) + b"x" * 528
    assert has_encrypted_certificate(finished, cipher) is False
    assert has_encrypted_certificate(empty + finished, cipher) is True
    assert has_encrypted_certificate(padded, cipher) is None
    assert has_encrypted_certificate(padded + padded, cipher) is None


def test_the_rest_of_a_message_is_no_second_certificate() -> None:
    """Nor is what is encrypted, however they begin; a record without content is nothing."""
    hello, change = b"\x16\x03\x01\0\x01\x01", b"\x14\x03\x03\0\x01\x01"
    certificate = b"\x16\x03\x03\0\x01\x0b"
    assert not has_readable_certificate(hello + b"\x16\x03\x03\0\0" + change + certificate)
    assert has_readable_certificate(hello + certificate + change)


def test_what_we_offer_leads_to_no_handshake_beside_the_table(tmp_path: Path) -> None:
    """Nothing to resume, no early data, no authentication afterwards, and three suites of TLS 1.3."""
    context = server_context(tmp_path, "TLS 1.3", ssl.TLSVersion.TLSv1_3, "not asked")
    _, hello = next(records(session_with(context, None)._flight))
    suites, extensions = offered(hello)
    assert {suite for suite in suites if suite >> 8 == 0x13} == {0x1301, 0x1302, 0x1303}
    assert not {one for one in suites if one >> 8 == 0xC0} & {0xC0B4, 0xC0B5}  # RFC 9150
    # max_fragment_length, record_size_limit, pre_shared_key, early_data, post_handshake_auth
    assert not extensions & {1, 28, 41, 42, 49}


def offered(hello: bytes) -> tuple[set[int], set[int]]:
    """Return cipher suites and extensions of a ClientHello (RFC 8446 section 4.1.2)."""
    rest = hello[4 + 2 + 32 :]
    rest = rest[1 + rest[0] :]
    length = int.from_bytes(rest[:2])
    suites = {int.from_bytes(rest[at : at + 2]) for at in range(2, 2 + length, 2)}
    rest = rest[2 + length :]
    rest = rest[1 + rest[0] + 2 :]
    extensions = set()
    while rest:
        extensions.add(int.from_bytes(rest[:2]))
        rest = rest[4 + int.from_bytes(rest[2:4]) :]
    return suites, extensions


def test_records_without_end_take_linear_time() -> None:
    """Each octet is looked at once: a million empty records are read at once."""
    assert sum(1 for _ in records(b"\x17\x03\x03\x00\x00" * 1_000_000)) == 1_000_000
