"""TLS policy tables of Postfix, said in our settings."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.configuration.reading import parse
from domain_secure.policy.importing.proposal import Proposal
from domain_secure.policy.importing.source_text import SourceText
from domain_secure.policy.importing.tls_policy import propose
from domain_secure.policy.terms.problems import Problem

DIGEST = "AB:" * 31 + "AB"


def proposed(*texts: str) -> Proposal:
    """Return what these tables amount to; they are called a, b and so on."""
    return propose([SourceText(name, text) for name, text in zip("abcdef", texts, strict=False)])


def left_out(proposal: Proposal) -> list[str]:
    """Return what is left out, a line each."""
    return [f"{one.place}: {one.what}: {one.reason}" for one in proposal.left_out]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("a.test secure", {}),
        ("A.Test  SECURE match=nexthop:dot-nexthop", {}),
        ("a.test secure match=dot-nexthop,match=nexthop", {}),
        ("a.test secure match=mx.b.test", {"mx": ("mx.b.test",)}),
        ("a.test secure match=nexthop", {"mx": ("a.test",)}),
        ("a.test secure match=mx1.b.test match=MX2.b.test:mx1.b.test", {"mx": ("mx1.b.test", "mx2.b.test")}),
        ("a.test secure match=b.test:.b.test", {"send_names": ("b.test",)}),
        ("a.test verify match=mx.b.test", {"mx": ("mx.b.test",)}),
        ("a.test dane-only", {"send_method": "dane"}),
        ("a.test secure protocols=>=TLSv1.3", {"minimum_tls": "TLSv1.3"}),
        ("a.test secure protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1", {}),
        ("a.test secure servername=x.test", {"servername": "x.test"}),
        ("a.test secure servername=nexthop", {"servername": "a.test"}),
        ("a.test secure tafile=/etc/ta.pem", {"send_ca_file": "/etc/ta.pem"}),
        ("a.test secure { match = b.test:.b.test }", {"send_names": ("b.test",)}),
        ("a.test\n  secure\n# between\n\n   match=mx.b.test\n", {"mx": ("mx.b.test",)}),
        ("a.test secure connection_reuse=yes policy_type=sts ttl=3", {}),
    ],
)
def test_what_has_an_equivalent(text: str, keys: dict[str, object]) -> None:
    """A domain for the send list, with keys that demand the same, and nothing left out."""
    found = proposed(text)
    assert found.send == ("a.test",)
    assert found.receive == ()
    assert dict(found.partners.get("a.test", {})) == keys
    assert left_out(found) == []


def test_a_fingerprint_is_a_pin_of_either_kind() -> None:
    """Postfix compares it with the certificate's digest and with the key's."""
    keys = proposed(f"a.test fingerprint match={DIGEST}|{DIGEST.lower()}").partners["a.test"]
    assert keys == {
        "send_method": "pin",
        "pins": (f"sha256:{'ab' * 32}", f"spki-sha256:{'ab' * 32}"),
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a.test none", "a:1: a.test none: no TLS at all"),
        ("a.test may", "proves nobody"),
        ("a.test encrypt", "`domain-secure send add a.test`"),
        (".a.test dane", "`domain-secure probe a.test`"),
        ("a.test banana", "no level that is known"),
        ("a.test", "no policy"),
        ("a.test secure match", "no attribute"),
        ("a.test secure match={", "no policy"),
        ("[mx.a.test] secure", "via=[mx.a.test]`"),
        ("[mx.a.test]:587 secure", "via=[mx.a.test]:587`"),
        ("a.test:587 secure", "via=a.test:587`"),
        ("co.uk secure", "public suffix"),
        ("192.0.2.1 secure", "address"),
        ("a.test fingerprint", "no fingerprint that can be taken over"),
        (f"a.test fingerprint match={'ab' * 16}", "no SHA-256 digest (16 octets)"),
        ("a.test fingerprint match=xyz", "no SHA-256 digest (no digest)"),
    ],
)
def test_what_has_none_is_named(text: str, reason: str) -> None:
    """With its line, why, and what would do instead."""
    found = proposed(text)
    assert found.send == ()
    assert any(reason in one for one in left_out(found)), left_out(found)
    assert found.steps == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a.test verify", "match=hostname: the MX host's own name"),
        ("a.test secure match=hostname:nexthop:dot-nexthop", "the MX host's own name"),
        ("a.test secure match=.b.test", "both count for each of these names"),
        ("a.test secure match=b..test:nexthop:dot-nexthop", "match=b..test: no name"),
        (".a.test secure", "any name at or under a.test counts"),
        ("a.test secure ciphers=high", "smtp_tls_mandatory_ciphers"),
        ("a.test secure exclude=RC4", "smtp_tls_mandatory_ciphers"),
        ("a.test secure protocols=>=TLSv1", "minimum_tls=TLSv1 of this partner"),
        ("a.test secure protocols=>=TLSv1.2:<=TLSv1.2", "left out above the lowest"),
        ("a.test secure protocols=TLSv9", "no version that is known"),
        ("a.test secure protocols=!TLSv1.3:TLSv1.3", "allows no version"),
        ("a.test secure servername=hostname", "none is sent"),
        ("a.test secure tafile=/a tafile=/b", "one file"),
        ("a.test dane-only tafile=/a", "one file"),
        ("a.test dane-only match=x.test", "ignores it at this level"),
        ("a.test secure enable_rpk=yes", "raw public key"),
        ("a.test secure future=1", "future=1: unknown here"),
    ],
)
def test_what_is_otherwise_here_is_named(text: str, reason: str) -> None:
    """The domain is proposed, and the difference stands beside it."""
    found = proposed(text)
    assert len(found.send) == 1
    assert any(reason in one for one in left_out(found)), left_out(found)
    assert [step.command for step in found.steps][-1] == "domain-secure attach --no-receive"


def test_a_name_that_is_no_host_leaves_the_entry_out() -> None:
    """Nothing gets into a proposal that the configuration would not take."""
    found = proposed("a.test secure servername=x_y..test")
    assert found.send == ()
    assert "servername of a partner cannot be so" in left_out(found)[0]


def test_names_of_hosts_below_a_wildcard() -> None:
    """Each host's own name lies under the domain, so that it counts here."""
    found = proposed(".a.test secure match=nexthop")
    assert (found.send, dict(found.partners)) == (("*.a.test",), {})


def test_an_exception_below_a_wildcard_is_named() -> None:
    """Here the wildcard speaks for it."""
    found = proposed(".a.test secure\nx.a.test may\ny.b.test may\n")
    assert [one for one in left_out(found) if "it will be secured as well" in one] == [
        "a:2: x.a.test may: *.a.test is proposed and covers it: it will be secured as well"
    ]


def test_of_two_entries_the_first_counts() -> None:
    """As for Postfix, in one table and in tables one behind the other."""
    found = proposed("a.test secure\nA.test none\n", "a.test may")
    assert found.send == ("a.test",)
    assert [one.partition(": a second")[0] for one in left_out(found)] == ["a:2: a.test", "b:1: a.test"]
    assert all(one.endswith("Postfix goes by a:1") for one in left_out(found))


def test_letters_of_no_encoding_are_told() -> None:
    """An entry with such is not half read."""
    with pytest.raises(Problem, match="a:2: name the encoding"):
        proposed("a.test secure\nb\udce4.test secure\n")


_WORDS = st.sampled_from(
    ["a.test", ".a.test", "[x.test]:25", "secure", "may", "match=", "nexthop", ":", ",", "{", "}", "=", "|",
     "protocols=>=TLSv1.3", "fingerprint", "ab" * 32, "#", "\n", "\n ", " ", "\t", "*", "\udcff"]
)  # fmt: skip


@given(st.lists(_WORDS | st.text(max_size=4), max_size=24).map("".join))
def test_any_text_is_a_configuration_or_a_problem(text: str) -> None:
    """Each entry is proposed, or named; what is proposed is one that the daemon takes."""
    try:
        found = proposed(text)
    except Problem:
        return
    if "send_ca_file" not in found.configuration():
        assert tuple(parse(found.configuration().encode(), Path("/etc/x.toml")).send) == found.send
    entries = [line for line in text.split("\n") if line.strip() and not line[0].isspace()]
    entries = [line for line in entries if not line.lstrip().startswith("#")]
    assert len(found.send) + len(found.left_out) >= bool(entries)


def test_ten_thousand_entries_take_no_longer_each() -> None:
    """A large table is one document, and each partner has its keys."""
    found = proposed("".join(f"d{number}.test secure match=mx{number}.b.test\n" for number in range(10_000)))
    configuration = parse(found.configuration().encode(), Path("/etc/x.toml"))
    assert len(configuration.send) == len(configuration.partners) == 10_000
