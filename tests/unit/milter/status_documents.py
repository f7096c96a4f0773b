"""Status documents as ``status --json`` has them, for tests of what shows them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from domain_secure.policy.certificates.expiry import expiry_of, word_of

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def outcome(hours: float, word: str = "pass", detail: str = "why") -> dict[str, str]:
    """Return an outcome that was so many hours ago."""
    return {
        "time": (NOW - timedelta(hours=hours)).isoformat(timespec="seconds"),
        "outcome": word,
        "detail": detail,
        "queue_id": "4F2C1A0B",
    }


def domain(name: str, **changes: Any) -> dict[str, Any]:
    """Return a partner on both lists of which nothing is known yet."""
    nothing = {"success": None, "failure": None}
    return {
        "domain": name,
        "receive": True,
        "send": True,
        "mode": "enforce",
        "counters": {"Domain Secure Messages Received": 2, "Domain Secure Messages Sent": 1},
        "latest": {"receive": dict(nothing), "send": dict(nothing)},
        "waiting": 0,
    } | changes


def latest(direction: str, success: dict[str, str] | None, failure: dict[str, str] | None) -> dict[str, Any]:
    """Return what was last in one direction."""
    nothing = {"success": None, "failure": None}
    return {"receive": nothing, "send": nothing} | {direction: {"success": success, "failure": failure}}


def certificate(name: str, days: int, role: str = "partner") -> dict[str, Any]:
    """Return a certificate with so many days left."""
    end = NOW + timedelta(days=days)
    expiry = word_of(expiry_of(end - timedelta(days=90), end, NOW, timedelta(days=21)))
    return {"role": role, "name": name, "ends": end.isoformat(), "days_left": days, "expiry": expiry}


def pending(name: str, **changes: Any) -> dict[str, Any]:
    """Return an unknown certificate."""
    return {
        "domain": name,
        "client": "203.0.113.66",
        "sha256": "sha256:ab",
        "spki_sha256": None,
        "first_seen": NOW.isoformat(),
        "last_seen": NOW.isoformat(),
        "count": 1,
        "settle": f"domain-secure partner pin {name} sha256:ab",
    } | changes


def document(*domains: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the document of an edge on which all is well."""
    return {
        "node": "mx1.contoso.test",
        "configuration": {"path": "/etc/domain-secure/domain-secure.toml", "problem": None},
        "daemon": {
            "problem": None,
            "version": "1",
            "pid": 1,
            "configuration_in_force": "as on disk",
        },
        "connectors": [],
        "connectors_problem": None,
        "domains": list(domains),
        "domains_listed": len(domains),
        "pending_certificates": 0,
        "pending": [],
        "certificates": [],
        "revocation_lists": [],
        "history_problem": None,
        "fleet_status": None,
    } | changes
