"""Pointing main.cf at our certificates: what is in force, what is kept, and the way back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scratch_postfix import Scratch, make_scratch

from domain_secure.policy.own.enabled_certificates import Role
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.attach.certificate_settings import (
    enabled_files,
    overrides,
    services_showing,
    with_certificates,
    without_certificates,
)
from domain_secure.postfix.instance.processes import run

FILES = {role: Path(f"/state/keys/enabled/{role}.pem") for role in Role}
ROLES = [FILES, {Role.SERVER: FILES[Role.SERVER]}, {Role.CLIENT: FILES[Role.CLIENT]}]


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """A Postfix configuration of its own."""
    return make_scratch(tmp_path)


CONTENTS = [
    b"",
    b"myhostname = mail.contoso.test\n",
    b"smtpd_tls_chain_files = /etc/a.pem, /etc/b.pem\n",
    b"smtpd_tls_chain_files =\n# why\n  /etc/a.pem\n\n  /etc/b.pem\nx = y",
    b"smtpd_tls_cert_file=/etc/a.pem\nsmtpd_tls_key_file=/etc/a.key\r\nsmtp_tls_cert_file = /etc/b.pem",
    b"smtpd_tls_chain_files = /old.pem\nsmtpd_tls_chain_files = /new.pem\n",
    b"# smtpd_tls_chain_files = /commented.pem\n\n\n",
]


@pytest.mark.parametrize("files", ROLES, ids=["both", "server", "client"])
@pytest.mark.parametrize("content", CONTENTS)
def test_there_and_back(content: bytes, files: dict[Role, Path]) -> None:
    """What is undone is the former content, byte for byte; doing it twice is doing it once."""
    enabled = with_certificates(content, files)
    assert enabled_files(enabled) == files
    assert with_certificates(enabled, files) == enabled
    assert without_certificates(enabled) == content
    assert without_certificates(content) == content


@pytest.mark.parametrize("content", CONTENTS)
def test_one_role_after_the_other(content: bytes) -> None:
    """The second role joins the first, in either order, and both go together."""
    for first, second in ((1, 2), (2, 1)):
        enabled = with_certificates(with_certificates(content, ROLES[first]), ROLES[second])
        assert enabled_files(enabled) == FILES
        assert without_certificates(enabled) == content


_LINES = st.sampled_from(
    [b"smtpd_tls_chain_files = /a", b"smtp_tls_cert_file = $smtpd_tls_cert_file", b"smtpd_tls_cert_file=/b",
     b"  continued", b"# comment", b"", b"x = y", b"\t# comment", b"no equals sign"]
)  # fmt: skip


@given(st.lists(_LINES, max_size=12), st.sampled_from([b"", b"\n"]), st.sampled_from(ROLES))
def test_any_file_comes_back(lines: list[bytes], end: bytes, files: dict[Role, Path]) -> None:
    """Whatever stands in main.cf comes back byte for byte."""
    content = b"\n".join(lines) + end
    enabled = with_certificates(content, files)
    assert enabled_files(enabled) == files
    assert without_certificates(enabled) == content


def test_what_others_change_meanwhile_stays() -> None:
    """Lines of others are kept wherever they are put, and a setting that replaced ours is theirs."""
    enabled = with_certificates(b"smtpd_tls_chain_files = /old\n", FILES)
    edited = b"a = b\n" + enabled + b"c = d\n"
    assert without_certificates(edited) == b"a = b\nsmtpd_tls_chain_files = /old\nc = d\n"
    replaced = enabled.replace(
        b"smtpd_tls_chain_files = /state/keys/enabled/server.pem", b"smtpd_tls_chain_files = /x"
    )
    assert without_certificates(replaced) == b"smtpd_tls_chain_files = /old\nsmtpd_tls_chain_files = /x\n"


def test_older_parameter_that_is_referred_to_stays() -> None:
    """A setting of others does not lose what it refers to."""
    content = b"smtpd_tls_cert_file = /a\nlmtp_tls_cert_file = $smtpd_tls_cert_file\n"
    assert b"\nsmtpd_tls_cert_file = /a" in b"\n" + with_certificates(content, FILES)
    in_master = with_certificates(b"smtp_tls_cert_file = /a\n", FILES, b"-o x=${smtp_tls_cert_file}")
    assert in_master.startswith(b"smtp_tls_cert_file = /a\n")


def test_path_that_postfix_cannot_read() -> None:
    """A path with a blank would be two elements."""
    with pytest.raises(Problem, match="cannot read a certificate from a path with such characters"):
        with_certificates(b"", {Role.SERVER: Path("/my state/keys/enabled/server.pem")})


def test_postfix_agrees(scratch: Scratch) -> None:
    """Postfix reads what is meant, and every service shows it."""
    scratch.set("smtpd_tls_cert_file = /etc/a.pem", "smtp_tls_chain_files = /etc/b.pem")
    main = scratch.folder / "postfix" / "main.cf"
    main.write_bytes(with_certificates(main.read_bytes(), FILES))
    assert scratch.instance.parameter("smtpd_tls_chain_files") == str(FILES[Role.SERVER])
    assert scratch.instance.parameter("smtpd_tls_cert_file") == ""
    assert services_showing(scratch.instance, FILES) == {
        Role.SERVER: ("smtp/inet",),
        Role.CLIENT: ("smtp/unix", "relay/unix"),
    }
    for question in ("-n", "-P"):
        assert run(["postconf", "-c", str(scratch.instance.config_directory), question]).stderr == ""


def test_service_with_a_certificate_of_its_own(scratch: Scratch) -> None:
    """An option of master.cf that keeps a service from showing ours is found; an older one has no effect."""
    scratch.set_service("smtp      inet", "smtpd_tls_chain_files=/etc/a.pem")
    scratch.set_service("relay", "smtp_tls_cert_file=/etc/b.pem")
    (found,) = overrides(scratch.instance, Role)
    assert (found.service, found.parameter, found.value) == (
        "smtp/inet",
        "smtpd_tls_chain_files",
        "/etc/a.pem",
    )
    assert list(overrides(scratch.instance, [Role.CLIENT])) == []
