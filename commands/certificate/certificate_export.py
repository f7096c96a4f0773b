"""``domain-secure cert export``: a PFX with certificate and key, where the key may leave the box."""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.commands.terminal.common import add_to_document, configuration_of
from domain_secure.policy.own.own_certificates import OwnCertificates
from domain_secure.policy.own.pfx import MINIMUM_PASSWORD, make_pfx
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.thumbprint import find

from .certificate_common import add_password, asked_password, given_password, inventory_of


def add_parsers(actions: Any) -> None:
    """Declare ``export`` among the actions of ``cert``."""
    parser = actions.add_parser(
        "export",
        help="write certificate and key into a PFX, encrypted with AES-256",
        description="Write certificate, chain and key into a PFX, for safe keeping or for another edge. Only "
        "keys that were made or imported with --exportable leave this box.",
    )
    parser.add_argument("thumbprint", metavar="THUMBPRINT", help="SHA-1 or SHA-256, or how it begins")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="a file that does not exist yet"
    )
    add_password(parser, "the PFX")
    parser.set_defaults(run=run_export)


def run_export(arguments: argparse.Namespace) -> ExitStatus:
    """Write a PFX that only its owner may read."""
    configuration = configuration_of(arguments)
    own = find(arguments.thumbprint, inventory_of(configuration).certificates)
    store = OwnCertificates(configuration.state)
    if not own.exportable:
        raise Problem(
            "its key is not exportable",
            f"certificate {own.sha1[:8].upper()}",
            "make a new request with --exportable, or import the PFX it came from with --exportable",
        )
    password = given_password(arguments.password_file) or asked_password("password of the PFX", twice=True)
    if password is None or len(password) < MINIMUM_PASSWORD:
        raise Problem(
            f"a PFX needs a password of {MINIMUM_PASSWORD} characters or more",
            "--password-file",
            "write one into a file that only you may read, and name it",
        )
    content = make_pfx(own, password)
    try:
        descriptor = os.open(arguments.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            os.fsync(stream.fileno())
    except OSError as error:
        raise Problem(
            f"it cannot be written ({error.strerror})", str(arguments.out), "name a new file with --out"
        ) from error
    store.note_export(own, datetime.now(UTC))
    add_to_document({"thumbprint": own.sha1.upper(), "written": [str(arguments.out)]})
    print(f"exported   {own.sha1.upper()} to {arguments.out}")
    return ExitStatus.DONE
