"""OpenDKIM as a milter behind ours, which verifies and signs: what docs/proxies-and-filters.md has."""

from collections.abc import Iterator

import dkim
import pytest

from lab.dkim_signing import Signer
from lab.followed import Followed
from lab.laboratory import CONTOSO, EVIL, WOODGROVE
from lab.messages import compose, header_lines
from lab.neighbours import Neighbour, opendkim
from lab.product import Product
from lab.story import FORGED_MARKS, PARTNER_SENDER, RECIPIENT, RESULTS
from lab.traffic import STRANGER, Traffic

pytestmark = pytest.mark.real

DOCUMENT, HEADING = "proxies-and-filters.md", "OpenDKIM"
NAME = f"mail._domainkey.{CONTOSO}"
#: Its resolver, libunbound, knows by itself that there is no domain below "test" (RFC 6761).
RESOLVER = """\
server:
  local-zone: "test." nodefault
  do-not-query-localhost: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1
"""
KEY = "/etc/dkimkeys/mail.txt"


@pytest.fixture(scope="module")
def signing(product: Product) -> Neighbour:
    """Return OpenDKIM."""
    return opendkim(product.lab.namespaces)


@pytest.fixture(scope="module")
def traffic(product: Product, signing: Neighbour) -> Iterator[Traffic]:
    """Follow the document, return the mail of a Contoso with OpenDKIM, and go back."""
    traffic = Traffic(product)
    followed = Followed(
        product,
        units={"restart opendkim": signing.restart, "stop opendkim": signing.stop},
        meanwhile={
            "the key is in DNS": lambda: publish(product),
            "mail flows both ways": traffic.flows,
        },
    )
    followed.follow(DOCUMENT, HEADING)
    yield traffic
    followed.go_back(DOCUMENT, HEADING)


def publish(product: Product) -> None:
    """Put the record that opendkim-genkey wrote into DNS, whose root is not signed here."""
    strings = " ".join(f'"{piece}"' for piece in record(product))
    product.lab.dns.add(f"{NAME}. 300 TXT {strings}")
    outside = product.lab.namespaces.outside
    outside("/etc/opendkim-unbound.conf").write_text(RESOLVER)
    path = outside("/etc/opendkim.conf")
    text = path.read_text().replace("\nTrustAnchorFile", "\n#TrustAnchorFile")
    path.write_text(f"{text}\nResolverConfiguration /etc/opendkim-unbound.conf\n")


def record(product: Product) -> list[str]:
    """Return the strings of the record."""
    return product.lab.namespaces.outside(KEY).read_text().split('"')[1::2]


def test_mail_flows_both_ways(traffic: Traffic) -> None:
    """What is proved passes, what is forged is refused with its reason, with OpenDKIM as without it."""
    traffic.flows()
    traffic.one_session_has_several()


def test_what_leaves_is_signed(traffic: Traffic) -> None:
    """Our own mail has a signature that holds at the partner, over verified TLS."""
    key = "".join(record(traffic.product)).encode()
    delivered = traffic.we_write()
    assert dkim.verify(delivered, dnsfunc=lambda name, **_: key if name.startswith(NAME.encode()) else None)


def test_a_signature_of_the_partner_holds_behind_our_marks(traffic: Traffic) -> None:
    """OpenDKIM verifies the message with our marks on top, and adds its result beside ours."""
    lab = traffic.product.lab
    signer = Signer(WOODGROVE)
    lab.dns.add(signer.zone_line())
    message = compose(PARTNER_SENDER, RECIPIENT)
    with traffic.session(lab.identities[WOODGROVE]) as dialogue:
        assert dialogue.message(PARTNER_SENDER, RECIPIENT, signer.sign(message.content)).code == 250
    delivered = lab.contoso.wait_for_delivery(message.mark)
    traffic.assert_marked(delivered)
    assert any("dkim=pass" in value for value in header_lines(delivered, RESULTS))


def test_a_signature_over_a_forged_mark_fails_without_it(traffic: Traffic) -> None:
    """The mark is taken off all the same, and the message arrives."""
    lab = traffic.product.lab
    signer = Signer(EVIL)
    lab.dns.add(signer.zone_line())
    message = compose(STRANGER, RECIPIENT, FORGED_MARKS[0])
    signed = signer.sign(message.content, include_headers=[b"from", b"x-domain-secure"])
    with traffic.session(None) as dialogue:
        assert dialogue.message(STRANGER, RECIPIENT, signed).code == 250
    delivered = lab.contoso.wait_for_delivery(message.mark)
    traffic.assert_unmarked(delivered)
    assert any("dkim=fail" in value for value in header_lines(delivered, RESULTS))


def test_told_to_remove_all_results_it_removes_ours(traffic: Traffic, signing: Neighbour) -> None:
    """The document says so, and that the other mark stays."""
    path = traffic.product.lab.namespaces.outside("/etc/opendkim.conf")
    before = path.read_text()
    path.write_text(f"{before}RemoveARAll yes\n")
    signing.restart()
    try:
        Traffic(traffic.product, keeps_results=False).partner_writes()
    finally:
        path.write_text(before)
        signing.restart()
