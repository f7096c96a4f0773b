"""The table of verdicts against the contract (reply codes, effects)."""

import pytest

from domain_secure.policy.configuration.configuration import OnFailure
from domain_secure.policy.decision.verdict import Effect, Verdict

#: What is replied to each word, and the effect of it under reject, defer and tag.
CONTRACT = {
    "no-tls": ("530 5.7.10", "reject", "reject", "accept"),
    "weak-tls": ("550 5.7.10", "reject", "defer", "accept"),
    "no-certificate": ("550 5.7.5", "reject", "defer", "accept"),
    "untrusted": ("550 5.7.5", "reject", "defer", "accept"),
    "no-signature": ("550 5.7.22", "reject", "defer", "accept"),
    "name-mismatch": ("550 5.7.5", "reject", "defer", "accept"),
    "expired": ("550 5.7.5", "reject", "defer", "accept"),
    "revoked": ("550 5.7.5", "reject", "defer", "accept"),
    "distrusted": ("550 5.7.5", "reject", "defer", "accept"),
    "unknown-certificate": ("451 4.7.5", "defer", "defer", "accept"),
    "revocation-unknown": ("451 4.7.5", "defer", "defer", "accept"),
    "dates-unknown": ("451 4.7.5", "defer", "defer", "accept"),
    "not-set-up": ("451 4.7.5", "defer", "defer", "accept"),
    "no-evidence": ("451 4.7.5", "defer", "defer", "accept"),
    "internal-error": ("451 4.7.5", "defer", "defer", "accept"),
}


def test_every_failure_stands_in_the_contract() -> None:
    """No verdict fails a message without a row in the published table."""
    assert {verdict.word for verdict in Verdict if verdict.is_failure} == set(CONTRACT)


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict.is_failure])
def test_failure_follows_the_contract(verdict: Verdict) -> None:
    """Reply and effect of each failure are the published ones."""
    reply, *effects = CONTRACT[verdict.word]
    assert verdict.status == reply
    assert [verdict.effect(on_failure) for on_failure in OnFailure] == effects
    assert verdict.is_temporary == reply.startswith("4")


@pytest.mark.parametrize("verdict", [Verdict.NONE, Verdict.EXEMPT, Verdict.PASS])
def test_what_is_not_a_failure_is_not_replied_to(verdict: Verdict) -> None:
    """Only failures have a reply, and only PASS is marked."""
    assert {verdict.effect(on_failure) for on_failure in OnFailure} == {
        Effect.ACCEPT if verdict is Verdict.PASS else Effect.NONE
    }
    with pytest.raises(ValueError, match="not replied to"):
        verdict.reply_status(Effect.REJECT)


def test_a_softened_reply_is_temporary_in_both_codes() -> None:
    """``on_failure = defer`` turns both codes to class 4 (RFC 3463 section 3.1)."""
    assert Verdict.NAME_MISMATCH.reply_status(Effect.DEFER) == ("451", "4.7.5")
    assert Verdict.WEAK_TLS.reply_status(Effect.DEFER) == ("451", "4.7.10")
    assert Verdict.NO_EVIDENCE.reply_status(Effect.DEFER) == ("451", "4.7.5")
