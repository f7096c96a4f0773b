"""The doctor's questions about files: who may write them, authorities, and the generated tables.

Sources: RFC 7468 for PEM; postconf(5) smtp_tls_CAfile.
"""

import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from domain_secure.policy.certificates.path_validation import TrustAnchors
from domain_secure.policy.configuration.configuration import Configuration, Method
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.findings.service_facts import PostfixFacts
from domain_secure.postfix.tables.differences import differences
from domain_secure.postfix.tables.publication import Job
from domain_secure.postfix.tables.tables import TRANSPORT_SERVICE


def check_writers(configuration: Configuration) -> Iterator[Finding]:
    """Yield each file and folder that decides about mail and that every user of this machine may write."""
    maps = configuration.state / "maps"
    paths = (
        configuration.path,
        configuration.path.parent,
        configuration.state,
        maps,
        configuration.trust.ca_file,
    )
    for path in dict.fromkeys(paths):
        with suppress(FileNotFoundError):
            mode = path.stat().st_mode
            # In a folder with the sticky bit nobody replaces what belongs to another.
            if mode & stat.S_IWOTH and not (stat.S_ISDIR(mode) and mode & stat.S_ISVTX):
                yield Finding.error(
                    "writable-by-everybody",
                    "every user of this machine may decide whose mail passes",
                    f"{path}: mode {stat.S_IMODE(mode):04o}",
                    f"run chmod o-w {path}",
                )


def check_trust(configuration: Configuration) -> Iterator[Finding]:
    """Yield what is wrong with the authorities that incoming certificates are judged by.

    Raises PermissionError where the file must not be read.
    """
    if any(Method.PKIX in configuration.partner(entry).methods for entry in configuration.receive):
        where = f"{configuration.path}: [trust] ca_file"
        fix = "name a readable file of PEM certificates, on Debian that of the package ca-certificates"
        yield from _check_authorities(configuration.trust.ca_file, where, fix)


def check_outbound_authorities(facts: PostfixFacts) -> Iterator[Finding]:
    """Yield what is wrong with the authorities that the dedicated transport trusts.

    Raises PermissionError where the file must not be read.
    """
    if name := _transport_ca_file(facts):
        where = "domain-secure/unix: smtp_tls_CAfile"
        yield from _check_authorities(Path(name), where, "name a readable file of PEM certificates")


def check_tables(job: Job) -> Iterator[Finding]:
    """Yield a finding for each generated table that is not what the lists say; raises Problem."""
    for difference in differences(job):
        if difference.what == "is missing" and not job.expected(difference.table):
            continue
        yield Finding.error(
            "table-out-of-date",
            f"the table {difference.table} {difference.what}",
            f"domain-secure generate --check: {difference.path} {difference.what}",
            "run domain-secure generate",
        )


def _check_authorities(path: Path, where: str, fix: str) -> Iterator[Finding]:
    if not path.is_file():
        yield Finding.error("ca-file-missing", "the file of authorities is missing", f"{where} = {path}", fix)
    elif not len(TrustAnchors.load(path.read_bytes())):
        yield Finding.error(
            "ca-file-empty",
            "the file of authorities holds no certificate, so that no chain can be verified",
            f"{where} = {path}",
            fix,
        )


def _transport_ca_file(facts: PostfixFacts) -> str:
    transport = facts.sender(TRANSPORT_SERVICE)
    return "" if transport is None else transport.value("smtp_tls_CAfile")
