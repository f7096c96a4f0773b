"""``domain-secure cert list``, ``show`` and ``remove``: what certificates and requests we have."""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from domain_secure.commands.terminal.common import (
    add_to_document,
    configuration_of,
    note,
    print_json,
    print_table,
)
from domain_secure.policy.certificates.expiry import ends_first, expiry_of
from domain_secure.policy.certificates.presented_names import some
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.own.enabled_certificates import EnabledCertificates
from domain_secure.policy.own.own_certificate import OwnCertificate, PendingRequest, days_left, told_days
from domain_secure.policy.own.own_certificates import OwnCertificates
from domain_secure.policy.own.watch_list import Watched
from domain_secure.policy.own.watched_certificates import Look, Standing, look_at_watched
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.thumbprint import find
from domain_secure.postfix.attach.certificate_settings import services_showing
from domain_secure.postfix.instance.programs import PostfixInstance

from .certificate_common import Use, document_of, inventory_of, unconfirmed_note, watch_list_of

_SHOWN_NAMES = 10


def add_parsers(actions: Any) -> None:
    """Declare ``list``, ``show`` and ``remove`` among the actions of ``cert``."""
    listing = actions.add_parser("list", help="print our certificates and the requests that wait for one")
    listing.set_defaults(run=run_list)
    show = actions.add_parser("show", help="print all about one certificate, with the TLSA record to publish")
    show.set_defaults(run=run_show)
    for parser in (listing, show):
        parser.add_argument("--json", action="store_true", help="print one JSON document")
    remove = actions.add_parser(
        "remove", help="forget a certificate that is not in use, or a request, with its key"
    )
    remove.set_defaults(run=run_remove)
    for parser in (show, remove):
        parser.add_argument("thumbprint", metavar="THUMBPRINT", help="SHA-1 or SHA-256, or how it begins")


def run_list(arguments: argparse.Namespace) -> ExitStatus:
    """Print every certificate and every pending request."""
    configuration = configuration_of(arguments)
    inventory = inventory_of(configuration)
    use, now = Use.of(configuration), datetime.now(UTC)
    certificates = [document_of(own, use, now) for own in inventory.certificates]
    watch_list = watch_list_of(configuration)
    watched, unconfirmed = watch_list.all(), watch_list.unconfirmed()
    looks = {one.path: one for one in look_at_watched(watch_list, configuration.state, now)}
    if arguments.json:
        print_json(
            {
                "certificates": certificates,
                "requests": list(map(_request, inventory.requests)),
                "watched": [_watched(one, looks.get(one.path)) for one in watched],
                "unconfirmed": list(unconfirmed),
            }
        )
        return ExitStatus.DONE
    for place in unconfirmed:
        note(unconfirmed_note(place))
    if not certificates and not inventory.requests:
        print("no certificate yet: make a request with `domain-secure cert request`, or import a PFX")
        return ExitStatus.DONE
    rows = [
        (
            one["thumbprint"],
            one["friendly_name"] or "-",
            some(one["names"]),
            one["not_after"][:10],
            one["days_left"],
            ", ".join(one["services"]) or "-",
        )
        for one in certificates
    ]
    rows += [
        (
            one.identifier[:40].upper(),
            one.friendly_name or "-",
            some(one.names),
            "-",
            "-",
            "waits for its certificate",
        )
        for one in inventory.requests
    ]
    print_table(("thumbprint", "friendly name", "names", "not after", "days", "services"), rows)
    for one in watched:
        look = looks.get(one.path)
        told = f": {look.standing}: {look.detail}" if look and look.standing is not Standing.CURRENT else ""
        print(f"watched: {one.path}{told}")
    warning = configuration.trust.expiry_warning
    for own, document in zip(inventory.certificates, certificates, strict=True):
        first = ends_first(own.chain)
        if document["services"] and expiry_of(first.not_before, first.not_after, now, warning):
            whose = "" if first is own.certificate else f"its authority {first.subject} "
            days = days_left(first, now)
            note(f"{document['thumbprint'][:8]} is in use and {whose}has {told_days(days)} left: renew it")
    return ExitStatus.DONE


def _watched(watched: Watched, look: Look | None) -> dict[str, Any]:
    return {
        "path": str(watched.path),
        "sha256": watched.certificate,
        "standing": look and look.standing,
        "detail": look and look.detail,
    }


def _request(request: PendingRequest) -> dict[str, Any]:
    return {
        "identifier": request.identifier,
        "friendly_name": request.friendly_name,
        "subject": request.subject,
        "names": list(request.names),
        "made": request.made.isoformat(),
        "exportable": request.exportable,
        "renews": request.renews,
    }


def run_show(arguments: argparse.Namespace) -> ExitStatus:
    """Print all about one certificate."""
    configuration = configuration_of(arguments)
    own = find(arguments.thumbprint, inventory_of(configuration).certificates)
    document = document_of(own, Use.of(configuration), datetime.now(UTC))
    if arguments.json:
        print_json(document)
        return ExitStatus.DONE
    for label, text in _lines(document):
        print(f"{label:<12}{text}")
    return ExitStatus.DONE


def _lines(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "thumbprint", document["thumbprint"]
    yield "SHA-256", document["sha256"]
    yield "name", document["friendly_name"] or "-"
    yield "subject", document["subject"] or "none"
    names = document["names"]
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    yield "hosts", ", ".join(names[:_SHOWN_NAMES]) + more or "none"
    yield "issuer", document["issuer"]
    yield "valid", f"{document['not_before'][:10]} to {document['not_after'][:10]}"
    yield "days left", str(document["days_left"])
    yield "purposes", ", ".join(document["purposes"]) or "none for mail"
    yield "key", f"{document['key_type']}, {'exportable' if document['exportable'] else 'not exportable'}"
    yield "pin", f"spki-sha256:{document['spki_sha256']}"
    for one in document["chain"]:
        yield "chain", f"{one['subject']}, until {one['not_after'][:10]}"
    for name in names[:_SHOWN_NAMES]:
        if not name.startswith("*"):
            yield "TLSA", f"_25._tcp.{name}. IN TLSA {document['tlsa']}"
    yield "services", ", ".join(document["services"]) or "none"


def run_remove(arguments: argparse.Namespace) -> ExitStatus:
    """Forget a certificate or a request, with its key."""
    configuration = configuration_of(arguments)
    inventory = inventory_of(configuration)
    every: tuple[OwnCertificate | PendingRequest, ...] = (*inventory.certificates, *inventory.requests)
    own = find(arguments.thumbprint, every)
    if isinstance(own, OwnCertificate):
        _take_out_of_use(configuration, own)
    OwnCertificates(configuration.state).remove(own)
    add_to_document({"thumbprint": own.sha1.upper()})
    print(f"removed    {own.sha1.upper()}")
    return ExitStatus.DONE


def _take_out_of_use(configuration: Configuration, own: OwnCertificate) -> None:
    """Forget the copies of a certificate; raises Problem while a service shows it, or may."""
    enabled = EnabledCertificates(configuration.state)
    roles = [role for role, chain in enabled.chains().items() if chain[0] == own.certificate]
    instance = PostfixInstance(configuration.config_directory)
    if any(services_showing(instance, {role: enabled.file(role) for role in roles}).values()):
        raise Problem(
            "it is in use",
            f"certificate {own.sha1[:8].upper()}",
            "enable another one first, or run `domain-secure detach`",
        )
    if roles:
        enabled.disable(own)
    watched = watch_list_of(configuration)
    for one in watched.all():
        if one.certificate == own.sha256:
            watched.forget(one.path)
            note(f"watched no more: {one.path}")
