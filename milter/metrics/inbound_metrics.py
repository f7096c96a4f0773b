"""The counters of what came in, which go on over a restart.

Owns: which counters these are, what a decision adds to them, and their sums as they are kept.
Must not know: where sums are kept.
"""

from collections.abc import Container, Mapping
from datetime import UTC, datetime

from domain_secure.policy.claims.budget import Unreadable
from domain_secure.policy.decision.attribution import Attribution
from domain_secure.policy.decision.decision import Decision
from domain_secure.policy.decision.verdict import Effect, Verdict
from domain_secure.policy.history.counter_sums import Counted, CounterKey
from domain_secure.policy.terms.domain import Entry

from .entry_counter import EntryCounter

RECEIVED, REFUSED = "domain_secure_messages_received", "domain_secure_inbound_refusals"
LOST_WHERE = (LOST_QUEUE, LOST_HISTORY) = "queue", "history"


class InboundMetrics:
    """Reads the same Decision as the log does."""

    def __init__(self) -> None:
        self.since = datetime.now(UTC)  #: since when is counted
        self._received = EntryCounter(
            RECEIVED,
            "Messages from a listed domain that were accepted with every claimed domain authenticated.",
            ("domain",),
        )
        self._refusals = EntryCounter(
            REFUSED,
            "Messages from a listed domain that were refused or deferred, by the reason in the reply.",
            ("domain", "reason"),
        )
        self._partner_refusals = EntryCounter(
            "domain_secure_inbound_partner_refusals",
            "Of these, messages that were the partner's own, as far as can be told: the rest were forgeries.",
            ("domain", "reason"),
        )
        self._bypassed = EntryCounter(
            "domain_secure_bypass_messages_received",
            "Messages that claim a listed domain and were let in unproved, because a bypass let them.",
            ("domain",),
        )
        self._decisions = EntryCounter(
            "domain_secure_decisions",
            "Decisions about messages, by verdict and by the method that passed.",
            ("verdict", "method"),
        )
        self.lost = EntryCounter(
            "domain_secure_records_lost",
            "Decisions missing from the log and history (queue: came faster than they could be written) or "
            "from the history alone (history: its file could not be used).",
            ("where",),
        )
        self.unreadable = EntryCounter(
            "domain_secure_unreadable_messages_refused",
            "Messages refused whoever they are from, because what they claim to be cannot be told.",
            ("reason",),
        )
        for counter, words in ((self.lost, LOST_WHERE), (self.unreadable, Unreadable)):
            for word in words:
                counter.inc(word, amount=0)
        self.by_entry = (self._received, self._refusals, self._partner_refusals, self._bypassed)
        self.counters = (*self.by_entry, self._decisions, self.unreadable, self.lost)

    def observe(
        self, decision: Decision, whose: Mapping[Entry, Attribution], *, is_accepted: bool = True
    ) -> None:
        """Count one message at its end; *whose* says whose it was, if it did not get in.

        One that passed counts as received only if it *is_accepted*.
        """
        self._decisions.inc(decision.verdict.word, decision.method or "none")
        if decision.verdict is Verdict.PASS and is_accepted:
            for entry in {finding.claim.entry for finding in decision.findings}:
                self._received.inc(entry)
        elif decision.effect is Effect.ACCEPT:
            for entry in {finding.claim.entry for finding in decision.findings if finding.is_bypassed}:
                self._bypassed.inc(entry)
        elif decision.effect in {Effect.DEFER, Effect.REJECT} and (deciding := decision.deciding):
            labels = deciding.claim.entry, deciding.verdict.word
            self._refusals.inc(*labels)
            if whose.get(deciding.claim.entry) is Attribution.PARTNER:
                self._partner_refusals.inc(*labels)

    def list_changed(self, former: frozenset[str], present: frozenset[str]) -> None:
        """Show no series of entries that are no longer listed, and those again that are listed again.

        What is on both lists may be left out of both.
        """
        for counter in self.by_entry:
            if gone := former - present:
                counter.hide(gone)
            if came := present - former:
                counter.show(came)

    def counted(self, everything: bool) -> Counted:
        """Return the sums that grew since the last call, or all of them, to be kept for resume()."""
        sums: dict[CounterKey, int] = {}
        for counter in self.counters:
            for values, number in counter.sums(everything=everything).items():
                sums[counter.name, *values] = number
        return Counted(sums, self.since)

    def resume(self, counted: Counted, listed: Container[str]) -> None:
        """Go on from the sums of former daemons; *listed* is whose series are shown.  For the start."""
        if counted.since is not None:
            self.since = counted.since
        counters = {one.name: one for one in self.counters}
        for (name, *values), number in counted.sums.items():
            if (counter := counters.get(name)) and len(values) == len(counter.labels):
                counter.inc(*values, amount=number)
        for counter in self.by_entry:
            counter.show_only(listed)
