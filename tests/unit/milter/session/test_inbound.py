"""One message through the shell around the decision, without libmilter and sockets."""

import gc
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from domain_secure.milter.session.delegation import DelegatedFacts
from domain_secure.milter.session.macros import MilterFacts
from domain_secure.milter.session.outcome import Outcome
from domain_secure.milter.session.transaction import MOST_FORGED_MARKS
from domain_secure.policy.claims.budget import MAXIMUM_AUTHOR_OCTETS, MAXIMUM_CLAIMS
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin

from unit.milter.edge import CIPHER, Edge


@pytest.fixture
def edge(tmp_path: Path) -> Edge:
    """Return an edge that lists woodgrovebank.test."""
    return Edge(tmp_path)


SENDER = "<admin@woodgrovebank.test>"
PARTNER = b"Admin <admin@woodgrovebank.test>"
_MESSAGES = 50  #: of each kind, for what one may leave behind
FORGED = ("X-Domain-Secure", b"pass (woodgrovebank.test; pkix; TLSv1.3) by mx1.contoso.test; ref=Q9")


def test_partner_is_let_in_and_marked(edge: Edge) -> None:
    """The partner's own certificate earns both marks, with reference and method."""
    outcome = edge.message(SENDER, fingerprint=edge.know("woodgrovebank.test"))
    assert outcome.reply is None
    assert dict(outcome.added_headers) == {
        "X-Domain-Secure": "pass (woodgrovebank.test; pkix; TLSv1.3) by mx1.contoso.test; ref=Q1",
        "Authentication-Results": "mx1.contoso.test; x-domain-secure=pass header.d=woodgrovebank.test"
        " policy.method=pkix policy.tls=TLSv1.3",
    }


def test_evidence_is_kept_for_who_may_wait(edge: Edge) -> None:
    """What Postfix said of a session is said once; the second message of a certificate takes no look-up."""
    fingerprint = edge.know("woodgrovebank.test")
    facts = MilterFacts("127.0.0.3", "1", "TLSv1.3", CIPHER, None, None, False, "", "mx1.contoso.test")
    for waits in (True, False):
        edge.requests.remember(
            DelegatedFacts("127.0.0.3", "1", "Q1", "TLSv1.3", CIPHER, fingerprint, fingerprint, None, None)
        )
        transaction = edge.inbound.begin(facts, SENDER)
        outcome = edge.inbound.end_at_once(transaction, "Q1")
        assert (outcome is None) is waits
        assert not len(edge.requests)
        if outcome is None:
            assert not edge.records
            outcome = edge.inbound.end(transaction, "Q1")
        assert outcome.reply is None
        assert outcome.added_headers
    assert len(edge.records) == 2


def test_what_takes_its_time_is_not_done_at_once(tmp_path: Path) -> None:
    """Many claims are many judgements, and whoever waits behind them has made none."""
    names = [f"{number}.test" for number in range(5)]
    edge = Edge(tmp_path, entries=", ".join(f'"{name}"' for name in names))
    facts = MilterFacts("127.0.0.3", "1", None, None, None, None, False, "", "mx1.contoso.test")
    for claimed, at_once in ((names[:4], True), (names, False)):
        transaction = edge.inbound.begin(facts, "<>")
        transaction.note_author("From", ", ".join(f"x@{name}" for name in claimed).encode())
        for name in names:
            edge.inbound._knowledge.familiar.known(Entry(name))
        assert (edge.inbound.end_at_once(transaction, "Q1") is not None) is at_once


def test_stranger_is_refused_and_not_marked(edge: Edge) -> None:
    """A certificate known to be another's is refused for good, naming both."""
    outcome = edge.message(SENDER, fingerprint=edge.know("evil.test"))
    assert outcome.reply is not None
    assert str(outcome.reply).startswith("550 5.7.5 woodgrovebank.test: certificate is for evil.test;")
    assert not outcome.added_headers


def test_every_refusal_names_the_page_where_there_is_one(tmp_path: Path) -> None:
    """Of a partner's message, and of one that cannot be judged whoever it is from."""
    edge = Edge(tmp_path, '[inbound]\nhelp_url = "https://contoso.test/refused"')
    refused = edge.message(SENDER, fingerprint=edge.know("evil.test")).reply
    assert refused is not None
    assert "; see https://contoso.test/refused#name-mismatch (name-mismatch) [ref Q1]" in refused.text
    flood = edge.message("<x@evil.test>", *[FORGED] * (MOST_FORGED_MARKS + 1), tls=False).reply
    assert flood is not None
    assert flood.text.endswith("; see https://contoso.test/refused#forged-marks (forged-marks) [ref Q1]")


def test_unknown_certificate_is_deferred_and_listed_as_pending(edge: Edge) -> None:
    """What nobody knows yet is deferred, and the administrator finds it under pending."""
    outcome = edge.message(SENDER, fingerprint="AB" * 32)
    assert outcome.reply is not None
    assert outcome.reply.code == "451"
    assert [str(item.fingerprint) for item in edge.book.pending()] == ["sha256:" + "ab" * 32]


@pytest.mark.parametrize("pins", ["[]", f'["sha256:{"cd" * 32}"]'], ids=["no pin yet", "another pin"])
@pytest.mark.parametrize("methods", ['["pin"]', '["pin", "postfix"]'])
def test_certificate_that_no_chain_could_prove_is_pending(tmp_path: Path, pins: str, methods: str) -> None:
    """Where pins alone count, what is not pinned waits for a decision as what is unknown does."""
    edge = Edge(tmp_path, f'[partner."woodgrovebank.test"]\nmethods = {methods}\npins = {pins}')
    outcome = edge.message(SENDER, fingerprint="AB" * 32)
    assert outcome.reply is not None
    (waiting,) = edge.book.pending()
    assert (waiting.fingerprint.digest, waiting.entry) == ("ab" * 32, "woodgrovebank.test")
    edge.message(SENDER, tls=False)
    assert len(edge.book.pending()) == 1


def test_author_header_is_a_claim(edge: Edge) -> None:
    """An unlisted envelope does not hide a listed author."""
    outcome = edge.message("<x@evil.test>", ("From", b"Admin <admin@woodgrovebank.test>"), tls=False)
    assert outcome.reply is not None
    assert outcome.reply.code == "530"


@pytest.mark.parametrize("name", ["From", "Sender", "Resent-From"])
@pytest.mark.parametrize("values", [(b"x@evil.test", PARTNER), (PARTNER, b"x@evil.test")])
def test_each_of_several_author_fields_is_a_claim(edge: Edge, name: str, values: tuple[bytes, bytes]) -> None:
    """A field that claims nothing hides none of the same name, before or after it."""
    outcome = edge.message("<x@evil.test>", *((name, value) for value in values), tls=False)
    assert outcome.reply is not None
    assert outcome.reply.code == "530"


def test_a_message_leaves_nothing_behind(edge: Edge) -> None:
    """Whatever became of it, no memory is kept of a message once it has ended."""
    fingerprint = edge.know("mail.woodgrovebank.test")

    def some_messages() -> None:
        for _ in range(_MESSAGES):
            edge.message(SENDER, fingerprint=fingerprint)
            edge.message(SENDER, FORGED, tls=False)
            edge.message("<x@evil.test>", FORGED)
        edge.logged.clear()
        edge.records.clear()
        gc.collect()

    some_messages()
    tracemalloc.start()
    kept: list[int] = []
    try:
        for _ in range(6):
            some_messages()
            kept.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    # Caches of fixed size come and go; what grows is more in the best of later rounds, too.
    grown = min(kept[3:]) - min(kept[:3])
    assert grown < 3 * 3 * _MESSAGES * 16, f"{grown} octets are kept"


def test_unlisted_mail_only_loses_forged_marks(edge: Edge) -> None:
    """Promise 2: nothing but the forged marks is touched."""
    about_others = ("Authentication-Results", b"mx.other.test; dkim=pass")
    ours = ("Authentication-Results", b"mx1.contoso.test; x-domain-secure=pass")
    outcome = edge.message("<x@evil.test>", FORGED, about_others, ours, FORGED, tls=False)
    assert outcome == Outcome(
        None, (("X-Domain-Secure", 1), ("Authentication-Results", 2), ("X-Domain-Secure", 2)), ()
    )


def test_relay_is_known_by_its_certificate(tmp_path: Path) -> None:
    """From any address, who proves to hold a relay's certificate is exempt, and its marks stay."""
    mark = ("X-Domain-Secure", b"pass (woodgrovebank.test; pkix; TLSv1.3) by mx2.contoso.test; ref=1")
    digests = {name: name * 64 for name in "ab"}
    edge = Edge(tmp_path, f'[inbound]\ntrusted_relay_certificates = ["sha256:{digests["a"]}"]')
    relayed = edge.message("a@woodgrovebank.test", mark, fingerprint=digests["a"].upper())
    assert relayed.reply is None
    assert relayed.removed_headers == ()
    assert relayed.added_headers == ()
    stranger = edge.message("a@elsewhere.test", mark, fingerprint=digests["b"].upper())
    assert stranger.removed_headers == (("X-Domain-Secure", 1),)
    unproved = edge.message("a@elsewhere.test", mark, tls=False)
    assert unproved.removed_headers == (("X-Domain-Secure", 1),)


@pytest.mark.parametrize(
    "settings", ['[inbound]\ntrusted_relays = ["127.0.0.0/30"]', '[inbound]\nexempt_clients = ["127.0.0.3"]']
)
def test_exempt_clients_are_let_in_unmarked(tmp_path: Path, settings: str) -> None:
    """Exempt sessions are not refused; only a trusted relay's marks stay."""
    outcome = Edge(tmp_path, settings).message(SENDER, FORGED, tls=False)
    assert outcome.reply is None
    assert not outcome.added_headers
    assert bool(outcome.removed_headers) == ("exempt_clients" in settings)


def test_logged_in_clients_are_exempt_but_cannot_bring_marks(edge: Edge) -> None:
    """SASL exempts from the check, not from losing forged marks."""
    outcome = edge.message(SENDER, FORGED, tls=False, authenticated=True)
    assert outcome == Outcome(None, (("X-Domain-Secure", 1),), ())


def test_observe_marks_the_failure_and_lets_in(tmp_path: Path) -> None:
    """The trial run shows what would have been refused."""
    outcome = Edge(tmp_path, 'mode = "observe"').message(SENDER, tls=False)
    assert outcome.reply is None
    assert dict(outcome.added_headers)["X-Domain-Secure"].startswith(
        "fail (woodgrovebank.test; no-tls; none)"
    )


def test_missing_delegation_defers_listed_mail_only(edge: Edge) -> None:
    """Without the second door listed mail waits, and other mail does not notice."""
    facts = MilterFacts("127.0.0.3", "1", "TLSv1.3", CIPHER, None, None, False, "", "mx1.contoso.test")
    listed = edge.inbound.end(edge.inbound.begin(facts, SENDER), "Q1")
    assert listed.reply is not None
    assert "(no-evidence)" in str(listed.reply)
    assert edge.inbound.end(edge.inbound.begin(facts, "<x@other.test>"), "Q1") == Outcome()


def test_postfix_waits_at_mail_for_canaries_alone(edge: Edge) -> None:
    """The policy listener has no opinion on any session; that a canary came is known at MAIL."""
    unseen = DelegatedFacts("127.0.0.3", "40001", "Q1", None, None, None, None, None, None)
    facts = MilterFacts("127.0.0.3", "40001", None, None, None, None, False, "", "mx1.contoso.test")
    assert edge.inbound.delegated(unseen) == "DUNNO"
    assert not edge.inbound.must_answer_mail
    with edge.inbound.canaries.sent(Pin.certificate("ab" * 32)) as address:
        assert edge.inbound.must_answer_mail
        assert edge.inbound.delegated(unseen) == "DUNNO"
        edge.inbound.begin(facts, f"<{address}>")
        assert edge.inbound.canaries.is_noticed(address)


def counted(edge: Edge, verdict: str) -> float:
    """Return how often *verdict* was counted."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(edge.metrics.exposition().decode())
        for sample in family.samples
        if sample.name == "domain_secure_decisions_total" and sample.labels["verdict"] == verdict
    )


def broken(*_: object, **__: object) -> None:
    """Fail as our own code might."""
    raise RuntimeError("a bug of ours")


def test_a_bug_of_ours_defers_listed_mail_only(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in the decision defers what is listed, counts and logs it, and others' mail flows on."""
    monkeypatch.setattr("domain_secure.milter.session.inbound.decide_with", broken)
    outcome = edge.message(SENDER)
    assert outcome.reply is not None
    assert str(outcome.reply).startswith("451 4.7.5 woodgrovebank.test: ")
    assert edge.message("<x@other.test>") == Outcome()
    assert counted(edge, "internal-error") == 1
    assert "internal-error" in [event.word for event in edge.logged]


def test_a_bug_in_reading_claims_defers(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """When nobody can say what a message claims, it is deferred and counted."""
    monkeypatch.setattr("domain_secure.milter.session.transaction.header_claims", broken)
    outcome = edge.message("<x@other.test>", ("From", b"x@other.test"))
    assert outcome.reply is not None
    assert "(internal-error)" in str(outcome.reply)
    assert counted(edge, "internal-error") == 1


def test_a_bug_in_reading_marks_removes_them(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be recognised is not let through as a mark."""
    monkeypatch.setattr("domain_secure.milter.session.transaction.is_forged_mark", broken)
    assert edge.message("<x@other.test>", FORGED).removed_headers == (("X-Domain-Secure", 1),)


def test_a_message_keeps_the_configuration_it_began_with(edge: Edge) -> None:
    """A reload between MAIL and the end of the message changes nothing for that message."""
    facts = MilterFacts("127.0.0.3", "1", None, None, None, None, False, "", "mx1.contoso.test")
    transaction = edge.inbound.begin(facts, SENDER)
    edge.live.current = replace(
        edge.live.current, configuration=replace(edge.live.current.configuration, mode="observe")
    )
    assert edge.inbound.end(transaction, "Q1").reply is not None


@pytest.mark.parametrize(
    ("level", "words"),
    [("off", []), ("normal", ["decision"]), ("verbose", ["evidence", "certificate", "attempt", "decision"])],
)
def test_protocol_log_levels(tmp_path: Path, level: str, words: list[str]) -> None:
    """``[log] receive`` says how much is written about a decision."""
    edge = Edge(tmp_path, f'[log]\nreceive = "{level}"')
    edge.message(SENDER, fingerprint=edge.know("evil.test"))
    assert [event.word for event in edge.logged] == words


def test_message_that_was_not_seen_is_no_evidence(tmp_path: Path) -> None:
    """A session that began before the partner had to sign: its retry is seen whole."""
    edge = Edge(tmp_path, '[partner."woodgrovebank.test"]\nrequire = ["dkim"]')
    outcome = edge.message(SENDER, fingerprint=edge.know("woodgrovebank.test"))
    assert outcome.reply is not None
    assert outcome.reply.code == "451"
    assert "(no-evidence)" in outcome.reply.text


def test_more_marks_than_are_worth_removing(tmp_path: Path) -> None:
    """A hundred are removed; beyond that the message is refused, unless a relay of ours brings it."""
    edge = Edge(tmp_path, '[inbound]\ntrusted_relays = ["127.0.0.9"]')
    assert len(edge.message("<x@evil.test>", *[FORGED] * MOST_FORGED_MARKS).removed_headers) == 100
    outcome = edge.message("<x@evil.test>", *[FORGED] * (MOST_FORGED_MARKS + 1))
    assert outcome.reply is not None
    assert str(outcome.reply).startswith("550 5.7.1 more than 100 header fields")
    assert not outcome.removed_headers
    assert str(edge.logged[-1]) == "forged-marks-refused queue_id=Q1 client=[127.0.0.3]:40001"
    assert edge.message("<x@evil.test>", *[FORGED] * 200, client="127.0.0.9") == Outcome()


def _names(count: int) -> bytes:
    return b", ".join(b"a@m%d.woodgrovebank.test" % number for number in range(count))


def test_a_message_beyond_its_budget_is_refused(tmp_path: Path) -> None:
    """Too many octets of author fields, or too many listed domains, in one field or over all of them."""
    edge = Edge(tmp_path)
    lines = [b"a@evil.test, " * 100] * 14
    for headers in (
        [("From", b"a@evil.test, " * 1300)],
        [("From", line) for line in lines],
        [("Sender", b"x" * MAXIMUM_AUTHOR_OCTETS), ("Resent-From", b"a@evil.test")],
        [("From", b"")] * 257,
        [("From", b"=?utf-8?q?a?= " * 100), ("Sender", b"=?utf-8?q?b?= " * 100)],
    ):
        outcome = edge.message("<x@evil.test>", *headers)
        assert outcome.reply is not None
        assert str(outcome.reply) == (
            "550 5.7.1 the author fields of this message hold more than can be checked (too-much) [ref Q1]"
        )
        assert str(edge.logged[-1]) == "too-much-refused queue_id=Q1 client=[127.0.0.3]:40001"
    assert not edge.records
    assert edge.message("<x@evil.test>", ("From", b"a@evil.test, " * 1200)) == Outcome()
    metric = b'domain_secure_unreadable_messages_refused_total{reason="too-much"} 5'
    assert metric in edge.metrics.exposition()


def test_a_message_with_more_claims_than_are_judged_is_refused(tmp_path: Path) -> None:
    """Every subdomain of a wildcard is a claim of its own; beyond the budget none is judged."""
    edge = Edge(tmp_path, entries='"*.woodgrovebank.test"')
    outcome = edge.message("<x@evil.test>", ("From", _names(MAXIMUM_CLAIMS + 1)), tls=False)
    assert outcome.reply is not None
    assert "(too-much)" in outcome.reply.text
    assert not edge.records
    outcome = edge.message("<x@evil.test>", ("From", _names(MAXIMUM_CLAIMS)), tls=False)
    assert outcome.reply is not None
    assert "(no-tls)" in outcome.reply.text
    assert len(edge.records[0].decision.findings) == MAXIMUM_CLAIMS


def test_who_is_exempt_has_no_budget(tmp_path: Path) -> None:
    """Whom nobody judges is not refused for what is not looked at."""
    edge = Edge(tmp_path, '[inbound]\nexempt_clients = ["127.0.0.9"]')
    field = ("From", b"a@evil.test, " * 5000)
    assert edge.message("<x@evil.test>", field, client="127.0.0.9") == Outcome()
    assert edge.message("<x@evil.test>", field, authenticated=True) == Outcome()


def test_an_author_that_nobody_here_can_read_is_refused(edge: Edge) -> None:
    """A field that names nobody outside of words in an unknown character set may name anybody."""
    outcome = edge.message("<x@evil.test>", ("From", b"=?x-mine?b?YWJj?="))
    assert outcome.reply is not None
    assert str(outcome.reply).startswith("550 5.7.1 ")
    assert "(unreadable-author)" in outcome.reply.text
    assert edge.message("<x@evil.test>", ("From", b"=?x-mine?b?YWJj?= <a@evil.test>")) == Outcome()


@pytest.mark.parametrize("field", ["Subject", "From", "X-Any"])
@pytest.mark.parametrize("end", [b"", b"\rX: y", b"\r\n continued"])
def test_a_bare_return_ends_a_line(edge: Edge, field: str, end: bytes) -> None:
    """What some readers take for a field of its own claims like one, and is no place to hide a mark."""
    hidden = b"a@evil.test\rFrom: boss@woodgrovebank.test" + end
    outcome = edge.message("<x@evil.test>", (field, hidden))
    assert outcome.reply is not None
    assert outcome.reply.text.startswith("woodgrovebank.test: ")
    outcome = edge.message("<x@evil.test>", (field, b"a@evil.test\rX-Domain-Secure : pass" + end))
    assert outcome.reply is not None
    assert "(forged-marks)" in outcome.reply.text


def test_folded_fields_hide_nothing(edge: Edge) -> None:
    """A line end of folding is no bare return."""
    assert edge.message("<x@evil.test>", ("Subject", b"a\r\n From: boss@woodgrovebank.test")) == Outcome()


def test_a_flood_of_results_is_refused(edge: Edge) -> None:
    """What may be a mark is read up to a bound for all fields together."""
    field = ("Authentication-Results", b"mx.other.test; dkim=pass " + b"x" * 50_000)
    assert edge.message("<x@evil.test>", *[field] * 5) == Outcome()
    outcome = edge.message("<x@evil.test>", *[field] * 6)
    assert outcome.reply is not None
    assert "(forged-marks)" in outcome.reply.text
