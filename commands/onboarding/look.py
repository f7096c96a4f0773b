"""What is known of a partner before anything is demanded of it: its servers, and the mail that was watched.

Owns: the questions to the servers and to the history; the answers are documents of ``probe``, and sums.
Must not know: what a person is told.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain_secure.commands.probe.command import look_at
from domain_secure.commands.probe.probe_document import (
    Outcome,
    probe_document,
    sending_rule,
    shown_server,
)
from domain_secure.commands.promotion.enforcing import DAYS, MESSAGES, judged
from domain_secure.milter.knowledge.live_configuration import Live
from domain_secure.policy.configuration.configuration import Configuration, LogLevel, Partner
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.onboarding.proposal import Change, Shown, assumed, propose
from domain_secure.policy.onboarding.steps import Watched
from domain_secure.policy.revocation.kept_revocation import KeptRevocation
from domain_secure.policy.revocation.revocation_store import FOLDER, RevocationStore
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry, entry_base
from domain_secure.policy.terms.problems import Problem


@dataclass(frozen=True, slots=True)
class Passing:
    """Whether mail of one direction would pass now, and why."""

    passes: bool | None  #: None: not known
    detail: str


class Look:
    """One look at a partner's servers, and what any rule would make of it; raises Problem."""

    def __init__(self, live: Live, rule: Partner, now: datetime) -> None:
        self._live = live
        self._now = now
        self.entry: Entry = rule.entry
        kept = RevocationStore(live.configuration.state / FOLDER)
        self._revocation = KeptRevocation(kept, live.revocation_lists, lambda: now)
        (self.found,) = look_at(self._by(rule), (self.entry,), now)

    def _by(self, rule: Partner) -> Live:
        return replace(self._live, configuration=assumed(self._live.configuration, rule))

    def document(self, rule: Partner) -> dict[str, Any]:
        """Return the document of ``probe``, as if the partner were on both lists with this rule."""
        return probe_document(self.found, self._by(rule), self._revocation, self._now)

    def proposal(self, rule: Partner, directions: Collection[Direction]) -> tuple[Change, ...]:
        """Return what has to be changed of a rule so that mail passes as it is; see ``propose``."""
        live = self._by(rule)
        _, anchors = sending_rule(self.entry, live)
        shown = Shown(
            [shown_server(server) for server in self.found.probed.servers],
            entry_base(self.entry),
            anchors,
            self._now,
            lambda other: _verdict(self.document(other)),
        )
        return propose(shown, rule, self._live.configuration, directions)


def _verdict(document: dict[str, Any]) -> str | None:
    receiving = document["receiving"]
    return None if receiving is None else str(receiving["verdict"])


def passing(document: dict[str, Any]) -> dict[Direction, Passing]:
    """Return what a document of ``probe`` says of mail in each direction."""
    return {Direction.SEND: _sending(document), Direction.RECEIVE: _receiving(document)}


def _sending(document: dict[str, Any]) -> Passing:
    detail = document["detail"]
    if document["verdict"] == Outcome.DELIVERED:
        return Passing(passes=True, detail=detail)
    reasons = "; ".join(
        f"{server['host'] or server['address']}: {server['detail']}"
        for server in document["servers"]
        if server["verdict"] != "good"
    )
    if document["verdict"] == Outcome.HELD:
        return Passing(passes=False, detail=f"it would wait in the queue; {reasons}")
    told = f"{detail} ({reasons})" if reasons else detail
    return Passing(passes=None if document["verdict"] == Outcome.UNREACHABLE else False, detail=told)


def _receiving(document: dict[str, Any]) -> Passing:
    receiving = document["receiving"]
    if receiving is None:
        seen = any(server["chain"] for server in document["servers"])
        why = (
            "its servers show the certificate of servers that receive, and by this rule it has another one "
            "when it sends"
            if seen
            else "none of its servers showed a certificate"
        )
        return Passing(passes=None, detail=why)
    if receiving["verdict"] == Verdict.PASS.word:
        return Passing(passes=True, detail=f"{receiving['method']}: {receiving['detail']}")
    return Passing(passes=False, detail=f"{receiving['verdict']}: {receiving['detail']}")


def watched(configuration: Configuration, entry: Entry) -> Watched:
    """Return what ``promote`` would say of a partner; there is one answer to whether it may be enforced."""
    if configuration.log_receive is LogLevel.OFF:
        return Watched(problem="the protocol log of mail that comes in is off")
    try:
        seen, judgement = judged(configuration, entry, DAYS, MESSAGES)
    except Problem as problem:
        return Watched(problem=str(problem))
    failed: Counter[str] = Counter()
    for one in judgement.failures:
        failed[one.verdict.word] += one.count
    return Watched(
        passed=judgement.passed,
        failed=dict(failed),
        strangers=sum(one.count for one in judgement.forgeries),
        unknown=seen.unrecorded,
        doubts=judgement.unknown,
    )
