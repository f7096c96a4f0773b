"""TLS as a client that looks at what the server shows and believes none of it.

Owns: the handshake over a stream of octets, and what was presented in it.
Must not know: whether the certificates are good; ``policy`` judges them.  What our own records prove stands
in ``client_flight``.
Invariant: nothing is verified here, so nothing but the presented certificates may be relied on.
Sources: RFC 8446, RFC 5246.

pyOpenSSL, because the standard library of Python 3.11 and 3.12 hands out no chain that it has not verified.
No callback of it is used: those need memory that is writable and executable, which the service unit forbids.
"""

from pathlib import Path

from OpenSSL import SSL, crypto

from .client_flight import has_encrypted_certificate, has_readable_certificate
from .timed_stream import ProbeFailureError, TimedStream

_CHUNK = 16384


class TlsSession:
    """A TLS client session over *stream*.

    *server_name* is sent as SNI; *certificate_file* and *key_file*, PEM, are what we show when asked.
    Raises ProbeFailureError where these cannot be used.
    """

    def __init__(
        self,
        stream: TimedStream,
        server_name: str | None,
        certificate_file: Path | None,
        key_file: Path | None,
    ) -> None:
        self._stream = stream
        self._flight = b""  #: what we sent during the handshake
        self._connection = SSL.Connection(_context(certificate_file, key_file), None)
        if server_name is not None:
            self._connection.set_tlsext_host_name(server_name.encode("ascii"))
        self._connection.set_connect_state()

    def handshake(self) -> None:
        """Complete the handshake; raises ProbeFailureError."""
        while True:
            try:
                self._connection.do_handshake()
            except SSL.WantReadError:
                self._flight += self._flush()
                self._fill()
            except (SSL.Error, ValueError) as error:
                self._flush()
                raise ProbeFailureError(f"the TLS handshake failed ({_reason(error)})") from error
            else:
                self._flight += self._flush()
                return

    @property
    def chain(self) -> tuple[bytes, ...]:
        """Return the certificates the server showed, in DER and in its order, also where the rest failed."""
        shown = self._connection.get_peer_cert_chain() or []
        return tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, one) for one in shown)

    @property
    def version(self) -> str:
        """Return the negotiated version as Postfix spells it."""
        return self._connection.get_protocol_version_name()

    @property
    def cipher(self) -> str:
        """Return the negotiated cipher suite."""
        return self._connection.get_cipher_name() or ""

    @property
    def certificate_requested(self) -> bool | None:
        """Tell whether the server asked for our certificate, by what we sent until the handshake's end.

        None where that cannot be told.
        """
        if self.version == "TLSv1.3":
            return has_encrypted_certificate(self._flight, self.cipher)
        return has_readable_certificate(self._flight)

    @property
    def requested_authorities(self) -> tuple[bytes, ...]:
        """Return whose certificates the server asked for, as names in DER; none: anybody's."""
        return tuple(name.der() for name in self._connection.get_client_ca_list())

    def say(self, octets: bytes) -> None:
        """Send *octets* under TLS; raises ProbeFailureError."""
        try:
            self._connection.send(octets)
        except SSL.Error as error:
            raise ProbeFailureError(f"TLS failed after the handshake ({_reason(error)})") from error
        self._flush()

    def hear(self) -> bytes:
        """Return what the server says under TLS, nothing once it has closed; raises ProbeFailureError."""
        while True:
            try:
                return self._connection.recv(_CHUNK)
            except SSL.WantReadError:
                self._fill()
            except SSL.ZeroReturnError:
                return b""
            except SSL.Error as error:
                raise ProbeFailureError(f"the server ended TLS ({_reason(error)})") from error

    def _flush(self) -> bytes:
        """Send what there is to send, and return it."""
        sent = b""
        while True:
            try:
                octets = self._connection.bio_read(_CHUNK)
            except SSL.WantReadError:
                return sent
            self._stream.send(octets)
            sent += octets

    def _fill(self) -> None:
        octets = self._stream.receive()
        if not octets:
            raise ProbeFailureError("the server closed the connection")
        self._connection.bio_write(octets)


def _context(certificate_file: Path | None, key_file: Path | None) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    # Old versions and weak keys are looked at too: what they are worth is judged by ``policy``.
    context.set_min_proto_version(0)
    context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
    context.set_verify(SSL.VERIFY_NONE)
    if certificate_file is not None and key_file is not None:
        try:
            context.use_certificate_chain_file(str(certificate_file))
            context.use_privatekey_file(str(key_file))
            context.check_privatekey()
        except SSL.Error as error:
            raise ProbeFailureError(f"our certificate in {certificate_file} cannot be used") from error
    return context


def _reason(error: Exception) -> str:
    """Return OpenSSL's word for it: the last element of its triples."""
    if isinstance(error, SSL.SysCallError):
        return "the connection ended in the middle"
    triples = error.args[0] if error.args else None
    if isinstance(triples, list) and triples:
        return str(triples[0][-1])
    return str(error) or "no reason given"
