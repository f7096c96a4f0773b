"""Records of the history in words, for a terminal.

Owns: how a decision, a delivery and a failed session are told to a person.
Invariant: what strangers wrote is shown as text and moves no cursor.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain_secure.policy.history.history import Record
from domain_secure.policy.record.decision_document import BYPASS
from domain_secure.policy.record.decision_document import KIND as DECISION
from domain_secure.policy.record.delivery_document import DELIVERY, MUTUAL, UNVERIFIED, VERIFIED

HANGING = 16  #: columns before what follows of a line that is broken
_INDENT = " " * 14
EFFECTS = {"accept": "let in", "reject": "refused", "defer": "deferred", "none": "exempt"}
_ACTED = {"observe": " · observed only", BYPASS: " · let in by a bypass, not secured"}
_STATES = {"sent": "sent", "deferred": "deferred", "bounced": "bounced"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text in one style; the style is a word of rich's."""

    text: str
    style: str = ""


Line = tuple[Piece, ...]


def record_lines(
    record: Record, zone: datetime, *, with_lines: bool = True, with_date: bool = False
) -> Iterator[Line]:
    """Yield the lines about one record; *zone* is any local time, whose zone the times are shown in.

    With *with_date* its time has the date and the zone's offset as well.

    Postfix's own lines are left out without *with_lines*: a failed session and the deferral that comes of it
    have the same ones.
    """
    local = record.time.astimezone(zone.tzinfo)
    time = local.isoformat(" ", "seconds") if with_date else local.strftime("%H:%M:%S")
    if record.kind == DECISION:
        yield from _decision(record.document, time)
    else:
        yield from _outbound(record, time, with_lines=with_lines)


def printable(text: object) -> str:
    """Return a text with everything escaped that a terminal would act upon."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in str(text))


def _decision(document: Mapping[str, Any], time: str) -> Iterator[Line]:
    session = document["session"] or {}
    address = document["client"]["address"]
    for finding in document["findings"]:
        is_pass = finding["verdict"] == "pass"
        style = _style(document["effect"], is_good=is_pass)
        yield (
            Piece(f"{time} ", "dim"),
            Piece("→ in  ", "dim"),
            Piece(f"{printable(finding['domain']):<24} ", "bold"),
            Piece(f"{printable(EFFECTS.get(document['effect'], document['effect'])):<9}", style),
            Piece(f"{printable(finding['verdict']):<20} ", style),
            Piece(f"{printable(_how(session, finding))}  "),
            Piece(f"[{printable(address)}] {printable(document['queue_id'])}", "dim"),
        )
        claimed = "" if finding["claimed"] == finding["domain"] else f"{finding['claimed']} "
        observed = "" if is_pass else _ACTED.get(finding["mode"], "")
        yield _aside(f"{claimed}in {finding['claimed_in']}: {finding['detail']}{observed}")
        for attempt in finding.get("attempts", ()):
            yield _aside(f"tried {attempt['method']}: {attempt['verdict']}: {attempt['detail']}", deeper=True)
    yield from _reasoning(document, session)


def _how(session: Mapping[str, Any], finding: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (session.get("tls") or "in the clear", finding["method"])))


def _reasoning(document: Mapping[str, Any], session: Mapping[str, Any]) -> Iterator[Line]:
    """Yield what only a verbose record has: evidence, certificates, time taken."""
    if not any("attempts" in finding for finding in document["findings"]):
        return
    known = document["known_certificate"]
    shown = [f"cipher {session['cipher']}"] if session.get("cipher") else []
    if known:
        detail = known["revocation_detail"]
        shown.append(f"path {known['path']}: {known['path_detail']}")
        shown.append(f"revocation {known['revocation']}" + (f": {detail}" if detail else ""))
    shown.append(f"decided in {document['seconds'] * 1000:.1f} ms")
    for text in shown:
        yield _aside(text, deeper=True)
    for number, one in enumerate(document.get("certificates", ()), 1):
        yield _aside(f"certificate {number}: {one['subject']}, issued by {one['issuer']}", deeper=True)
        names = f"for {', '.join(one['names'])}, " if one["names"] else ""
        yield _aside(f"   {names}from {one['not_before'][:10]} to {one['not_after'][:10]}", deeper=True)
        yield _aside(f"   {one['certificate']}", deeper=True)
        yield _aside(f"   {one['public_key']}", deeper=True)


def _outbound(record: Record, time: str, *, with_lines: bool) -> Iterator[Line]:
    document = record.document
    is_delivery = record.kind == DELIVERY
    proof = _proof(document) if is_delivery else ""
    is_good = is_delivery and record.outcome == "sent" and document["verified"]
    state = _STATES.get(record.outcome, record.outcome) if is_delivery else "failed"
    style = _style("accept" if state == "sent" else "defer", is_good=is_good)
    tls = (document.get("tls") or {}).get("protocol", "")
    yield (
        Piece(f"{time} ", "dim"),
        Piece("← out ", "dim"),
        Piece(f"{printable(document['domain']):<24} ", "bold"),
        Piece(f"{state:<9}", style),
        Piece(f"{printable(proof if is_delivery else record.outcome):<20} ", style),
        Piece(f"{printable(tls)}  " if tls else ""),
        Piece(f"{printable(document['relay'])} {printable(record.queue_id)}", "dim"),
    )
    bypassed = " · by a bypass, not secured" if is_delivery and document.get("unverified") == BYPASS else ""
    yield _aside(f"{document['reply'] if is_delivery else document['detail']}{bypassed}")
    for line in document.get("lines", ()) if with_lines else ():
        yield _aside(line, deeper=True)


def _proof(document: Mapping[str, Any]) -> str:
    if document["mutual"]:
        return MUTUAL
    if document["verified"]:
        return VERIFIED
    return UNVERIFIED if document["status"] == "sent" else ""


def _style(effect: str, *, is_good: bool) -> str:
    if effect == "reject":
        return "bold red"
    if effect == "defer":
        return "yellow"
    if effect == "none":
        return ""
    return "green" if is_good else "bold magenta"


def _aside(text: str, *, deeper: bool = False) -> Line:
    return (Piece(f"{_INDENT}{'  ' if deeper else ''}{printable(text)}", "dim" if deeper else ""),)
