"""``domain-secure cert ca``: a private authority for a pair of partners."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.commands.terminal.common import (
    add_to_document,
    configuration_of,
    note,
    print_json,
    print_table,
)
from domain_secure.policy.authority.authority_folder import LIST, ROOT, AuthorityFolder
from domain_secure.policy.authority.private_authority import LONGEST_COMMON_NAME
from domain_secure.policy.own.certificate_path import read_limited
from domain_secure.policy.own.certificate_request import MAXIMUM_OCTETS, InvalidRequestError, parse_request
from domain_secure.policy.own.key_folder import KeyFolder
from domain_secure.policy.own.own_entries import chain_file
from domain_secure.policy.terms.domain import Domain, InvalidDomainError, entry_base, parse_entry
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.thumbprint import find, sha1_of

from .certificate_common import add_password, asked_password, given_password, write_public

_FOLDER = "ca"  #: below the folder of our keys
_CERTIFICATE_LABEL = b"-----BEGIN CERTIFICATE-----"
_ROOT_DAYS, _LEAF_DAYS, _LIST_DAYS = 3650, 30, 30
_LONGEST_DAYS = 7300


def add_parsers(actions: Any) -> None:
    """Declare ``ca`` among the actions of ``cert``."""
    authority = actions.add_parser("ca", help="a private authority for a pair of partners")
    its_actions = authority.add_subparsers(metavar="ACTION", required=True, title="actions")
    init = its_actions.add_parser(
        "init",
        help="make the authority",
        description="Make an authority that may vouch for hosts of the given domains and nothing else. "
        "Both partners add its root to [trust] ca_file, and to what their Postfix or Exchange trusts.",
    )
    init.add_argument("--domain", action="append", default=[], required=True, metavar="DOMAIN",
                      help="a domain of one of the partners; may be repeated")  # fmt: skip
    init.add_argument("--name", metavar="TEXT", help="the authority's name")
    init.add_argument(
        "--days", type=_days, default=_ROOT_DAYS, help=f"how long it lives (default: {_ROOT_DAYS})"
    )
    init.add_argument(
        "--crl-url", metavar="URL", help="where you publish the revocation list, for certificates to say"
    )
    init.add_argument("--crl-days", type=_days, default=_LIST_DAYS, metavar="DAYS",
                      help=f"how long a revocation list holds (default: {_LIST_DAYS})")  # fmt: skip
    init.set_defaults(run=run_init)
    issue = its_actions.add_parser("issue", help="sign a request, also to renew a certificate")
    issue.add_argument("request", type=Path, metavar="REQUEST", help="PKCS#10, in PEM or DER")
    issue.add_argument(
        "--days", type=_days, default=_LEAF_DAYS, help=f"how long it lives (default: {_LEAF_DAYS})"
    )
    issue.set_defaults(run=run_issue)
    revoke = its_actions.add_parser(
        "revoke", help="revoke certificates; without one, renew the revocation list"
    )
    revoke.add_argument(
        "thumbprints", nargs="*", metavar="THUMBPRINT", help="SHA-1 or SHA-256, or how it begins"
    )
    revoke.set_defaults(run=run_revoke)
    listing = its_actions.add_parser("list", help="print what the authority has issued")
    listing.add_argument("--json", action="store_true", help="print one JSON document")
    listing.set_defaults(run=run_list)
    for parser in (init, issue):
        parser.add_argument("--out", metavar="FILE", default="-", help="where to write the certificate")
    for parser in (init, issue, revoke):
        parser.add_argument(
            "--crl-out", type=Path, metavar="FILE", help="also write the revocation list (DER) there"
        )
        add_password(parser, "the authority's key")
    for parser in (init, issue, revoke, listing):
        parser.add_argument("--offline", type=Path, metavar="DIR",
                            help="the authority lives in this folder, for example on a medium in a safe "
                            "(default: on this box)")  # fmt: skip


def run_init(arguments: argparse.Namespace) -> ExitStatus:
    """Make the authority, and write its root."""
    domains = [_domain(text) for text in arguments.domain]
    title = arguments.name or f"Private authority of {domains[0]}"[:LONGEST_COMMON_NAME]
    if not title.isprintable() or len(title) > LONGEST_COMMON_NAME:
        what = f"it is longer than {LONGEST_COMMON_NAME} characters, or holds a control character"
        raise Problem(what, "--name", "choose another one")
    password = given_password(arguments.password_file)
    if password is None and arguments.offline is not None:
        password = asked_password("password of the authority's key (none: empty)", twice=True)
    with _opened(arguments) as folder:
        root = folder.init(
            title,
            domains,
            datetime.now(UTC),
            days=arguments.days,
            list_url=arguments.crl_url,
            list_days=arguments.crl_days,
            password=password,
        )
        revocation_list = folder.revocation_list()
    _publish(arguments, revocation_list)
    add_to_document(
        {
            "root": root.certificate_pin.digest,
            "domains": list(domains),
            "not_after": root.not_after.isoformat(),
            "folder": str(folder.path),
        }
    )
    _write(arguments.out, chain_file([root]))
    note(f"the authority is in {folder.path}; both partners trust {ROOT}, until {root.not_after:%Y-%m-%d}")
    return ExitStatus.DONE


def run_issue(arguments: argparse.Namespace) -> ExitStatus:
    """Sign a request."""
    where = str(arguments.request)
    try:
        public_key, _, names = parse_request(read_limited(arguments.request, MAXIMUM_OCTETS))
    except InvalidRequestError as error:
        fix = "have the partner make one with `domain-secure cert request` or the like"
        raise Problem(f"this cannot be signed: {error}", where, fix) from error
    given = given_password(arguments.password_file)
    with _opened(arguments) as folder:
        password = _password(given, folder)
        leaf, root = folder.issue(
            public_key, names, datetime.now(UTC), days=arguments.days, password=password
        )
        revocation_list = folder.revocation_list()
    _publish(arguments, revocation_list)
    add_to_document(
        {
            "thumbprint": sha1_of(leaf.der).upper(),
            "sha256": leaf.certificate_pin.digest,
            "names": list(names),
            "not_after": leaf.not_after.isoformat(),
        }
    )
    _write(arguments.out, chain_file([leaf, root]))
    note(f"issued for {', '.join(names)}, until {leaf.not_after:%Y-%m-%d}; to renew it, issue it again")
    return ExitStatus.DONE


def run_revoke(arguments: argparse.Namespace) -> ExitStatus:
    """Revoke certificates, and write a new revocation list."""
    given = given_password(arguments.password_file)
    with _opened(arguments) as folder:
        authority, _ = folder.read()
        doomed = [find(text, authority.issued) for text in arguments.thumbprints]
        authority = folder.revoke(doomed, datetime.now(UTC), password=_password(given, folder))
        revocation_list = folder.revocation_list()
    _publish(arguments, revocation_list)
    add_to_document(
        {
            "revoked": [{"thumbprint": one.sha1.upper(), "names": list(one.names)} for one in doomed],
            "list": {
                "path": str(folder.path / LIST),
                "number": authority.list_number,
                "days": authority.list_days,
            },
        }
    )
    for one in doomed:
        print(f"revoked    {one.sha1.upper()} ({', '.join(one.names)})")
    print(
        f"list       {folder.path / LIST}, number {authority.list_number}, valid {authority.list_days} days"
    )
    return ExitStatus.DONE


def run_list(arguments: argparse.Namespace) -> ExitStatus:
    """Print what was issued."""
    with _opened(arguments) as folder:
        authority, root = folder.read()
    issued = [
        {
            "thumbprint": one.sha1.upper(),
            "sha256": one.sha256,
            "names": list(one.names),
            "not_after": one.not_after.isoformat(),
            "revoked": one.revoked and one.revoked.isoformat(),
        }
        for one in authority.issued
    ]
    if arguments.json:
        print_json(
            {
                "root": root.certificate_pin.digest,
                "domains": list(authority.domains),
                "not_after": root.not_after.isoformat(),
                "issued": issued,
            }
        )
        return ExitStatus.DONE
    print(f"{root.subject}, for {' and '.join(authority.domains)}, until {root.not_after:%Y-%m-%d}")
    rows = [
        (
            one.sha1.upper(),
            ", ".join(one.names),
            f"{one.not_after:%Y-%m-%d}",
            f"{one.revoked:%Y-%m-%d}" if one.revoked else "-",
        )
        for one in authority.issued
    ]
    print_table(("thumbprint", "names", "not after", "revoked"), rows)
    return ExitStatus.DONE


@contextmanager
def _opened(arguments: argparse.Namespace) -> Iterator[AuthorityFolder]:
    if arguments.offline is not None:
        yield AuthorityFolder(arguments.offline)
        return
    with KeyFolder(configuration_of(arguments).state).writing() as folder:
        yield AuthorityFolder(folder.path / _FOLDER, folder)


def _password(given: bytes | None, folder: AuthorityFolder) -> bytes | None:
    if given is not None or not folder.is_locked:
        return given
    return asked_password("password of the authority's key")


def _publish(arguments: argparse.Namespace, revocation_list: bytes) -> None:
    if arguments.crl_out is not None:
        write_public(arguments.crl_out, revocation_list, lambda content: content[:1] == b"\x30")


def _write(out: str, content: bytes) -> None:
    """Write certificates out; a document has them as well."""
    add_to_document({"certificates": content.decode(), "written": [] if out == "-" else [out]})
    if out == "-":
        sys.stdout.write(content.decode())
    else:
        write_public(Path(out), content, lambda former: _CERTIFICATE_LABEL in former)
        print(f"written    {out}")


def _domain(text: str) -> Domain:
    try:
        entry = parse_entry(text)
    except InvalidDomainError as error:
        raise Problem(str(error), "--domain", "name a domain, such as contoso.com") from error
    if entry.startswith("*."):
        raise Problem("the hosts below a domain are meant anyway", f"--domain {text}", "leave out the *.")
    return entry_base(entry)


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _LONGEST_DAYS:
        raise argparse.ArgumentTypeError(f"write a number of days from 1 to {_LONGEST_DAYS}")
    return int(text)
