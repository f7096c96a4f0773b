"""HAProxy in front of Postfix, with the PROXY protocol, as docs/proxies-and-filters.md has it."""

import json
import socket
from collections.abc import Iterator

import pytest

from lab.followed import PROXY, Followed
from lab.laboratory import ADDRESSES, CONTOSO, NOBODY, WOODGROVE
from lab.messages import compose
from lab.neighbours import haproxy
from lab.product import Product
from lab.smtp_client import Dialogue
from lab.story import FORGED_MARKS, PARTNER_SENDER, RECIPIENT
from lab.traffic import Traffic
from lab.waiting import DEADLINE

pytestmark = pytest.mark.real

DOCUMENT, HEADING = "proxies-and-filters.md", "haproxy, and the PROXY protocol"
PORT = 2525  #: where Postfix takes what the proxy passes on


@pytest.fixture(scope="module")
def traffic(product: Product) -> Iterator[Traffic]:
    """Follow the document, return the mail of a Contoso whose MX is the proxy, and go back."""
    lab = product.lab
    lab.namespaces.add_address(PROXY)
    proxy = haproxy(lab.namespaces, f"{PROXY}:25")
    traffic = Traffic(product, front=PROXY)

    def point_to(address: str) -> None:
        lab.dns.replace(f"mail.{CONTOSO}.", f"mail.{CONTOSO}. A {address}")

    followed = Followed(
        product,
        units={"restart haproxy": proxy.restart, "stop haproxy": proxy.stop},
        meanwhile={
            "our MX is the proxy": lambda: point_to(PROXY),
            "our MX is the edge": lambda: point_to(ADDRESSES[CONTOSO]),
            "somebody forges the partner's mail": traffic.forgers_are_refused,
            "the partner writes": traffic.partner_writes,
            "mail flows both ways": Traffic(product).flows,
        },
    )
    followed.follow(DOCUMENT, HEADING)
    yield traffic
    followed.go_back(DOCUMENT, HEADING)


def test_mail_flows_both_ways(traffic: Traffic) -> None:
    """What is proved passes, what is forged is refused with its reason, by the proxy as without it."""
    traffic.flows()


def test_the_client_is_the_partner_and_never_the_proxy(traffic: Traffic) -> None:
    """The record of a message has the address and the port of who is behind the proxy."""
    lab = traffic.product.lab
    with traffic.session(lab.identities[WOODGROVE], source=ADDRESSES[WOODGROVE]) as dialogue:
        client = dialogue.connection.getsockname()[1]
        message = compose(PARTNER_SENDER, RECIPIENT)
        assert dialogue.message(PARTNER_SENDER, RECIPIENT, message.content).code == 250
    traffic.product.wait_for_log(f"client=[{ADDRESSES[WOODGROVE]}]:{client} ")
    assert f"client=[{PROXY}]" not in traffic.product.log()


def test_several_messages_of_one_session(traffic: Traffic) -> None:
    """Each is judged by itself."""
    traffic.one_session_has_several()


def test_a_resumed_session_shows_the_certificate_again(traffic: Traffic) -> None:
    """A client that resumes its TLS session by the proxy, in another connection, is who it was."""
    lab = traffic.product.lab
    context = lab.client_context(lab.identities[WOODGROVE])
    with traffic.session(None, tls=False) as first:
        first.starttls(context)
        assert (
            first.message(PARTNER_SENDER, RECIPIENT, compose(PARTNER_SENDER, RECIPIENT).content).code == 250
        )
        session = first.connection.session  # type: ignore[attr-defined]
    message = compose(PARTNER_SENDER, RECIPIENT)
    with traffic.session(None, tls=False) as second:
        second.command("STARTTLS")
        second.connection = context.wrap_socket(second.connection, session=session)
        assert second.connection.session_reused
        second.ehlo()
        assert second.message(PARTNER_SENDER, RECIPIENT, message.content).code == 250
    traffic.assert_marked(lab.contoso.wait_for_delivery(message.mark))


#: The PROXY protocol, sections 2.1 and 2.2: twelve octets, then version and command, family, length.
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL = SIGNATURE + b"\x20\x00\x00\x00"
UNSPECIFIED = SIGNATURE + b"\x21\x00\x00\x00"
UNKNOWN = b"PROXY UNKNOWN\r\n"


def introduced(traffic: Traffic, introduction: bytes) -> Dialogue:
    """Connect to the service behind the proxy, as somebody who says *introduction*."""
    lab = traffic.product.lab
    with lab.namespaces.network():
        connection = socket.create_connection(
            (lab.contoso.address, PORT), timeout=DEADLINE, source_address=(NOBODY, 0)
        )
    connection.sendall(introduction)
    return Dialogue(connection)


@pytest.mark.parametrize(
    "introduction", [LOCAL, UNSPECIFIED, UNKNOWN], ids=["local", "unspecified", "unknown"]
)
def test_an_introduction_without_a_client_proves_nothing(traffic: Traffic, introduction: bytes) -> None:
    """What a proxy says for its own sake, as in a health check: its certificate counts, and nothing else."""
    lab = traffic.product.lab
    for identity, code in ((None, 530), (lab.identities[WOODGROVE], 250)):
        with introduced(traffic, introduction) as dialogue:
            if dialogue.greeting().code == 421:
                # For Postfix 3.7 and others LOCAL is the only introduction without an address.
                assert introduction != LOCAL
                return
            dialogue.ehlo()
            if identity is not None:
                dialogue.starttls(lab.client_context(identity))
            message = compose(PARTNER_SENDER, RECIPIENT)
            assert dialogue.message(PARTNER_SENDER, RECIPIENT, message.content).code == code
            client = dialogue.connection.getsockname()[1]
        traffic.product.wait_for_log(f"client=[{NOBODY}]:{client} ")


def test_a_service_of_the_proxy_that_nobody_attached_is_named(traffic: Traffic) -> None:
    """Mail from partners comes in by it unproved, and check says so; marks go off all the same."""
    product = traffic.product
    product.attach("--service", "smtp/inet")
    try:
        found = json.loads(product.command("check", "--json", check=False).stdout)["findings"]
        told = [one for one in found if one["word"] == "service-not-attached"]
        assert [one["severity"] for one in told] == ["error"]
        assert "2525/inet" in told[0]["what"]
        message = compose(PARTNER_SENDER, RECIPIENT, *FORGED_MARKS)
        with traffic.session(None, tls=False) as dialogue:
            assert dialogue.message(PARTNER_SENDER, RECIPIENT, message.content).code == 250
        traffic.assert_unmarked(product.lab.contoso.wait_for_delivery(message.mark))
    finally:
        product.attach("--service", "smtp/inet", "--service", "2525/inet")
    assert "upstream-proxy" in product.command("check", check=False).stdout
