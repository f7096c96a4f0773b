"""The summary line of a TLS session of Postfix's SMTP client, and what it proves.

Sources: Postfix's tls_misc.c (tls_log_summary), tls_client.c (verify_x509) and tls_dane.c (tls_dane_log);
pol_stats.c, smtp.h for ``tls=`` of 3.11 and later.
"""

import re
from functools import lru_cache

from domain_secure.policy.sending.delivery import TlsSession, TlsTrust
from domain_secure.policy.sending.promised_route import Matched

_SUMMARY = re.compile(
    r"(?P<trust>Verified|Trusted|Untrusted|Anonymous) TLS connection (?:established|reused) to "
    r"(?P<relay>\S+\]:\d+): (?P<protocol>\S+) with cipher (?P<cipher>\S+)"
)
# The same in octets, which are nearly always what can be printed.
_PRINTED_SUMMARY = re.compile(
    rb"(?:Verified|Trusted|Untrusted|Anonymous) TLS connection (?:established|reused) to "
    rb"[!-~]+\]:[0-9]+: [!-~]+ with cipher [!-~]"
)
_REMEMBERED = 64  #: summaries; each is asked for several times within a delivery
_MATCHED = re.compile(
    r"(?P<peer>\S+\]:\d+): (?:matched peername: (?P<name>\S+)|Matched fingerprint: (?P<digest>[0-9A-Fa-f]+)\b"
    r"|Matched DANE )"
)
# Those at which the server is verified by what our tables name, and not by what DNS says.
_VERIFYING_LEVELS = frozenset({"secure", "fingerprint", "dane", "dane-only"})


def relay_of(text: str) -> str | None:
    """Return the relay, as status lines name it, if *text* is a summary line."""
    match = _SUMMARY.match(text)
    return match["relay"] if match else None


def is_summary(line: bytes, start: int) -> bool:
    """Tell whether `relay_of` knows a relay by the text from *start* on; of a few rare ones it tells not."""
    return _PRINTED_SUMMARY.match(line, start) is not None and line.isascii()


@lru_cache(_REMEMBERED)
def tls_of(text: str) -> TlsSession | None:
    """Return what a summary line says, None for anything else."""
    match = _SUMMARY.match(text)
    if match is None:
        return None
    # The signatures are told from TLS 1.3 on; a client signs if it was asked for a certificate and has one.
    # In a resumed session nobody signs: then, and with keys that have no digest, the server's is not told.
    signed = True if " client-signature " in text else False if " server-digest " in text else None
    return TlsSession(TlsTrust(match["trust"]), match["protocol"], match["cipher"], signed)


def matched_in(text: str) -> tuple[str, Matched, str] | None:
    """Return the peer, and what of its certificate was matched, if *text* says that; None for anything else.

    Logged with ``certmatch`` in smtp_tls_loglevel, before the summary.
    """
    found = _MATCHED.match(text)
    if found is None:
        return None
    if found["name"] is not None:
        return found["peer"], Matched.NAME, found["name"]
    if found["digest"] is not None:
        return found["peer"], Matched.PIN, found["digest"].lower()
    return found["peer"], Matched.RECORD, ""


def level_of(told: str | None) -> str | None:
    """Return the TLS level of ``tls=`` in a status line, where it was met; None: not told, or not met."""
    level = (told or "").partition("/")[0]
    return level if level in _VERIFYING_LEVELS else None


def is_verified(level: str | None, tls: TlsSession | None) -> bool:
    """Tell whether a delivery went over verified TLS.

    *level* is ``tls=`` of the status line, which says of this very delivery what was asked for and met; marks
    around the word say that it was not met.  Without it there is only the session that seems to belong to it.
    """
    if level is not None:
        return level_of(level) is not None
    return tls is not None and tls.trust is TlsTrust.VERIFIED
