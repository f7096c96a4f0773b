"""What a verdict rests on, as text: names, chain with dates, revocation, TLSA records."""

from collections.abc import Mapping
from typing import Any

from domain_secure.policy.terms.printable import printable

_SHOWN_NAMES = 20


def print_certificate(document: Mapping[str, Any]) -> None:
    """Print what ``known_certificate_document`` returned."""
    print(f"certificate {document['certificate']}")
    # Those that count come first, whatever else is in it.
    names = sorted(document["names"], key=lambda name: name["matches"] is None)
    for name in names[:_SHOWN_NAMES]:
        verdict = f"counts for {name['matches']}" if name["matches"] else "counts for none of them"
        print(f"  name     {printable(name['name'])}: {verdict}")
    if len(document["names"]) > _SHOWN_NAMES:
        print(f"  name     … and {len(document['names']) - _SHOWN_NAMES} more, see --json")
    if document["common_name"] is not None:
        counts = "counts, as there is no DNS name" if document["common_name_counts"] else "does not count"
        print(f"  name     common name {printable(document['common_name'])}: {counts}")
    for link in document["chain"]:
        subject = printable(link["subject"]) or "(no subject)"
        print(f"  chain    {subject}, {link['not_before'][:10]} to {link['not_after'][:10]}")
    print(f"  path     {document['path']}: {printable(document['path_detail'])}")
    detail = f": {printable(document['revocation_detail'])}" if document["revocation_detail"] else ""
    print(f"  revoked  {document['revocation']}{detail} (revocation = {document['revocation_mode']})")


def print_tlsa(document: Mapping[str, Any]) -> None:
    """Print what ``tlsa_document`` returned."""
    for entry, answer in document.items():
        said = [*answer["records"], *(f"unknown: {failure}" for failure in answer["failures"])]
        for line in said or ("no record that DNSSEC vouches for",):
            print(f"tlsa       {entry}: {line}")
