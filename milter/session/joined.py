"""Join what Postfix said through both doors about one message.

Owns: the short memory of delegation requests, and the rule that both doors must agree.
Invariant: a Session comes out only where the delegation request of this very message (same server
and client, with their ports, same queue id) tells the same TLS state as the milter macros.  Anything else is
None, which is never evidence.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable

from domain_secure.policy.decision.evidence import Session
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.tls import TlsVersion

from .delegation import DelegatedFacts, Key
from .macros import MilterFacts

# Postfix runs 100 smtpd processes unless told otherwise, each with one message at a time.  An entry takes
# about 1 kB, so that the memory stays below some 10 MB whatever happens.
ENTRY_LIMIT = 8192

# smtpd gives a client 5 minutes for each chunk of a message (smtpd_timeout), so a large message over a slow
# line may take long between DATA and its end; an hour covers 100 MB at 256 kbit/s.
AGE_LIMIT = 3600.0


class RecentRequests:
    """Delegation requests that wait for the end of their message; bounded in number and age.

    *monotonic* returns seconds on a clock that never goes back.
    """

    def __init__(
        self, monotonic: Callable[[], float], entry_limit: int = ENTRY_LIMIT, age_limit: float = AGE_LIMIT
    ) -> None:
        self._monotonic = monotonic
        self._entry_limit = entry_limit
        self._age_limit = age_limit
        self._lock = threading.Lock()
        self._entries: OrderedDict[Key, tuple[float, DelegatedFacts]] = OrderedDict()

    def remember(self, facts: DelegatedFacts) -> None:
        """Keep *facts* until the milter asks, the age limit passes, or too many others came."""
        if not facts.queue_id:
            return
        key, now = facts.key, self._monotonic()
        entries = self._entries
        with self._lock:
            entries.pop(key, None)
            entries[key] = (now, facts)
            while entries:
                oldest = next(iter(entries))
                too_old = now - entries[oldest][0] > self._age_limit
                if not too_old and len(entries) <= self._entry_limit:
                    break
                del entries[oldest]

    def take(self, key: Key) -> DelegatedFacts | None:
        """Return and forget what was said under *key*; None if nothing was, or too long ago."""
        with self._lock:
            said = self._entries.pop(key, None)
        if said is None or self._monotonic() - said[0] > self._age_limit:
            return None
        return said[1]

    def waiting(self) -> list[tuple[float, DelegatedFacts]]:
        """Return the requests that wait, oldest first, each with its age in seconds."""
        now = self._monotonic()
        with self._lock:
            return [(now - moment, facts) for moment, facts in self._entries.values()]

    def restore(self, age: float, facts: DelegatedFacts) -> None:
        """Take back what waited in an earlier process; oldest first."""
        with self._lock:
            self._entries[facts.key] = (self._monotonic() - age, facts)

    def __len__(self) -> int:
        """Return how many requests wait."""
        return len(self._entries)


def agreed_session(milter: MilterFacts, delegated: DelegatedFacts | None) -> Session | None:
    """Return the session both doors describe, or None where they do not.

    A session in the clear needs no second witness: Postfix sends the TLS macros with every MAIL of a TLS
    session, so their absence alone is certain, and nothing of such a session could help a claim.
    """
    if delegated is None:
        if milter.tls_version is None:
            return Session(None, None, None, None, None, None)
        return None
    if (milter.tls_version, milter.cipher) != (delegated.encryption_protocol, delegated.encryption_cipher):
        return None
    same_hint = (milter.cert_subject, milter.cert_issuer) == (delegated.ccert_subject, delegated.ccert_issuer)
    try:
        return Session(
            tls_version=TlsVersion.parse(milter.tls_version) if milter.tls_version else None,
            cipher=milter.cipher,
            certificate_pin=_pin(Pin.certificate, delegated.ccert_fingerprint),
            public_key_pin=_pin(Pin.public_key, delegated.ccert_pubkey_fingerprint),
            trusted_subject=milter.cert_subject if same_hint else None,
            trusted_issuer=milter.cert_issuer if same_hint else None,
        )
    except ValueError:
        # A TLS version from the future, or fingerprints that are not SHA-256.
        return None


def _pin(kind: Callable[[str], Pin], fingerprint: str | None) -> Pin | None:
    return kind(fingerprint) if fingerprint else None
