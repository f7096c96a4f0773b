"""``domain-secure cert import`` and ``refresh``: take in what an authority or an ACME client issued."""

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.commands.terminal.common import (
    add_to_document,
    configuration_of,
    configuration_path,
    note,
    print_json,
)
from domain_secure.milter.knowledge.live_configuration import Live, read_live
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.certificates.trust import ClientPurpose
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.own.certificate_path import read_bundle
from domain_secure.policy.own.enabled_certificates import EnabledCertificates, Role
from domain_secure.policy.own.key_bundle import Bundle
from domain_secure.policy.own.own_certificates import Imported, OwnCertificates
from domain_secure.policy.own.own_import import RefusedImportError
from domain_secure.policy.own.private_key import LockedKeyError, UnusableKeyError
from domain_secure.policy.own.shown_chain import chain_faults
from domain_secure.policy.own.watch_list import Watched, WatchList
from domain_secure.policy.own.watched_certificates import ACCEPTED, Outcome, refresh_watched
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.postfix.instance.programs import PostfixInstance

from .certificate_common import (
    Use,
    add_password,
    asked_password,
    document_of,
    given_password,
    peers_of,
    prune,
    unconfirmed_note,
    watch_list_of,
)
from .certificate_enable import accepted_of, add_vetoes, enable
from .certificate_proof import Proof, prove, tell_what_was_not_proved, unproved


def add_parsers(actions: Any) -> None:
    """Declare ``import`` and ``refresh`` among the actions of ``cert``."""
    parser = actions.add_parser(
        "import",
        help="take in an issued certificate, or a PFX",
        description="Take in a certificate: a PFX, or PEM, DER or PKCS#7 that answers a request of this box, "
        "or has its key with it. A folder is read as ACME clients lay it out.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the file, or the folder of an ACME client")
    parser.add_argument(
        "--key-file", type=Path, metavar="FILE", help="the private key, where it is in a file apart"
    )
    add_password(parser, "the PFX or the private key")
    parser.add_argument("--friendly-name", metavar="TEXT", help="what people call the certificate")
    parser.add_argument("--exportable", action="store_true", help="allow that the key leaves this box again")
    parser.add_argument("--enable", action="store_true", help="put it to use at once")
    parser.add_argument(
        "--watch",
        action="store_true",
        help="take it in again whenever it is renewed, and put it to use in place of its predecessor; "
        "another key or issuer is accepted then, nothing else",
    )
    add_vetoes(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run_import)
    refresh = actions.add_parser(
        "refresh",
        help="take in what was renewed in the watched places",
        description="Look at what `cert import --watch` named, and put renewed certificates to use. Fit for "
        "a deploy hook of an ACME client: the exit status is 1 when a renewed certificate was refused.",
    )
    refresh.add_argument("--forget", type=Path, metavar="FILE", help="watch this place no more")
    refresh.set_defaults(run=run_refresh)


def run_import(arguments: argparse.Namespace) -> ExitStatus:
    """Take in a certificate; with ``--enable`` put it to use."""
    live = read_live(load, configuration_path(arguments))
    configuration = live.configuration
    now = datetime.now(UTC)
    bundle = _bundle(arguments)
    try:
        imported = OwnCertificates(configuration.state).take_in(
            bundle, now, friendly_name=arguments.friendly_name, exportable=arguments.exportable
        )
    except RefusedImportError as error:
        raise Problem(f"this cannot be imported: {error}", str(arguments.file), error.fix) from error
    try:
        return _put_to_use(arguments, live, imported, now)
    finally:
        if arguments.json:
            print_json(_document(configuration, arguments, imported, now))


def _put_to_use(arguments: argparse.Namespace, live: Live, imported: Imported, now: datetime) -> ExitStatus:
    """Tell what was imported, and do with it what was asked for."""
    _tell(imported, live.anchors, now)
    accepted = accepted_of(arguments)
    if arguments.watch:
        accepted |= ACCEPTED
        _watch(live.configuration, arguments, imported)
    if arguments.enable:
        return enable(live.configuration, imported.own, tuple(Role), accepted, now)
    note(f"put it to use with `domain-secure cert enable {imported.own.sha1[:8].upper()}`")
    return ExitStatus.DONE


def _document(
    configuration: Configuration, arguments: argparse.Namespace, imported: Imported, now: datetime
) -> dict[str, Any]:
    return document_of(imported.own, Use.of(configuration), now) | {
        "is_new": imported.is_new,
        "answers": imported.answers and imported.answers.identifier,
        "left_out": [one.subject for one in imported.unrelated],
        "watched": str(arguments.file.absolute()) if arguments.watch else None,
    }


def run_refresh(arguments: argparse.Namespace) -> ExitStatus:
    """Take in what was renewed; 1 when something was refused or could not be read."""
    configuration = configuration_of(arguments)
    watch_list = watch_list_of(configuration)
    if arguments.forget is not None:
        return _forget(watch_list, arguments.forget)
    unconfirmed = watch_list.unconfirmed()
    for place in unconfirmed:
        note(unconfirmed_note(place))
    enabled = EnabledCertificates(configuration.state)
    former, watched, now = enabled.files(), watch_list.all(), datetime.now(UTC)
    results = refresh_watched(watch_list, configuration.state, now, peers_of(configuration))
    add_to_document(
        {
            "places": [
                {"path": str(one.path), "outcome": one.outcome, "detail": one.detail} for one in results
            ],
            "unconfirmed": list(unconfirmed),
        }
    )
    outcomes = {result.outcome for result in results}
    proof = _proof_in_force(configuration, enabled, former) if Outcome.ENABLED in outcomes else Proof()
    for result in results:
        # What turned out not to be shown is not said to be in use.
        if proof.fault is None or result.outcome is not Outcome.ENABLED:
            print(
                f"{result.outcome}: {result.path}: {result.detail}{f': {result.fix}' if result.fix else ''}"
            )
    tell_what_was_not_proved(proof)
    if proof.fault is not None:
        enabled.put_back(former)
        for one in watched:
            watch_list.watch(one)
        instance = PostfixInstance(configuration.config_directory)
        if instance.is_running:
            instance.reload()
        named = ", ".join(str(one.path) for one in results if one.outcome is Outcome.ENABLED)
        raise unproved(proof.fault, f"cert refresh: {named}")
    if Outcome.ENABLED in outcomes:
        prune(configuration, [one.certificate for one in watched], now)
    if not results and not unconfirmed:
        print("nothing is watched: see `domain-secure cert import --watch`")
    is_at_fault = unconfirmed or outcomes & {Outcome.REFUSED, Outcome.FAILED}
    return ExitStatus.DIFFERENCE if is_at_fault else ExitStatus.DONE


def _forget(watch_list: WatchList, place: Path) -> ExitStatus:
    if not watch_list.forget(place.absolute()):
        raise Problem("it is not watched", str(place), "see `domain-secure cert list`")
    add_to_document({"forgotten": str(place.absolute())})
    print(f"watched no more: {place}")
    return ExitStatus.DONE


def _proof_in_force(
    configuration: Configuration, enabled: EnabledCertificates, former: Mapping[str, bytes]
) -> Proof:
    """Let Postfix read what was enabled in place of *former*; return whether handshakes show it."""
    instance = PostfixInstance(configuration.config_directory)
    if instance.is_running:
        instance.reload()
    present = enabled.files()
    changed = [role for role in Role if present.get(f"{role}.pem") != former.get(f"{role}.pem")]
    return prove(instance, enabled, changed)


def _bundle(arguments: argparse.Namespace) -> Bundle:
    """Return what the file holds; a password is asked for where one is needed and somebody is there."""
    where = str(arguments.file)
    password = given_password(arguments.password_file)
    try:
        try:
            return read_bundle(arguments.file, arguments.key_file, password)
        except LockedKeyError:
            if password is not None or (password := asked_password(f"password of {where}")) is None:
                raise
            return read_bundle(arguments.file, arguments.key_file, password)
    except UnusableKeyError as error:
        raise Problem(f"this cannot be imported: {error}", where, error.fix) from error
    except MalformedCertificateError as error:
        fix = "give a PFX, or the issued certificate in PEM, DER or PKCS#7"
        raise Problem(f"this cannot be imported: {error}", where, fix) from error


def _tell(imported: Imported, anchors: TrustAnchors, now: datetime) -> None:
    own = imported.own
    certificate = own.certificate
    print(f"imported   {own.sha1.upper()}" + ("" if imported.is_new else " (known already)"))
    print(f"subject    {certificate.subject or 'none'}")
    print(f"names      {', '.join(own.names[:10]) or 'no host name'}")
    print(f"issuer     {certificate.issuer}")
    print(f"valid      {certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}")
    if imported.answers is not None:
        print(f"answers    the request of {imported.answers.made:%Y-%m-%d}")
    print(f"key        {'exportable' if own.exportable else 'not exportable'}")
    if own.chain[1:]:
        print(f"chain      {' <- '.join(one.subject for one in own.chain[1:])}")
    for unrelated in imported.unrelated:
        note(f"left out, because it has nothing to do with this certificate: {unrelated.subject}")
    faults = tuple(chain_faults(own.chain, anchors))
    for fault in faults:
        note(f"{fault}: {fault.fix}")
    path = validate(certificate, own.chain[1:], anchors, ClientPurpose.ACCEPT_SERVER, now)
    if path.outcome is PathOutcome.UNTRUSTED and not faults:
        note(f"this box does not trust it: {path.detail}: see that partners do, or ask them to")


def _watch(configuration: Configuration, arguments: argparse.Namespace, imported: Imported) -> None:
    watch_list_of(configuration).watch(
        Watched(
            path=arguments.file.absolute(),
            key_file=arguments.key_file and arguments.key_file.absolute(),
            password_file=arguments.password_file and arguments.password_file.absolute(),
            friendly_name=imported.own.friendly_name,
            exportable=arguments.exportable,
            accepted=accepted_of(arguments) | ACCEPTED,
            certificate=imported.own.sha256,
        )
    )
    print(f"watched    {arguments.file.absolute()}")
