"""What the actions of ``cert`` share: whom a certificate concerns, who shows it, and passwords."""

import argparse
import getpass
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from domain_secure.commands.terminal.common import note
from domain_secure.policy.book.certificate_book import FILE_NAME
from domain_secure.policy.book.client_requests import ClientRequest, ClientRequests
from domain_secure.policy.certificates.path_validation import TrustAnchors
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.files import atomic_file
from domain_secure.policy.own.certificate_path import read_password
from domain_secure.policy.own.enabled_certificates import EnabledCertificates, Role
from domain_secure.policy.own.own_certificate import OwnCertificate, days_left
from domain_secure.policy.own.own_certificates import OwnCertificates
from domain_secure.policy.own.own_entries import Inventory
from domain_secure.policy.own.private_key import kind_of
from domain_secure.policy.own.renewal_check import Peer
from domain_secure.policy.own.watch_list import WatchList, list_beside
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.attach.certificate_settings import services_showing
from domain_secure.postfix.instance.programs import PostfixInstance


def inventory_of(configuration: Configuration) -> Inventory:
    """Return our certificates and requests; what cannot be read is named on standard error."""
    inventory = OwnCertificates(configuration.state).inventory()
    for place, why in inventory.set_aside:
        note(f"this entry is set aside ({why}): {place}: import the certificate again, or remove the folder")
    return inventory


def watch_list_of(configuration: Configuration) -> WatchList:
    """Return the list of the places from which renewed certificates are taken in."""
    return WatchList(list_beside(configuration.path), configuration.state)


def unconfirmed_note(place: str) -> str:
    """Return what is said of a place on the list of an earlier release, which not root alone may write."""
    return (
        f"watched no more until you confirm it: {place}: run `domain-secure cert import --watch` with it, "
        "or `domain-secure cert refresh --forget` with it"
    )


def anchors_of(configuration: Configuration) -> TrustAnchors | None:
    """Return the authorities that this machine trusts, None where they cannot be told."""
    try:
        return TrustAnchors.load(configuration.trust.ca_file.read_bytes())
    except OSError as error:
        place = configuration.trust.ca_file
        note(f"the authorities of this machine cannot be read ({error.strerror}): {place}")
        return None


def peers_of(configuration: Configuration) -> tuple[Peer, ...]:
    """Return the partners that have to believe our certificate: each listed domain, as last probed."""
    entries = tuple(dict.fromkeys((*configuration.receive, *configuration.send)))
    requests = ClientRequests(configuration.state / FILE_NAME)
    try:
        return tuple(_peer(entry, configuration, requests.of(entry)) for entry in entries)
    except Problem as problem:
        note(f"what partners asked for when they were probed is not known: {problem}")
        return tuple(_peer(entry, configuration, ()) for entry in entries)
    finally:
        requests.close()


def _peer(entry: Entry, configuration: Configuration, requests: Sequence[ClientRequest]) -> Peer:
    asked = tuple(one.authorities for one in requests if one.is_asked)
    return Peer(
        entry,
        sees_server=entry in configuration.receive,
        # A partner that is known never to ask is not shown it.
        sees_client=entry in configuration.send and (bool(asked) or not requests),
        accepted_authorities=asked or None,
    )


@dataclass(frozen=True, slots=True)
class Use:
    """Which certificate is shown as what, and by which services of Postfix."""

    roles: Mapping[Role, str]  #: SHA-256 of the certificate in the file of each role
    services: Mapping[Role, tuple[str, ...]]

    @classmethod
    def of(cls, configuration: Configuration) -> "Use":
        """Return what is in use; where Postfix cannot be asked, that is said on standard error."""
        enabled = EnabledCertificates(configuration.state)
        roles = {role: chain[0].certificate_pin.digest for role, chain in enabled.chains().items()}
        try:
            files = {role: enabled.file(role) for role in roles}
            services = (
                services_showing(PostfixInstance(configuration.config_directory), files) if files else {}
            )
        except Problem as problem:
            note(f"which services use them is not known: {problem}")
            services = {}
        return cls(roles, services)

    def services_of(self, own: OwnCertificate) -> list[str]:
        """Return the services that show a certificate, each with its role: ``smtp/inet (server)``."""
        return [
            f"{service} ({role})"
            for role, digest in self.roles.items()
            if digest == own.sha256
            for service in self.services.get(role, ())
        ]


def document_of(own: OwnCertificate, use: Use, now: datetime) -> dict[str, Any]:
    """Return what is told about one certificate, with stable keys."""
    certificate = own.certificate
    return {
        "thumbprint": own.sha1.upper(),
        "sha256": own.sha256,
        "friendly_name": own.friendly_name,
        "subject": certificate.subject,
        "names": list(own.names),
        "issuer": certificate.issuer,
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "days_left": days_left(certificate, now),
        "purposes": sorted(own.purposes),
        "key_type": kind_of(certificate),
        "exportable": own.exportable,
        "services": use.services_of(own),
        "spki_sha256": certificate.public_key_pin.digest,
        "tlsa": own.tlsa,
        "chain": [{"subject": one.subject, "not_after": one.not_after.isoformat()} for one in own.chain[1:]],
    }


def prune(configuration: Configuration, former: Collection[str], now: datetime) -> None:
    """Forget certificates that have had their day, but for the *former* ones (SHA-256), and say which.

    What Postfix's settings name, and what is watched, stays as well.
    """
    enabled = EnabledCertificates(configuration.state)
    kept = set(former)
    try:
        kept.update(one.certificate for one in watch_list_of(configuration).all())
        store = OwnCertificates(configuration.state)
        named = _named_by_postfix(configuration)
        kept.update(own.sha256 for own in store.inventory().certificates if own.sha256 in named)
        for own in store.prune(enabled.roles(), kept, now):
            until = f"{own.certificate.not_after:%Y-%m-%d}"
            print(f"forgotten: {own.sha1.upper()}, valid until {until}: its successor is in use")
    except (Problem, OSError) as problem:
        note(f"former certificates are all kept: {problem}")


def _named_by_postfix(configuration: Configuration) -> str:
    """Return the text of Postfix's settings, in which a file of ours may be named by hand."""
    folder = PostfixInstance(configuration.config_directory).config_directory
    return "".join((folder / name).read_text(errors="replace") for name in ("main.cf", "master.cf"))


def add_password(parser: argparse.ArgumentParser, what: str) -> None:
    """Declare ``--password-file``."""
    parser.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help=f"the password of {what}, in the first line of a file (default: asked for on a terminal)",
    )


def given_password(file: Path | None) -> bytes | None:
    """Return the password in *file*, None where none is named; raises Problem."""
    return None if file is None else read_password(file)


def asked_password(prompt: str, *, twice: bool = False) -> bytes | None:
    """Return what the person types, None where nobody can be asked.

    Raises Problem for two different ones, and for the end of the input (Ctrl-D) in place of one.
    """
    if not sys.stdin.isatty():
        return None
    try:
        password = getpass.getpass(f"{prompt}: ")
        is_same = not twice or getpass.getpass("again: ") == password
    except EOFError as error:
        print(file=sys.stderr)
        fix = "type one and end it with Enter, or name a file with --password-file"
        raise Problem("no password was typed", "the terminal", fix) from error
    if not is_same:
        raise Problem("the two passwords differ", "the terminal", "try again")
    return password.encode() or None


def write_public(file: Path, content: bytes, is_like: Callable[[bytes], bool]) -> None:
    """Write what may be known to everybody; raises Problem rather than overwrite what is not like it."""
    try:
        if file.exists() and (former := file.read_bytes()) and not is_like(former):
            raise Problem("it holds something else already", str(file), "name another file")
        atomic_file.replace(file, content)
    except OSError as error:
        raise Problem(
            f"it cannot be written ({error.strerror})", str(file), "name a file in a folder you may write to"
        ) from error
