"""Domain Security of Exchange, as its outputs say it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.configuration.configuration import LogLevel, Mode
from domain_secure.policy.configuration.reading import parse
from domain_secure.policy.importing.exchange import propose
from domain_secure.policy.importing.exchange_properties import MARKS, READ, WITHOUT_BEARING, Kind
from domain_secure.policy.importing.proposal import Proposal
from domain_secure.policy.importing.source_text import SourceText, decode
from domain_secure.policy.terms.problems import Problem

DATA = Path(__file__).parents[3] / "data" / "importing"
TRANSPORT = "TLSReceiveDomainSecureList : {a.test}\nTLSSendDomainSecureList : {b.test}\n"
SEND = "Name : Internet\nAddressSpaces : {SMTP:*;1}\nDomainSecureEnabled : True\n"
RECEIVE = "Name : Internet\nBindings : {0.0.0.0:25}\nDomainSecureEnabled : True\nAuthMechanism : Tls\n"


def proposed(*texts: str) -> Proposal:
    """Return what these outputs amount to; they are called a, b and so on."""
    return propose([SourceText(name, text) for name, text in zip("abcdef", texts, strict=False)])


def left_out(proposal: Proposal, word: str) -> list[str]:
    """Return what is left out for a reason, or is something, with *word* in it."""
    every = [f"{one.place}: {one.what}: {one.reason}" for one in proposal.left_out]
    return [one for one in every if word in one]


def test_the_whole_of_an_organisation() -> None:
    """Lists, the level of a log, the certificate to be moved; and each property is in its place."""
    files = ("transport-config.txt", "connectors.txt", "certificates.txt")
    found = propose([decode((DATA / name).read_bytes(), name) for name in files])
    assert (found.receive, found.send) == (("woodgrovebank.com", "fabrikam.com"),) * 2
    assert found.log == {"send": LogLevel.VERBOSE}
    assert [step.command for step in found.steps] == [
        "domain-secure cert import FILE.pfx --enable",
        "domain-secure attach",
    ]
    assert "4ABA6E10B10F86BF7C4A6B5F6C1C8F9D2E3A4B5C" in found.steps[0].why
    assert "valid until 31.12.2026 23:59:59" in found.steps[0].why
    assert left_out(found, "FutureSetting") == [
        (
            "transport-config.txt:13: Get-TransportConfig Transport Settings: FutureSetting: "
            "unknown here: look up whether it demands anything of a partner"
        )
    ]
    assert left_out(found, "DomainValidation of mail.northwind.com")
    assert left_out(found, "00112233445566778899AABBCCDDEEFF00112233, valid until 2030/01/02 3:04:05")
    assert {one.name for one in found.asides} >= {"Comment", "MaxReceiveSize", "TransportRuleConfig"}
    configuration = parse(found.configuration().encode(), Path("/etc/x.toml"))
    assert tuple(configuration.send) == found.send
    assert tuple(configuration.receive) == found.receive


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "cp932"])
def test_it_reads_the_same_in_any_language(encoding: str) -> None:
    """What is written in letters of a code page is not what is gone by."""
    title = {"cp1252": "Zürich", "cp932": "東京表"}.get(encoding, "Zürich 東京")
    text = f"Identity : {title}\r\n{TRANSPORT}".replace("\n", "\r\n").encode(encoding)
    found = propose([decode(text, "a")])
    assert (found.receive, found.send) == (("a.test",), ("b.test",))


@pytest.mark.parametrize(
    ("name", "encoding", "end"),
    [
        ("german-cp1252.txt", None, "31.12.2026 23:59:59"),
        ("german-cp1252.txt", "cp1252", "31.12.2026 23:59:59"),
        ("german-utf-16.txt", None, "31.12.2026 23:59:59"),
        ("japanese-cp932.txt", None, "2026/12/31 23:59:59"),
        ("japanese-cp932.txt", "cp932", "2026/12/31 23:59:59"),
        ("japanese-utf-8.txt", None, "2026/12/31 23:59:59"),
    ],
)
def test_all_four_outputs_of_german_and_japanese_windows(name: str, encoding: str | None, end: str) -> None:
    """As the shell of such a machine writes them to a file, with its dates, sizes, names and comments."""
    content = (DATA / name).read_bytes()
    assert content != content.decode(errors="replace").encode() or "utf-8" in name
    found = propose([decode(content, name, encoding)])
    assert (found.receive, found.send) == (("woodgrovebank.test", "fabrikam.test"),) * 2
    assert found.log == {"send": LogLevel.VERBOSE, "receive": LogLevel.VERBOSE}
    assert [step.command for step in found.steps] == [
        "domain-secure cert import FILE.pfx --enable",
        "domain-secure attach",
    ]
    assert "for mail1.contoso.test, mail.contoso.test, valid until " + end in found.steps[0].why
    assert left_out(found, "") == []
    assert {one.of for one in found.asides} == set(Kind)


def test_json_says_the_same() -> None:
    """With lists of objects, and a date that no language changes."""
    objects = [
        {"TlsReceiveDomainSecureList": [{"Domain": "A.test"}], "TlsSendDomainSecureList": ["b.test"]},
        {"Thumbprint": "AB" * 20, "Services": "SMTP", "NotAfter": "/Date(1798761599000)/",
         "IsSelfSigned": False},
        {"Name": "In", "Bindings": ["0.0.0.0:25"], "DomainSecureEnabled": True, "ProtocolLoggingLevel": 1,
         "AuthMechanism": 5},
    ]  # fmt: skip
    found = proposed(json.dumps(objects, indent=2))
    assert (found.receive, found.send) == (("a.test",), ("b.test",))
    assert "valid until 2026-12-31" in found.steps[0].why
    # Numbers stand for words that are not printed.
    assert found.log == {}
    assert len(left_out(found, "ProtocolLoggingLevel: printed as a number")) == 1
    assert len(left_out(found, "AuthMechanism: not printed as words")) == 1


@pytest.mark.parametrize(
    ("texts", "options"),
    [
        ((TRANSPORT,), []),
        ((TRANSPORT, SEND, RECEIVE), []),
        ((TRANSPORT, SEND, RECEIVE.replace("True", "False")), ["--no-receive"]),
        ((TRANSPORT, SEND.replace("True", "False"), RECEIVE), ["--no-send"]),
        ((TRANSPORT, SEND + "Enabled : False\n", RECEIVE), ["--no-send"]),
    ],
)
def test_the_connectors_say_which_half_is_attached(texts: tuple[str, ...], options: list[str]) -> None:
    """What was not given is not taken for switched off."""
    assert proposed(*texts).steps[-1].command.split()[2:] == options


def test_what_was_not_given_is_named() -> None:
    """Lists whose connectors nobody showed, and lists that are not printed."""
    found = proposed("TLSSendDomainSecureList : {b.test}\n")
    assert left_out(found, "TLSReceiveDomainSecureList: not printed")
    assert left_out(found, "no output of Get-SendConnector was given")
    assert left_out(found, "no output of Get-ReceiveConnector was given")
    assert left_out(proposed(TRANSPORT, SEND.replace("True", "False")), "it had no effect, and here it will")


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("SmartHosts : {relay.test}", "a:6: Get-SendConnector Internet: SmartHosts relay.test"),
        ("DNSRoutingEnabled : False", "needs DNS routing"),
        ("IgnoreSTARTTLS : True", "without STARTTLS"),
        ("Fqdn : mail.a.test", "smtp_helo_name"),
        ("TlsCertificateName : <I>CN=a<S>CN=b", "which certificate is shown"),
        ("ProtocolLoggingLevel : Chatty", "no level"),
    ],
)
def test_what_a_send_connector_has_besides(line: str, word: str) -> None:
    """Each thing that has no equivalent, or not the same one, with its reason."""
    text = f"{TRANSPORT}\n{SEND.strip()}\n{line}\n".replace("\nDomain", "\nDomain", 1)
    assert len(left_out(proposed(text), word.replace("a:6", "a:7"))) == 1


@pytest.mark.parametrize(
    ("former", "line", "word"),
    [
        ("AuthMechanism : Tls", "AuthMechanism : Integrated", "without Tls among them"),
        ("AuthMechanism : Tls", "AuthMechanism : Tls, ExternalAuthoritative", "trusted_relays"),
        ("Bindings : {0.0.0.0:25}", "Bindings : {0.0.0.0:25, [::]:2525}", "--service"),
        ("AuthMechanism : Tls", "AuthMechanism : Tls\nTlsDomainCapabilities : {a.test:AcceptX}", "rights by"),
        ("AuthMechanism : Tls", "AuthMechanism : Tls\nRequireTLS : True", "smtpd_tls_security_level"),
        ("AuthMechanism : Tls", "AuthMechanism : Tls\nFqdn : mail.a.test", "myhostname"),
        ("DomainSecureEnabled : True\n", "", "DomainSecureEnabled: not printed"),
    ],
)
def test_what_a_receive_connector_has_besides(former: str, line: str, word: str) -> None:
    """Each thing that has no equivalent, or not the same one, with its reason."""
    assert len(left_out(proposed(TRANSPORT, RECEIVE.replace(former, line)), word)) == 1


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ((SEND,), r"no output of Get-TransportConfig.*: a: "),
        (
            (TRANSPORT, "Name : Internet\nDomainSecureEnabled : True\n"),
            r"send connector or a receive.*: b:1: ",
        ),
        ((TRANSPORT, "Name : Internet\n"), r"cannot be told what this is of: b:1: "),
        ((TRANSPORT, f"{SEND}{RECEIVE.replace('Name', 'N').replace('Domain', 'D')}"), r"and of .*: b:1: "),
        ((TRANSPORT, TRANSPORT.replace("a.test", "c.test")), r"another one than in a:1: b:1: "),
        ((TRANSPORT, SEND.replace("True", "Maybe")), r"not True or False: 'Maybe': b:3: "),
        ((TRANSPORT.replace("a.test", "a.test, c.test..."),), r"cut short: a:1: "),
        ((TRANSPORT, "CertificateDomains : {a.test}\n"), r"without its thumbprint: b:1: "),
    ],
)
def test_what_cannot_be_understood_is_told(texts: tuple[str, ...], message: str) -> None:
    """With file and line; nothing is proposed then."""
    with pytest.raises(Problem, match=message):
        proposed(*texts)


def test_two_edges_that_say_the_same_are_one() -> None:
    """Lists are compared as names, in any order."""
    other = TRANSPORT.replace("{a.test}", "{A.TEST}")
    assert proposed(TRANSPORT, other).receive == ("a.test",)


def test_an_entry_that_is_none_here_is_named() -> None:
    """A wildcard, which that list does not know, and what is no domain or speaks for strangers."""
    found = proposed(TRANSPORT.replace("{a.test}", "{*.a.test, co.uk, 192.0.2.1, a.test}"))
    assert found.receive == ("a.test",)
    assert len(left_out(found, "TLSReceiveDomainSecureList: *.a.test")) == 1
    assert len(left_out(found, "'co.uk' is a public suffix")) == 1
    assert len(left_out(found, "'192.0.2.1'")) == 1


def test_the_mode_is_the_one_that_was_asked_for() -> None:
    """What was enforced is, unless a trial run is wanted."""
    trial = propose([SourceText("a", TRANSPORT)], Mode.OBSERVE)
    assert parse(trial.configuration().encode(), Path("/etc/x.toml")).mode is Mode.OBSERVE
    assert "domain-secure partner set a.test mode=observe" in trial.commands
    assert parse(proposed(TRANSPORT).configuration().encode(), Path("/etc/x.toml")).mode is Mode.ENFORCE


@given(st.data())
def test_no_property_is_dropped(data: st.DataObject) -> None:
    """Each one that nobody goes by is named, as known or as unknown."""
    word = st.text("abcdefghij", min_size=1, max_size=9).map(str.title)
    names = data.draw(st.lists(word, unique_by=str.casefold, max_size=5))
    names += data.draw(st.lists(st.sampled_from(sorted(WITHOUT_BEARING[Kind.TRANSPORT])), unique=True))
    names = list({name.casefold(): name for name in names}.values())
    found = proposed(TRANSPORT + "".join(f"{name} : x\n" for name in names))
    told = {one.name for one in found.asides} | {one.what.split(": ")[-1] for one in found.left_out}
    assert set(names) <= told


def test_the_properties_of_a_kind_are_told_apart() -> None:
    """A mark is of one kind alone, and no property both means something and means nothing."""
    for kind in Kind:
        assert not READ[kind] & WITHOUT_BEARING[kind]
        assert MARKS[kind] <= READ[kind] | WITHOUT_BEARING[kind]
        for other in set(Kind) - {kind}:
            assert not MARKS[kind] & (READ[other] | WITHOUT_BEARING[other])
