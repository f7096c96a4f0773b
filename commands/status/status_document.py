"""What ``status`` shows, as one document of plain values with stable keys.

Owns: asking the configuration, the daemon, Postfix, the certificate book and the history, each without the
others.
Must not know: how it is printed or rendered.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.commands.bypass.bypass_document import bypasses_document
from domain_secure.commands.log.log_level_document import levels_document
from domain_secure.commands.partner.pending_document import pending_document
from domain_secure.commands.promotion.waiting_document import promotions_document
from domain_secure.commands.terminal.common import belongs_to_fleet, fleet_store_at
from domain_secure.commands.terminal.counter_names import counts
from domain_secure.commands.terminal.daemon_client import Sample, health, samples
from domain_secure.policy.configuration.configuration import DEFAULT_METRICS_LISTEN, Configuration, WebAccess
from domain_secure.policy.configuration.fleet_cache import FleetCache
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.history.history import History, Latest
from domain_secure.policy.history.outcomes import LatestOutcome, Outcomes
from domain_secure.policy.history.partner_report import RECEIVED
from domain_secure.policy.own.watch_list import WatchList, list_beside
from domain_secure.policy.own.watched_certificates import Standing, look_at_watched
from domain_secure.policy.sending.delivery_counts import LogStanding
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import NoPermission, Problem
from domain_secure.postfix.attach.unforgotten import FIX, unforgotten
from domain_secure.postfix.findings.connectors import connectors_of
from domain_secure.postfix.instance.programs import PostfixInstance

from .agreements import agreements_document
from .counted import certificate_ends, counted_since, revocation_list_ends
from .kept_samples import kept_samples

# By the names the counters have in the system this one follows, for those who look for them.
COUNTERS = {
    "Domain Secure Messages Received": "domain_secure_messages_received_total",
    "Domain Secure Messages Sent": "domain_secure_messages_sent_total",
    "Domain Secure Outbound Session Failures": "domain_secure_outbound_session_failures_total",
    "Refused or deferred on receipt": "domain_secure_inbound_refusals_total",
    "Sent without verified TLS": "domain_secure_messages_sent_unverified_total",
}
_ASKED = "domain_secure_messages_sent_mutual_total"
_NOT_ASKED = "domain_secure_messages_sent_certificate_not_asked_total"
_PARTNER_REFUSALS = "domain_secure_inbound_partner_refusals_total"
_WAITING = "domain_secure_messages_waiting"
_LAG = "domain_secure_log_lag_seconds"


def status_document(path: Path, *, connectors: bool = True) -> dict[str, Any]:
    """Return the state of the edge whose configuration is at *path*; what cannot be asked says why.

    Raises nothing: each part that fails has the reason in its place.  Without *connectors* Postfix is not
    asked.
    """
    try:
        configuration = load(path)
    except Problem as error:
        document = _document(path, None, str(error), connectors=connectors)
        document["configuration"]["readable"] = not isinstance(error, NoPermission)
        return document
    return _document(path, configuration, None, connectors=connectors)


def running_document(configuration: Configuration, most: int) -> dict[str, Any]:
    """Return the same for the configuration that is in force, of at most about *most* partners.

    Where more are listed, those that something is known about come first.
    """
    document = _document(configuration.path, configuration, None, most=most)
    return document | {"fleet_status": _fleet_status(configuration.path)}


def _document(
    path: Path,
    configuration: Configuration | None,
    problem: str | None,
    *,
    connectors: bool = True,
    most: int | None = None,
) -> dict[str, Any]:
    address = configuration.metrics_listen if configuration else DEFAULT_METRICS_LISTEN
    daemon, counted = _daemon(address, configuration.metrics_access if configuration else WebAccess())
    if daemon["problem"] and configuration:
        counted = kept_samples(configuration.state)
    found, connectors_problem = _connectors(configuration) if configuration and connectors else ([], None)
    pending, pending_problem = _pending(configuration) if configuration else (None, None)
    levels, levels_problem = _protocol_log(configuration) if configuration else (None, None)
    latest, history_problem = _latest(configuration) if configuration else ({}, None)
    bypasses, bypasses_problem = bypasses_document(configuration) if configuration else ([], None)
    renewals, renewals_problem = _renewals(configuration) if configuration else ([], None)
    return {
        "node": host_name(configuration),
        "fleet": _fleet(configuration) if configuration else None,
        "configuration": {
            "path": str(path),
            "problem": problem or daemon.pop("configuration_problem", None),
            "readable": True,
        },
        "daemon": daemon,
        "connectors": found,
        "connectors_problem": connectors_problem,
        "domains": _domains(configuration, daemon, counted, latest, most) if configuration else [],
        "counted_since": counted_since(counted),
        "domains_listed": len({*configuration.receive, *configuration.send}) if configuration else 0,
        "bypasses": bypasses,
        "bypasses_problem": bypasses_problem,
        "promotions": promotions_document(configuration.state) if configuration else [],
        "not_in_force": _not_in_force(configuration) if configuration else None,
        "pending_certificates": None if pending is None else len(pending),
        "pending": pending or [],
        "pending_problem": pending_problem,
        "certificates": certificate_ends(counted),
        "renewals": renewals,
        "renewals_problem": renewals_problem,
        "revocation_lists": revocation_list_ends(counted),
        "agreements": agreements_document(configuration) if configuration else [],
        "protocol_log": levels,
        "protocol_log_problem": levels_problem,
        "log_lag_seconds": next((one.value for one in counted if one.name == _LAG and one.value >= 0), None),
        "history_problem": history_problem,
    }


def _daemon(address: tuple[str, int], access: WebAccess) -> tuple[dict[str, Any], tuple[Sample, ...]]:
    try:
        answer = health(address, access)
        counted = samples(address, access)
    except Problem as error:
        return {"problem": str(error)}, ()
    return {
        "problem": None,
        "healthy": answer["healthy"],
        "unwell": {name: part["reason"] for name, part in answer.get("parts", {}).items() if not part["ok"]},
        "version": answer["version"],
        "pid": answer["pid"],
        "configuration_in_force": answer["configuration"]["in_force"],
        "configuration_problem": answer["configuration"]["problem"],
        "tables_problem": answer.get("tables", {}).get("problem"),
        "self_proof": answer.get("self_proof"),
        "postfix_log": answer.get("log"),
    }, counted


def host_name(configuration: Configuration | None) -> str:
    """Return the name this mail system goes by: Postfix's own, else that of the machine."""
    if configuration is not None:
        with suppress(Problem):
            return PostfixInstance(configuration.config_directory).parameter("myhostname")
    return os.uname().nodename


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


def _not_in_force(configuration: Configuration) -> str | None:
    """Return why mail may go by former routes, or None."""
    found = unforgotten(configuration, PostfixInstance(configuration.config_directory))
    return None if found is None else f"{found.detail}: {FIX}"


def _renewals(configuration: Configuration) -> tuple[list[dict[str, Any]], str | None]:
    """Return the watched places with something else than what is in use; or why they are not known."""
    watch_list = WatchList(list_beside(configuration.path), configuration.state)
    try:
        looks = look_at_watched(watch_list, configuration.state, datetime.now(UTC))
    except Problem as problem:
        return [], str(problem)
    return [
        {"path": str(one.path), "standing": one.standing, "detail": one.detail, "fix": one.fix}
        for one in looks
        if one.standing is not Standing.CURRENT
    ], None


def _protocol_log(configuration: Configuration) -> tuple[dict[str, Any] | None, str | None]:
    """Return how much goes into the protocol log; or why that is not known."""
    try:
        return levels_document(configuration), None
    except Problem as problem:
        return None, str(problem)


def _domains(
    configuration: Configuration,
    daemon: Mapping[str, Any],
    counted: Iterable[Sample],
    latest: Mapping[Entry, dict[str, dict[str, Any]]],
    most: int | None,
) -> list[dict[str, Any]]:
    sums: Counter[tuple[str, str]] = Counter()
    for one in counted:
        if "domain" in one.labels:
            sums[one.name, one.labels["domain"]] += int(one.value)
    # Without a log that is followed, nothing that is told to wait does not mean that nothing waits.
    is_followed = (daemon.get("postfix_log") or {}).get("standing") == LogStanding.FOLLOWED
    entries = dict.fromkeys((*configuration.receive, *configuration.send))
    if most is not None and len(entries) > most:
        active = dict.fromkeys((*latest, *(entry for _, entry in sums)))
        entries = dict.fromkeys(
            [*(Entry(one) for one in active if one in entries), *list(entries)[:most]][:most]
        )
    return [
        {
            "domain": entry,
            "receive": entry in configuration.receive,
            "send": entry in configuration.send,
            "mode": configuration.partner(entry).mode,
            "counters": (titled := {title: sums[name, entry] for title, name in COUNTERS.items()}),
            "counts": counts(titled),
            "partner_refusals": sums[_PARTNER_REFUSALS, entry],
            "latest": latest.get(entry) or _NOTHING_YET,
            "asks_for_our_certificate": _asks(sums[_ASKED, entry], sums[_NOT_ASKED, entry]),
            "waiting": sums[_WAITING, entry] or (0 if is_followed else None),
        }
        for entry in entries
    ]


def _nothing_yet() -> dict[str, dict[str, Any]]:
    return {str(one): {"success": None, "failure": None, "outcomes": []} for one in Direction}


_NOTHING_YET = _nothing_yet()  #: for all of whom nothing is known


def _latest(configuration: Configuration) -> tuple[dict[Entry, dict[str, dict[str, Any]]], str | None]:
    """Return the last success and failure of each partner and direction; or why they are not known."""
    try:
        rows, outcomes = History(configuration.state).latest(), Outcomes(configuration.state).latest()
    except Problem as problem:
        return {}, str(problem)
    found: dict[Entry, dict[str, dict[str, Any]]] = {}
    for row in rows:
        directions = found.setdefault(row.entry, _nothing_yet())
        directions[row.direction]["success" if row.is_success else "failure"] = _outcome(row)
    for one in outcomes:
        direction = Direction.RECEIVE if one.category in RECEIVED else Direction.SEND
        found.setdefault(one.entry, _nothing_yet())[direction]["outcomes"].append(
            {
                "category": one.category.name.lower(),
                "attribution": one.attribution,
                "client": one.client or None,
            }
            | _outcome(one)
        )
    return found, None


def _outcome(latest: Latest | LatestOutcome) -> dict[str, str]:
    return {
        "time": latest.time.isoformat(timespec="milliseconds"),
        "outcome": latest.outcome,
        "detail": latest.detail,
        "queue_id": latest.queue_id,
    }


def _asks(asked: int, not_asked: int) -> str:
    """Return whether a domain's servers ask for our certificate, as far as the log proves it."""
    if asked and not_asked:
        return "sometimes"
    return "yes" if asked else "never" if not_asked else "unknown"


def _fleet_status(path: Path) -> dict[str, Any] | None:
    """Return what ``fleet status`` tells of every node, or None on a machine that stands alone."""
    if not belongs_to_fleet(path):
        return None
    # Loads requests, for which a machine that stands alone should not pay.
    from domain_secure.commands.fleet.fleet_status import fleet_document  # noqa: PLC0415

    return fleet_document(fleet_store_at(path))[0]


def _pending(configuration: Configuration) -> tuple[list[dict[str, Any]] | None, str | None]:
    """Return the certificates that nobody knows; or why they cannot be told."""
    try:
        return pending_document(configuration), None
    except Problem as problem:
        return None, str(problem)
