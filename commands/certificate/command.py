"""``domain-secure cert``: our own certificate, from the request to its renewal, and partners' revocation."""

import argparse

from . import (
    certificate_authority,
    certificate_enable,
    certificate_export,
    certificate_import,
    certificate_request,
    certificate_revocation,
    certificate_show,
)


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``cert``."""
    del command
    actions = parser.add_subparsers(metavar="ACTION", required=True, title="actions")
    for module in (
        certificate_request,
        certificate_import,
        certificate_enable,
        certificate_export,
        certificate_show,
        certificate_authority,
        certificate_revocation,
    ):
        module.add_parsers(actions)
