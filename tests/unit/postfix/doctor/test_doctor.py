"""The doctor's questions that need no Postfix; the others are in tests/real/test_check.py."""

import os
import pwd
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from configurations import make_configuration, make_partner

from domain_secure.policy.configuration.configuration import (
    Condition,
    Configuration,
    Method,
    Mode,
    SendMethod,
)
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.postfix.findings.findings import Examination, Finding
from domain_secure.postfix.findings.service_facts import PostfixFacts, ServiceFacts
from domain_secure.postfix.instance.programs import Service, is_port_25
from domain_secure.postfix.mail_checks.listener_checks import check_listeners
from domain_secure.postfix.own_checks.configuration_checks import check_configuration
from domain_secure.postfix.sending_checks.outbound_checks import check_outbound

from lab.waiting import DEADLINE

WOODGROVE = Entry("woodgrovebank.test")
LISTED = {"receive": DomainList.of(WOODGROVE)}
TRANSPORT = Service("domain-secure", "unix", "-", "-", True, "-", "-", "smtp", {})
STRICT = {
    "smtp_tls_chain_files": "/mail.pem",
    "smtp_tls_security_level": "secure",
    "smtp_tls_CAfile": "/ca.pem",
    "smtp_tls_policy_maps": "hash:/nonexistent/maps/tls_policy",
    "smtp_tls_fingerprint_digest": "sha256",
}


def make_facts(queue: Path = Path("/queue"), **transport: str) -> PostfixFacts:
    """Return an instance with an attached transport, its settings changed."""
    return PostfixFacts(
        config_directory=Path("/etc/postfix"),
        mail_version="3.7.11",
        default_milter_action="tempfail",
        queue_directory=queue,
        main={
            "mail_owner": pwd.getpwuid(os.geteuid()).pw_name,
            "smtp_tls_policy_maps": "hash:/nonexistent/maps/tls_policy",
            "transport_maps": (
                "regexp:/nonexistent/maps/recipient_transport, hash:/nonexistent/maps/transport"
            ),
            "virtual_alias_maps": "regexp:/nonexistent/maps/recipient_spelling",
        },
        receivers=(),
        senders=(ServiceFacts(TRANSPORT, STRICT | transport),),
        tls_managers=(),
        behind_postscreen=False,
    )


def words(findings: Iterator[Finding]) -> list[tuple[str, str]]:
    """Return severity and word of each finding, and see that none is empty."""
    found = list(findings)
    assert all(one.what and one.proof and one.fix for one in found)
    return [(one.severity.value, one.word) for one in found]


def ruled(**changes: Any) -> dict[str, Any]:
    """Return a configuration's fields with a rule for the one listed partner."""
    return LISTED | {"partners": {WOODGROVE: make_partner(WOODGROVE, **changes)}}


DEFAULTS = make_configuration()


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (LISTED, []),
        ({}, [("note", "nothing-listed")]),
        (LISTED | {"mode": Mode.OBSERVE}, [("note", "observe")]),
        (ruled(mode=Mode.OBSERVE), [("note", "observe")]),
        (ruled(methods=(Method.POSTFIX,)), [("note", "weak-method")]),
        (ruled(methods=(Method.PIN,)), [("error", "no-pins")]),
        (
            LISTED | {"partners": {Entry("other.test"): make_partner("other.test")}},
            [("warning", "unused-rule")],
        ),
        (
            LISTED | {"inbound": replace(DEFAULTS.inbound, exempt_clients=(ip_network("0.0.0.0/0"),))},
            [("error", "everyone-exempt")],
        ),
    ],
)
def test_our_configuration(changes: dict[str, Any], found: list[tuple[str, str]]) -> None:
    """A valid configuration may still be doubtful."""
    assert words(check_configuration(make_configuration(**changes))) == found


def test_shared_gateway() -> None:
    """A gateway of many organisations is told by its name, once for all that use it."""
    (found,) = check_configuration(
        make_configuration(
            receive=DomainList.of("woodgrovebank.test", "fabrikam.test", "contoso.test"),
            partners={
                Entry(name): make_partner(name, names=("mail.protection.outlook.com",))
                for name in ("woodgrovebank.test", "fabrikam.test")
            },
        )
    )
    assert (found.severity.value, found.word) == ("warning", "shared-gateway")
    assert "Exchange Online" in found.what
    assert "it proves the gateway" in found.what
    assert "woodgrovebank.test" in found.what
    assert "fabrikam.test" in found.what
    assert "contoso" not in found.what
    assert "mail.protection.outlook.com" in found.proof


def test_shared_gateway_of_a_partner_that_signs() -> None:
    """The signature is the half that the certificate does not prove."""
    rule = make_partner("fabrikam.test", names=("mail.protection.outlook.com",), require=(Condition.DKIM,))
    assert not list(
        check_configuration(
            make_configuration(
                receive=DomainList.of("fabrikam.test"), partners={Entry("fabrikam.test"): rule}
            )
        )
    )


@pytest.mark.parametrize(
    ("rule", "entry", "used"),
    [
        ("a.test", "a.test", True),
        ("a.test", "*.a.test", True),
        ("*.a.test", "b.a.test", True),
        ("*.a.test", "a.test", False),
        ("b.a.test", "*.a.test", False),
    ],
)
def test_a_rule_is_used_when_it_may_be_found(rule: str, entry: str, used: bool) -> None:
    """The same rules are missed here that `Configuration.partner` does not find."""
    configuration = make_configuration(
        send=DomainList.of(entry), partners={Entry(rule): make_partner(rule, mode=Mode.OBSERVE)}
    )
    assert (words(check_configuration(configuration)) == []) is used
    assert (configuration.partner(Entry(entry)).mode is Mode.OBSERVE) is used


@pytest.mark.parametrize(
    ("transport", "method", "found"),
    [
        ({}, SendMethod.PKIX, []),
        ({}, SendMethod.DANE, ["no-dnssec"]),
        ({"smtp_dns_support_level": "dnssec"}, SendMethod.DANE, []),
        ({"smtp_tls_fingerprint_digest": "md5"}, SendMethod.PIN, ["fingerprint-digest"]),
        ({"smtp_tls_fingerprint_digest": "md5"}, SendMethod.PKIX, []),
        ({"smtp_tls_CAfile": ""}, SendMethod.PKIX, ["no-ca"]),
        ({"smtp_tls_CAfile": "", "smtp_tls_CApath": "/ca"}, SendMethod.PKIX, ["ca-folder-empty"]),
        ({"smtp_tls_CAfile": ""}, SendMethod.PIN, []),
        ({"tls_required_enable": "yes"}, SendMethod.PKIX, ["tls-required-header"]),
        ({"tls_required_enable": "no"}, SendMethod.PKIX, []),
        ({"smtp_tls_chain_files": ""}, SendMethod.PKIX, ["no-client-certificate"]),
        ({"smtp_tls_chain_files": "", "smtp_tls_cert_file": "/c"}, SendMethod.PKIX, []),
        ({"smtp_tls_per_site": "hash:/x"}, SendMethod.PKIX, ["per-site-tables"]),
        (
            {"smtp_tls_policy_maps": "btree:/nonexistent/maps/tls_policy"},
            SendMethod.PKIX,
            ["other-table-type"],
        ),
    ],
)
def test_the_transport(transport: dict[str, str], method: SendMethod, found: list[str]) -> None:
    """Each way of verifying a server needs its own settings, and some settings undo all of them."""
    configuration = make_configuration(
        send=DomainList.of(WOODGROVE), partners={WOODGROVE: make_partner(WOODGROVE, send_method=method)}
    )
    assert [
        word for _, word in words(check_outbound(configuration, make_facts(**transport), "hash", "hash"))
    ] == found


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("smtp", True),
        ("25", True),
        ("127.0.0.2:25", True),
        ("[::1]:smtp", True),
        ("submission", False),
        ("2525", False),
    ],
)
def test_port_25(name: str, public: bool) -> None:
    """A service may be named by port, by service name, and with an address in front."""
    assert is_port_25(name) is public


@contextmanager
def answering(path: Path, answer: bytes) -> Iterator[None]:
    """Listen on a socket and answer every connection's first words; an empty answer is none at all."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(answer)
                connection.recv(1024)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        thread.join(DEADLINE)


def listeners(folder: Path) -> Configuration:
    """Return a configuration with both sockets in *folder*."""
    return make_configuration(
        **LISTED, milter_socket=f"unix:{folder}/milter", policy_socket=f"unix:{folder}/policy"
    )


def test_both_sockets_answer(tmp_path: Path) -> None:
    """A milter that negotiates and a policy service that gives an action are fine."""
    milter = b"\0\0\0\x0dO" + bytes(12)
    with answering(tmp_path / "milter", milter), answering(tmp_path / "policy", b"action=DUNNO\n\n"):
        assert words(check_listeners(listeners(tmp_path), make_facts())) == []


def test_somebody_else_answers(tmp_path: Path) -> None:
    """Any other answer is as bad as none."""
    with answering(tmp_path / "milter", b"220 mail ESMTP\r\n"), answering(tmp_path / "policy", b"220 \r\n"):
        found = words(check_listeners(listeners(tmp_path), make_facts()))
    assert found == [("error", "milter-silent"), ("error", "policy-silent")]


def test_a_socket_that_is_not_there(tmp_path: Path) -> None:
    """A missing socket is named with the reason."""
    findings = list(check_listeners(listeners(tmp_path), make_facts()))
    assert [one.word for one in findings] == ["milter-silent", "policy-silent"]
    assert f"unix:{tmp_path}/milter: No such file or directory" in findings[0].proof


def test_a_folder_closed_to_postfix(tmp_path: Path) -> None:
    """smtpd connects as Postfix's user with its first group alone; each folder above must let it in."""
    folder = tmp_path / "closed"
    folder.mkdir()
    policy = b"action=DUNNO\n\n"
    with answering(folder / "milter", b"\0\0\0\x0dO" + bytes(12)), answering(folder / "policy", policy):
        folder.chmod(0o600)
        facts = make_facts()
        if os.geteuid() != 0:
            folder.chmod(0o700)
            facts = replace(facts, main={**facts.main, "mail_owner": "nobody"})
        findings = list(check_listeners(listeners(folder), facts))
    assert {one.word for one in findings} == {"socket-not-permitted"}


def test_an_examination_with_errors() -> None:
    """Warnings and what could not be looked at do not fail a check; one error does."""
    error = Finding.error("a", "b", "c", "d")
    others = (Finding.warning("a", "b", "c", "d"), Finding.note("a", "b", "c", "d"))
    examination = Examination(()).with_findings((Finding.not_looked_at("x", "y", "z"), *others))
    assert not examination.has_errors
    assert [one.what for one in examination.not_looked_at] == ["x"]
    assert [one.severity.value for one in examination.findings] == ["warning", "note", "not-looked-at"]
    assert Examination((*others, error)).has_errors
