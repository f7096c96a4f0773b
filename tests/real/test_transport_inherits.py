"""What others set for all mail in main.cf does not reach the dedicated transport, or is named before."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.files import put
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, FABRIKAM, WOODGROVE, Lab
from lab.messages import Message, compose
from lab.product import Product
from lab.waiting import wait_for

pytestmark = pytest.mark.real

SENDER = f"user@{CONTOSO}"
RECIPIENT = f"admin@{WOODGROVE}"
MX = f"{WOODGROVE}. MX 10"
EVILS = f"[{ADDRESSES[EVIL]}]"


@pytest.fixture
def clean(product: Product) -> Iterator[Product]:
    """Return the product with nothing in main.cf but what it began with; nothing is queued afterwards."""
    main = product.lab.namespaces.outside(product.lab.contoso.layout.configuration / "main.cf")
    before = main.read_bytes()
    yield product
    put(main, before)
    product.lab.dns.replace(f"{WOODGROVE}.", f"{MX} mail.{WOODGROVE}.")
    product.lab.namespaces.run("postsuper", "-d", "ALL")


def prepare(product: Product, **settings: str) -> None:
    """Let the administrator set this, attach, and wait until Postfix has it in force."""
    if settings:
        product.lab.contoso.configure(**settings)
    product.command("attach")
    product.lab.contoso.reload()


def submit(lab: Lab) -> Message:
    """Let a user of Contoso write to Woodgrove."""
    message = compose(SENDER, RECIPIENT)
    assert lab.submit(lab.contoso, message, sender=SENDER, recipient=RECIPIENT).code == 250
    return message


def errors(product: Product) -> dict[str, str]:
    """Return the proofs of the errors that check finds, by their word."""
    document = json.loads(product.command("check", "--json", check=False).stdout)
    return {one["word"]: one["proof"] for one in document["findings"] if one["severity"] == "error"}


def fate(product: Product, message: Message) -> str:
    """Wait until the message is delivered, put off or returned, and return the line that says so."""
    lab = product.lab
    # An earlier test's message was removed from the queue, and its lines stand before this one's.
    found = lab.contoso.wait_for_log(
        rf"cleanup\[\d+\]: (\w+): message-id=<{message.mark}[^\n]*\n(?:.*\n)*?"
        r".*domain-secure/smtp\[\d+\]: \1: to=<[^\n]*status=\w+ [^\n]*"
    )
    return found[0].splitlines()[-1]


@pytest.mark.parametrize(
    "settings",
    [
        {"disable_dns_lookups": "yes"},
        {"smtp_dns_support_level": "disabled"},
        {"smtp_host_lookup": "native", "disable_dns_lookups": "yes"},
        {"smtp_discard_ehlo_keywords": "starttls"},
        {"smtp_discard_ehlo_keyword_address_maps": "static:starttls"},
        {"smtp_never_send_ehlo": "yes", "smtp_always_send_ehlo": "no"},
        {"smtp_reply_filter": "regexp:{{/^250-STARTTLS/ 250-X}}"},
        {"smtp_tcp_port": "2525"},
        {"smtp_tls_wrappermode": "yes"},
        {"smtp_tls_trust_anchor_file": "/nonexistent", "smtp_tls_CAfile": "/nonexistent"},
    ],
    ids=",".join,
)
def test_what_attach_sets_anew(clean: Product, settings: dict[str, str]) -> None:
    """The message arrives verified, whatever is set for all other mail, and check finds nothing wrong."""
    prepare(clean, **settings)
    assert errors(clean) == {}
    message = submit(clean.lab)
    clean.lab.woodgrove.wait_for_delivery(message.mark)
    clean.lab.contoso.wait_for_log(r"domain-secure/smtp\[\d+\]: Verified TLS connection established to mail")


@pytest.mark.parametrize(
    "settings",
    [
        {"smtp_tls_mandatory_exclude_ciphers": "ALL"},
        {"smtp_tls_exclude_ciphers": "HIGH"},
        {"smtp_tls_mandatory_exclude_ciphers": "!aNULL"},
        {"tls_high_cipherlist": "nonsense"},
    ],
    ids=",".join,
)
def test_what_waits_is_named_before(clean: Product, settings: dict[str, str]) -> None:
    """No cipher is left: check says so, and the message waits."""
    prepare(clean, **settings)
    (name,) = settings
    assert f"{name} = " in errors(clean)["inherited-setting"]
    assert "status=deferred" in fate(clean, submit(clean.lab))


@pytest.mark.parametrize(
    ("settings", "waits"),
    [
        ({"smtp_dns_reply_filter": "regexp:{{/ MX / IGNORE}}"}, True),
        ({"tls_ssl_options": "0x28000000"}, False),  # Postfix decides on versions of TLS by itself
        ({"tls_high_cipherlist": "ECDHE+AESGCM"}, False),
        ({"smtp_tls_exclude_ciphers": "RC4, 3DES"}, False),
        ({"tls_eecdh_auto_curves": "prime256v1"}, False),
    ],
)
def test_what_may_wait_is_named_before(clean: Product, settings: dict[str, str], waits: bool) -> None:
    """What makes TLS or DNS stricter stays the administrator's, and check names it."""
    prepare(clean, **settings)
    (name,) = settings
    printed = clean.command("check", check=False).stdout
    assert f"{name} = " in printed
    assert "[inherited-setting]" in printed
    line = fate(clean, submit(clean.lab))
    assert ("status=deferred" if waits else "status=sent") in line


def _records(*records: str) -> object:
    return lambda lab: lab.dns.replace(f"{WOODGROVE}.", *records)


@pytest.mark.parametrize(
    "change",
    [
        _records(f"{WOODGROVE}. MX 0 ."),
        _records(f"{MX} mail.{CONTOSO}."),
        _records(f"{MX} nowhere.test."),
        _records(),
    ],
    ids=["null MX", "an MX that is ourselves", "an MX without an address", "no such domain"],
)
def test_what_dns_says_returns_nothing(clean: Product, change: object) -> None:
    """Nobody proved what DNS says: the message waits, and goes nowhere else."""
    prepare(clean, best_mx_transport="virtual:", smtp_defer_if_no_mx_address_found="no")
    change(clean.lab)  # type: ignore[operator]
    message = submit(clean.lab)
    assert "status=deferred" in fate(clean, message)
    assert clean.lab.contoso.delivered(message.mark) is None


@contextmanager
def answering(lab: Lab, *replies: str) -> Iterator[None]:
    """Be Woodgrove's MX, and answer a connection and then each command with the next of the *replies*."""
    with lab.namespaces.network():
        listening = socket.create_server((ADDRESSES[FABRIKAM], 25))

    def serve() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            with client, client.makefile("rwb") as stream:
                for reply in replies:
                    stream.write(f"{reply}\r\n".encode())
                    stream.flush()
                    if not stream.readline():
                        break

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    lab.dns.replace(f"{WOODGROVE}.", f"{MX} mail.{FABRIKAM}.")
    try:
        yield
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        listening.close()


GREETING = "220 mail.fabrikam.test ESMTP"


@pytest.mark.parametrize(
    "replies",
    [
        ("554 5.7.1 go away",),
        (GREETING, "550 5.7.1 no EHLO", "550 5.7.1 no HELO"),
        (GREETING, f"250-mail.{CONTOSO}\r\n250 STARTTLS"),
        (GREETING, "250-mail.fabrikam.test\r\n250 STARTTLS", "554 5.7.0 no TLS for you"),
        (GREETING, "250 mail.fabrikam.test"),
    ],
    ids=["greeting", "EHLO and HELO", "our own name", "STARTTLS", "no STARTTLS"],
)
def test_what_an_unverified_server_says_returns_nothing(clean: Product, replies: tuple[str, ...]) -> None:
    """Whoever sits where DNS leads may keep mail from leaving, and may not have it returned."""
    prepare(clean, smtp_skip_5xx_greeting="no")
    with answering(clean.lab, *replies):
        assert "status=deferred" in fate(clean, submit(clean.lab))


@pytest.mark.parametrize("name", ["smtp_delivery_status_filter", "default_delivery_status_filter"])
def test_a_wait_is_not_turned_into_a_return(clean: Product, name: str) -> None:
    """A filter of the administrator that makes failures final does not for what waits for its partner."""
    prepare(clean, **{name: "regexp:{{/^4(.*)/ 5$$1}}"})
    with answering(clean.lab, GREETING, "250 mail.fabrikam.test"):
        assert "status=deferred" in fate(clean, submit(clean.lab))


def test_what_the_verified_server_says_counts(clean: Product) -> None:
    """A refusal of the partner's own server returns the message, even with the words of a failure here."""
    prepare(clean)
    lab = clean.lab
    reply = "regexp:{{/^/ 554 5.4.6 mail for you loops back to myself}}"
    lab.woodgrove.configure(smtpd_recipient_restrictions=f"check_recipient_access {reply}")
    lab.woodgrove.reload()
    try:
        line = fate(clean, submit(lab))
    finally:
        lab.woodgrove.configure(smtpd_recipient_restrictions="")
        lab.woodgrove.reload()
    assert "status=bounced" in line
    assert "dsn=5.4.6" in line


def test_an_older_attachment_is_told_and_mended(clean: Product) -> None:
    """Attached before a setting was known to act: check says so, and attach sets it."""
    lab = clean.lab
    master: Path = lab.namespaces.outside(lab.contoso.layout.configuration / "master.cf")
    kept = [
        line
        for line in master.read_text().splitlines(keepends=True)
        if "smtp_discard_ehlo" not in line and "smtp_delivery_status_filter" not in line
    ]
    put(master, "".join(kept).encode())
    lab.contoso.configure(
        smtp_discard_ehlo_keywords="starttls", smtp_delivery_status_filter="regexp:{{/^4(.*)/ 5$$1}}"
    )
    lab.contoso.reload()
    printed = clean.command("check", check=False).stdout
    assert "[attach-outdated]" in printed
    assert "smtp_discard_ehlo_keywords = starttls" in printed
    assert "smtp_delivery_status_filter = regexp:" in printed
    clean.attach()
    assert "inherited-setting" not in errors(clean)
    message = submit(lab)
    wait_for(lambda: lab.woodgrove.delivered(message.mark), "the message", context=lab.contoso.log)
