"""The connectors, as postconf(1) tells of them."""

from pathlib import Path

import pytest
from scratch_postfix import Scratch, make_scratch

from domain_secure.policy.configuration.configuration import LogLevel
from domain_secure.policy.configuration.reading import load
from domain_secure.postfix.findings.connectors import Connector, ShownCertificate, connectors_of
from domain_secure.postfix.findings.domain_security import State

from lab.certificates import self_signed

HOST = "mail.contoso.test"
MILTER = "smtpd_milters = unix:domain-secure/milter"
POLICY = "smtpd_data_restrictions = check_policy_service unix:domain-secure/policy"
ASK = "smtpd_tls_ask_ccert = yes"


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """A Postfix that is not attached, and a configuration with one partner."""
    made = make_scratch(tmp_path)
    made.configure('[receive]\ndomains = ["woodgrovebank.test"]\n[log]\nreceive = "verbose"\n')
    return made


def connectors(scratch: Scratch) -> dict[str, Connector]:
    """Return the connectors by name."""
    found = connectors_of(load(scratch.configuration), scratch.instance)
    return {connector.name: connector for connector in found}


def secured(scratch: Scratch) -> None:
    """Attach by hand, as attach writes it."""
    scratch.set_service("smtp      inet", "smtpd_milters = unix:domain-secure/milter")
    scratch.add_service("domain-secure unix - - y - - smtp")


def test_both_directions_are_there(scratch: Scratch) -> None:
    """Services that neither take mail from others nor give it to others are not shown."""
    assert {name: one.direction for name, one in connectors(scratch).items()} == {
        "smtp/inet": "receive",
        "smtp/unix": "send",
        "relay/unix": "send",
        "domain-secure/unix": "send",
    }


def test_the_dedicated_transport_before_there_is_one(scratch: Scratch) -> None:
    """It is shown as it would be, so that it can be switched on."""
    found = connectors(scratch)["domain-secure/unix"]
    assert (found.state, found.domain_secure, found.fqdn) == (State.OFF, False, "mail.contoso.test")


@pytest.mark.parametrize(
    ("settings", "state", "detail"),
    [
        ((MILTER, POLICY, ASK), State.ON, None),
        ((), State.OFF, None),
        ((ASK,), State.OFF, None),
        ((MILTER, POLICY), State.PARTLY, "smtpd_tls_ask_ccert is no"),
        ((MILTER, ASK), State.PARTLY, "smtpd_data_restrictions does not ask the daemon"),
        ((POLICY, ASK), State.PARTLY, "smtpd_milters does not name the daemon"),
        (
            (MILTER, POLICY, ASK, "smtpd_milter_maps = static:DISABLE"),
            State.PARTLY,
            "smtpd_milter_maps lets some clients pass by the daemon",
        ),
        (
            (MILTER, POLICY, ASK, "receive_override_options = no_milters"),
            State.PARTLY,
            "receive_override_options has no_milters",
        ),
        (("smtpd_milters = unix:other/milter", ASK), State.OFF, None),
    ],
)
def test_how_far_receiving_is_on(
    scratch: Scratch, settings: tuple[str, ...], state: State, detail: str | None
) -> None:
    """On is all that it takes; a part of it is named as such, with what is missing."""
    scratch.set_service("smtp      inet", *settings)
    found = connectors(scratch)["smtp/inet"]
    assert (found.state, found.detail) == (state, detail)


def test_main_cf_may_say_it_for_every_service(scratch: Scratch) -> None:
    """What holds is asked of Postfix, wherever it stands."""
    scratch.set(MILTER.replace("unix:", "$who:"), "who = unix", POLICY, ASK)
    assert connectors(scratch)["smtp/inet"].state is State.ON


def test_how_far_sending_is_on(scratch: Scratch) -> None:
    """The transport and the tables that lead to it belong together."""
    maps = scratch.state / "maps"
    scratch.set(f"smtp_tls_policy_maps = hash:{maps}/tls_policy")
    assert connectors(scratch)["domain-secure/unix"].state is State.PARTLY
    scratch.add_service("domain-secure unix - - y - - smtp")
    found = connectors(scratch)["domain-secure/unix"]
    assert (found.state, found.detail) == (State.PARTLY, "transport_maps does not name our table")
    scratch.set(f"transport_maps = hash:{maps}/transport")
    assert connectors(scratch)["domain-secure/unix"].state is State.ON


@pytest.mark.parametrize(
    ("settings", "tls"),
    [
        (("smtpd_tls_security_level = may",), "offered"),
        (("smtpd_tls_security_level = encrypt",), "required"),
        (("smtpd_tls_security_level = none",), "none"),
        (("smtpd_tls_security_level = may", "smtpd_tls_wrappermode = yes"), "required"),
        (("smtpd_use_tls = yes",), "offered"),
        (("smtpd_enforce_tls = yes",), "required"),
        ((), "none"),
    ],
)
def test_what_is_done_about_tls(scratch: Scratch, settings: tuple[str, ...], tls: str) -> None:
    """The level counts, and the older parameters where there is none."""
    scratch.set(*settings)
    assert connectors(scratch)["smtp/inet"].tls == tls


def test_domain_security_and_its_log(scratch: Scratch) -> None:
    """They are on where the daemon is asked, and on the dedicated transport."""
    secured(scratch)
    shown = {name: (one.domain_secure, one.protocol_log) for name, one in connectors(scratch).items()}
    assert shown == {
        "smtp/inet": (True, LogLevel.VERBOSE),
        "smtp/unix": (False, LogLevel.OFF),
        "relay/unix": (False, LogLevel.OFF),
        "domain-secure/unix": (True, LogLevel.NORMAL),
    }


@pytest.mark.parametrize(
    ("setting", "ordinary"),
    [
        ("relayhost =", "DNS"),
        ("relayhost = [smart.contoso.test]:587", "smart host [smart.contoso.test]:587"),
        ("default_transport = smtp:[x.test]", "smart host [x.test]"),
        ("sender_dependent_relayhost_maps = hash:/nonexistent", "smart host by sender"),
    ],
)
def test_routing(scratch: Scratch, setting: str, ordinary: str) -> None:
    """A smart host is named where mail takes it; listed domains go by DNS all the same."""
    secured(scratch)
    scratch.set(setting)
    found = connectors(scratch)
    assert (found["smtp/unix"].routing, found["domain-secure/unix"].routing) == (ordinary, "DNS")
    assert found["smtp/inet"].routing is None


@pytest.mark.parametrize(
    ("names", "covers"),
    [((HOST,), True), (("*.contoso.test",), True), (("contoso.test",), False), (("x.test",), False)],
)
def test_names_of_the_certificate(scratch: Scratch, names: tuple[str, ...], covers: bool) -> None:
    """A certificate is for the host name or it is not; a domain's is not one of the hosts under it."""
    file = self_signed("Contoso", dns_names=names).write(scratch.folder, "shown")
    scratch.set(f"smtpd_tls_chain_files = {file}", f"smtp_tls_cert_file = {file}")
    expected = ShownCertificate(str(file), None, names, covers)
    found = connectors(scratch)
    assert found["smtp/inet"].certificate == found["smtp/unix"].certificate == expected


def test_each_service_has_its_own_host_name(scratch: Scratch) -> None:
    """What a client calls itself is smtp_helo_name, and master.cf may override either."""
    scratch.set("smtp_helo_name = out.contoso.test")
    scratch.set_service("smtp      inet", "myhostname = in.contoso.test")
    found = connectors(scratch)
    assert (found["smtp/inet"].fqdn, found["smtp/unix"].fqdn) == ("in.contoso.test", "out.contoso.test")


def test_certificates_that_cannot_be_read(scratch: Scratch) -> None:
    """The reason stands in the certificate's place; a side that shows none has none."""
    empty = scratch.folder / "empty.pem"
    empty.touch()
    scratch.set("smtpd_tls_cert_file = /nonexistent.pem", f"smtp_tls_chain_files = {empty}")
    found = connectors(scratch)
    assert found["smtp/inet"].certificate == ShownCertificate("/nonexistent.pem", "no such file or directory")
    assert found["smtp/unix"].certificate == ShownCertificate(str(empty), "it is empty")
    scratch.set("smtpd_tls_cert_file = none", "smtp_tls_chain_files =")
    assert {one.certificate for one in connectors(scratch).values()} == {None}
