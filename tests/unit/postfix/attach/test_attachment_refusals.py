"""What attach refuses to do."""

import shutil
from dataclasses import replace

import pytest
from attach_place import STOCK_MASTER, Place

from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.attach.attachment import MAIN, MASTER, Request

pytestmark = pytest.mark.skipif(shutil.which("postconf") is None, reason="Postfix is not installed")

REFUSED = {
    "no STARTTLS": ("smtpd_tls_security_level = none\n", "STARTTLS is not offered"),
    "no certificate": ("smtpd_tls_chain_files =\n", "no server certificate"),
    "certificate missing": ("smtpd_tls_chain_files = /nonexistent.pem\n", "certificate is missing"),
    "milter maps": ("smtpd_milter_maps = cidr:/x\n", "other milters would be asked"),
    "no milters": ("receive_override_options = no_address_mappings, no_milters\n", "keeps every milter out"),
    "proxy filter": ("smtpd_proxy_filter = 127.0.0.1:10024\n", "hides the queue id"),
    "per site": ("smtp_tls_per_site = hash:/x\n", "would ignore it"),
    "named already": ("smtpd_milters = unix:domain-secure/milter\n", "asked twice"),
    "fingerprints": (
        "smtpd_tls_fingerprint_digest = md5\nsmtpd_client_restrictions = permit_tls_clientcerts\n",
        "permit_tls_clientcerts in smtpd_client_restrictions",
    ),
    "fingerprints in a class": (
        (
            "smtpd_tls_fingerprint_digest = md5\nsmtpd_restriction_classes = known\n"
            "known = check_ccert_access { hash:/x, search_order = cert_fingerprint }, reject\n"
        ),
        "check_ccert_access in known",
    ),
    "unbalanced": ("smtpd_milters = unix:a }\n", "not balanced"),
    "NUL": ("a = \0b\n", "NUL byte"),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_cannot_be_done_safely_is_refused(place: Place, case: str) -> None:
    """The reason names the setting; nothing is changed."""
    text, reason = REFUSED[case]
    place.write(place.stock_main + text.encode())
    before = place.files
    with pytest.raises(Problem) as raised:
        place.attach()
    assert reason in str(raised.value)
    assert place.files == before


def test_a_missing_service_is_refused(place: Place) -> None:
    """The services there are are named."""
    with pytest.raises(Problem, match="smtp/inet, submission/inet"):
        place.attach(Request(("2525/inet",)))
    with pytest.raises(Problem, match="runs cleanup"):
        place.attach(Request(("cleanup/unix",)))


def test_a_missing_file_is_refused(place: Place) -> None:
    """Postfix is not where it is looked for."""
    (place.directory / MAIN).unlink()
    with pytest.raises(Problem, match=r"main\.cf"):
        place.attach()


def test_a_missing_authority_is_refused(place: Place) -> None:
    """Postfix's TLS engine would not start, and all mail to listed domains would wait."""
    trust = replace(place.configuration.trust, ca_file=place.folder / "none.pem")
    place.configuration = replace(place.configuration, trust=trust)
    with pytest.raises(Problem, match="authorities are missing"):
        place.attach()


def test_a_socket_outside_of_the_chroot_is_refused(place: Place) -> None:
    """A chrooted smtpd(8) would not find it; one without chroot does."""
    place.configuration = replace(place.configuration, milter_socket="unix:/run/elsewhere/milter")
    with pytest.raises(Problem, match="cannot be reached from the chroot"):
        place.attach()
    place.replace(MASTER, b"n       -       y       -       -       smtpd\n#smtp", b"n - n - - smtpd\n#smtp")
    place.attach()
    assert (place.override("smtp/inet", "smtpd_milters") or "").startswith("{ unix:/run/elsewhere/milter, ")


def test_a_service_by_which_a_filter_gives_mail_back(place: Place) -> None:
    """What was let in would be refused there; without a filter it is a service like any other."""
    back = b"127.0.0.1:10025 inet n - y - - smtpd\n"
    place.write(place.stock_main + b"content_filter = scan:[127.0.0.1]:10024\n", STOCK_MASTER + back)
    with pytest.raises(Problem, match="may give mail back by it"):
        place.attach(Request(("127.0.0.1:10025/inet",)))
    place.write(place.stock_main, STOCK_MASTER + back)
    place.attach(Request(("127.0.0.1:10025/inet",)))


def test_a_further_instance_logs_under_its_name(place: Place) -> None:
    """Its deliveries are told from those of the first instance, whose name stays as it was."""
    place.write(place.stock_main + b"multi_instance_name = postfix-out\n")
    place.attach()
    assert place.override("domain-secure/unix", "syslog_name") == "postfix-out/domain-secure"
