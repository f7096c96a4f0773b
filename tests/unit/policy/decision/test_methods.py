"""Methods: where the times of a certificate begin and end, and whose name it bears."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.certificates.trust import CommonName
from domain_secure.policy.configuration.configuration import Configuration, Method
from domain_secure.policy.decision.decision import decide
from domain_secure.policy.decision.evidence import Evidence, KnownCertificate
from domain_secure.policy.decision.methods import is_in_name_of
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.terms.domain import Entry

from unit.policy.builders import WOODGROVE, claim, configuration, known, partner, session

OWN = known(WOODGROVE)
BEGINS, ENDS = OWN.path.not_before, OWN.path.not_after
SECOND = timedelta(seconds=1)
FABRIKAM = Entry("fabrikam.test")


@pytest.mark.parametrize(
    ("now", "known_time", "verdict"),
    [
        (BEGINS - timedelta(minutes=10) - SECOND, None, Verdict.EXPIRED),
        (BEGINS - timedelta(minutes=10), None, Verdict.DATES_UNKNOWN),
        (BEGINS - SECOND, None, Verdict.DATES_UNKNOWN),
        (BEGINS, None, Verdict.PASS),
        (ENDS, None, Verdict.PASS),
        (ENDS + SECOND, None, Verdict.EXPIRED),
        # by a clock that is behind
        (BEGINS - timedelta(days=1), BEGINS, Verdict.DATES_UNKNOWN),
        (BEGINS - timedelta(days=1), BEGINS - timedelta(days=1), Verdict.EXPIRED),
        (ENDS - SECOND, ENDS, Verdict.PASS),
        (ENDS - SECOND, ENDS + SECOND, Verdict.DATES_UNKNOWN),
        (ENDS, ENDS + SECOND, Verdict.DATES_UNKNOWN),
        (ENDS + SECOND, ENDS + SECOND, Verdict.EXPIRED),
        (ENDS + SECOND, ENDS + 2 * SECOND, Verdict.EXPIRED),
        # by a clock that may have leapt ahead
        (ENDS, ENDS - SECOND, Verdict.PASS),
        (ENDS + SECOND, ENDS, Verdict.DATES_UNKNOWN),
    ],
)
def test_the_first_second_and_the_last(now: datetime, known_time: datetime | None, verdict: Verdict) -> None:
    """Both dates belong to the time in which a certificate is valid (RFC 5280 section 4.1.2.5)."""
    evidence = Evidence(session(), OWN, known_time=known_time)
    assert decide([claim()], evidence, configuration(), now).verdict is verdict


def test_a_certificate_without_a_name_needs_no_issuer() -> None:
    """It would not prove a partner whoever vouched for it."""
    content = known(outcome=PathOutcome.UNTRUSTED)
    content = replace(content, path=replace(content.path, without_issuer=content.certificate))
    decision = decide([claim()], Evidence(session(), content), configuration(), BEGINS)
    assert decision.verdict is Verdict.UNTRUSTED


BY_PINS = configuration(WOODGROVE, FABRIKAM, partners={WOODGROVE: partner(methods=(Method.PIN,))})


@pytest.mark.parametrize(
    ("content", "entries", "rules", "is_so"),
    [
        (known(WOODGROVE), (WOODGROVE,), configuration(), True),
        (known(f"mail.{WOODGROVE}"), (FABRIKAM, WOODGROVE), configuration(), True),
        (known("evil.test"), (FABRIKAM, WOODGROVE), configuration(), False),
        (known(), (WOODGROVE,), configuration(), False),
        (known(WOODGROVE), (), configuration(), False),
        (known(WOODGROVE), (WOODGROVE,), BY_PINS, False),
        (known(WOODGROVE), (FABRIKAM,), BY_PINS, False),
        (known(common_name=WOODGROVE), (WOODGROVE,), configuration(), False),
        (
            known(common_name=WOODGROVE),
            (WOODGROVE,),
            configuration(trust={"common_name": CommonName.WITHOUT_SAN}),
            True,
        ),
        (
            known("evil.test", common_name=WOODGROVE),
            (WOODGROVE,),
            configuration(trust={"common_name": CommonName.WITHOUT_SAN}),
            False,
        ),
    ],
)
def test_whose_name_a_certificate_bears(
    content: KnownCertificate, entries: tuple[Entry, ...], rules: Configuration, is_so: bool
) -> None:
    """That of any of the partners whose chain is asked; a common name only where it counts."""
    assert is_in_name_of(content.certificate, entries, rules) is is_so


def test_names_for_other_methods() -> None:
    """Those that prove a partner by name otherwise are asked for by the caller."""
    rules = configuration(partners={WOODGROVE: partner(methods=(Method.PIN, Method.DANE))})
    assert is_in_name_of(OWN.certificate, (WOODGROVE,), rules, (Method.PKIX, Method.DANE))
    assert not is_in_name_of(OWN.certificate, (WOODGROVE,), rules, (Method.PKIX, Method.POSTFIX))
