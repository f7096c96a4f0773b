"""NIST's PKITS: every section, as far as it is about the path itself.

Of sections 4.4, 4.14 and 4.15, which are about revocation lists, this runs the paths; revocation is another
module's.  What deviates is listed with its reason, and must deviate.
"""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from pyhanko_certvalidator.policy_decl import PKIXValidationParams

from domain_secure.policy.certificates.certificate import Certificate, MalformedCertificateError, parse
from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.certificates.path_library import library_fault
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.certificates.trust import ClientPurpose

from lab.pkits import MOMENT, SECTIONS, TRUST_ANCHOR, Case, cases, certificate

DEVIATIONS = {
    "4.1.4": "DSA keys make no signature that is accepted here: nobody uses them for TLS",
    "4.1.5": "the same; and a key that inherits its parameters cannot be read at all",
}
CASES = cases()
CHOSEN = "behind our guard"


@cache
def facts(name: str) -> Certificate:
    """Return a certificate of the suite."""
    return parse(certificate(name))


def library_accepts(case: Case) -> bool:
    """Ask the library behind its guard, with the inputs of the case."""
    inputs = PKIXValidationParams(
        user_initial_policy_set=frozenset(case.policies or ["any_policy"]),
        initial_explicit_policy=case.explicit_policy,
        initial_policy_mapping_inhibit=case.inhibit_mapping,
        initial_any_policy_inhibit=case.inhibit_any_policy,
    )
    try:
        path = [facts(name) for name in (*reversed(case.chain), TRUST_ANCHOR)]
    except MalformedCertificateError:
        return False
    return library_fault(path, MOMENT, inputs) is None


def wanted(case: Case) -> bool:
    """Return what the case is to come out as here."""
    return case.valid_without_revocation and case.number not in DEVIATIONS


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
def test_library(case: Case) -> None:
    """The library behind its guard judges the path as RFC 5280 does, whatever policies are asked for."""
    assert library_accepts(case) is wanted(case), case.reason


@pytest.mark.parametrize(
    "case", [case for case in CASES if not case.has_inputs], ids=lambda case: case.number
)
def test_validation(case: Case) -> None:
    """So does validation as a whole, which finds the path by itself and accepts any policy."""
    anchors = TrustAnchors.load(certificate(TRUST_ANCHOR))
    try:
        leaf, *intermediates = (facts(name) for name in reversed(case.chain))
    except MalformedCertificateError:
        assert not wanted(case)
        return
    found = validate(leaf, intermediates, anchors, ClientPurpose.REQUIRE, MOMENT)
    assert (found.outcome is PathOutcome.TRUSTED) is wanted(case), (found.detail, case.reason)


def test_deviations_are_valid_paths() -> None:
    """Nothing that RFC 5280 calls invalid is accepted: each deviation is a refusal."""
    by_number = {case.number: case for case in CASES}
    assert all(by_number[number].valid for number in DEVIATIONS)


def test_the_table_of_the_decision_is_true() -> None:
    """What docs/decisions.md says of the engine in use is what these tests find."""
    right = Counter(case.section for case in CASES if library_accepts(case) is case.valid_without_revocation)
    total = Counter(case.section for case in CASES)
    rows = {section: f"{right[section]}/{total[section]}" for section in SECTIONS}
    rows["all"] = f"{right.total()}/{total.total()}"
    text = (Path(__file__).parents[4] / "docs/decisions.md").read_text()
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if "|" in line]
    column = next(row.index(CHOSEN) for row in table if CHOSEN in row)
    written = {
        row[0].split(" ")[0].strip("*"): row[column]
        for row in table
        if row[0].split(" ")[0].strip("*") in rows
    }
    assert written == rows
