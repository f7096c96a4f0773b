"""What attach makes of Postfix's files; postconf(1) is asked, nothing else runs."""

import shutil
from dataclasses import replace

import pytest
from attach_place import STOCK_MASTER, Place
from configurations import make_partner

from domain_secure.policy.configuration.configuration import Inbound, SendMethod, WhenDown
from domain_secure.policy.terms.domain import Entry
from domain_secure.postfix.attach.attachment import MAIN, MASTER
from domain_secure.postfix.tables.tables import map_type

pytestmark = pytest.mark.skipif(shutil.which("postconf") is None, reason="Postfix is not installed")

MAINS = {
    "stock": b"",
    "no last newline": b"smtp_tls_policy_maps = hash:/a\ntransport_maps =",
    "carriage returns": b"transport_maps = hash:/a\r\nsmtpd_milters = unix:a\r\n",
    "comments within": b"transport_maps =\n# note\n  hash:/a,\n\n  hash:/b\n",
    "entered twice": b"transport_maps = hash:/a\ntransport_maps = hash:/b\n",
    "lists": b"smtpd_milters = unix:a, { inet:localhost:1, default_action=accept }\n"
    b"smtpd_data_restrictions = reject_unauth_pipelining\nheader_checks = regexp:{ { /^X:/ IGNORE } }\n",
    "references": b"mine = hash:/a\ntransport_maps = $mine\nfilters = unix:a\nsmtpd_milters = $filters\n",
    "not UTF-8": b"# caf\xe9\ntransport_maps = hash:/caf\xe9\n",
}
MASTERS = {
    "stock": STOCK_MASTER,
    "no last newline": STOCK_MASTER.rstrip(b"\n"),
    "service comes last": STOCK_MASTER.replace(b"smtp      inet", b"#") + b"smtp inet n - n - - smtpd",
    "options": STOCK_MASTER.replace(
        b"-       smtpd\n#smtp",
        b"-       smtpd -v\n  -o { smtpd_milters = unix:x,\n# note\n   unix:y }\n\n  -o a=b\n#smtp",
    ),
    "its own transport options": STOCK_MASTER.replace(
        b"       smtp\nrelay", b"       smtp\n  -o smtp_bind_address=127.0.0.2 -v\nrelay"
    ),
}


@pytest.mark.parametrize("when_down", list(WhenDown))
@pytest.mark.parametrize("master", list(MASTERS))
@pytest.mark.parametrize("main", list(MAINS))
def test_detach_gives_back_exactly_the_former_bytes(
    place: Place, main: str, master: str, when_down: WhenDown
) -> None:
    """Promise 6, with the record and without; and a second attach changes nothing."""
    inbound = replace(place.configuration.inbound, when_down=when_down)
    place.configuration = replace(place.configuration, inbound=inbound)
    place.write(place.stock_main + MAINS[main], MASTERS[master])
    before = place.files
    assert place.attach().changes == (MASTER, MAIN)
    attached = place.files
    assert not place.attach().changes
    place.detach()
    assert place.files == before
    assert not place.record_path.exists()
    place.write(attached[MAIN], attached[MASTER])
    place.detach()
    assert place.files == before


def test_postfix_reads_what_is_meant(place: Place) -> None:
    """The service of port 25 asks us first and then whom it asked before; others are left alone."""
    place.write(place.stock_main + MAINS["lists"])
    place.attach()
    milters = place.override("smtp/inet", "smtpd_milters") or ""
    assert milters.startswith("{ unix:domain-secure/milter, default_action=tempfail,")
    assert milters.endswith("}, unix:a, { inet:localhost:1, default_action=accept }")
    restrictions = place.override("smtp/inet", "smtpd_data_restrictions") or ""
    assert restrictions.startswith("check_policy_service { unix:domain-secure/policy,")
    assert restrictions.endswith("default_action=DUNNO }, reject_unauth_pipelining")
    assert place.override("smtp/inet", "smtpd_tls_ask_ccert") == "yes"
    assert place.override("submission/inet", "smtpd_milters") is None
    table = f"{map_type(place.instance)}:{place.configuration.state}/maps"
    patterns = f"regexp:{place.configuration.state}/maps"
    assert place.instance.parameter("transport_maps") == f"{patterns}/recipient_transport, {table}/transport"
    assert place.instance.parameter("virtual_alias_maps") == f"{patterns}/recipient_spelling"
    assert place.override("domain-secure/unix", "smtp_tls_policy_maps") == f"{table}/tls_policy"
    assert place.override("domain-secure/unix", "smtp_tls_security_level") == "secure"
    assert place.override("domain-secure/unix", "tlsmgr_service_name") == "domain-secure-tls"
    assert place.override("domain-secure-tls/unix", "smtp_tls_session_cache_database") == ""


def test_only_what_is_needed_is_set(place: Place) -> None:
    """A digest that is right, DNSSEC nobody uses, and a parameter this Postfix has not are left alone."""
    place.attach()
    assert place.override("smtp/inet", "smtpd_tls_fingerprint_digest") is None
    assert place.override("smtp/inet", "cleanup_service_name") is None
    assert place.override("domain-secure/unix", "smtp_dns_support_level") == "enabled"
    known = place.instance.parameters("tls_required_enable")
    expected = "no" if known else None
    assert place.override("domain-secure/unix", "tls_required_enable") == expected


def test_dane_asks_for_dnssec(place: Place) -> None:
    """One partner with DANE is enough."""
    partner = make_partner("woodgrovebank.test", send_method=SendMethod.DANE)
    partners = {Entry("woodgrovebank.test"): partner}
    place.configuration = replace(place.configuration, partners=partners)
    place.attach()
    assert place.override("domain-secure/unix", "smtp_dns_support_level") == "dnssec"


def test_without_direct_no_route_is_changed(place: Place) -> None:
    """With ``direct = false`` the administrator's routes stay as they are."""
    place.configuration = replace(place.configuration, direct=False)
    place.attach()
    assert place.instance.parameter("transport_maps") == ""


def test_a_md5_digest_that_nothing_depends_on_is_changed(place: Place) -> None:
    """Pins are SHA-256."""
    place.write(place.stock_main + b"smtpd_tls_fingerprint_digest = md5\n")
    place.attach()
    assert place.override("smtp/inet", "smtpd_tls_fingerprint_digest") == "sha256"
    place.detach()
    assert place.files[MASTER] == STOCK_MASTER


def test_behind_postscreen_the_smtpd_is_attached(place: Place) -> None:
    """postscreen(8) itself takes no mail."""
    postscreen = STOCK_MASTER.replace(b"-       -       smtpd\n#smtp", b"-       1       postscreen\n#smtp")
    place.write(master=postscreen + b"smtpd     pass  -       -       y       -       -       smtpd\n")
    plan = place.attach()
    assert plan.inbound is not None
    assert list(plan.inbound.options) == ["smtpd/pass"]


@pytest.mark.parametrize(
    ("socket", "expected"),
    [
        ("inet:9000@127.0.0.1", "inet:127.0.0.1:9000"),
        ("inet6:9000@::1", "inet:[::1]:9000"),
        ("unix:{queue}/filters/milter", "unix:filters/milter"),
    ],
)
def test_sockets_are_written_as_postfix_names_them(place: Place, socket: str, expected: str) -> None:
    """libmilter's notation is another one."""
    queue = place.instance.queue_directory
    configured = replace(place.configuration, milter_socket=socket.format(queue=queue))
    place.configuration = configured
    before = place.files
    place.attach()
    assert (place.override("smtp/inet", "smtpd_milters") or "").startswith(f"{{ {expected}, ")
    place.detach()
    assert place.files == before


def test_postfix_waits_longer_than_the_daemon(place: Place) -> None:
    """A probe that takes its time must not end in Postfix's own words."""
    inbound: Inbound = replace(place.configuration.inbound, probe_timeout=100.5)
    place.configuration = replace(place.configuration, inbound=inbound)
    place.attach()
    assert "content_timeout=126s" in (place.override("smtp/inet", "smtpd_milters") or "")


@pytest.mark.parametrize("classes", [b"", b", a"])
def test_what_an_older_attach_wrote_for_defer_listed_goes(place: Place, classes: bytes) -> None:
    """Detach gives the former bytes back, and attach leaves nothing of it that lets mail in."""
    inbound = replace(place.configuration.inbound, when_down=WhenDown.DEFER_LISTED)
    place.configuration = replace(place.configuration, inbound=inbound)
    if classes:
        place.write(place.stock_main + b"smtpd_restriction_classes = a\na = reject\n")
    before = place.files
    place.attach()
    new = place.files
    assert b"accept" not in new[MASTER].replace(b"#", b"")
    old = (
        new[MASTER]
        .replace(b"default_action=tempfail", b"default_action=accept")
        .replace(b"default_action=DUNNO", b"default_action=domain_secure_when_down")
        .replace(
            b"  -o smtpd_tls_ask_ccert=yes\n",
            b"  -o smtpd_tls_ask_ccert=yes\n"
            b"  -o { smtpd_restriction_classes = domain_secure_when_down" + classes + b" }\n"
            b"  -o { domain_secure_when_down = check_sender_access hash:/s/maps/sender_access }\n"
            b"  -o cleanup_service_name=domain-secure-cleanup\n",
        )
    )
    assert b"sender_access" in old
    place.record_path.unlink()
    place.write(new[MAIN], old)
    place.detach()
    assert place.files == before
    place.write(new[MAIN], old)
    place.attach()
    assert b"sender_access" not in place.files[MASTER]
    assert "default_action=tempfail" in (place.override("smtp/inet", "smtpd_milters") or "")


def test_line_ends_are_made_strict_where_they_are_not(place: Place) -> None:
    """What is strict already stays; a cleanup(8) that leaves lone carriage returns gets a strict clone."""
    for value, ours in (("no", "yes"), ("note", "yes"), ("reject", None), ("normalize", None)):
        place.write(place.stock_main + f"smtpd_forbid_bare_newline = {value}\n".encode())
        before = place.files
        place.attach()
        assert place.override("smtp/inet", "smtpd_forbid_bare_newline") == ours
        assert place.override("smtp/inet", "cleanup_service_name") is None
        place.detach()
        assert place.files == before
    place.write(place.stock_main + b"cleanup_replace_stray_cr_lf = no\n")
    before = place.files
    place.attach()
    assert place.override("smtp/inet", "cleanup_service_name") == "domain-secure-cleanup"
    assert place.override("domain-secure-cleanup/unix", "cleanup_replace_stray_cr_lf") == "yes"
    assert place.override("domain-secure-cleanup/unix", "header_checks") is None
    assert not place.attach().changes
    place.record_path.unlink()
    place.detach()
    assert place.files == before
    own = STOCK_MASTER.replace(b"smtpd\n#smtp", b"smtpd -o cleanup_service_name=theirs\n#smtp")
    place.write(place.stock_main + b"cleanup_replace_stray_cr_lf = no\n", own)
    place.attach()
    assert place.override("smtp/inet", "cleanup_service_name") == "theirs"
