"""``domain-secure partner cert``: tell us a partner's certificate before it is first seen."""

import argparse
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain_secure.commands.terminal.common import configuration_path, note, print_json
from domain_secure.commands.terminal.listed import add_force, require_listed
from domain_secure.milter.knowledge.live_configuration import Live, read_live
from domain_secure.policy.book.certificate_book import FILE_NAME, IMPORT, CertificateBook
from domain_secure.policy.certificates.certificate import (
    MAXIMUM_FILE_OCTETS,
    Chain,
    is_authority,
    read_certificates,
)
from domain_secure.policy.certificates.certificate_structure import MalformedCertificateError
from domain_secure.policy.certificates.path_validation import validate
from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.decision.decision import Finding, decide_about_session
from domain_secure.policy.decision.evidence import Evidence, KnownCertificate, Session
from domain_secure.policy.decision.settling import Step, settling_steps
from domain_secure.policy.editing.editing import parse_entries
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.terms.domain import Entry, entry_base
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.tls import TlsVersion

from . import partner_certificates, partner_distrust

_SHOWN_NAMES = 10


def add_parser(actions: Any) -> None:
    """Declare ``cert`` among the actions of ``partner``."""
    certificate = actions.add_parser("cert", help="certificates of a partner")
    certificate_actions = certificate.add_subparsers(metavar="ACTION", required=True, title="actions")
    add = certificate_actions.add_parser(
        "add",
        help="import a partner's certificate",
        description="Import the certificate a partner's server shows as TLS client, with the certificates of "
        "its authorities if they are in the file.  A private key in the file is not read.",
    )
    add.add_argument("domain", metavar="DOMAIN", help="the partner, as on the list")
    add.add_argument("file", metavar="FILE", help="PEM, DER or PKCS#7; - reads standard input")
    add_force(add, "import it")
    add.add_argument("--json", action="store_true", help="print one JSON document")
    add.set_defaults(run=run_add)
    partner_certificates.add_parsers(certificate_actions)
    partner_distrust.add_parsers(certificate_actions)


def run_add(arguments: argparse.Namespace) -> ExitStatus:
    """Import a certificate; tell what it is, and whether the partner would pass with it now."""
    live = read_live(load, configuration_path(arguments))
    (entry,) = parse_entries([arguments.domain])
    if not arguments.force:
        require_listed(live.configuration, entry, f"partner cert add {arguments.domain}", forced=True)
    chain = _read(arguments.file)
    now = datetime.now(UTC)
    book = CertificateBook(live.configuration.state / FILE_NAME)
    book.add(chain, IMPORT, entry, now)
    found = book.chain(chain[0].certificate_pin) or chain
    book.close()
    listed = _listed(live.configuration, entry)
    finding, known = _finding(found, listed or entry, live, now)
    steps = settling_steps(listed or entry, finding, known, live.configuration.trust.client_purpose, now)
    document = _document(entry, chain, finding, steps)
    if arguments.json:
        print_json(document)
    else:
        _print(document)
    if listed is None:
        note(f"{entry} is not on the receive list: see `domain-secure receive add {entry}`")
    return ExitStatus.DONE


def _read(file: str) -> Chain:
    """Return the chain in a file; raises Problem, also for one with nothing but authorities."""
    where = "standard input" if file == "-" else file
    try:
        if file == "-":
            content = sys.stdin.buffer.read(MAXIMUM_FILE_OCTETS + 1)
        else:
            with Path(file).open("rb") as stream:
                content = stream.read(MAXIMUM_FILE_OCTETS + 1)
        chain = read_certificates(content)
    except OSError as error:
        raise Problem(
            f"cannot read the certificate ({error.strerror})", where, "name a readable file"
        ) from error
    except MalformedCertificateError as error:
        fix = "ask the partner for the certificate of the sending server in PEM, DER or PKCS#7"
        raise Problem(f"this cannot be imported: {error}", where, fix) from error
    leaf = chain[0]
    if is_authority(leaf) and not leaf.dns_names:
        raise Problem(
            f"this is the certificate of an authority and not of a mail server ({leaf.subject})",
            where,
            "import the server's own certificate, with this one behind it if you like (an authority to trust "
            "goes into trust.ca_file); if the server does show this very one, use "
            f"`domain-secure partner pin DOMAIN {leaf.certificate_pin}`",
        )
    return chain


def _listed(configuration: Configuration, entry: Entry) -> Entry | None:
    """Return the entry of the receive list whose rule decides about mail from *entry*."""
    if entry.startswith("*."):
        return entry if entry in configuration.receive else None
    return configuration.receive.match(entry_base(entry))


def _finding(chain: Chain, entry: Entry, live: Live, now: datetime) -> tuple[Finding, KnownCertificate]:
    """Return what would be decided about a message from the partner with this certificate, and what on."""
    leaf, *intermediates = chain
    trust = live.configuration.trust
    path = validate(leaf, intermediates, live.anchors, trust.client_purpose, now, trust.distrusted)
    session = Session(
        TlsVersion.TLS_1_3, "TLS_AES_256_GCM_SHA384", leaf.certificate_pin, leaf.public_key_pin, None, None
    )
    known = KnownCertificate(leaf, path, RevocationStatus.UNKNOWN)
    claim = Claim(entry, entry_base(entry), "envelope")
    decision = decide_about_session((claim,), Evidence(session, known), live.configuration, now)
    return decision.findings[0], known


def _document(entry: Entry, chain: Chain, finding: Finding, steps: Iterable[Step]) -> dict[str, Any]:
    leaf = chain[0]
    return {
        "domain": entry,
        "subject": leaf.subject,
        "names": list(leaf.dns_names),
        "issuer": leaf.issuer,
        "not_before": leaf.not_before.isoformat(),
        "not_after": leaf.not_after.isoformat(),
        "sha256": str(leaf.certificate_pin),
        "spki_sha256": str(leaf.public_key_pin),
        "chain": [certificate.subject for certificate in chain[1:]],
        "would_pass": finding.method is not None,
        "method": finding.method,
        "verdict": finding.verdict.word,
        "detail": finding.detail,
        "steps": [{"what": step.what, "command": step.command} for step in steps],
    }


def _print(document: dict[str, Any]) -> None:
    print(f"imported   for {document['domain']}")
    print(f"subject    {document['subject'] or 'none'}")
    print(f"names      {_some(document['names']) or 'no host name'}")
    print(f"issuer     {document['issuer']}")
    print(f"valid      {document['not_before'][:10]} to {document['not_after'][:10]}")
    print(f"pins       {document['sha256']}")
    print(f"           {document['spki_sha256']}")
    for number, subject in enumerate(document["chain"]):
        print(f"{'' if number else 'chain':<10} {subject}")
    if document["would_pass"]:
        print(f"would pass now, by {document['method']}: {document['detail']}")
    else:
        print(f"WOULD NOT PASS now, {document['verdict']}: {document['detail']}")
        for step in document["steps"]:
            print(f"what settles it: {step['what']}")
            if step["command"]:
                print(f"  {step['command']}")


def _some(names: list[str]) -> str:
    """Return names in one line; a certificate may hold thousands, with anything in them."""
    shown = [name.encode("unicode_escape").decode() for name in names[:_SHOWN_NAMES]]
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return ", ".join(shown) + more
