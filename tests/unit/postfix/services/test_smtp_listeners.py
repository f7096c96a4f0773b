"""Where smtpd services listen, as postconf(1) tells of them."""

from pathlib import Path

from scratch_postfix import make_scratch

from domain_secure.policy.terms.smtp_listener import SmtpListener
from domain_secure.postfix.services.smtp_listeners import smtp_listeners


def test_services_with_their_places(tmp_path: Path) -> None:
    """A name of /etc/services, a number, an address are understood; what has no port of TCP is left out."""
    scratch = make_scratch(tmp_path)
    for service in (
        "submission inet n - y - - smtpd",
        "[::1]:10026 inet n - y - - smtpd -o smtpd_upstream_proxy_protocol=haproxy",
        "127.0.0.1:nobody-knows inet n - y - - smtpd",
        "smtpd pass - - y - - smtpd",
    ):
        scratch.add_service(service)
    assert smtp_listeners(scratch.instance) == (
        SmtpListener("smtp/inet", "", 25),
        SmtpListener("submission/inet", "", 587),
        SmtpListener("[::1]:10026/inet", "::1", 10026, is_behind_proxy=True),
    )


def test_behind_postscreen(tmp_path: Path) -> None:
    """Who connects to postscreen comes in by smtpd/pass."""
    scratch = make_scratch(tmp_path)
    path = scratch.folder / "postfix" / "master.cf"
    path.write_text(path.read_text().replace("smtpd\n", "postscreen\n", 1))
    scratch.add_service("smtpd pass - - y - - smtpd")
    assert smtp_listeners(scratch.instance) == (SmtpListener("smtpd/pass", "", 25),)
