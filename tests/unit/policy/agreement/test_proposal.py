"""What an agreement would change in a rule."""

from dataclasses import replace
from datetime import timedelta

from domain_secure.policy.agreement.agreement import Agreement, AnnouncedKey
from domain_secure.policy.agreement.agreement_file import SignedAgreement
from domain_secure.policy.agreement.proposal import Change, Proposal, proposal_for
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.revisions.revision import PublicKey
from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.timed_pin import TimedPin

from unit.policy.builders import NOW, WOODGROVE, configuration, partner

OLD, NEXT, OTHER = (Pin.public_key(digits * 32) for digits in ("aa", "bb", "cc"))
BEGINS, ENDS = NOW + timedelta(days=10), NOW + timedelta(days=20)
KEY = PublicKey(b"k" * 32)
AGREEMENT = Agreement(
    domains=(Domain(WOODGROVE),),
    issued=NOW,
    valid_until=NOW + timedelta(days=365),
    keys=(AnnouncedKey(OLD, ends=ENDS), AnnouncedKey(NEXT, begins=BEGINS)),
    server_names=("mx1.woodgrovebank.test",),
    client_names=("mx1.woodgrovebank.test",),
)
ACCEPTED = {
    "pins": frozenset[Pin](),
    "timed_pins": (TimedPin(OLD, None, ENDS), TimedPin(NEXT, BEGINS, None)),
    "agreement_key": KEY,
    "agreement_issued": AGREEMENT.issued,
    "agreement_until": AGREEMENT.valid_until,
}


def proposed(rules: Configuration, agreement: Agreement = AGREEMENT) -> Proposal:
    """Return what is proposed for the partner."""
    return proposal_for(Domain(WOODGROVE), SignedAgreement(agreement, KEY), rules, NOW)


def change(proposal: Proposal, key: str) -> Change:
    """Return the one change of a key."""
    (found,) = (one for one in proposal.changes if one.key == key)
    return found


def test_the_present_key_gets_an_end_and_the_next_one_a_beginning() -> None:
    """It leaves the pins without a time, where it would come back once its time is taken out."""
    rules = configuration(partners={WOODGROVE: partner(pins=frozenset({OLD, OTHER}))})
    found = proposed(rules)
    assert change(found, "pins").agreed == ()
    assert str(OTHER) in change(found, "pins").remark
    assert set(change(found, "timed_pins").agreed) == set(map(str, ACCEPTED["timed_pins"]))
    assert found.command is not None
    assert found.command.startswith("domain-secure partner set woodgrovebank.test pins= 'timed_pins=")


def test_what_was_accepted_changes_nothing() -> None:
    """The same file again asks for nothing, whichever of the pins count now."""
    for pins in (frozenset({OLD}), frozenset({OLD, NEXT}), frozenset[Pin]()):
        rules = configuration(partners={WOODGROVE: partner(**ACCEPTED | {"pins": pins})})
        assert proposed(rules).changes == ()
        assert proposed(rules).command is None


def test_names_the_rule_would_refuse_are_added() -> None:
    """Those below the domain are accepted already; what lies elsewhere weakens, and is said to."""
    rules = configuration(partners={WOODGROVE: partner()})
    assert "names" not in {one.key for one in proposed(rules).changes}
    elsewhere = ("mail.gateway.test", "*.gateway.test")
    both = replace(AGREEMENT, server_names=elsewhere, client_names=elsewhere)
    found = change(proposed(rules, both), "names")
    assert found.agreed == (WOODGROVE, "mail.gateway.test", "gateway.test")
    assert "weaker" in found.remark
    client = replace(AGREEMENT, client_names=elsewhere)
    assert change(proposed(rules, client), "receive_names").agreed == found.agreed
    named = configuration(partners={WOODGROVE: partner(mx=(Domain("mail.gateway.test"),))})
    server = replace(AGREEMENT, server_names=("mail.gateway.test",))
    assert "send_names" not in {one.key for one in proposed(named, server).changes}


def test_what_there_is_to_know_is_said() -> None:
    """That no key counts now, that one is distrusted here, and that the domain is not on a list."""
    late = replace(AGREEMENT, keys=(AnnouncedKey(NEXT, begins=BEGINS),))
    rules = configuration("other.test", trust={"distrusted": frozenset({NEXT})})
    text = "\n".join(proposed(rules, late).remarks)
    assert "none of its keys counts now" in text
    assert "distrusted" in text
    assert f"receive add {WOODGROVE}" in text
    assert f"send add {WOODGROVE}" in text


def test_another_key_that_signs_is_told() -> None:
    """Who accepts it lets another key speak for the partner."""
    rules = configuration(partners={WOODGROVE: partner(**ACCEPTED | {"agreement_key": PublicKey(b"o" * 32)})})
    assert "in the place of" in change(proposed(rules), "agreement_key").remark
