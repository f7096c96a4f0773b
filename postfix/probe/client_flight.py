"""Whether the server asked its client for a certificate, told from the records that the client sent.

Owns: what a client's side of each TLS handshake looks like, and what shows a Certificate message in it.
Must not know: sockets, and the library that wrote the records.
Sources: RFC 8446 sections 4.3.2, 4.4.2, 4.6.2, 5 and appendix D.4; RFC 5246 sections 6.2.1, 7.3, 7.4.4 and
7.4.6, and the same of RFC 2246 and RFC 4346.

Why it works: a client sends a Certificate message, be it an empty one, if and only if the server asked for it
by a CertificateRequest.  The records are our own library's.  A server chooses the version, the cipher suite,
and whether to send a HelloRetryRequest; how it cuts or pads its own records does not show in ours.

    handshake                        what a client sends until Finished
    TLS 1.0, 1.1 and 1.2
      not asked                      hello key ccs *
      asked, nothing to show         hello certificate key ccs *
      asked, shown                   hello certificate key verify ccs *
      asked, more than a record      hello certificate more key verify ccs *
    TLS 1.3
      not asked                      hello ccs *
      asked, nothing to show         hello ccs * *
      asked, shown                   hello ccs * * *
      asked, more than a record      hello ccs * * * *
    TLS 1.3, HelloRetryRequest
      not asked                      hello ccs hello *
      asked, nothing to show         hello ccs hello * *
      asked, shown                   hello ccs hello * * *
      asked, more than a record      hello ccs hello * * * *

    hello, certificate, key, verify  ClientHello, Certificate, ClientKeyExchange, CertificateVerify in the
                                     clear: record type handshake (22), beginning with the message's type
    more                             the same record type: what is left of a message longer than a record
    ccs                              ChangeCipherSpec (20); in TLS 1.3 it means nothing, and is sent for the
                                     sake of boxes on the way: without it all is the same
    *                                encrypted: in TLS 1.3 record type application data (23), in the others
                                     handshake again.  The last one is Finished

Up to TLS 1.2 a Certificate is a record in front of ccs that begins so.  A record with the rest of a message
may begin like anything, but of these messages only a Certificate is as long; and behind ccs as well.
In TLS 1.3 a Certificate is whatever there is in * before Finished, which has a record of its own and a fixed
length: 53 octets, or 69 with SHA-384.  Where the last record has another length, ours are
padded (RecordPadding in a file that OPENSSL_CONF names), and nobody knows what they hold.

Where it cannot tell, and what is told then:

    nobody is asked in a session that is resumed                       not asked; we have none to resume
    asked behind the handshake: by renegotiation, or by TLS 1.3's      not asked; the latter we do not offer
      post-handshake authentication
    SSL 3.0, where an alert stands for the empty Certificate           not asked; OpenSSL is built without
    early data, which is of type 23 too                                asked; needs a session to resume
    a suite of TLS 1.3 with a tag longer than 16 octets (RFC 9150)     not known; we offer none
    padding of our records                                             not known
"""

from collections.abc import Iterator
from itertools import takewhile

_CHANGE_CIPHER_SPEC, _HANDSHAKE, _APPLICATION_DATA = 20, 22, 23
_CERTIFICATE = 11


def has_readable_certificate(flight: bytes) -> bool:
    """Tell whether a Certificate message is in what a client sent, up to TLS 1.2."""
    in_the_clear = takewhile(lambda record: record[0] != _CHANGE_CIPHER_SPEC, records(flight))
    return any(kind == _HANDSHAKE and body[:1] == bytes([_CERTIFICATE]) for kind, body in in_the_clear)


def has_encrypted_certificate(flight: bytes, cipher: str) -> bool | None:
    """Tell whether a Certificate message is in what a client sent, in TLS 1.3 with the suite *cipher*.

    None where records are padded, so that lengths tell nothing.
    """
    encrypted = [len(body) for kind, body in records(flight) if kind == _APPLICATION_DATA]
    if encrypted and encrypted[-1] != _finished_length(cipher):
        return None
    return len(encrypted) > 1


def _finished_length(cipher: str) -> int:
    """Return the length of a Finished message in its record: header, hash, content type, tag."""
    return 4 + (48 if "SHA384" in cipher else 32) + 1 + 16


def records(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and body of each TLS record (RFC 8446 section 5.1)."""
    start = 0
    while len(octets) >= start + 5:
        end = start + 5 + int.from_bytes(octets[start + 3 : start + 5])
        yield octets[start], octets[start + 5 : end]
        start = end
