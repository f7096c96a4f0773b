"""What may be handed to a partner of what was recorded: the facts of his own sessions, and nothing else.

Owns: which records are his, and what of them is told.
Must not know: where records are kept, how they are shown.
Invariant: nothing of another partner's, no address of a server that is not surely his, and nothing of our own
side: no host, no path, no setting beyond his mode.  Only keys that are named here get out, whatever a record
has.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from domain_secure.policy.decision.attribution import Attribution
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.sending.delivery import DeliveryStatus, FailureReason
from domain_secure.policy.terms.direction import Direction

from .decision_document import KIND as DECISION
from .delivery_document import DELIVERY, FAILURE

SESSION, SENT = "partner-session", "partner-delivery"

# Of names in a certificate, which OpenSSL writes with slashes, each begins with a type and "=".
_OWN_PATH = re.compile(r"(?<![\w:/.])/(?![A-Za-z][\w.]*=)[^\s,;:)'\"]+")
# Postfix's words around what the other server said: "host NAME[ADDRESS] said: REPLY (in reply to COMMAND)".
_SAID = re.compile(r"host \S+ (?:said|refused to talk to me): (?P<reply>.*?)(?: \(in reply to [^()]*\))?")
_OUR_SIDE = frozenset({FailureReason.CONFIGURATION.word, FailureReason.REQUIRETLS.word})
_OUR_FAULT = "a fault on our side"
# Nothing that the client showed was judged, so that nobody can say whose session it was.
_UNJUDGED = frozenset(one.word for one in (Verdict.NO_EVIDENCE, Verdict.INTERNAL_ERROR, Verdict.NOT_SET_UP))
# Which server it was is not proved, and Postfix's words name it.
_UNPROVED = {
    FailureReason.UNREACHABLE.word: "no connection",
    FailureReason.CONNECTION_LOST.word: "the connection was lost",
}


def is_about(document: Mapping[str, Any], domain: str) -> bool:
    """Tell whether a record is about a list entry, or about a host that is covered by one."""
    named = {document.get("domain"), document.get("recipient_domain")}
    for finding in document.get("findings", ()):
        named |= {finding["domain"], finding["claimed"]}
    return domain in named


def facts_for_partner(
    kind: str,
    document: Mapping[str, Any],
    domain: str,
    servers: Collection[str],
    *,
    named: bool = False,
) -> dict[str, Any] | None:
    """Return what the partner may be told of one record, or None where it is not his.

    kind, document: of the record.  domain: a list entry, or a host that is covered by one.
    servers: the addresses from which his mail has passed.
    named: he has named the reference of this message, which only its client was told.
    """
    if kind == DECISION:
        return _session(document, domain, servers, named=named)
    if kind == DELIVERY and is_about(document, domain):
        return _delivery(document)
    if kind == FAILURE and is_about(document, domain):
        return _failure(document)
    return None


def _session(
    document: Mapping[str, Any], domain: str, servers: Collection[str], *, named: bool
) -> dict[str, Any] | None:
    findings = [one for one in document["findings"] if domain in {one["domain"], one["claimed"]}]
    client = document["client"]
    is_from_his = client["address"] in servers
    if not findings or _is_of_somebody_else(findings, document["findings"]):
        return None
    if not (named or any(_is_his(one, is_from_his=is_from_his) for one in findings)):
        return None
    session = document["session"] or {}
    is_proved = any(map(_is_proved, findings))
    return {
        "time": document["time"],
        "direction": str(Direction.RECEIVE),
        "kind": SESSION,
        "reference": document["queue_id"],
        # Who forges his name is a stranger, whose address is none of his business.
        "client": dict(client) if is_proved or is_from_his else None,
        "tls": session.get("tls"),
        "cipher": session.get("cipher"),
        "certificate": session.get("certificate"),
        "public_key": session.get("public_key"),
        "effect": document["effect"],
        "reply": _reply(document["reply"], findings),
        "claims": [
            {
                "claimed": one["claimed"],
                "claimed_in": one["claimed_in"],
                "verdict": one["verdict"],
                "method": one["method"],
                "mode": one["mode"],
                "detail": without_own_paths(one["detail"]),
            }
            for one in findings
        ],
    }


def _is_of_somebody_else(his: Collection[Mapping[str, Any]], findings: Iterable[Mapping[str, Any]]) -> bool:
    """Tell whether the client was a server of ours, or proved to be another partner and not him."""
    if any(one["verdict"] == Verdict.EXEMPT.word for one in his):
        return True
    entries = {one["domain"] for one in his}
    return not any(map(_is_proved, his)) and any(
        _is_proved(one) for one in findings if one["domain"] not in entries
    )


def _is_proved(finding: Mapping[str, Any]) -> bool:
    return bool(finding["verdict"] == Verdict.PASS.word)


def _is_his(finding: Mapping[str, Any], *, is_from_his: bool) -> bool:
    """Tell whether the message was his: proved, or not a stranger's as far as anybody could see."""
    if finding["verdict"] in _UNJUDGED and not is_from_his:
        return False
    return _is_proved(finding) or finding.get("attribution") == Attribution.PARTNER


def _reply(reply: str | None, findings: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the reply where it is about him; one message may be refused for another partner's sake."""
    if reply is None:
        return None
    _, _, text = reply.partition(" ")
    is_his = any(text.partition(" ")[2].startswith(f"{one['claimed']}: ") for one in findings)
    return without_own_paths(reply) if is_his else None


def _delivery(document: Mapping[str, Any]) -> dict[str, Any]:
    tls = document["tls"] or {}
    return _sent(document) | {
        # Of a way past his servers the relay is one of ours.
        "server": document["relay"] if document["verified"] else None,
        "outcome": document["status"],
        "detail": _words(document),
        "verified": bool(document["verified"]),
        "mutual": document["mutual"],
        "tls": tls.get("protocol"),
    }


def _words(document: Mapping[str, Any]) -> str | None:
    """Return what his server said; what else stands there are Postfix's words about our side."""
    if document["status"] == DeliveryStatus.SENT:
        return str(document["reply"]) if document["verified"] else None
    return _said(document["reply"])


def _said(text: str) -> str | None:
    match = _SAID.fullmatch(text)
    return match["reply"] if match else None


def _failure(document: Mapping[str, Any]) -> dict[str, Any]:
    is_his = document["security"] and document["reason"] not in _OUR_SIDE
    if is_his:
        detail: str | None = without_own_paths(document["detail"])
    elif document["security"]:
        detail = _OUR_FAULT
    else:
        detail = _UNPROVED.get(document["reason"], _said(document["detail"]))
    return _sent(document) | {
        "server": document["relay"] if is_his else None,
        "outcome": document["reason"],
        "detail": detail,
        "verified": False,
        "mutual": False,
        "tls": None,
    }


def _sent(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "time": document["time"],
        "direction": str(Direction.SEND),
        "kind": SENT,
        "reference": document["queue_id"],
    }


def without_own_paths(text: str) -> str:
    """Return *text* with an ellipsis in place of each path of this machine."""
    return _OWN_PATH.sub("…", text)
