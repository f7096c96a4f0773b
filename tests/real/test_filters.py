"""Filters and copies: where mail for a listed domain goes, and what check says of it before."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from lab.files import put
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, WOODGROVE, Lab
from lab.messages import Message, compose
from lab.product import Product

pytestmark = pytest.mark.real

SENDER = f"user@{CONTOSO}"
RECIPIENT = f"admin@{WOODGROVE}"
TO_EVIL = f"smtp:[{ADDRESSES[EVIL]}]"
ANYBODY = f"somebody@{EVIL}"
FILTER = f"FILTER {TO_EVIL}"


@pytest.fixture(scope="module")
def open_relay(product: Product) -> Product:
    """Return the product beside a relay that takes mail for Woodgrove from anybody, and keeps it."""
    evil = product.lab.evil
    evil.configure(mynetworks="0.0.0.0/0", virtual_mailbox_domains=f"{EVIL}, {WOODGROVE}")
    evil.reload()
    return product


@pytest.fixture
def clean(open_relay: Product) -> Iterator[Product]:
    """Return it with nothing set that is not there at first."""
    folder = open_relay.lab.namespaces.outside(open_relay.lab.contoso.layout.configuration)
    before = {name: (folder / name).read_bytes() for name in ("main.cf", "master.cf")}
    yield open_relay
    for name, content in before.items():
        put(folder / name, content)
    open_relay.lab.namespaces.run("postsuper", "-d", "ALL")


@dataclass(frozen=True)
class Row:
    """One configuration, and by which finding it is told."""

    word: str
    main: dict[str, str] = field(default_factory=dict)
    master: str = ""  #: ``service/type/parameter=value``
    by_sendmail: bool = False

    def __str__(self) -> str:
        """Return what a test is called."""
        return self.master or ",".join(f"{name}={value}" for name, value in self.main.items())


def prepare(product: Product, row: Row) -> None:
    """Let the administrator set this, and wait until Postfix has it in force."""
    contoso = product.lab.contoso
    if row.master:
        product.lab.namespaces.run("postconf", "-c", contoso.layout.configuration, "-P", row.master)
    contoso.configure(**row.main, **({} if row.main else {"biff": "no"}))
    contoso.reload()


def findings(product: Product) -> list[dict[str, str]]:
    """Return what check finds."""
    document = json.loads(product.command("check", "--json", check=False).stdout)
    found: list[dict[str, str]] = document["findings"]
    return found


def submit(lab: Lab, *, by_sendmail: bool) -> Message:
    """Let a user of Contoso write to Woodgrove, by SMTP or with the sendmail command."""
    message = compose(SENDER, RECIPIENT, "MIME-Version: 1.0", "Content-Type: text/plain")
    if by_sendmail:
        text = message.content.decode().replace("\r\n", "\n")
        lab.namespaces.run("sendmail", "-f", SENDER, RECIPIENT, standard_input=text)
    else:
        assert lab.submit(lab.contoso, message, sender=SENDER, recipient=RECIPIENT).code == 250
    return message


LEAVING = [
    Row("filter-elsewhere", {"content_filter": TO_EVIL}),
    Row("filter-elsewhere", master=f"smtp/inet/content_filter={TO_EVIL}"),
    Row("filter-elsewhere", master=f"pickup/unix/content_filter={TO_EVIL}", by_sendmail=True),
    Row("filter-elsewhere", master=f"smtp/inet/smtpd_proxy_filter=[{ADDRESSES[EVIL]}]:25"),
    Row("filter-elsewhere", {"header_checks": f"regexp:{{{{/^Subject:/ {FILTER}}}}}"}),
    Row("filter-elsewhere", {"mime_header_checks": f"regexp:{{{{/^Content-Type:/ {FILTER}}}}}"}),
    Row("filter-elsewhere", {"body_checks": f"regexp:{{{{/^Hello/ {FILTER}}}}}"}),
    Row(
        "filter-elsewhere",
        {"outgoing_checks": f"regexp:{{{{/^To:/ {FILTER}}}}}"},
        "cleanup/unix/header_checks=$outgoing_checks",
    ),
    Row("filter-elsewhere", {"smtpd_client_restrictions": f"check_client_access static:{{{FILTER}}}"}),
    Row(
        "filter-elsewhere",
        {"smtpd_sender_restrictions": f"check_sender_access inline:{{{{{CONTOSO}={FILTER}}}}}"},
    ),
    Row(
        "filter-elsewhere",
        {
            "smtpd_restriction_classes": "outside",
            "outside": f"check_recipient_access regexp:{{{{/@woodgrove/ {FILTER}}}}}",
            "smtpd_recipient_restrictions": "check_client_access static:outside",
        },
    ),
    Row("copy-elsewhere", {"always_bcc": ANYBODY}),
    Row("copy-elsewhere", master=f"cleanup/unix/always_bcc={ANYBODY}"),
    Row("copy-elsewhere", {"sender_bcc_maps": f"inline:{{{SENDER}={ANYBODY}}}"}),
    Row("copy-elsewhere", {"recipient_bcc_maps": f"inline:{{@{WOODGROVE}={ANYBODY}}}"}),
    Row("copy-elsewhere", {"recipient_bcc_maps": f"regexp:{{{{/./ {ANYBODY}}}}}"}),
    Row("copy-elsewhere", {"header_checks": f"regexp:{{{{/^Subject:/ REDIRECT {ANYBODY}}}}}"}),
    Row("copy-elsewhere", {"header_checks": f"regexp:{{{{/^Subject:/ BCC {ANYBODY}}}}}"}),
    Row("copy-elsewhere", {"smtpd_helo_restrictions": f"check_client_access static:{{REDIRECT {ANYBODY}}}"}),
    Row("copy-elsewhere", {"virtual_alias_maps": f"inline:{{{RECIPIENT}={ANYBODY}}}"}),
    Row("copy-elsewhere", {"canonical_maps": f"regexp:{{{{/^admin@woodgrove.*/ {ANYBODY}}}}}"}),
]


@pytest.mark.parametrize("row", LEAVING, ids=str)
def test_what_leaves_is_an_error_before(clean: Product, row: Row) -> None:
    """It reaches somebody who is not the partner, and check has said so, with the place."""
    prepare(clean, row)
    told = [one for one in findings(clean) if one["word"] == row.word]
    assert [one["severity"] for one in told] == ["error"]
    assert (ANYBODY if row.word == "copy-elsewhere" else ADDRESSES[EVIL]) in told[0]["what"] + told[0][
        "proof"
    ]
    message = submit(clean.lab, by_sendmail=row.by_sendmail)
    clean.lab.evil.wait_for_delivery(message.mark)


BACK = "127.0.0.1:10025/inet = 127.0.0.1:10025 inet n - n - - smtpd"
STAYING = [
    Row("content-filter", {"content_filter": "smtp:[127.0.0.1]:10025"}),
    Row("content-filter", {"header_checks": "regexp:{{/^Subject:/ FILTER smtp:localhost:10025}}"}),
    Row("content-filter", master="smtp/inet/smtpd_proxy_filter=127.0.0.1:10025"),
]


@pytest.mark.parametrize("row", STAYING, ids=str)
def test_a_filter_on_this_machine_that_comes_back(clean: Product, row: Row) -> None:
    """It is a note, and the message arrives verified."""
    lab = clean.lab
    folder = lab.contoso.layout.configuration
    lab.namespaces.run("postconf", "-c", folder, "-M", BACK.replace(" = ", "="))
    # Under its own name Postfix takes the filter for itself, and the message for one that loops.
    name = f"myhostname=filter.{CONTOSO}"
    # It connects from the address that all mail leaves by.
    networks = f"mynetworks=127.0.0.1,{ADDRESSES[CONTOSO]}"
    for option in (
        name,
        networks,
        "content_filter=",
        "smtpd_proxy_filter=",
        "smtpd_milters=",
        "smtpd_data_restrictions=",
    ):
        lab.namespaces.run("postconf", "-c", folder, "-P", f"127.0.0.1:10025/inet/{option}")
    lab.namespaces.run(
        "postconf", "-c", folder, "-P", "127.0.0.1:10025/inet/cleanup_service_name=cleanup-after"
    )
    lab.namespaces.run(
        "postconf", "-c", folder, "-M", "cleanup-after/unix=cleanup-after unix n - n - 0 cleanup"
    )
    lab.namespaces.run("postconf", "-c", folder, "-P", "cleanup-after/unix/header_checks=")
    prepare(clean, row)
    found = {one["word"]: one for one in findings(clean)}
    assert found[row.word]["severity"] == "note"
    assert "filter-elsewhere" not in found
    message = submit(lab, by_sendmail=False)
    lab.woodgrove.wait_for_delivery(message.mark)
    lab.contoso.wait_for_log(
        r"domain-secure/smtp\[\d+\]: Verified TLS connection established to mail\.woodgrove"
    )


@pytest.mark.parametrize(
    "row",
    [
        Row("", {"always_bcc": f"archive@{CONTOSO}"}),
        Row("", {"header_checks": f"regexp:{{{{/^Subject:/ BCC archive@{CONTOSO}}}}}"}),
        Row("", {"always_bcc": f"archive@{WOODGROVE}"}),
        Row("", {"header_checks": "regexp:{{/^Subject:/ FILTER domain-secure:}}"}),
        Row("", {"virtual_alias_maps": f"inline:{{{RECIPIENT}=other@{WOODGROVE}}}"}),
    ],
    ids=str,
)
def test_what_stays_or_leaves_verified_is_no_finding(clean: Product, row: Row) -> None:
    """A copy for us or for a partner, and a filter that is our own transport."""
    prepare(clean, row)
    assert not {"copy-elsewhere", "filter-elsewhere"} & {one["word"] for one in findings(clean)}
    message = submit(clean.lab, by_sendmail=False)
    clean.lab.woodgrove.wait_for_delivery(message.mark)


def test_a_copy_over_verified_tls_is_a_note(clean: Product) -> None:
    """An archive elsewhere whose server is verified by the administrator's own policy."""
    policies = clean.lab.contoso.parameter("smtp_tls_policy_maps")
    settings = {
        "always_bcc": ANYBODY,
        "smtp_tls_policy_maps": f"{policies}, inline:{{{{{EVIL}=secure match=mail.{EVIL}}}}}",
    }
    prepare(clean, Row("copy-elsewhere", settings))
    assert [one["severity"] for one in findings(clean) if one["word"] == "copy-elsewhere"] == ["note"]


def test_what_is_not_followed_is_named(clean: Product) -> None:
    """A database, a policy service and a program: what they do is not known, and that is said."""
    settings = {
        "header_checks": "ldap:/etc/postfix/checks.cf",
        "smtpd_recipient_restrictions": "check_policy_service unix:private/greylist",
        "content_filter": "scanner:",
        "sender_bcc_maps": "mysql:/etc/postfix/copies.cf",
    }
    contoso = clean.lab.contoso
    clean.lab.namespaces.run(
        "postconf",
        "-c",
        contoso.layout.configuration,
        "-M",
        "scanner/unix=scanner unix - n n - - pipe user=nobody argv=/bin/true",
    )
    contoso.configure(**settings)
    named = " ".join(
        f"{one['what']} {one['proof']}" for one in findings(clean) if one["severity"] == "not-looked-at"
    )
    for what in (
        "ldap:/etc/postfix/checks.cf",
        "unix:private/greylist",
        "scanner",
        "mysql:/etc/postfix/copies.cf",
    ):
        assert what in named
