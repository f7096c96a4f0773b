"""Messages that the daemon sends itself to see that it is asked, and asked rightly.

Owns: which reverse-paths are its own at this moment, and how such a message is answered.
Must not know: how it is sent.
Invariants: a canary is never let in, whatever its verdict; only addresses that were made here a moment ago
are canaries, so that nobody else can have a message answered in this way; it is in no counter and no mark.
A Postfix that does not ask us would deliver it, so that who sends it asks first whether its MAIL was noticed.
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from domain_secure.policy.claims.claims import envelope_claims
from domain_secure.policy.configuration.configuration import Configuration, Method, Mode, default_partner
from domain_secure.policy.decision.decision import decide
from domain_secure.policy.decision.evidence import Evidence, Session
from domain_secure.policy.decision.reply import Reply
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.pin import Pin

# RFC 2606: nobody's name.
DOMAIN = "canary.invalid"
WORD = "self-proof"


class Canaries:
    """The canaries that are on their way; safe from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._expected: dict[str, Pin] = {}
        self._noticed: set[str] = set()

    @contextmanager
    def sent(self, pin: Pin) -> Iterator[str]:
        """Yield a reverse-path that is a canary's for now; whoever shows the certificate of *pin* passes."""
        address = f"{secrets.token_hex(16)}@{DOMAIN}"
        with self._lock:
            self._expected[address] = pin
        try:
            yield address
        finally:
            with self._lock:
                del self._expected[address]
                self._noticed.discard(address)

    @property
    def are_under_way(self) -> bool:
        """Tell whether a canary is being sent."""
        return bool(self._expected)

    def notice(self, reverse_path: str) -> None:
        """Note that Postfix told us of this MAIL; other reverse-paths leave no trace."""
        if not self._expected:
            return
        with self._lock:
            if (address := _address(reverse_path)) in self._expected:
                self._noticed.add(address)

    def is_noticed(self, address: str) -> bool:
        """Tell whether Postfix has told us of the MAIL of a canary that is under way."""
        with self._lock:
            return address in self._noticed

    def answer(
        self,
        reverse_path: str,
        session: Session | None,
        configuration: Configuration,
        queue_id: str,
        now: datetime,
    ) -> Reply | None:
        """Return the reply to a canary, which names its verdict; None where the message is none."""
        if not self._expected:
            return None
        with self._lock:
            pin = self._expected.get(_address(reverse_path))
        if pin is None:
            return None
        verdict = _judged(pin, session, configuration, now)
        return Reply("550", "5.7.1", f"{WORD} {verdict} [ref {queue_id or 'unknown'}]")


def _address(reverse_path: str) -> str:
    return reverse_path.removeprefix("<").removesuffix(">")


def passed(reply: str) -> bool | None:
    """Tell from a reply whether the canary would have been let in; None: the reply is not ours."""
    words = reply.split()
    if WORD not in words[:-1]:
        return None
    return words[words.index(WORD) + 1] == Verdict.PASS.word


def _judged(pin: Pin, session: Session | None, configuration: Configuration, now: datetime) -> str:
    """Return the word of the verdict, by the decision that is taken about every message."""
    entry = Entry(DOMAIN)
    rule = replace(default_partner(entry, Mode.ENFORCE), pins=frozenset({pin}), methods=(Method.PIN,))
    listed = replace(configuration, receive=DomainList.of(entry), partners={entry: rule})
    claims = envelope_claims((f"any@{DOMAIN}",), listed.receive)
    return decide(claims, Evidence(session, None), listed, now).verdict.word
