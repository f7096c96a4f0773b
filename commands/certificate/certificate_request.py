"""``domain-secure cert request``: make a key on this box, and a request for an authority to sign."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from domain_secure.commands.terminal.common import add_to_document, configuration_of, note
from domain_secure.policy.certificates.certificate_structure import load
from domain_secure.policy.own.certificate_request import MAXIMUM_NAMES, request_names, subject_for
from domain_secure.policy.own.own_certificate import OwnCertificate
from domain_secure.policy.own.own_certificates import OwnCertificates, Wish
from domain_secure.policy.own.private_key import KeyType, UnusableKeyError, kind_of
from domain_secure.policy.own.subject_name import InvalidSubjectError, parse_subject
from domain_secure.policy.terms.domain import Entry, InvalidDomainError
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.thumbprint import find

from .certificate_common import inventory_of, write_public

_LABEL = b"-----BEGIN CERTIFICATE REQUEST-----"
_LONGEST_FRIENDLY_NAME = 100


def add_parsers(actions: Any) -> None:
    """Declare ``request`` among the actions of ``cert``."""
    parser = actions.add_parser(
        "request",
        help="make a key, and a request for a certificate",
        description="Make a key on this box, and a request (base64 PKCS#10) for an authority to sign. "
        "The issued certificate finds the key by itself: see `domain-secure cert import`.",
    )
    parser.add_argument(
        "--domain", action="append", default=[], metavar="NAME", help="a host name; may be repeated"
    )
    parser.add_argument(
        "--subject",
        metavar="NAME",
        help="for example CN=mail1.contoso.com,O=Contoso or DC=com,DC=Contoso,CN=mail1.contoso.com "
        "(default: the first --domain)",
    )
    parser.add_argument("--friendly-name", metavar="TEXT", help="what people call the certificate")
    parser.add_argument(
        "--key-type", metavar="TYPE", help=f"{', '.join(KeyType)} (default: {KeyType.EC_P256})"
    )
    parser.add_argument("--exportable", action="store_true", help="allow that the key leaves this box")
    parser.add_argument(
        "--renew", metavar="THUMBPRINT", help="ask for what this certificate has; it stays in use meanwhile"
    )
    parser.add_argument(
        "--out", metavar="FILE", default="-", help="where to write it (default: standard output)"
    )
    parser.set_defaults(run=run_request)


def run_request(arguments: argparse.Namespace) -> ExitStatus:
    """Make a request and write it out."""
    configuration = configuration_of(arguments)
    former = None
    if arguments.renew:
        former = find(arguments.renew, inventory_of(configuration).certificates)
    wish = _wish(arguments, former)
    store = OwnCertificates(configuration.state)
    request, pem = store.request(wish, datetime.now(UTC))
    add_to_document(
        {
            "identifier": request.identifier,
            "subject": request.subject,
            "names": list(request.names),
            "key_type": wish.key_type,
            "exportable": wish.exportable,
            "request": pem.decode(),
            "written": [] if arguments.out == "-" else [arguments.out],
        }
    )
    if arguments.out == "-":
        sys.stdout.write(pem.decode())
    else:
        try:
            write_public(Path(arguments.out), pem, lambda former: _LABEL in former)
        except Problem:
            store.remove(request)
            raise
        print(f"request    {arguments.out}")
        print(f"subject    {request.subject or 'none'}")
        print(f"names      {', '.join(request.names)}")
        print(f"key        {wish.key_type}, {'exportable' if wish.exportable else 'not exportable'}")
    note("have it signed, then run `domain-secure cert import FILE --enable`")
    return ExitStatus.DONE


def _wish(arguments: argparse.Namespace, former: OwnCertificate | None) -> Wish:
    friendly_name = arguments.friendly_name or (former.friendly_name if former else "")
    if len(friendly_name) > _LONGEST_FRIENDLY_NAME or not friendly_name.isprintable():
        raise Problem(
            f"it is longer than {_LONGEST_FRIENDLY_NAME} characters, or holds a control character",
            "--friendly-name",
            "choose another one",
        )
    given = _subject(arguments.subject)
    if given is None and former is not None and not arguments.domain:
        given = load(former.certificate.der).subject
    names = _names(arguments.domain or (former.names if former else ()), given)
    return Wish(
        key_type=_key_type(arguments.key_type, former),
        subject=subject_for(names) if given is None else given,
        names=names,
        friendly_name=friendly_name,
        exportable=arguments.exportable,
        renews=former.sha256 if former else None,
    )


def _subject(text: str | None) -> x509.Name | None:
    try:
        return None if text is None else parse_subject(text)
    except InvalidSubjectError as error:
        fix = "write for example CN=mail1.contoso.com,O=Contoso,C=US"
        raise Problem(str(error), "--subject", fix) from error


def _names(domains: Sequence[str], subject: x509.Name | None) -> tuple[Entry, ...]:
    try:
        names = request_names(domains, subject or x509.Name([]))
    except InvalidDomainError as error:
        raise Problem(str(error), "--domain", "name a host, such as mail.contoso.com") from error
    if not names:
        raise Problem("the certificate would be for no host", "--domain", "name the host with --domain")
    if len(names) > MAXIMUM_NAMES:
        raise Problem(f"{len(names)} names are too many", "--domain", f"name {MAXIMUM_NAMES} at most")
    return names


def _key_type(text: str | None, former: OwnCertificate | None) -> KeyType:
    if text is None:
        same = kind_of(former.certificate) if former else KeyType.EC_P256
        return KeyType(same) if same in set(KeyType) else KeyType.EC_P256
    try:
        return KeyType.parse(text)
    except UnusableKeyError as error:
        raise Problem(str(error), f"--key-type {text}", f"choose one of {', '.join(KeyType)}") from error
