"""Each scenario of mail that leaves: delivered over verified TLS, or held; and counted exactly."""

import json
import re
from dataclasses import dataclass
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from lab.deliveries import BOTH, SCENARIOS, SENDER, Scenario, entered, good_again
from lab.laboratory import ADDRESSES, AUTHORITY_FILE, EVIL, WOODGROVE, Lab
from lab.messages import Message, compose
from lab.product import Product
from lab.waiting import wait_for

pytestmark = pytest.mark.real

SENT, FAILED = "domain_secure_messages_sent_total", "domain_secure_outbound_session_failures_total"


@pytest.fixture(scope="module")
def product(lab: Lab) -> Product:
    """The product attached and serving, with Woodgrove and Evil on the send list."""
    made = Product(lab)
    made.configure(BOTH)
    made.command("generate")
    made.attach()
    made.serve()
    return made


@pytest.fixture
def good(lab: Lab, product: Product) -> Product:
    """Everything in order, at the start of a scenario."""
    good_again(lab, product)
    return product


def submit(lab: Lab, recipients: tuple[str, ...]) -> tuple[Message, str]:
    """Let a user of Contoso send one message; return it and its queue id."""
    message = compose(SENDER, ", ".join(recipients))
    with lab.connect(lab.contoso, "127.0.0.1") as dialogue:
        dialogue.mail(SENDER)
        for recipient in recipients:
            assert dialogue.rcpt(recipient).code == 250
        reply = dialogue.data(message.content)
        dialogue.quit()
    match = re.search(r"queued as (\w+)", str(reply))
    assert match, str(reply)
    return message, match[1]


def counters(product: Product) -> dict[tuple[str, str], int]:
    """Return the outbound counters: sent by entry, failures by reason."""
    found: dict[tuple[str, str], int] = {}
    for sample, value in product.metrics().items():
        if match := re.fullmatch(rf'{SENT}\{{domain="(.+)"\}}', sample):
            found["sent", match[1]] = int(value)
        if match := re.fullmatch(rf'{FAILED}\{{domain=".+",reason="(.+)"\}}', sample):
            found["failed", match[1]] = int(value)
    return found


def settled(lab: Lab, queue_id: str, recipients: int, after: int) -> str:
    """Wait until every recipient's delivery was attempted; return Postfix's lines about them."""

    def lines() -> list[str]:
        return re.findall(rf"{queue_id}: to=.*", lab.contoso.log()[after:])

    wait_for(lambda: len(lines()) >= recipients, "the deliveries", context=lab.contoso.log)
    return "\n".join(lines())


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_delivered_or_held_and_counted(lab: Lab, good: Product, scenario: Scenario) -> None:
    """Exactly as the scenario says; nothing ever reaches another's server unverified."""
    with entered(scenario, lab, good):
        before, after = counters(good), len(lab.contoso.log())
        message, queue_id = submit(lab, scenario.recipients)
        told = settled(lab, queue_id, len(scenario.recipients), after)
    assert told.count("status=sent") == (len(scenario.recipients) if scenario.delivered else 0), told
    if scenario.delivered:
        lab.woodgrove.wait_for_delivery(message.mark)
    else:
        assert queue_id in {entry["queue_id"] for entry in lab.contoso.queue()}
        assert not lab.woodgrove.delivered(message.mark)
    if EVIL not in scenario.counted:
        assert not lab.evil.delivered(message.mark)
    expected = before.copy()
    for entry, number in scenario.counted.items():
        expected["sent", entry] = expected.get(("sent", entry), 0) + number
    for reason, number in scenario.failures.items():
        expected["failed", reason] = expected.get(("failed", reason), 0) + number
    wait_for(
        lambda: counters(good) == expected,
        "the counters",
        context=lambda: f"{expected}\n{counters(good)}\n{told}",
    )


@pytest.mark.parametrize(
    ("route", "because"),
    [
        (f"domain-secure:[mail.{EVIL}]", "other-name"),
        (f"smtp:[mail.{WOODGROVE}]", "other-transport"),
    ],
)
def test_verified_otherwise_than_promised(lab: Lab, good: Product, route: str, because: str) -> None:
    """A route for one recipient: verified for the relay's own name, or past our transport."""
    lab.contoso.configure(
        transport_maps=f"inline:{{admin@{WOODGROVE}={route}}}, {lab.contoso.parameter('transport_maps')}",
        smtp_tls_CAfile=str(AUTHORITY_FILE),
        smtp_tls_policy_maps=f"inline:{{{{[mail.{WOODGROVE}]=secure match=mail.{WOODGROVE}}}}}",
    )
    lab.contoso.reload()
    lab.evil.configure(relay_domains=WOODGROVE, relay_transport="discard:")
    lab.evil.reload()
    key = f'domain_secure_messages_sent_unverified_total{{domain="{WOODGROVE}"}}'
    before, after, sent = good.metrics().get(key, 0), len(good.log()), counters(good)
    position = len(lab.contoso.log())
    submit(lab, (f"admin@{WOODGROVE}",))
    wait_for(lambda: good.metrics().get(key, 0) == before + 1, "the counter", context=lab.contoso.log)
    assert re.search(r"Verified TLS connection.*\n(?:.*\n)*.*status=sent", lab.contoso.log()[position:])
    good.wait_for_log(f"because={because}", after=after)
    assert counters(good) == sent
    lab.evil.configure(relay_domains="", relay_transport="relay")
    lab.evil.reload()


@dataclass(frozen=True)
class _Alias:
    """An MX host that is an alias: where its records stand, of what, and for whom the certificate is."""

    records_at: str
    of_authority: bool
    certificate_for: str
    delivered: bool


@pytest.mark.parametrize(
    "alias",
    [
        _Alias("mail", of_authority=False, certificate_for="whoever.test", delivered=True),
        _Alias("alias", of_authority=False, certificate_for="whoever.test", delivered=True),
        _Alias("mail", of_authority=True, certificate_for=f"mail.{WOODGROVE}", delivered=True),
        _Alias("mail", of_authority=True, certificate_for=f"alias.{WOODGROVE}", delivered=False),
        _Alias("alias", of_authority=True, certificate_for=f"alias.{WOODGROVE}", delivered=True),
    ],
    ids=str,
)
def test_the_probe_agrees_with_postfix_about_aliases(own_lab: Lab, alias: _Alias) -> None:
    """Records at the target come first, and names are those of the records and the next hop (RFC 7672)."""
    issuer = own_lab.authority.authority("Woodgrove's own")
    issued = issuer.issue(alias.certificate_for, dns_names=(alias.certificate_for,))
    own_lab.present(own_lab.woodgrove, issued)
    vouched = issued.chain[0] if alias.of_authority else issued.certificate
    digest = sha256(vouched.public_bytes(Encoding.DER)).hexdigest()
    own_lab.dns.sign(
        WOODGROVE,
        f"{WOODGROVE}. 300 MX 10 alias.{WOODGROVE}.",
        f"alias.{WOODGROVE}. 300 CNAME mail.{WOODGROVE}.",
        f"mail.{WOODGROVE}. 300 A {ADDRESSES[WOODGROVE]}",
        f"_25._tcp.{alias.records_at}.{WOODGROVE}. 300 TLSA {2 if alias.of_authority else 3} 0 1 {digest}",
    )
    product = Product(own_lab)
    product.configure(f'[send]\ndomains = ["{WOODGROVE}"]\n[partner."{WOODGROVE}"]\nsend_method = "dane"\n')
    product.command("generate")
    product.attach()
    product.serve()
    probed = product.command("probe", WOODGROVE, check=False)
    assert probed.returncode == (0 if alias.delivered else 1), probed.stdout
    _, queue_id = submit(own_lab, (f"admin@{WOODGROVE}",))
    told = settled(own_lab, queue_id, 1, 0)
    assert ("status=sent" in told) is alias.delivered, own_lab.contoso.log()


def test_mail_that_a_partner_refuses_for_now_is_held(lab: Lab, good: Product) -> None:
    """On the page, in ``status`` and in ``top``, until it has left the queue."""
    scenario = next(one for one in SCENARIOS if one.name == "refused-at-rcpt")
    with entered(scenario, lab, good):
        before = held(good) or 0
        _, queue_id = submit(lab, scenario.recipients)
        wait_for(lambda: held(good) == before + 1, "the message to be held", context=lab.contoso.log)
        (row,) = [
            one
            for one in json.loads(good.command("top", "--json").stdout)["partners"]
            if one["domain"] == WOODGROVE
        ]
        assert (row["waiting"], row["state"]) == (before + 1, "failing")
        assert re.search(r"\d messages? held", good.page())
    lab.namespaces.run("postsuper", "-d", queue_id)
    wait_for(lambda: held(good) == before, "the message to be held no longer", context=lab.contoso.log)


def held(product: Product) -> int | None:
    """Return how many messages to Woodgrove wait, as ``status`` tells."""
    domains = json.loads(product.command("status", "--json").stdout)["domains"]
    found: int | None = next(one["waiting"] for one in domains if one["domain"] == WOODGROVE)
    return found


@pytest.mark.parametrize("fits", [True, False], ids=["tlsa-right", "tlsa-wrong"])
def test_published_key(own_lab: Lab, fits: bool) -> None:
    """With DANE the published key decides, in a zone that a validating resolver vouches for."""

    own_lab.publish_key(own_lab.identities[WOODGROVE if fits else EVIL])
    product = Product(own_lab)
    product.configure(f'[send]\ndomains = ["{WOODGROVE}"]\n[partner."{WOODGROVE}"]\nsend_method = "dane"\n')
    product.command("generate")
    product.attach()
    product.serve()
    message, queue_id = submit(own_lab, (f"admin@{WOODGROVE}",))
    told = settled(own_lab, queue_id, 1, 0)
    if fits:
        own_lab.woodgrove.wait_for_delivery(message.mark)
        expected = {("sent", WOODGROVE): 1}
    else:
        assert "status=deferred" in told
        assert not own_lab.woodgrove.delivered(message.mark)
        expected = {("failed", "dane"): 1}
    wait_for(
        lambda: {key: number for key, number in counters(product).items() if number} == expected,
        "the counters",
        context=lambda: f"{counters(product)}\n{told}",
    )
