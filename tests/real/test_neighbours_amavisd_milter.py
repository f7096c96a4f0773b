"""amavis as a milter behind ours, by way of amavisd-milter: what docs/proxies-and-filters.md has."""

from collections.abc import Iterator

import pytest

from lab.followed import Followed
from lab.laboratory import WOODGROVE
from lab.messages import compose
from lab.neighbours import Neighbour, amavis, amavisd_milter
from lab.product import Product
from lab.story import PARTNER_SENDER, RECIPIENT
from lab.traffic import Traffic

pytestmark = pytest.mark.real

DOCUMENT, HEADING = "proxies-and-filters.md", "amavisd-milter"


@pytest.fixture(scope="module")
def scanning(product: Product) -> Neighbour:
    """Return amavis."""
    return amavis(product.lab.namespaces)


@pytest.fixture(scope="module")
def traffic(product: Product, scanning: Neighbour) -> Iterator[Traffic]:
    """Follow the document, return the mail of a Contoso with the milter, and go back."""
    traffic = Traffic(product)
    asking = amavisd_milter(product.lab.namespaces)
    followed = Followed(
        product,
        units={
            "restart amavis": scanning.restart,
            "restart amavisd-milter": asking.restart,
            "stop amavisd-milter": asking.stop,
            "stop amavis": scanning.stop,
        },
        meanwhile={"mail flows both ways": traffic.flows},
    )
    followed.follow(DOCUMENT, HEADING)
    yield traffic
    followed.go_back(DOCUMENT, HEADING)


def test_mail_flows_both_ways(traffic: Traffic) -> None:
    """What is proved passes, what is forged is refused with its reason, with amavis as without it."""
    traffic.flows()
    traffic.one_session_has_several()


def test_without_amavis_a_message_that_we_let_in_waits(traffic: Traffic, scanning: Neighbour) -> None:
    """Its milter is asked behind ours, and tells the client to come again."""
    lab = traffic.product.lab
    scanning.stop()
    try:
        message = compose(PARTNER_SENDER, RECIPIENT)
        with traffic.session(lab.identities[WOODGROVE]) as dialogue:
            assert 400 <= dialogue.message(PARTNER_SENDER, RECIPIENT, message.content).code < 500
    finally:
        scanning.start()
    traffic.partner_writes()
