"""The policy delegation protocol: grammar only.

    request = 1*(name "=" value LF) LF
    reply   = "action=" action LF LF

Attributes come in any order and unknown ones are ignored; the connection carries many requests.
``ccert_subject`` and ``ccert_issuer`` are xtext (RFC 3461 section 4) and empty unless Postfix trusts the
chain; the two fingerprints are said of any certificate.  Source: Postfix SMTPD_POLICY_README.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

NO_OPINION = "DUNNO"  #: the milter decides; delegation only tells

# Postfix sends some 1 to 2 kB; the sender and HELO name are the only parts a client can stretch, and
# smtpd limits a command line to 2 kB (line_length_limit).
REQUEST_LIMIT = 65536

# Of one message, at both doors: server and client, each with its port, and the queue id, which is unique on
# one instance of Postfix alone.
Key = tuple[str, str, str, str, str]

# What we go by, of some thirty attributes.
_WANTED = re.compile(
    r"\n((?:client|server)_(?:address|port)|ccert_(?:fingerprint|pubkey_fingerprint|subject|issuer)"
    r"|queue_id|encryption_(?:protocol|cipher))=([^\n]*)"
)
# The same in Postfix's own order, found in one go; nothing of it may come again.
_IN_ORDER = re.compile(
    r"request=[^\n]*\nprotocol_state=[^\n]*\nprotocol_name=[^\n]*"
    r"\nclient_address=([^\n]*)\nclient_name=[^\n]*\nclient_port=([^\n]*)\nreverse_client_name=[^\n]*"
    r"\nserver_address=([^\n]*)\nserver_port=([^\n]*)\nhelo_name=[^\n]*\nsender=[^\n]*\nrecipient=[^\n]*"
    r"\nrecipient_count=[^\n]*\nqueue_id=([^\n]*)\ninstance=[^\n]*\nsize=[^\n]*\netrn_domain=[^\n]*"
    r"\nstress=[^\n]*\nsasl_method=[^\n]*\nsasl_username=[^\n]*\nsasl_sender=[^\n]*"
    r"\nccert_subject=([^\n]*)\nccert_issuer=([^\n]*)\nccert_fingerprint=([^\n]*)"
    r"\nccert_pubkey_fingerprint=([^\n]*)\nencryption_protocol=([^\n]*)\nencryption_cipher=([^\n]*)"
    r"(?:\n(?!client_|server_|ccert_|queue_id|encryption_[pc])[^\n=]*=[^\n]*)*"
)
_XTEXT_OCTET = re.compile(rb"\+([0-9A-F]{2})")


class MalformedRequestError(ValueError):
    """The peer does not speak the policy delegation protocol."""


class DelegatedFacts(NamedTuple):
    """What one request says about its session; an empty attribute is None."""

    client_address: str
    client_port: str
    queue_id: str
    encryption_protocol: str | None
    encryption_cipher: str | None
    ccert_fingerprint: str | None
    ccert_pubkey_fingerprint: str | None
    ccert_subject: str | None
    ccert_issuer: str | None
    server_address: str = ""  #: at which the client found us
    server_port: str = ""

    @property
    def key(self) -> Key:
        """Return what this request has in common with the milter's view of the same message."""
        return self.server_address, self.server_port, self.client_address, self.client_port, self.queue_id


class RequestReader:
    """Collects octets and gives whole requests; fed by any split of the stream."""

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def is_between_requests(self) -> bool:
        """Tell whether nothing of a further request has come."""
        return not self._buffer

    def feed(self, octets: bytes) -> Iterator[DelegatedFacts]:
        """Yield each request that *octets* completes.

        Raises MalformedRequestError for a line without ``=`` or a request over REQUEST_LIMIT octets; the
        connection is of no use afterwards.
        """
        self._buffer = octets if self.is_between_requests else self._buffer + octets
        while (end := self._buffer.find(b"\n\n")) >= 0:
            request, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
            yield parse_request(request)
        if len(self._buffer) > REQUEST_LIMIT:
            raise MalformedRequestError(f"request of more than {REQUEST_LIMIT} octets")


def parse_request(request: bytes) -> DelegatedFacts:
    """Return the facts in one request without its empty line; raises MalformedRequestError."""
    text = request.decode("utf-8", "replace")
    if (found := _IN_ORDER.fullmatch(text)) is not None:
        client, port, server, server_port, queue_id, *shown = found.groups()
        subject, issuer, fingerprint, key_fingerprint, protocol, cipher = shown
        return DelegatedFacts(
            client,
            port,
            queue_id,
            protocol or None,
            cipher or None,
            fingerprint or None,
            key_fingerprint or None,
            _named(subject),
            _named(issuer),
            server,
            server_port,
        )
    without = [line for line in text.split("\n") if "=" not in line]
    if without:
        raise MalformedRequestError(f"line without '=': {without[0][:80]!r}")
    said = dict(_WANTED.findall("\n" + text)).get
    return DelegatedFacts(
        client_address=said("client_address", ""),
        client_port=said("client_port", ""),
        queue_id=said("queue_id", ""),
        encryption_protocol=said("encryption_protocol") or None,
        encryption_cipher=said("encryption_cipher") or None,
        ccert_fingerprint=said("ccert_fingerprint") or None,
        ccert_pubkey_fingerprint=said("ccert_pubkey_fingerprint") or None,
        ccert_subject=_named(said("ccert_subject", "")),
        ccert_issuer=_named(said("ccert_issuer", "")),
        server_address=said("server_address", ""),
        server_port=said("server_port", ""),
    )


@lru_cache(8)
def reply(action: str) -> bytes:
    """Return the reply that asks Postfix for *action* (access(5))."""
    return f"action={action}\n\n".encode("ascii")


def _named(xtext: str) -> str | None:
    return decode_xtext(xtext.encode()) or None if xtext else None


def decode_xtext(text: bytes) -> str:
    """Return the text behind xtext (``+HH`` for each octet outside printable ASCII)."""
    if b"+" not in text:
        return text.decode("utf-8", "replace")
    return _XTEXT_OCTET.sub(lambda match: bytes.fromhex(match[1].decode()), text).decode("utf-8", "replace")
