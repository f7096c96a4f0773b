"""``domain-secure pending``: certificates that came with mail of listed domains and that nobody knows yet."""

import argparse
from datetime import datetime

from ..policy.certificate_book import FILE_NAME, CertificateBook, PendingCertificate
from ..policy.configuration import Configuration
from ..policy.problems import ExitStatus
from .common import configuration_of, print_json, print_table


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``pending``."""
    del command
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitStatus:
    """Print each unknown fingerprint with where it came from, and the command that settles it."""
    configuration = configuration_of(arguments)
    book = CertificateBook(configuration.state / FILE_NAME)
    unsettled = [one for one in book.pending() if not _is_settled(one, configuration)]
    book.close()
    if arguments.json:
        print_json([_document(one) for one in unsettled])
    elif unsettled:
        _print(unsettled)
    else:
        print("no unknown certificates have been seen from listed domains")
    return ExitStatus.DONE


def _is_settled(pending: PendingCertificate, configuration: Configuration) -> bool:
    """Tell whether it has been pinned meanwhile, or its domain has left the list."""
    pins = configuration.partner(pending.entry).pins
    return (
        pending.entry not in configuration.receive
        or pending.fingerprint in pins
        or pending.public_key in pins
    )


def _settling_command(pending: PendingCertificate) -> str:
    # Quoted, since the shell would look for files that match a wildcard entry.
    domain = f"'{pending.entry}'" if "*" in pending.entry else pending.entry
    return f"domain-secure partner pin {domain} {pending.fingerprint}"


def _document(pending: PendingCertificate) -> dict[str, object]:
    return {
        "domain": pending.entry,
        "client": pending.client_address,
        "sha256": str(pending.fingerprint),
        "spki_sha256": str(pending.public_key) if pending.public_key else None,
        "first_seen": pending.first_seen.isoformat(),
        "last_seen": pending.last_seen.isoformat(),
        "count": pending.count,
        "settle": _settling_command(pending),
    }


def _print(unsettled: list[PendingCertificate]) -> None:
    print_table(
        ("domain", "client", "certificate", "first seen", "last seen", "count"),
        [
            (
                one.entry,
                one.client_address,
                one.fingerprint,
                _local(one.first_seen),
                _local(one.last_seen),
                one.count,
            )
            for one in unsettled
        ],
    )
    print()
    print(
        "Ask the partner for the certificate and import it (domain-secure partner cert add DOMAIN FILE), or,"
    )
    print("once the partner has confirmed the digest by another way than mail, believe it:")
    for one in unsettled:
        print(f"  {_settling_command(one)}")


def _local(moment: datetime) -> str:
    return moment.astimezone().isoformat(sep=" ", timespec="seconds")
