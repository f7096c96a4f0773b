"""What is remembered of one process of Postfix's SMTP client between the lines of its log.

Owns: the shape of it, and its way to JSON and back, for a restart in the middle of a delivery.
Must not know: what the lines mean.
Source: smtp(8): a process serves one delivery request at a time.
"""

from dataclasses import dataclass, field
from typing import Any, Self

from domain_secure.policy.sending.delivery import FailureReason

from .failure_text import Cause, PeerDetail, Unsettled

_LINES = 20  #: with the usual log level a session has one to five
_SESSIONS = 8
_FAILED = 32  #: hosts of one request; smtp_mx_address_limit is 5


@dataclass(slots=True)
class Established:
    """A TLS session that was set up."""

    stamp: str
    summary: str
    lines: list[str]
    request: str = ""  #: the first that used it; without connection reuse there is no other


@dataclass(slots=True)
class Failed:
    """A session that came to nothing, or did not come about."""

    stamp: str
    queue_id: str  #: "" where the line does not say
    relay: str
    cause: Cause
    details: list[PeerDetail]
    text: str
    lines: list[str]
    chain_is_trusted: bool
    request: str = ""  #: known with the first status line
    told: list[str] = field(default_factory=list)  #: the entries it was reported for


@dataclass(slots=True)
class ClientProcess:
    """One process, by what it said so far."""

    established: dict[str, Established] = field(default_factory=dict)  #: by relay
    failed: list[Failed] = field(default_factory=list)
    details: list[PeerDetail] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)  #: of the session in progress
    peer: str = ""  #: of the last TLS session
    status_seen: bool = False  #: any other line begins something new now

    def hear(self, line: str) -> None:
        """Take a line that is no status line."""
        if self.status_seen:
            self.failed, self.details, self.lines, self.status_seen = [], [], [], False
            self.established.clear()
        if len(self.lines) < _LINES:
            self.lines.append(line)

    def establish(self, relay: str, established: Established) -> None:
        """Take a TLS session with *relay*, in place of an earlier one with it."""
        self.established.pop(relay, None)
        while len(self.established) >= _SESSIONS:
            del self.established[next(iter(self.established))]
        self.established[relay] = established
        self.peer = relay

    def fail(self, failed: Failed) -> None:
        """Take the end of a session; what comes next is another one."""
        if len(self.failed) < _FAILED:
            self.failed.append(failed)
        self.details, self.lines = [], []

    def bind(self, relay: str, queue_id: str, request: str) -> Established | None:
        """Take a status line of *request*: claim what is nobody's, return its TLS session with *relay*."""
        self.status_seen = True
        for failed in self.failed:
            if not failed.request and failed.queue_id in {"", queue_id}:
                failed.request = request
        established = self.established.get(relay)
        if established is None:
            return None
        established.request = established.request or request
        return established if established.request == request else None

    def document(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            # By hand: this is done for every process at every commit, and asdict() copies all it sees.
            "established": {
                relay: [one.stamp, one.summary, one.lines, one.request]
                for relay, one in self.established.items()
            },
            "failed": [
                {name: getattr(one, name) for name in _FAILED_FIELDS}
                | {"cause": one.cause.name, "details": [_detail_document(detail) for detail in one.details]}
                for one in self.failed
            ],
            "details": [_detail_document(detail) for detail in self.details],
            "lines": self.lines,
            "peer": self.peer,
            "status_seen": self.status_seen,
        }

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """Return what `document` gave."""
        return cls(
            established={relay: Established(*one) for relay, one in document["established"].items()},
            failed=[
                Failed(**one | {"cause": _cause(one["cause"]), "details": _details(one["details"])})
                for one in document["failed"]
            ],
            details=_details(document["details"]),
            lines=document["lines"],
            peer=document["peer"],
            status_seen=document["status_seen"],
        )


_FAILED_FIELDS = ("stamp", "queue_id", "relay", "text", "lines", "chain_is_trusted", "request", "told")


def _cause(name: str) -> Cause:
    return Unsettled[name] if name in Unsettled.__members__ else FailureReason[name]


def _detail_document(detail: PeerDetail) -> dict[str, Any]:
    return {"peer": detail.peer, "cause": detail.cause.name, "text": detail.text}


def _details(documents: list[dict[str, Any]]) -> list[PeerDetail]:
    return [PeerDetail(one["peer"], _cause(one["cause"]), one["text"]) for one in documents]
