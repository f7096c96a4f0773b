"""What a partner is told of his own sessions, and what he is not."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.configuration.configuration import LogLevel
from domain_secure.policy.decision.attribution import Attribution
from domain_secure.policy.decision.decision import decide, exempted
from domain_secure.policy.decision.evidence import Evidence
from domain_secure.policy.decision.reply import reply_to
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.record.decision_document import KIND as DECISION
from domain_secure.policy.record.decision_record import DecisionRecord
from domain_secure.policy.record.observed import Observed, item_of
from domain_secure.policy.record.partner_facts import facts_for_partner, without_own_paths
from domain_secure.policy.sending.delivery import DeliveryStatus, FailureReason

from unit.policy.builders import NOW, WOODGROVE, claim, configuration, known, session
from unit.policy.history_items import FAILED, record
from unit.policy.sending.test_delivery import SENT

FABRIKAM = "fabrikam.test"
CLIENT = "192.0.2.7"


def told(observed: Observed, domain: str = WOODGROVE, *servers: str, **named: bool) -> dict[str, Any] | None:
    """Return what is told of something that was recorded as fully as it can be."""
    item = item_of(observed, LogLevel.VERBOSE)
    assert item.document is not None
    return facts_for_partner(item.kind, json.loads(json.dumps(item.document)), domain, servers, **named)


def forged(whose: Attribution | None) -> DecisionRecord:
    """Return a refused message, and whose it was; None: nobody asked."""
    return replace(record("evil.test"), attributions={WOODGROVE: whose} if whose else {})


def test_a_session_that_proved_to_be_his_is_told() -> None:
    """With all he needs to find it on his side."""
    found = told(record())
    assert found is not None
    assert found["client"] == {"address": CLIENT, "port": "41034"}
    assert (found["reference"], found["tls"], found["effect"]) == ("Q1", "TLSv1.3", "accept")
    assert found["certificate"].startswith("sha256:")
    assert [one["verdict"] for one in found["claims"]] == ["pass"]


def test_a_refused_session_of_his_is_told_with_the_reply() -> None:
    """The address only where mail of his has passed from there."""
    his = forged(Attribution.PARTNER)
    found = told(his)
    assert found is not None
    assert found["client"] is None
    assert found["reply"] == str(his.reply)
    known_server = told(his, WOODGROVE, CLIENT)
    assert known_server is not None
    assert known_server["client"]["address"] == CLIENT


@pytest.mark.parametrize("whose", [None, Attribution.STRANGER])
def test_a_strangers_session_is_not_told(whose: Attribution | None) -> None:
    """Nor one of which nobody asked whose it was; by its reference it is, without the address."""
    assert told(forged(whose)) is None
    named = told(forged(whose), named=True)
    assert named is not None
    assert named["client"] is None


def test_what_a_user_of_ours_sends_is_not_told() -> None:
    """Nobody's business is who logs in here, or which relay of ours hands mail on."""
    decision = exempted([claim()], configuration(), "[inbound] trusted_relays has 10.0.0.5")
    ours = replace(record(), decision=decision, reply=None, attributions={WOODGROVE: Attribution.PARTNER})
    assert told(ours) is None
    assert told(ours, WOODGROVE, CLIENT, named=True) is None, "whoever has the reference"


@pytest.mark.parametrize("address", [CLIENT, "192.0.2.99"])
def test_what_nobody_judged_is_his_from_his_servers_alone(address: str) -> None:
    """A stranger may have written while our look-ups failed; what he showed is not the partner's."""
    decision = decide([claim()], Evidence(None, None), configuration(), NOW)
    assert decision.verdict is Verdict.NO_EVIDENCE
    unseen = replace(record(), decision=decision, attributions={WOODGROVE: Attribution.PARTNER})
    assert (told(unseen, WOODGROVE, address) is not None) is (address == CLIENT)


def test_a_session_that_proved_to_be_another_partner_is_not_his() -> None:
    """From a gateway that both use, and whoever has the reference: what it showed names the other one."""
    evidence = Evidence(session(), known(f"mail.{WOODGROVE}"))
    claims = [claim(), claim(FABRIKAM, source="from")]
    decision = replace(decide(claims, evidence, configuration(WOODGROVE, FABRIKAM), NOW), evidence=evidence)
    both = DecisionRecord(
        NOW, "Q1", CLIENT, "1", decision, reply_to(decision, "Q1"), 0.1, {FABRIKAM: Attribution.PARTNER}
    )
    assert told(both, FABRIKAM, CLIENT) is None
    assert told(both, FABRIKAM, CLIENT, named=True) is None
    assert told(both, WOODGROVE) is not None


def test_another_partner_in_the_same_message_is_left_out() -> None:
    """And the reply where it is about him."""
    configured = configuration(WOODGROVE, FABRIKAM)
    evidence = Evidence(session(), known(f"mail.{WOODGROVE}"))
    decision = replace(
        decide([claim(), claim(FABRIKAM, source="from")], evidence, configured, NOW), evidence=evidence
    )
    both = DecisionRecord(NOW, "Q1", CLIENT, "1", decision, reply_to(decision, "Q1"), 0.1)
    assert str(both.reply).startswith(f"550 5.7.5 {FABRIKAM}:")
    found = told(both)
    assert found is not None
    assert FABRIKAM not in json.dumps(found)
    assert (found["effect"], found["reply"]) == ("reject", None)
    assert told(both, "other.test") is None


def test_deliveries_are_told_in_the_words_of_his_server() -> None:
    """What Postfix says of our side is not among them."""
    found = told(SENT)
    assert found is not None
    assert (found["server"], found["outcome"], found["mutual"]) == (SENT.relay, "sent", True)
    assert found["detail"] == SENT.reply
    deferred = replace(SENT, status=DeliveryStatus.DEFERRED, verified=None, tls=None)
    said = f"host {SENT.relay[:-3]} said: 451 4.7.5 not now (in reply to MAIL FROM command)"
    for reply, expected in (
        (said, "451 4.7.5 not now"),
        ("mail transport unavailable", None),
        ("cannot open /etc/postfix/x", None),
    ):
        found = told(replace(deferred, reply=reply))
        assert found is not None
        assert (found["detail"], found["server"], found["verified"]) == (expected, None, False)
    assert told(replace(SENT, entry="x.test", domain="x.test")) is None


def test_sessions_that_failed() -> None:
    """What was wrong with his server is told; a fault of ours, and which way we went, is not."""
    found = told(FAILED)
    assert found is not None
    assert (found["server"], found["detail"]) == (FAILED.relay, FAILED.detail)
    for reason, detail, expected in (
        (FailureReason.CONFIGURATION, "/etc/postfix/main.cf: bad", "a fault on our side"),
        (FailureReason.UNREACHABLE, "connect to relay.contoso.test[10.0.0.1]:25: refused", "no connection"),
        (FailureReason.SESSION_REFUSED, "host x[192.0.2.1] refused to talk to me: 554 no", "554 no"),
        (FailureReason.SESSION_REFUSED, "anything else", None),
    ):
        found = told(replace(FAILED, reason=reason, detail=detail))
        assert found is not None
        assert (found["server"], found["detail"]) == (None, expected)


def test_paths_of_this_machine_are_taken_out() -> None:
    """Names in a certificate, which OpenSSL writes with slashes, are none."""
    assert without_own_paths("cannot read /etc/ssl/x.pem: gone") == "cannot read …: gone"
    assert without_own_paths("/mnt/lists/a.crl: old (/data/x)") == "…: old (…)"
    assert without_own_paths("TLS 1.2/1.3, and/or /") == "TLS 1.2/1.3, and/or /"
    assert without_own_paths("untrusted issuer /CN=Root/O=x") == "untrusted issuer /CN=Root/O=x"
    assert without_own_paths("http://crl.test/etc/x.crl") == "http://crl.test/etc/x.crl"


@given(st.dictionaries(st.sampled_from(["node", "lines", "certificates", "known_certificate", "seconds"]),
                       st.just("mx1.internal")))  # fmt: skip
def test_a_key_that_is_not_named_does_not_get_out(further: dict[str, str]) -> None:
    """Whatever records come to hold one day."""
    item = item_of(record(), LogLevel.VERBOSE)
    assert item.document is not None
    document = {**item.document, **further, "further": "mx1.internal"}
    document["session"] = {**document["session"], "further": "mx1.internal"}
    document["findings"] = [{**one, "further": "mx1.internal"} for one in document["findings"]]
    found = facts_for_partner(DECISION, document, WOODGROVE, ())
    assert found is not None
    assert "mx1.internal" not in json.dumps(found)
