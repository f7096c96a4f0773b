"""Replies: the words a partner's administrator reads."""

import re
from pathlib import Path

import pytest

from domain_secure.policy.claims.budget import Unreadable
from domain_secure.policy.configuration.configuration import Mode, OnFailure
from domain_secure.policy.decision.decision import NOT_LISTED, Decision, decide
from domain_secure.policy.decision.evidence import Evidence
from domain_secure.policy.decision.reply import reply_text, reply_to, worded_reply
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.reflector.reason import Reason

from unit.policy.builders import NOW, claim, configuration, known, session


def test_name_mismatch_names_both() -> None:
    """The reply says whose certificate it is, whose is needed, the reason word and the reference."""
    decision = decide([claim()], Evidence(session(), known("evil.test")), configuration(), NOW)
    assert str(reply_to(decision, "4F2C1A0B")) == (
        "550 5.7.5 woodgrovebank.test: certificate is for evil.test; mail from this domain needs one for "
        "woodgrovebank.test (name-mismatch) [ref 4F2C1A0B]"
    )


def test_clear_text_is_told_what_is_needed() -> None:
    """A session in the clear gets 530 5.7.10."""
    decision = decide([claim()], Evidence(session(tls_version=None), None), configuration(), NOW)
    assert str(reply_to(decision, "Q1")) == (
        "530 5.7.10 woodgrovebank.test: mail from this domain must arrive over TLS with a client certificate "
        "(no-tls) [ref Q1]"
    )


def test_what_is_put_off_is_told_to_come_again() -> None:
    """Where failures are deferred both codes are of class 4, so that the sender keeps the message."""
    assert str(reply_to(refusal(on_failure=OnFailure.DEFER), "Q1")).startswith("451 4.7.5 ")


def test_a_reply_without_a_queue_id_says_so() -> None:
    """Nobody looks for a reference that is not there."""
    assert str(reply_to(refusal(), "")).endswith(" (name-mismatch) [ref unknown]")


@pytest.mark.parametrize("changes", [{"mode": Mode.OBSERVE}, {"on_failure": OnFailure.TAG}])
def test_what_is_let_in_is_not_replied_to(changes: dict[str, object]) -> None:
    """Observed and tagged messages get no reply of ours."""
    decision = decide([claim()], Evidence(None, None), configuration(**changes), NOW)
    assert reply_to(decision, "Q1") is None
    assert reply_to(NOT_LISTED, "Q1") is None


def test_reply_fits_one_line_of_smtp() -> None:
    """However long the names, the line stays below 512 octets and keeps reason and reference."""
    label = "a" * 60
    long_domain = f"{label}.{label}.{label}.test"
    decision = decide(
        [claim(long_domain)],
        Evidence(session(), known(*("x" * 400 for _ in range(9)))),
        configuration(long_domain),
        NOW,
    )
    text = str(reply_to(decision, "Q1"))
    assert len(text) < 500
    assert text.endswith("(name-mismatch) [ref Q1]")


def test_reply_is_printable_ascii_without_line_ends() -> None:
    """What a stranger's certificate says cannot break the protocol."""
    decision = decide([claim()], Evidence(session(), known("a\r\n250 ok", "ü")), configuration(), NOW)
    text = str(reply_to(decision, "Q1"))
    assert text.isascii()
    assert text.isprintable()


def test_each_character_that_is_not_printable_ascii_is_a_question_mark() -> None:
    """From the space to the tilde all stand as they are."""
    octets = "".join(map(chr, range(0x20, 0x7F)))
    assert reply_text(f"\x1f\r\n\x00{octets}\x7f\x80ü", " end") == f"????{octets}??? end"


PAGE = "https://www.contoso.test/refused"
DOCUMENT = Path(__file__).parents[4] / "docs" / "refused.md"


def refusal(**changes: object) -> Decision:
    """Return a decision against a certificate of somebody else."""
    return decide([claim()], Evidence(session(), known("evil.test")), configuration(**changes), NOW)


def test_a_page_is_named_with_the_reason() -> None:
    """The word and the reference stay last; without the setting a reply is what it was."""
    plain = str(reply_to(refusal(), "Q1"))
    tail = " (name-mismatch) [ref Q1]"
    assert plain.endswith(f"woodgrovebank.test{tail}")
    named = str(reply_to(refusal(), "Q1", PAGE))
    assert named == f"{plain.removesuffix(tail)}; see {PAGE}#name-mismatch{tail}"


def test_a_reply_with_the_longest_page_still_says_why() -> None:
    """All of it in one line of SMTP, with whom it is about and the reason before the page."""
    page = "https://www.contoso.test/" + "a" * 125
    reply = worded_reply(("550", "5.7.5"), "x" * 999, "unknown-certificate", "4HVZ1n2Yb1z9vvQ", page)
    assert len(str(reply)) + len("\r\n") <= 512
    assert str(reply).count("x") >= 200
    assert str(reply).endswith(
        f"; see {page}#unknown-certificate (unknown-certificate) [ref 4HVZ1n2Yb1z9vvQ]"
    )


def test_each_reason_has_its_section_for_the_refused() -> None:
    """And no section is about a word that no reply has: the fragment of a page leads somewhere."""
    words = {one.word for one in Verdict if one.is_failure} | set(Unreadable)
    of_letters = {f"reflector-{one}" for one in Reason if one not in {Reason.ANSWERED, Reason.DUPLICATE}}
    sections = re.findall(r"(?m)^### ([a-z-]+)$", DOCUMENT.read_text())
    assert sorted(sections) == sorted(words | of_letters)
    table = set(re.findall(r"(?m)^\| `([a-z-]+)` \|", (DOCUMENT.parent / "replies.md").read_text()))
    assert table == words


def test_sections_about_letters_say_what_is_for_now() -> None:
    """A letter that may be answered later is told from one that may not."""
    for one in Reason:
        text = DOCUMENT.read_text().partition(f"\n### reflector-{one}\n")[2].partition("\n#")[0]
        assert ("`451`" in text) is (one.is_temporary)


@pytest.mark.parametrize("verdict", [one for one in Verdict if one.is_failure], ids=lambda one: one.word)
def test_what_the_refused_are_told_to_expect_is_so(verdict: Verdict) -> None:
    """A section that names a reply's codes names those of its word."""
    text = DOCUMENT.read_text().partition(f"\n### {verdict.word}\n")[2].partition("\n#")[0]
    named = re.findall(r"`([45]\d\d [45]\.7\.\d+)`", text)
    assert text
    assert set(named) <= {verdict.status}
    assert bool(named) or not verdict.is_temporary
