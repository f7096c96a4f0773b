"""The outbound counters against what Postfix really did, whatever happens to the log and to the daemon."""

import json

import pytest

from lab.laboratory import CONTOSO, EVIL, FABRIKAM, LOOPBACK, WOODGROVE
from lab.messages import Message, compose
from lab.product import Product
from lab.waiting import wait_for

pytestmark = pytest.mark.real

SENDER = f"user@{CONTOSO}"
_PREFIXES = ("domain_secure_messages_sent", "domain_secure_outbound_")
MESSAGES = 40


def counters(product: Product) -> dict[str, int]:
    """Return every outbound counter of a domain, without what all names have in common."""
    return {
        name.removeprefix("domain_secure_").replace("_total{", "{"): int(value)
        for name, value in product.metrics().items()
        if name.startswith(_PREFIXES)
    }


def added(product: Product, before: dict[str, int]) -> dict[str, int]:
    """Return what was counted since."""
    return {
        name: value - before.get(name, 0)
        for name, value in counters(product).items()
        if value != before.get(name, 0)
    }


def wait_for_counters(product: Product, before: dict[str, int], **expected: int) -> None:
    """Wait until the counters have grown by exactly this, then see that no more comes."""
    wait_for(
        lambda: added(product, before) == expected,
        str(expected),
        context=lambda: f"{added(product, before)}\n{product.lab.contoso.log()[-6000:]}\n{product.log()}",
    )


def submit(product: Product, *recipients: str, number: int = 1) -> list[Message]:
    """Let a user of Contoso send some messages, each to all recipients, in one session."""
    messages = [compose(SENDER, ", ".join(recipients)) for _ in range(number)]
    with product.lab.connect(product.lab.contoso, LOOPBACK) as dialogue:
        for message in messages:
            assert dialogue.mail(SENDER).code == 250
            for recipient in recipients:
                assert dialogue.rcpt(recipient).code == 250
            assert dialogue.data(message.content).code == 250
        dialogue.quit()
    return messages


def wait_until_delivered(product: Product, messages: list[Message]) -> None:
    """Wait until Woodgrove has every one of them."""
    for message in messages:
        product.lab.woodgrove.wait_for_delivery(message.mark)


def rotate(product: Product) -> None:
    """Rotate and compress as Postfix itself does; up to 3.8, the new file is for root alone."""
    lab = product.lab
    lab.namespaces.run("postfix", "logrotate")
    log = lab.contoso.outside(lab.contoso.layout.log)
    # It is made for the first line, and the former postlogd(8) may take one yet.
    wait_for(lambda: lab.namespaces.run("postlog", "rotated") and log.exists(), "the new log")
    log.chmod(0o644)


def of(domain: str, **counted: int) -> dict[str, int]:
    """Return counters of one domain; ``failures_x_y`` are those for the reason ``x-y``."""
    found = {}
    for name, value in counted.items():
        if name.startswith(("failures_", "problems_")):
            kind, _, reason = name.partition("_")
            metric = f"outbound_{'session' if kind == 'failures' else 'connection'}_{kind}"
            found[f'{metric}{{domain="{domain}",reason="{reason.replace("_", "-")}"}}'] = value
        else:
            found[f'messages_{name}{{domain="{domain}"}}'] = value
    return found


def test_recipients_and_domains(product: Product) -> None:
    """Three recipients in one domain are one message; two listed domains in one message are one each."""
    product.change("send", "add", EVIL)
    # A trivial-rewrite(8) that runs already looks for a changed table only now and then.
    product.lab.contoso.reload()
    before = counters(product)
    recipients = [f"{name}@{WOODGROVE}" for name in ("a", "b", "c")]
    wait_until_delivered(product, submit(product, *recipients, f"x@{EVIL}", f"y@{FABRIKAM}"))
    wait_for_counters(
        product, before, **of(WOODGROVE, sent=1, sent_mutual=1), **of(EVIL, sent=1, sent_mutual=1)
    )
    for domain in json.loads(product.command("status", "--json").stdout)["domains"]:
        assert domain["counters"]["Domain Secure Messages Sent"] == 1
        assert domain["asks_for_our_certificate"] == "yes"


def test_held_then_delivered(product: Product) -> None:
    """Each attempt is one failed session, with its reason; what is delivered in the end is one message."""
    lab = product.lab
    before = counters(product)
    lab.present(lab.woodgrove, lab.identities[EVIL])
    messages = submit(product, f"a@{WOODGROVE}", f"b@{WOODGROVE}")
    wait_for_counters(product, before, **of(WOODGROVE, failures_name_mismatch=1))
    lab.contoso.flush()
    wait_for_counters(product, before, **of(WOODGROVE, failures_name_mismatch=2))
    lab.woodgrove.stop()
    lab.contoso.flush()
    wait_for_counters(product, before, **of(WOODGROVE, failures_name_mismatch=2, problems_unreachable=1))
    lab.certificate_file(lab.identities[WOODGROVE], WOODGROVE)
    lab.woodgrove.start()
    lab.contoso.flush()
    wait_until_delivered(product, messages)
    wait_for_counters(
        product,
        before,
        **of(WOODGROVE, failures_name_mismatch=2, problems_unreachable=1, sent=1, sent_mutual=1),
    )


def test_rotation_and_kill_under_load(product: Product) -> None:
    """Rotated and compressed log, killed daemon, again and again: the sums are those of the mailbox."""
    lab = product.lab
    # Mail must flow while the daemon is away.
    product.detach("--no-send")
    before = counters(product)
    after = len(product.log())
    sent: list[Message] = []
    for round_number in range(2):
        sent += submit(product, f"a@{WOODGROVE}", f"b@{WOODGROVE}", number=MESSAGES)
        product.kill()
        sent += submit(product, f"a@{WOODGROVE}", number=MESSAGES)
        rotate(product)
        if round_number:
            # Rotated twice while nobody reads.
            sent += submit(product, f"a@{WOODGROVE}", number=MESSAGES)
            rotate(product)
        product.serve()
        sent += submit(product, f"a@{WOODGROVE}", number=MESSAGES)
        rotate(product)
    wait_until_delivered(product, sent)
    wait_for(lambda: WOODGROVE not in str(lab.contoso.queue()), "a queue without mail to Woodgrove")
    wait_for_counters(product, before, **of(WOODGROVE, sent=len(sent), sent_mutual=len(sent)))
    assert "log-lines-lost" not in product.log()[after:]
    assert product.metrics()["domain_secure_log_lines_unknown_total"] == 0


def test_past_the_policy(product: Product) -> None:
    """An administrator's own transport that asks for nothing: the mail is gone, and everybody is told."""
    lab = product.lab
    before = counters(product)
    after = len(product.log())
    main = lab.contoso.parameter("transport_maps")
    lab.contoso.configure(transport_maps=f"inline:{{a@{WOODGROVE}=relay:}}, {main}", smtp_tls_policy_maps="")
    lab.contoso.reload()
    wait_until_delivered(product, submit(product, f"a@{WOODGROVE}"))
    wait_for_counters(product, before, **of(WOODGROVE, sent_unverified=1))
    product.wait_for_log("WARNING sent-unverified", after=after)
