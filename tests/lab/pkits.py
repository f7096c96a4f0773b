"""The cases of NIST's Public Key Interoperability Test Suite (PKITS, data of 2011) as one table.

Owns: which certificates and revocation lists a case consists of, its inputs, and whether its path is valid by
RFC 5280.  The rows are ``tests/data/pkits.tsv``; what they name comes with the package cryptography-vectors.
Must not know: any library that validates.
Source: NIST, "Public Key Interoperability Test Suite (PKITS) Certification Path Validation", section 4.
"""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Self

import cryptography_vectors

TABLE = Path(__file__).parents[1] / "data/pkits.tsv"
TRUST_ANCHOR = "TrustAnchorRootCertificate"  #: above each path
TRUST_ANCHOR_LIST = "TrustAnchorRootCRL"  #: used by each case besides its own lists
MOMENT = datetime(2020, 6, 1, 12, tzinfo=UTC)  #: what is meant to be current is, and to be expired is
SECTIONS = {
    "4.1": "Signatures",
    "4.2": "Validity periods",
    "4.3": "Name chaining",
    "4.4": "Revocation by CRL",
    "4.5": "Self-issued certificates",
    "4.6": "Basic constraints",
    "4.7": "Key usage",
    "4.8": "Certificate policies",
    "4.9": "requireExplicitPolicy",
    "4.10": "Policy mappings",
    "4.11": "inhibitPolicyMapping",
    "4.12": "Inhibit anyPolicy",
    "4.13": "Name constraints",
    "4.14": "Distribution points",
    "4.15": "Delta CRLs",
    "4.16": "Private extensions",
}
_FILES = Path(cryptography_vectors.__file__).parent / "x509/PKITS_data"


@dataclass(frozen=True)
class Case:
    """One path to validate."""

    number: str  #: NIST's, with /1, /2 … where one test has several sets of inputs
    valid: bool
    decided_by: str  #: what an invalid path fails at: path, policy or revocation
    reason: str
    chain: tuple[str, ...]  #: from the certificate below the trust anchor to the end certificate
    extra: tuple[str, ...]  #: further certificates that the signature of a revocation list needs
    revocation_lists: tuple[str, ...]
    policies: tuple[str, ...]  #: that are acceptable, as object identifiers; none: any
    explicit_policy: bool
    inhibit_mapping: bool
    inhibit_any_policy: bool

    @classmethod
    def parse(cls, row: dict[str, str]) -> Self:
        """Return the case of one row."""
        inputs = dict(word.partition("=")[::2] for word in row["inputs"].split())
        policies = filter(None, inputs.get("policies", "").split(","))
        return cls(
            row["number"],
            row["valid"] == "valid",
            row["decided_by"],
            row["reason"],
            tuple(row["chain"].split()),
            tuple(row["extra"].split()),
            tuple(row["crls"].split()),
            tuple(f"2.16.840.1.101.3.2.1.48.{number}" for number in policies),
            "explicit_policy" in inputs,
            "inhibit_mapping" in inputs,
            "inhibit_any_policy" in inputs,
        )

    @property
    def section(self) -> str:
        """Return the section the case belongs to, a key of SECTIONS."""
        return ".".join(self.number.split(".")[:2])

    @property
    def has_inputs(self) -> bool:
        """Tell whether the case asks for certain policies, which the product never does."""
        return bool(self.policies) or self.explicit_policy or self.inhibit_mapping or self.inhibit_any_policy

    @property
    def valid_without_revocation(self) -> bool:
        """Tell whether the path is valid as long as nobody asks for revocation."""
        return self.valid or self.decided_by == "revocation"


def cases() -> tuple[Case, ...]:
    """Return every case in the order of the suite."""
    with TABLE.open(encoding="utf-8", newline="") as table:
        return tuple(map(Case.parse, csv.DictReader(table, dialect="excel-tab")))


@cache
def revocation_list(name: str) -> bytes:
    """Return a revocation list of the suite in DER."""
    return (_FILES / f"crls/{name}.crl").read_bytes()


@cache
def certificate(name: str) -> bytes:
    """Return a certificate of the suite in DER."""
    return (_FILES / f"certs/{name}.crt").read_bytes()
