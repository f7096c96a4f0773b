"""postscreen in front of smtpd, alone and behind HAProxy: what docs/proxies-and-filters.md has."""

from collections.abc import Iterator

import pytest

from lab.followed import PROXY, Followed
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, FABRIKAM, NOBODY, WOODGROVE
from lab.messages import compose
from lab.neighbours import Neighbour, haproxy
from lab.product import Product
from lab.story import PARTNER_SENDER, RECIPIENT
from lab.traffic import Traffic

pytestmark = pytest.mark.real

DOCUMENT, HEADING = "proxies-and-filters.md", "postscreen"
FRONT = f"""
frontend smtp
    mode tcp
    bind {PROXY}:25
    default_backend edges

backend edges
    mode tcp
    server mx1 {ADDRESSES[CONTOSO]}:25 send-proxy-v2
"""


@pytest.fixture(scope="module")
def proxy(product: Product) -> Neighbour:
    """Return HAProxy in front of port 25."""
    namespaces = product.lab.namespaces
    namespaces.add_address(PROXY)
    path = namespaces.outside("/etc/haproxy/haproxy.cfg")
    path.write_text(path.read_text() + FRONT)
    return haproxy(namespaces, f"{PROXY}:25")


@pytest.fixture(scope="module")
def traffic(product: Product, proxy: Neighbour) -> Iterator[Traffic]:
    """Follow the document, return the mail of a Contoso with postscreen behind a proxy, and go back."""
    lab = product.lab
    # What the tests are made of is as in the document; what a client is made to wait is not.
    lab.contoso.configure(postscreen_greet_wait="1s")
    traffic = Traffic(product, front=PROXY)

    def by_the_proxy() -> None:
        is_let_through(traffic, ADDRESSES[WOODGROVE])
        traffic.partner_writes()

    def proxied() -> None:
        proxy.start()
        lab.dns.replace(f"mail.{CONTOSO}.", f"mail.{CONTOSO}. A {PROXY}")

    def direct() -> None:
        lab.dns.replace(f"mail.{CONTOSO}.", f"mail.{CONTOSO}. A {ADDRESSES[CONTOSO]}")

    followed = Followed(
        product,
        meanwhile={
            "our MX is the proxy": proxied,
            "our MX is the edge": direct,
            "the partner writes by the proxy": by_the_proxy,
            "mail flows both ways": Traffic(product).flows,
        },
    )
    followed.follow(DOCUMENT, HEADING)
    yield traffic
    followed.go_back(DOCUMENT, HEADING)


def is_let_through(traffic: Traffic, source: str) -> None:
    """Come as often as postscreen asks for: a client that is new is asked to come again."""
    for _ in range(3):
        with traffic.session(None, tls=False, source=source) as dialogue:
            code = dialogue.mail("somebody@nowhere.example").code
            code = code if code >= 400 else dialogue.rcpt(RECIPIENT).code
        if code == 250:
            return
    raise AssertionError(f"postscreen does not let {source} through: {dialogue.replies}")


def test_a_new_client_is_asked_to_come_again(traffic: Traffic) -> None:
    """What it says that time reaches nobody of us; the next time it is judged by its certificate."""
    lab = traffic.product.lab
    with traffic.session(None, tls=False, source=ADDRESSES[FABRIKAM]) as dialogue:
        message, first = compose(PARTNER_SENDER, RECIPIENT), dialogue.connection.getsockname()[1]
        reply = dialogue.message(PARTNER_SENDER, RECIPIENT, message.content)
        assert (reply.code, reply.status) == (450, "4.3.2"), reply
    is_let_through(traffic, ADDRESSES[FABRIKAM])
    with traffic.session(lab.identities[WOODGROVE], source=ADDRESSES[FABRIKAM]) as dialogue:
        client = dialogue.connection.getsockname()[1]
        assert dialogue.message(PARTNER_SENDER, RECIPIENT, message.content).code == 250
    traffic.assert_marked(lab.contoso.wait_for_delivery(message.mark))
    traffic.product.wait_for_log(f"client=[{ADDRESSES[FABRIKAM]}]:{client} ")
    assert f"client=[{ADDRESSES[FABRIKAM]}]:{first} " not in traffic.product.log()


def test_mail_flows_both_ways(traffic: Traffic) -> None:
    """Whom postscreen has let through is judged as without it, by the proxy's word for the address."""
    for address in (NOBODY, ADDRESSES[WOODGROVE], ADDRESSES[EVIL]):
        is_let_through(traffic, address)
    traffic.flows()
    traffic.one_session_has_several()
    assert f"client=[{PROXY}]" not in traffic.product.log()
