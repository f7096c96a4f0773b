"""The name of a server in Postfix's log, ``mail.x.test[192.0.2.1]:25``, as two of them are compared.

A line about TLS has it in lower case; a status line has it as DNS spells it, which repeats the spelling of
the question, and so of the recipient's domain.
Sources: Postfix's tls_client.c (tls_client_start), smtp_session.c; RFC 4343 for case in DNS.
"""

from functools import lru_cache

from domain_secure.policy.terms.domain import comparable_host

_comparable = lru_cache(4096)(comparable_host)


@lru_cache(4096)
def peer_key(peer: str) -> str:
    """Return the same for every spelling of one server."""
    host, bracket, place = peer.partition("[")
    return f"{_comparable(host)}{bracket}{place.lower()}"


def host_of(peer: str) -> str:
    """Return the host name alone, as names are compared."""
    return _comparable(peer.partition("[")[0])
