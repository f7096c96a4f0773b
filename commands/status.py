"""``domain-secure status``: the state of this edge on one screen."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..policy.certificate_book import CertificateBook
from ..policy.configuration import DEFAULT_METRICS_LISTEN, Configuration
from ..policy.domain import Entry
from ..policy.problems import ExitStatus, Problem
from ..policy.reading import load
from ..postfix.endpoints import attached, milter_listener
from ..postfix.lookups import split_elements
from ..postfix.programs import PostfixInstance, Service
from ..postfix.tables import TRANSPORT_SERVICE
from .common import configuration_path, print_json, print_table
from .daemon_client import Sample, health, samples

# By the names the counters have in the system this one follows, for those who look for them.
_COUNTERS = {
    "Domain Secure Messages Received": "domain_secure_messages_received_total",
    "Refused or deferred on receipt": "domain_secure_inbound_refusals_total",
}

_SHOWN_DOMAINS = 50
_CERTIFICATE_ENDS = "domain_secure_certificate_not_after_timestamp_seconds"
_CRL_ENDS = "domain_secure_crl_next_update_timestamp_seconds"
# As ``check`` warns.
_SOON_DAYS, _VERY_SOON_DAYS = 21, 7


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``status``."""
    del command
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=status)


def status(arguments: argparse.Namespace) -> ExitStatus:
    """Print the state of this edge.

    1 when the file on disk is not what the daemon runs, 3 when the daemon does not answer.
    """
    path = configuration_path(arguments)
    document = _document(path)
    if arguments.json:
        print_json(document)
    else:
        _print(document)
    if document["daemon"]["problem"]:
        return ExitStatus.NO_ANSWER
    return ExitStatus.DIFFERENCE if document["configuration"]["problem"] else ExitStatus.DONE


def _document(path: Path) -> dict[str, Any]:
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
        "configuration": {"path": str(path), "problem": problem or daemon.pop("configuration_problem", None)},
        "daemon": daemon,
        "connectors": connectors,
        "connectors_problem": connectors_problem,
        "domains": _domains(configuration, counted) if configuration else [],
        "pending_certificates": _pending(configuration) if configuration else None,
        "certificates": _ends(counted, _CERTIFICATE_ENDS, "role", "name"),
        "revocation_lists": _ends(counted, _CRL_ENDS, "issuer"),
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
    }, counted


def _connectors(configuration: Configuration) -> tuple[list[dict[str, Any]], str | None]:
    """Return each smtpd service and smtp transport, and whether domain security is on there; or why not."""
    instance = PostfixInstance(configuration.config_directory)
    try:
        queue_directory = instance.queue_directory
        return [
            {
                "name": service.key,
                "direction": "receive" if service.program == "smtpd" else "send",
                "fqdn": instance.service_parameter(service, "myhostname"),
                "domain_secure": _is_secured(service, configuration, queue_directory),
            }
            for service in instance.services()
            if service.program in {"smtpd", "smtp"}
        ], None
    except Problem as problem:
        return [], str(problem)


def _is_secured(service: Service, configuration: Configuration, queue_directory: Path) -> bool:
    if service.program == "smtp":
        return service.name == TRANSPORT_SERVICE
    listener = milter_listener(configuration, queue_directory)
    milters = split_elements(service.overrides.get("smtpd_milters", ""))
    return any(
        attached(milter).address(queue_directory, chroot=service.chroot) == listener for milter in milters
    )


def _domains(configuration: Configuration, counted: tuple[Sample, ...]) -> list[dict[str, Any]]:
    return [
        {
            "domain": entry,
            "receive": entry in configuration.receive,
            "send": entry in configuration.send,
            "mode": configuration.partner(entry).mode,
            "counters": {title: _sum(counted, name, entry) for title, name in _COUNTERS.items()},
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


def _sum(counted: tuple[Sample, ...], name: str, entry: Entry) -> int:
    return int(sum(one.value for one in counted if one.name == name and one.labels.get("domain") == entry))


def _pending(configuration: Configuration) -> int | None:
    path = configuration.state / "certificates.sqlite"
    try:
        return len(CertificateBook(path).pending()) if path.exists() else 0
    except Problem:
        return None


def _print(document: dict[str, Any]) -> None:
    configuration, daemon = document["configuration"], document["daemon"]
    print(f"configuration  {configuration['path']}")
    if configuration["problem"]:
        print(f"               NOT APPLIED: {configuration['problem']}")
    if daemon["problem"]:
        print(f"daemon         {daemon['problem']}")
    else:
        print(
            f"daemon         {daemon['version']}, pid {daemon['pid']}, runs the configuration "
            f"{daemon['configuration_in_force']}"
        )
    if document["pending_certificates"]:
        print(f"pending        {document['pending_certificates']} unknown certificates, see `pending`")
    if document["connectors_problem"]:
        print(f"Postfix        {document['connectors_problem']}")
    if document["connectors"]:
        print()
        print_table(
            ("connector", "direction", "FQDN", "domain security"),
            [
                (one["name"], one["direction"], one["fqdn"], "on" if one["domain_secure"] else "off")
                for one in document["connectors"]
            ],
        )
    _print_ends(document)
    print()
    if document["domains"]:
        shown = document["domains"][:_SHOWN_DOMAINS]
        print_table(
            ("domain", "receive", "send", "mode", *_COUNTERS),
            [
                (
                    one["domain"],
                    "yes" if one["receive"] else "no",
                    "yes" if one["send"] else "no",
                    one["mode"],
                    *one["counters"].values(),
                )
                for one in shown
            ],
        )
        if more := len(document["domains"]) - len(shown):
            print(f"and {more} more: --json has them all")
    else:
        print("no domain is listed: add one with `domain-secure receive add` or `domain-secure send add`")


def _print_ends(document: dict[str, Any]) -> None:
    for one in document["certificates"]:
        if one["days_left"] < _SOON_DAYS:
            urgency = "renew now" if one["days_left"] < _VERY_SOON_DAYS else "renew"
            print(f"{urgency:<14} certificate of {one['name']} ({one['role']}): {one['days_left']} days left")
    for one in document["revocation_lists"]:
        # Lists live for days only, and are fetched anew in time; one that has ended was not.
        if one["days_left"] < 0:
            print(f"out of date    revocation list of {one['issuer']}: ended {one['ends']}")
