"""What Sendmail's access map demands, said in our settings."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.configuration.reading import parse
from domain_secure.policy.importing.proposal import Proposal
from domain_secure.policy.importing.sendmail import propose
from domain_secure.policy.importing.source_text import SourceText
from domain_secure.policy.terms.problems import Problem


def proposed(text: str) -> Proposal:
    """Return what an access map amounts to."""
    return propose([SourceText("a", text)])


def left_out(proposal: Proposal) -> list[str]:
    """Return what is left out, a line each."""
    return [f"{one.place}: {one.what}: {one.reason}" for one in proposal.left_out]


@pytest.mark.parametrize(
    ("text", "receive", "send", "keys", "reason"),
    [
        ("TLS_Rcpt:a.test VERIFY", (), ("a.test",), {}, "no name was asked for"),
        ("TLS_Rcpt:a.test VERIFY:112+CN:mx.a.test", (), ("a.test",), {"mx": ("mx.a.test",)}, None),
        ("tls_rcpt:a.test perm+verify+cn:mx.b.test", (), ("a.test",), {"mx": ("mx.b.test",)}, None),
        ("TLS_Rcpt:a.test VERIFY:256", (), ("a.test",), {}, "256 bits"),
        ("TLS_Rcpt:mail.a.test VERIFY:112+CN", (), ("mail.a.test",), {}, "the host's own name counted"),
        ("TLS_Rcpt:a.test VERIFY+CN:x.test++CI:/CN=y", (), ("a.test",), {"mx": ("x.test",)}, "subject or an"),
        ("TLS_Srv:woodgrovebank.com VERIFY", (), ("woodgrovebank.com",), {}, "the name of the server"),
        ("TLS_Clt:woodgrovebank.com PERM+VERIFY", ("woodgrovebank.com",), (), {}, "the name of the client"),
        ("TLS_Clt:a.test TEMP+VERIFY", ("a.test",), (), {}, 'on_failure = "defer"'),
        ("TLS_Clt:a.test VERIFY+CN:b.test", ("a.test",), (), {"receive_names": ("b.test",)}, "a host under"),
    ],
)
def test_what_is_proposed(
    text: str, receive: tuple[str, ...], send: tuple[str, ...], keys: dict[str, object], reason: str | None
) -> None:
    """The domain, the names that were demanded, and what is otherwise."""
    found = proposed(text)
    assert (found.receive, found.send) == (receive, send)
    assert dict(found.partners.get((receive + send)[0], {})) == keys
    assert reason is None or any(reason in one for one in left_out(found)), left_out(found)
    assert (reason is None) == (left_out(found) == [])
    assert found.steps[-1].command == "domain-secure attach"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("TLS_Srv: VERIFY", "demanded of everybody"),
        ("TLS_Rcpt:user@a.test VERIFY", "single addresses"),
        ("TLS_Rcpt:a.test ENCR:128", "proves nobody"),
        ("TLS_Rcpt:a.test", "VERIFY or ENCR is expected"),
        ("TLS_Rcpt:a.test OK", "VERIFY or ENCR is expected"),
        ("TLS_Srv:mail.a.test VERIFY", "whose MX host is mail.a.test"),
        ("TLS_Clt:mail.a.test VERIFY", "that sends by mail.a.test"),
        ("TLS_Clt:192.0.2.1 VERIFY", "the name of a client"),
        ("TLS_Rcpt:co.uk VERIFY", "public suffix"),
        ("Try_TLS:a.test NO", "smtp_tls_security_level"),
        ("CertIssuer:/CN=x RELAY", "relay_clientcerts"),
        ("  TLS_Rcpt:a.test VERIFY", "begins with a blank"),
    ],
)
def test_what_has_no_equivalent_is_named(text: str, reason: str) -> None:
    """With its line, and what would do instead."""
    found = proposed(text)
    assert (found.receive, found.send, found.steps) == ((), (), ())
    assert any(one.startswith("a:1: ") and reason in one for one in left_out(found)), left_out(found)


def test_what_is_about_no_tls_is_counted() -> None:
    """By its tag: an access map may have a million such lines."""
    found = proposed("# all\nFrom:x.test REJECT\n" + "Connect:y.test OK\n" * 1000 + "z.test RELAY\n\n")
    assert [(one.name, one.place.line) for one in found.asides] == [
        ("from (1 line)", 2),
        ("connect (1000 lines)", 3),
        ("without a tag (1 line)", 1003),
    ]
    assert left_out(found) == []


def test_of_two_entries_the_first_counts() -> None:
    """Keys are compared as makemap folds them."""
    found = proposed("TLS_Rcpt:a.test VERIFY+CN:x.test\ntls_RCPT:A.test ENCR:1\n")
    assert found.send == ("a.test",)
    assert left_out(found)[-1] == "a:2: tls_RCPT:A.test ENCR:1: a second entry of this key: the first is a:1"


def test_letters_of_no_encoding_are_told() -> None:
    """In an entry about TLS; others are not looked at."""
    assert proposed("From:\udce4 REJECT\n").asides
    with pytest.raises(Problem, match="a:1: name the encoding"):
        proposed("TLS_Rcpt:\udce4.test VERIFY\n")


_WORDS = st.sampled_from(
    ["TLS_Rcpt:", "TLS_Clt:", "TLS_Srv:", "From:", "a.test", "@", "VERIFY", "ENCR", ":112", "+CN", "++", "+",
     ":", "PERM+", " ", "\t", "\n", "#", "x.b.test", "Try_TLS:", "\udcff"]
)  # fmt: skip


@given(st.lists(_WORDS | st.text(max_size=4), max_size=20).map("".join))
def test_any_text_is_a_configuration_or_a_problem(text: str) -> None:
    """Nothing else is raised, and no line about TLS is passed over."""
    try:
        found = proposed(text)
    except Problem:
        return
    configuration = parse(found.configuration().encode(), Path("/etc/x.toml"))
    assert (tuple(configuration.receive), tuple(configuration.send)) == (found.receive, found.send)
    told = {one.place.line for one in (*found.left_out, *found.asides)}
    for number, line in enumerate(text.split("\n"), 1):
        if line.lower().startswith("tls_"):
            assert number in told or found.send or found.receive
