"""What Exim's configuration demands, said in our settings."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.configuration.reading import parse
from domain_secure.policy.importing.exim import propose
from domain_secure.policy.importing.proposal import Proposal
from domain_secure.policy.importing.source_text import SourceText
from domain_secure.policy.terms.problems import Problem

DATA = Path(__file__).parents[3] / "data" / "importing" / "exim.conf"


def proposed(*texts: str) -> Proposal:
    """Return what these files amount to; they are called a, b and so on."""
    return propose([SourceText(name, text) for name, text in zip("abcdef", texts, strict=False)])


def left_out(proposal: Proposal, word: str = "") -> list[str]:
    """Return what is left out, a line each."""
    every = [f"{one.place}: {one.what}: {one.reason}" for one in proposal.left_out]
    return [one for one in every if word in one]


def test_the_whole_of_an_organisation() -> None:
    """Domains of routers and of access control, and what is asked by host or is expanded, with its line."""
    found = propose([SourceText("exim.conf", DATA.read_text())])
    assert found.receive == ("northwind.test", "woodgrovebank.test")
    assert found.send == ("woodgrovebank.test", "*.fabrikam.test", "litware.test", "tailspin.test")
    assert dict(found.partners) == {"litware.test": {"send_method": "dane"}}
    for words in (
        "exim.conf:6: tls_certificate",
        "exim.conf:9: tls_verify_hosts: 192.0.2.7: an address",
        "mx1.woodgrovebank.test: the name of a client",
        "exim.conf:17: sender_domains: woodgrovebank.test: !verify = certificate: there any certificate",
        "exim.conf:20: deny: acl acl_check_mail: !encrypted = *: encryption that proves nobody",
        "exim.conf:22: deny: acl acl_check_mail: !verify = certificate: a rule that is not understood",
        "exim.conf:29: domains: *.fabrikam.test: there the host's name did; here it has to be",
        "exim.conf:35: routers bridge: route_list",
        "exim.conf:40: routers expanded: domains = ${lookup{$domain}lsearch{/etc/exim4/tls}{yes}}: it is",
        "hosts_require_tls: mail.proseware.test: encryption that proves nobody",
        "mx.wingtip.test: the name of a server",
        "lsearch;/etc/exim4/hosts: a lookup (lsearch), and is not read here",
        "^mx.*: a regular expression, and is not read here",
        "! 10.0.0.0/8: who is left out there",
        "tls_certificate = /etc/exim4/client.crt",
    ):
        assert left_out(found, words), (words, left_out(found))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("tls_verify_hosts = *", "demanded of everybody"),
        ("tls_verify_hosts = ${if eq{1}{1}{*}}", "expanded for each message"),
        ("HOSTS = a.test\ntls_verify_hosts = HOSTS", "the macro HOSTS"),
        ("tls_verify_hosts = +nobody", "a name of Exim's own"),
        ("tls_verify_hosts = /etc/hosts.list", "a file with elements"),
        ("tls_verify_hosts = *mail.test", "a pattern"),
        ("tls_verify_hosts = <; 2001:db8::1 ; x.y.a.test", "an address"),
        ("tls_verify_hosts = co.uk", "the name of a client"),
        (".include /etc/exim4/more", "give that file as well"),
        (".ifdef X\n.endif", "as if it held"),
        ("tls_future_option = 1", "unknown here"),
        ("begin acl\nx:\n deny condition = ${if eq{$tls_in_cipher}{}}", "not understood"),
        ("begin acl\nx:\n require verify = certificate", "not understood"),
        ("begin retry\n* * F,2h tls_required", "it is about TLS"),
    ],
)
def test_what_has_no_equivalent_is_named(text: str, reason: str) -> None:
    """With file and line; nothing is proposed for it."""
    found = proposed(text)
    assert (found.receive, found.send) == ((), ())
    assert left_out(found, reason), left_out(found)


def test_a_list_may_be_broken_and_separated_otherwise() -> None:
    """Continuation lines, comments between, another separator, quotes, and lists that hold each other."""
    text = (
        'domainlist a = +b\ndomainlist b = +a : one.test\nhostlist c = "<| two.test | +a"\n'
        "tls_verify_hosts = three.test : \\\n  # between\n   +c\n"
    )
    found = proposed(text)
    assert set(found.receive) == {"three.test", "two.test", "one.test"}


def test_lists_within_lists_stay_as_large_as_they_are() -> None:
    """Each is gone through once, however often others name it."""
    text = "".join(f"hostlist l{number} = {' : '.join([f'+l{number + 1}'] * 50)}\n" for number in range(50))
    assert proposed(f"{text}hostlist l50 = a.test\ntls_verify_hosts = +l0\n").receive == ("a.test",)


def test_an_included_file_is_known_when_it_is_given() -> None:
    """By its name, wherever it lies here."""
    found = propose(
        [
            SourceText("x/exim.conf", ".include /etc/exim4/more\n"),
            SourceText("y/more", "tls_verify_hosts = a.test"),
        ]
    )
    assert found.receive == ("a.test",)
    assert not left_out(found, "not read")


def test_letters_of_no_encoding_are_told() -> None:
    """A line with such is not half read."""
    with pytest.raises(Problem, match="a:2: name the encoding"):
        proposed("tls_verify_hosts = a.test\nb = \udce4\n")


_WORDS = st.sampled_from(
    ["begin acl", "begin routers", "begin transports", "\n", "\n", "x:", "deny ", "sender_domains = ",
     "a.test",
     "!verify = certificate", "tls_verify_hosts = ", "hosts_require_dane = *", "domains = ", "transport = x",
     "+l", "domainlist l = ", "hostlist l = ", ":", "<;", "*", "${", "\\", " ", "#", ".include x",
     "M = a", "\udcff"]
)  # fmt: skip


@given(st.lists(_WORDS | st.text(max_size=3), max_size=40).map("".join))
def test_any_text_is_a_configuration_or_a_problem(text: str) -> None:
    """Nothing else is raised; what is proposed is one that the daemon takes."""
    try:
        found = proposed(text)
    except Problem:
        return
    configuration = parse(found.configuration().encode(), Path("/etc/x.toml"))
    assert (tuple(configuration.receive), tuple(configuration.send)) == (found.receive, found.send)
