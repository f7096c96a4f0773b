"""A process of Postfix's SMTP client as JSON values and back, for a restart in the middle of a delivery.

Owns: the shape of it on disk.  Must not know: what the values mean.
"""

from typing import Any

from domain_secure.policy.sending.delivery import FailureReason
from domain_secure.postfix.log_lines.failure_text import Cause, PeerDetail, Unsettled

from .client_process import ClientProcess, Established, Failed, State

_FAILED_FIELDS = (
    "stamp", "queue_id", "relay", "text", "lines", "chain_is_trusted", "is_refusal", "request", "told"
)  # fmt: skip


def process_document(process: ClientProcess) -> dict[str, Any]:
    """Return everything as JSON values."""
    return {
        # By hand: this is done for every process at every commit, and asdict() copies all it sees.
        "established": {
            relay: [one.stamp, one.summary, one.lines, one.request, one.matched]
            for relay, one in process.established.items()
        },
        "failed": [
            {name: getattr(one, name) for name in _FAILED_FIELDS}
            | {"cause": one.cause.name, "details": [_detail_document(detail) for detail in one.details]}
            for one in process.failed
        ],
        "details": [_detail_document(detail) for detail in process.details],
        "lines": process.lines,
        "matched": process.matched,
        "peer": process.peer,
        "told": process.told,
        "status_seen": process.state is State.TELLING,
    }


def process_of(document: dict[str, Any]) -> ClientProcess:
    """Return what `process_document` gave."""
    return ClientProcess(
        established={relay: Established(*one) for relay, one in document["established"].items()},
        failed=[
            Failed(**one | {"cause": _cause(one["cause"]), "details": _details(one["details"])})
            for one in document["failed"]
        ],
        details=_details(document["details"]),
        lines=document["lines"],
        peer=document["peer"],
        # Earlier versions did not keep these.
        matched=document.get("matched", {}),
        told=document.get("told", ""),
        state=State.TELLING if document["status_seen"] else State.TRYING,
    )


def _cause(name: str) -> Cause:
    return Unsettled[name] if name in Unsettled.__members__ else FailureReason[name]


def _detail_document(detail: PeerDetail) -> dict[str, Any]:
    return {"peer": detail.peer, "cause": detail.cause.name, "text": detail.text}


def _details(documents: list[dict[str, Any]]) -> list[PeerDetail]:
    return [PeerDetail(one["peer"], _cause(one["cause"]), one["text"]) for one in documents]
