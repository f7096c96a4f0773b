"""``smtpd_milter_maps`` as ``check`` sees it: real tables, asked by postmap(1)."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from dns.rdata import from_text
from scratch_postfix import Scratch, make_scratch

from domain_secure.policy.configuration.reading import load
from domain_secure.postfix.dns.dns_lookup import Lookup, Lookups, LookupStatus
from domain_secure.postfix.findings.findings import Finding, Severity
from domain_secure.postfix.findings.service_facts import facts_of
from domain_secure.postfix.mail_checks.milter_map_checks import check_milter_maps

from lab.certificates import Authority

pytestmark = pytest.mark.real

OURS = "unix:domain-secure/milter"
RECORDS = {
    ("woodgrovebank.test", "MX"): "10 mail.woodgrovebank.test.",
    ("mail.woodgrovebank.test", "A"): "198.51.100.20",
}


def resolver(records: Mapping[tuple[str, str], str]) -> Lookups:
    """Return look-ups in *records*; what is not there does not exist."""

    def lookup(name: str, record_type: str) -> Lookup:
        if (name, record_type) not in records:
            return Lookup(LookupStatus.NONE)
        return Lookup(LookupStatus.FOUND, (from_text("IN", record_type, records[name, record_type]),))

    return lookup


def unreachable(name: str, record_type: str) -> Lookup:
    """Look nothing up."""
    return Lookup(LookupStatus.FAILED, detail=f"{name} {record_type}: no answer")


@pytest.fixture(scope="module")
def attached(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    """Return a scratch configuration that is attached."""
    scratch = make_scratch(folder := tmp_path_factory.mktemp("maps"))
    (folder / "mail.pem").write_bytes(Authority.create("Lab CA").issue("mail.contoso.test").pem(key=True))
    scratch.set("smtpd_tls_security_level = may", f"smtpd_tls_chain_files = {folder}/mail.pem")
    scratch.configure('[receive]\ndomains = ["woodgrovebank.test"]\n')
    assert scratch.run("attach", "--no-send") == 0
    (folder / "mynetworks").write_text("127.0.0.1 DISABLE\n")
    (folder / "partner").write_text("198.51.100.20 inet:127.0.0.1:11332\n")
    (folder / "half.cidr").write_text("128.0.0.0/1 disable\n")
    (folder / "six.cidr").write_text("2000::/3 DISABLE\n")
    (folder / "v4.regexp").write_text("/^[0-9.]+$/ DISABLE\n")
    return scratch


def findings(scratch: Scratch, maps: str, lookup: Lookups) -> list[Finding]:
    """Return what is found with these maps on the service of port 25."""
    path = scratch.folder / "postfix" / "master.cf"
    before = path.read_bytes()
    try:
        scratch.set_service("smtp      inet", f"smtpd_milter_maps = {maps.format(folder=scratch.folder)}")
        instance = scratch.instance
        return list(check_milter_maps(load(scratch.configuration), instance, facts_of(instance), lookup))
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize(
    ("maps", "proof"),
    [
        ("static:DISABLE", "198.51.100.20 (mail.woodgrovebank.test, of woodgrovebank.test) = DISABLE"),
        ("static:{{inet:127.0.0.1:11332}}", "= inet:127.0.0.1:11332"),
        ("cidr:{{{{0.0.0.0/0 DISABLE}}}}", "(mail.woodgrovebank.test"),
        ("cidr:{folder}/half.cidr", "198.51.100.20 (mail."),
        ("cidr:{folder}/six.cidr", "2001:db8::1 (anybody) = DISABLE"),
        ("regexp:{folder}/v4.regexp", "(mail."),
        ("texthash:{folder}/partner", "texthash:"),
        ("inline:{{1.1.1.1=DISABLE}}, texthash:{folder}/partner", "texthash:"),
        (f"inline:{{{{127.0.0.1=DISABLE}}}}, static:{{{{ {{{{ {OURS}x }}}} }}}}", "static:"),
    ],
)
def test_who_gets_past_the_daemon_is_an_error(attached: Scratch, maps: str, proof: str) -> None:
    """A table of any type is asked for partners' servers and for strangers, and the answer is the proof."""
    (finding,) = findings(attached, maps, resolver(RECORDS))
    assert (finding.severity, finding.word) == (Severity.ERROR, "milters-by-client")
    assert proof in finding.proof


def test_a_table_that_names_the_daemon_lets_nobody_past(attached: Scratch) -> None:
    """Others get another list of milters, in which the daemon is."""
    maps = f"static:{{{{inet:127.0.0.1:11332, {{{{ {OURS}, default_action=tempfail }}}}}}}}"
    (finding,) = findings(attached, maps, resolver(RECORDS))
    assert finding.severity is Severity.WARNING


def test_a_table_about_this_machine_needs_no_resolver(attached: Scratch) -> None:
    """Nothing else is in it, so that nothing is left out."""
    (finding,) = findings(attached, "texthash:{folder}/mynetworks", unreachable)
    assert finding.severity is Severity.WARNING


def test_what_could_not_be_asked_is_named(attached: Scratch) -> None:
    """A table that does not answer, and partners' servers that DNS does not tell."""
    (finding,) = findings(attached, "texthash:{folder}/none", resolver(RECORDS))
    assert finding.severity is Severity.NOT_LOOKED_AT
    assert "/none" in finding.proof
    unseen, warning = findings(attached, "texthash:{folder}/partner", unreachable)
    assert unseen.severity is Severity.NOT_LOOKED_AT
    assert "no answer" in unseen.proof
    assert warning.severity is Severity.WARNING


def test_where_nothing_is_mapped_nothing_is_found(attached: Scratch, tmp_path: Path) -> None:
    """Neither without such a table, nor for a service that does not ask the daemon anyway."""
    assert not list(
        check_milter_maps(load(attached.configuration), attached.instance, facts_of(attached.instance))
    )
    other = make_scratch(tmp_path)
    shutil.copy(attached.configuration, other.configuration)
    other.set("smtpd_milter_maps = static:DISABLE")
    assert not list(check_milter_maps(load(other.configuration), other.instance, facts_of(other.instance)))
