"""amavis as a filter behind the queue: what docs/proxies-and-filters.md has, and what comes back from it."""

from collections.abc import Iterator

import pytest

from lab.followed import Followed
from lab.laboratory import LOOPBACK
from lab.messages import compose, header_lines
from lab.neighbours import Neighbour, amavis
from lab.product import Product
from lab.story import FORGED_MARKS, MARK, PARTNER_SENDER, RECIPIENT
from lab.traffic import Traffic

pytestmark = pytest.mark.real

BACK = "127.0.0.1:10025/inet"
DOCUMENT, HEADING = "proxies-and-filters.md", "amavis"


@pytest.fixture(scope="module")
def scanning(product: Product) -> Neighbour:
    """Return amavis."""
    return amavis(product.lab.namespaces)


@pytest.fixture(scope="module")
def traffic(product: Product, scanning: Neighbour) -> Iterator[Traffic]:
    """Follow the document, return the mail of a Contoso with amavis, and go back."""
    traffic = Traffic(product)

    def by_amavis() -> None:
        assert b"(amavis" in traffic.partner_writes()

    followed = Followed(
        product,
        units={
            "stop amavis": scanning.stop,
            "reload postfix": lambda: reload(product, scanning),
        },
        meanwhile={
            "the filter listens at 10024": scanning.start,
            "the partner writes by amavis": by_amavis,
            "mail flows both ways": traffic.flows,
        },
    )
    followed.follow(DOCUMENT, HEADING)
    yield traffic
    followed.go_back(DOCUMENT, HEADING)


def reload(product: Product, scanning: Neighbour) -> None:
    """Let Postfix read its configuration, when amavis keeps no connection to it open."""
    if scanning.is_running:
        scanning.restart()
    product.lab.contoso.reload()


def test_mail_flows_both_ways(traffic: Traffic) -> None:
    """What is proved passes, what is forged is refused with its reason, with amavis as without it."""
    traffic.flows()
    traffic.one_session_has_several()
    assert b"(amavis" in traffic.stranger_writes()
    assert b"(amavis" in traffic.we_write()


@pytest.fixture
def asking(product: Product, traffic: Traffic, scanning: Neighbour) -> Iterator[Product]:
    """Let milters be asked where amavis gives mail back."""
    del traffic
    option = f"{BACK}/receive_override_options"
    former = product.lab.namespaces.run("postconf", "-P", option).stdout.partition("=")[2].strip()
    product.lab.namespaces.run("postconf", "-P", f"{option}={former.replace(',no_milters', '')}")
    yield product
    product.lab.namespaces.run("postconf", "-P", f"{option}={former}")
    reload(product, scanning)


def test_where_it_gives_mail_back_nobody_is_asked_again(asking: Product) -> None:
    """Attach refuses to be asked there: what was let in once would be returned to its sender."""
    done = asking.command("attach", "--service", "smtp/inet", "--service", BACK, check=False)
    assert done.returncode == 2, done.stdout
    assert f"{BACK}: leave it out" in done.stderr


def test_asked_again_where_this_host_is_trusted(
    asking: Product, traffic: Traffic, scanning: Neighbour
) -> None:
    """A message that is seen a second time, without TLS, is let in with the mark it has and no other."""
    former = asking.text()
    asking.write(former + '[inbound]\ntrusted_relays = ["127.0.0.1"]\n')
    asking.settle()
    asking.command("attach", "--service", "smtp/inet", "--service", BACK)
    reload(asking, scanning)
    assert "reinjection-attached" not in asking.command("check", check=False).stdout
    traffic.flows()
    asking.command("attach", "--service", "smtp/inet")
    asking.write(former)
    asking.settle()


def test_marks_that_a_program_of_this_host_brings(traffic: Traffic) -> None:
    """They are delivered, as if amavis had brought them back, and check says so."""
    product = traffic.product
    assert f"can bring marks in by {BACK}" in product.command("check", check=False).stdout
    message = compose(PARTNER_SENDER, RECIPIENT, *FORGED_MARKS)
    with product.lab.connect(product.lab.contoso, LOOPBACK, port=10025) as dialogue:
        assert dialogue.message(PARTNER_SENDER, RECIPIENT, message.content).code == 250
    assert len(header_lines(product.lab.contoso.wait_for_delivery(message.mark), MARK)) == 1
