"""Whose mail is watched only, as the daemon tells it."""

from domain_secure.milter.knowledge.observing import observing
from domain_secure.policy.configuration.configuration import Mode
from domain_secure.policy.terms.domain import Entry

from unit.policy.builders import configuration, partner

WOODGROVE, FABRIKAM = Entry("woodgrovebank.test"), Entry("fabrikam.test")
OBSERVED = {WOODGROVE: partner(WOODGROVE, mode=Mode.OBSERVE)}


def test_rules_that_observe() -> None:
    """Where all are enforced, those whose rule says otherwise are told."""
    assert observing(configuration(WOODGROVE, FABRIKAM, partners=OBSERVED)) == [WOODGROVE]
    assert observing(configuration(WOODGROVE)) == []


def test_everybody_who_has_no_rule() -> None:
    """Where all are observed, those whose rule enforces are not told."""
    enforced = {WOODGROVE: partner(WOODGROVE)}
    assert observing(configuration(WOODGROVE, FABRIKAM, partners=enforced, mode=Mode.OBSERVE)) == [FABRIKAM]
