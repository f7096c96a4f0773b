"""What ``status`` shows, as one document of plain values with stable keys.

Owns: asking the configuration, the daemon, Postfix and the certificate book, each without the others.
Must not know: how it is printed or rendered.
"""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..policy.certificate_book import CertificateBook
from ..policy.configuration import DEFAULT_METRICS_LISTEN, Configuration
from ..policy.fleet_cache import FleetCache
from ..policy.problems import Problem
from ..policy.reading import load
from ..postfix.connectors import connectors_of
from ..postfix.programs import PostfixInstance
from .daemon_client import Sample, health, samples
from .log_level import levels_document

# By the names the counters have in the system this one follows, for those who look for them.
COUNTERS = {
    "Domain Secure Messages Received": "domain_secure_messages_received_total",
    "Refused or deferred on receipt": "domain_secure_inbound_refusals_total",
    "Domain Secure Messages Sent": "domain_secure_messages_sent_total",
    "Domain Secure Outbound Session Failures": "domain_secure_outbound_session_failures_total",
    "Sent without verified TLS": "domain_secure_messages_sent_unverified_total",
}
_ASKED = "domain_secure_messages_sent_mutual_total"
_NOT_ASKED = "domain_secure_messages_sent_certificate_not_asked_total"
_LAG = "domain_secure_log_lag_seconds"
_CERTIFICATE_ENDS = "domain_secure_certificate_not_after_timestamp_seconds"
_CRL_ENDS = "domain_secure_crl_next_update_timestamp_seconds"


def status_document(path: Path) -> dict[str, Any]:
    """Return the state of the edge whose configuration is at *path*; what cannot be asked says why.

    Raises nothing: each part that fails has the reason in its place.
    """
    configuration: Configuration | None = None
    problem: str | None = None
    try:
        configuration = load(path)
    except Problem as error:
        problem = str(error)
    address = configuration.metrics_listen if configuration else DEFAULT_METRICS_LISTEN
    daemon, counted = _daemon(address)
    connectors, connectors_problem = _connectors(configuration) if configuration else ([], None)
    return {
        "fleet": _fleet(configuration) if configuration else None,
        "configuration": {"path": str(path), "problem": problem or daemon.pop("configuration_problem", None)},
        "daemon": daemon,
        "connectors": connectors,
        "connectors_problem": connectors_problem,
        "domains": _domains(configuration, counted) if configuration else [],
        "pending_certificates": _pending(configuration) if configuration else None,
        "certificates": _ends(counted, _CERTIFICATE_ENDS, "role", "name"),
        "revocation_lists": _ends(counted, _CRL_ENDS, "issuer"),
        "protocol_log": _protocol_log(configuration) if configuration else None,
        "log_lag_seconds": next((sample.value for sample in counted if sample.name == _LAG), None),
    }


def _daemon(address: tuple[str, int]) -> tuple[dict[str, Any], tuple[Sample, ...]]:
    try:
        answer = health(address)
        counted = samples(address)
    except Problem as error:
        return {"problem": str(error)}, ()
    return {
        "problem": None if answer["healthy"] else "a listener has ended",
        "version": answer["version"],
        "pid": answer["pid"],
        "configuration_in_force": answer["configuration"]["in_force"],
        "configuration_problem": answer["configuration"]["problem"],
        "tables_problem": answer.get("tables", {}).get("problem"),
    }, counted


def _fleet(configuration: Configuration) -> dict[str, Any] | None:
    """Return what this node holds of the fleet's policy, and when the store was last heard of."""
    if configuration.revision is None:
        return None
    contact = FleetCache(configuration.state).contact()
    return {
        "node": configuration.store.node,
        "revision": configuration.revision,
        "store_last_answered": contact.at.isoformat() if contact else None,
        "problem": contact.problem if contact else None,
    }


def _connectors(configuration: Configuration) -> tuple[list[dict[str, Any]], str | None]:
    """Return each smtpd service and smtp transport; or why they are not known."""
    instance = PostfixInstance(configuration.config_directory)
    try:
        return [asdict(connector) for connector in connectors_of(configuration, instance)], None
    except Problem as problem:
        return [], str(problem)


def _protocol_log(configuration: Configuration) -> dict[str, Any] | None:
    try:
        return levels_document(configuration)
    except Problem:
        return None


def _domains(configuration: Configuration, counted: tuple[Sample, ...]) -> list[dict[str, Any]]:
    sums: dict[tuple[str, str], int] = {}
    for sample in counted:
        if entry := sample.labels.get("domain"):
            sums[sample.name, entry] = sums.get((sample.name, entry), 0) + int(sample.value)
    return [
        {
            "domain": entry,
            "receive": entry in configuration.receive,
            "send": entry in configuration.send,
            "mode": configuration.partner(entry).mode,
            "counters": {title: sums.get((name, entry), 0) for title, name in COUNTERS.items()},
            "asks_for_our_certificate": _asks(sums.get((_ASKED, entry), 0), sums.get((_NOT_ASKED, entry), 0)),
        }
        for entry in dict.fromkeys((*configuration.receive, *configuration.send))
    ]


def _ends(counted: tuple[Sample, ...], metric: str, *labels: str) -> list[dict[str, Any]]:
    """Return what ends when, soonest first, with the days left from now."""
    now = datetime.now(UTC)
    found: list[dict[str, Any]] = []
    for sample in sorted((one for one in counted if one.name == metric), key=lambda one: one.value):
        end = datetime.fromtimestamp(sample.value, UTC)
        found.append(
            {label: sample.labels[label] for label in labels}
            | {"ends": end.isoformat(), "days_left": (end - now).days}
        )
    return found


def _asks(asked: int, not_asked: int) -> str:
    """Return whether a domain's servers ask for our certificate, as far as the log proves it."""
    if asked and not_asked:
        return "sometimes"
    return "yes" if asked else "never" if not_asked else "unknown"


def _pending(configuration: Configuration) -> int | None:
    path = configuration.state / "certificates.sqlite"
    try:
        return len(CertificateBook(path).pending()) if path.exists() else 0
    except Problem:
        return None
