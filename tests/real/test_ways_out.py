"""Every address of a listed domain takes our way out, whatever routes others wrote and however it is written.

One configuration holds the routes of others, all of them to Evil; each message is then looked for at
Woodgrove and at Evil.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lab.laboratory import ADDRESSES, CONTOSO, EVIL, LOOPBACK, WOODGROVE, Lab
from lab.messages import Message, compose
from lab.product import Product
from lab.waiting import wait_for

pytestmark = pytest.mark.real

SENDER = f"user@{CONTOSO}"
MAIL = f"mail.{WOODGROVE}"
BOOKS = "bücher.test"
BOOKS_A = "xn--bcher-kva.test"
RELAY = f"smtp:[{ADDRESSES[EVIL]}]"
LISTS = f"""\
[send]
domains = ["{WOODGROVE}", "*.{WOODGROVE}", "{BOOKS}"]
[partner."{BOOKS}"]
names = ["{WOODGROVE}"]
"""

#: What an administrator may have behind our tables: each sends some recipient of ours to Evil.
ROUTES = (
    "inline:{ "
    + ", ".join(
        f"{{{key}={route}}}"
        for key, route in {
            f"boss@{WOODGROVE}": RELAY,
            f"wrong@{WOODGROVE}": f"domain-secure:[mail.{EVIL}]",
            f"sales.{WOODGROVE}": RELAY,
            f".eu.{WOODGROVE}": RELAY,
        }.items()
    )
    + " }",
    f"regexp:{{{{/^pattern@/ {RELAY}}}}}",
    f"pipemap:{{inline:{{piped@{WOODGROVE}=x}}, inline:{{x={RELAY}}}}}",
    f"unionmap:{{inline:{{united@{WOODGROVE}={RELAY}}}}}",
    f"proxy:inline:{{ {{proxied@{WOODGROVE}={RELAY}}} }}",
    f"static:{RELAY}",
)

RECIPIENTS = (
    f"boss@{WOODGROVE}",
    f"wrong@{WOODGROVE}",
    f"pattern@{WOODGROVE}",
    f"piped@{WOODGROVE}",
    f"united@{WOODGROVE}",
    f"proxied@{WOODGROVE}",
    f"anybody@{WOODGROVE}",
    f"any@sales.{WOODGROVE}",
    f"any@host.eu.{WOODGROVE}",
    f"root@local.{WOODGROVE}",  # of mydestination
    "Boss@WoodgroveBank.TEST",
    f"boss+extension@{WOODGROVE}",
    f"boss@{WOODGROVE}.",
    f'"a b"@{WOODGROVE}',
    f"boss%{WOODGROVE}@localhost",
    f"@{CONTOSO}:boss@{WOODGROVE}",
)

SPELLINGS = (
    "boss@ｗoodgrovebank.test",
    "boss@ＷＯＯＤＧＲＯＶＥＢＡＮＫ．ＴＥＳＴ",
    "boss@woodgrovebank。test",
    "boss@woodgrovebank｡test",
    "boss@wood\u00adgrove\u200bbank.test",
    "boss@𝐰𝐨𝐨𝐝𝐠𝐫𝐨𝐯𝐞𝐛𝐚𝐧𝐤.𝐭𝐞𝐬𝐭",
    "boss@woodgroveban\u212a.te\u017ft",
    "boss@woodgroveban\u212a\u00ad.ｔest",
    "any@ｓales.woodgrovebank.test",
    "any@sales。eu。ｗoodgrovebank。test",
    f"boss@{BOOKS}",
    f"boss@{BOOKS_A}",
    "boss@bu\u0308cher.test",
    "boss@BÜCHER.test",
    "boss@BU\u0308CHER。ｔest",
    "boss@XN--BCHER-KVA.ＴＥＳＴ",
)


WORDS = {"route-by-recipient", "policy-defeated", "table-not-first", "recipient-goes-elsewhere"}


@dataclass(frozen=True)
class Place:
    """The laboratory with others' routes in it, and our tables as attach wrote them."""

    product: Product
    ours: str  #: transport_maps, as far as it is ours

    @property
    def lab(self) -> Lab:
        """Return the laboratory."""
        return self.product.lab

    def examined(self) -> dict[str, list[dict[str, Any]]]:
        """Return what ``check`` finds about where mail goes, by word."""
        done = self.product.command("check", "--json", check=False)
        found: dict[str, list[dict[str, Any]]] = {}
        for one in json.loads(done.stdout)["findings"]:
            found.setdefault(one["word"], []).append(one)
        return found


@pytest.fixture(scope="module")
def place(lab: Lab) -> Iterator[Place]:
    """Return Contoso with a relayhost and routes of others that all lead to Evil, who takes everything."""
    hosts = ", ".join(
        (f"sales.{WOODGROVE}", f"host.eu.{WOODGROVE}", f"sales.eu.{WOODGROVE}", f"local.{WOODGROVE}")
    )
    names = f"{WOODGROVE}, {hosts}, {BOOKS}, {BOOKS_A}"
    for name in (*hosts.split(", "), BOOKS_A):
        lab.dns.replace(f"{name}.", f"{name}. MX 10 {MAIL}.")
    lab.woodgrove.configure(virtual_mailbox_domains=names)
    lab.evil.configure(virtual_mailbox_domains=f"{EVIL}, {names}")
    for host in (lab.woodgrove, lab.evil):
        host.reload()
    product = Product(lab)
    product.configure(LISTS)
    product.attach()
    product.serve()
    ours = lab.contoso.parameter("transport_maps")
    lab.contoso.configure(
        relayhost=f"[{ADDRESSES[EVIL]}]",
        mydestination=f"{lab.contoso.parameter('mydestination')}, local.{WOODGROVE}",
        transport_maps=f"{ours}, {', '.join(ROUTES)}",
    )
    lab.contoso.reload()
    yield Place(product, ours)
    product.stop()


def submitted(lab: Lab, recipient: str, *, by_sendmail: bool) -> Message:
    """Hand in one message for *recipient*, at port 25 or by sendmail(1)."""
    message = compose(SENDER, "somebody")
    if by_sendmail:
        lab.namespaces.run("sendmail", "-i", "-f", SENDER, recipient, standard_input=message.content.decode())
        return message
    with lab.connect(lab.contoso, LOOPBACK) as dialogue:
        dialogue.mail(SENDER, *(() if recipient.isascii() else ("SMTPUTF8",)))
        assert dialogue.rcpt(recipient).code == 250
        assert dialogue.data(message.content).code == 250
        dialogue.quit()
    return message


@pytest.mark.parametrize("by_sendmail", [False, True], ids=["smtp", "sendmail"])
@pytest.mark.parametrize("recipients", [RECIPIENTS, SPELLINGS], ids=["routes", "spellings"])
def test_nothing_goes_another_way(place: Place, recipients: tuple[str, ...], by_sendmail: bool) -> None:
    """Each arrives at Woodgrove by the dedicated transport, verified, and nothing reaches Evil."""
    lab = place.lab
    before = len(lab.contoso.log())
    messages = {one: submitted(lab, one, by_sendmail=by_sendmail) for one in recipients}
    strays = {one for one, message in messages.items() if not arrived(lab, message)}
    assert not strays, lab.contoso.log()[-6000:]
    for message in messages.values():
        assert b"verified OK" in (lab.woodgrove.delivered(message.mark) or b"")
    sent = [line for line in lab.contoso.complete_log()[before:].splitlines() if "status=sent" in line]
    assert len(sent) == len(recipients)
    assert all("postfix/domain-secure/smtp" in line for line in sent)


def arrived(lab: Lab, message: Message) -> bool:
    """Wait until a message is at Woodgrove or elsewhere, and tell whether it is at Woodgrove."""

    def where() -> str | None:
        if lab.woodgrove.delivered(message.mark):
            return WOODGROVE
        return EVIL if lab.evil.delivered(message.mark) else None

    return wait_for(where, "a message to arrive", context=lab.contoso.log) == WOODGROVE


def test_others_keep_their_routes(place: Place) -> None:
    """Mail for somebody else goes as before; a domain in another spelling is the same domain all the same."""
    lab = place.lab
    lab.woodgrove.wait_for_delivery(submitted(lab, f"last@{WOODGROVE}", by_sendmail=False).mark)
    for recipient in (f"pattern@{EVIL}", f"any@not{WOODGROVE}", "any@ｅｖｉｌ.test"):
        before = len(lab.contoso.log())
        submitted(lab, recipient, by_sendmail=False)
        line = lab.contoso.wait_for_log(r"postfix/smtp\[\d+\]: .*to=<.*relay=203\.0\.113\.66.*", after=before)
        assert "domain-secure" not in line.group()


def test_what_check_says(place: Place) -> None:
    """Behind our patterns no route is a finding; without them all are; the domain of our own always is."""
    lab = place.lab
    found = place.examined()
    assert "own-domain-listed" in found
    assert not WORDS & found.keys()
    assert "not-looked-at" not in found
    indexed = place.ours.partition(", ")[2]
    lab.contoso.configure(transport_maps=f"{indexed}, {', '.join(ROUTES)}")
    lab.contoso.reload()
    found = place.examined()
    proof = " ".join(one["proof"] for one in found["route-by-recipient"])
    assert f"proxied@{WOODGROVE} = {RELAY}" in proof
    assert "and 1 more" in proof
    named = " ".join(one["proof"] for one in found["not-looked-at"])
    for kind in ("regexp:", "pipemap:", "unionmap:", "static:"):
        assert f"transport_maps has {kind}" in named
    # Written to in the tests before; nobody can list where they are routed, and the running Postfix tells.
    replayed = " ".join(one["what"] for one in found["recipient-goes-elsewhere"])
    for name in ("pattern", "piped", "united"):
        assert f"{name}@{WOODGROVE}" in replayed or " more" in replayed
    message = submitted(lab, f"piped@{WOODGROVE}", by_sendmail=False)
    assert not arrived(lab, message)
    lab.contoso.configure(transport_maps=f"{place.ours}, {', '.join(ROUTES)}")
    assert WORDS & place.examined().keys() == {"recipient-goes-elsewhere"}, "the running one was not asked"
    lab.contoso.reload()
    assert not WORDS & place.examined().keys()
