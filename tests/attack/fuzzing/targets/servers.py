"""What servers of others answer: DNS, over a socket and through the library; SMTP, TLS, MTA-STS."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import dns.resolver

from domain_secure.policy.reflector.spf import SpfQuestion, SpfResult
from domain_secure.policy.sending.mta_sts import InvalidPolicyError, parse_policy, record_id
from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.mailbox import Mailbox
from domain_secure.postfix.dns import dns_lookup
from domain_secure.postfix.dns.dkim_key_lookup import _look_up
from domain_secure.postfix.dns.dns_lookup import Lookup, LookupStatus, system_lookup
from domain_secure.postfix.dns.mail_exchangers import mail_exchangers
from domain_secure.postfix.dns.mta_sts_lookup import find_policy
from domain_secure.postfix.dns.spf_lookup import evaluated
from domain_secure.postfix.dns.tlsa_lookup import look_up
from domain_secure.postfix.probe.client_flight import has_encrypted_certificate, has_readable_certificate
from domain_secure.postfix.probe.smtp_reply import MalformedReplyError, ReplyReader

from attack.fuzzing.target import Fault, Take, Target

_TYPES = ("MX", "TXT", "TLSA", "A", "AAAA", "CNAME", "PTR")
_DOMAIN = Domain("woodgrovebank.test")
_SERVER_FAILURE = 2


class _NameServer:
    """Answers every question with what an input says, and then says that it failed, so that nobody waits.

    An input is the flags, the three counts, and what stands behind the question, which is at offset 12.
    """

    def __init__(self) -> None:
        self.says = b""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True, name="name server").start()

    def close(self) -> None:
        """End it."""
        with suppress(OSError):
            self._socket.sendto(b"", ("127.0.0.1", self.port))
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                question, client = self._socket.recvfrom(4096)
            except OSError:
                return
            if len(question) < 12:
                return
            number, asked = question[:2], _asked(question)
            head = number + self.says[:2].ljust(2, b"\0") + b"\0\1" + self.says[2:8].ljust(6, b"\0")
            failure = number + struct.pack("!HHHHH", 0x8180 | _SERVER_FAILURE, 1, 0, 0, 0)
            with suppress(OSError):
                self._socket.sendto((head + asked + self.says[8:])[:65000], client)
                self._socket.sendto(failure + asked, client)


def _asked(question: bytes) -> bytes:
    end = question.index(b"\0", 12) + 5
    return question[12:end]


class _Resolver(dns.resolver.Resolver):
    """The system's, at another port."""

    def __init__(self, port: int) -> None:
        super().__init__(configure=False)
        self.nameservers = ["127.0.0.1"]
        self.port = port
        self.timeout = 1.0


@contextmanager
def _dns(folder: Path) -> Iterator[Take]:
    del folder
    server = _NameServer()
    former: Any = dns.resolver.Resolver
    limit = dns_lookup.TIME_LIMIT
    dns_lookup.TIME_LIMIT = 0.5  # nothing is on its way for longer
    dns.resolver.Resolver = partial(_Resolver, server.port)  # type: ignore[misc,assignment]

    def take(octets: bytes) -> None:
        server.says = octets
        found = {one: system_lookup(_DOMAIN, one) for one in _TYPES}

        def lookup(name: str, record_type: str) -> Lookup:
            del name
            return found[record_type]

        answer = look_up(_DOMAIN, lookup).answer
        if answer.records and not all(found[one].authenticated for one in ("MX", "TLSA")):
            raise Fault("a record is taken that nobody vouches for")
        mail_exchangers(_DOMAIN, lookup)
        _look_up("s1._domainkey.woodgrovebank.test", lookup)
        find_policy(_DOMAIN, lookup, lambda _: octets)
        question = SpfQuestion("192.0.2.7", Mailbox.parse("a@woodgrovebank.test"))
        result = evaluated(question, lookup, lambda: False)
        if result is SpfResult.PASS and found["TXT"].status is not LookupStatus.FOUND:
            raise Fault("it passes without a record")

    try:
        yield take
    finally:
        dns.resolver.Resolver = former  # type: ignore[misc]
        dns_lookup.TIME_LIMIT = limit
        server.close()


@contextmanager
def _replies(folder: Path) -> Iterator[Take]:
    del folder

    def take(octets: bytes) -> None:
        for size in (1, 700, 16384):
            reader = ReplyReader()
            with suppress(MalformedReplyError):
                for start in range(0, min(len(octets), size * 5000), size):
                    if reply := reader.feed(octets[start : start + size]):
                        reply.offers("STARTTLS")
                        str(reply)
        has_readable_certificate(octets)
        has_encrypted_certificate(octets, "TLS_AES_256_GCM_SHA384")
        record_id((octets.decode("ascii", "replace"),))
        with suppress(InvalidPolicyError):
            parse_policy(octets)

    yield take


TARGETS = (
    Target("dns", _dns, 4096, 3.0, (b"\xc0\x0c", b" ")),
    Target("replies", _replies, 1024 * 1024, 3.0, (b"\n", b"\x17\x03\x03")),
)
