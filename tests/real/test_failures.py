"""What happens when something goes wrong: nothing lost, nothing slips through, others' mail flows."""

import re
import smtplib
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import pytest

from lab.laboratory import ADDRESSES, CONTOSO, EVIL, WOODGROVE, Lab
from lab.messages import Message, compose, header_lines
from lab.product import CONFIGURATION, Product
from lab.smtp_client import Reply
from lab.waiting import wait_for

pytestmark = pytest.mark.real

RECIPIENT = f"user@{CONTOSO}"
WOODGROVE_SENDER = f"admin@{WOODGROVE}"
EVIL_SENDER = f"admin@{EVIL}"
MARK = re.compile(rb"^Message-ID: <(\w+)@", re.MULTILINE)  #: of messages.compose()
FORGED_MARK = f"X-Domain-Secure: pass ({WOODGROVE}; pkix; TLSv1.3) by mail.{CONTOSO}; ref=0000"


def send(
    lab: Lab, sender: str, *headers: str, author: str | None = None, own_certificate: bool = False
) -> tuple[Message, Reply]:
    """Send one message to Contoso, with Woodgrove's certificate where *own_certificate* is set."""
    message = compose(author or sender, RECIPIENT, *headers)
    tls = lab.client_context(lab.identities[WOODGROVE]) if own_certificate else None
    return message, lab.send(
        lab.contoso, message, source=ADDRESSES[EVIL], sender=sender, recipient=RECIPIENT, tls=tls
    )


Attempt = tuple[bool, Message, Reply | None]  #: genuine or not; None for a connection that broke


def attempt(lab: Lab, partner: ssl.SSLContext, over: threading.Event, sent: list[Attempt]) -> None:
    """Send partner mail and forgeries in turn until it is *over*, and note what came of it."""
    for genuine in cycle((True, False)):
        if over.is_set():
            return
        message = compose(WOODGROVE_SENDER, RECIPIENT, FORGED_MARK)
        try:
            reply: Reply | None = lab.send(
                lab.contoso,
                message,
                source=ADDRESSES[EVIL],
                sender=WOODGROVE_SENDER,
                recipient=RECIPIENT,
                tls=partner if genuine else None,
            )
        except (EOFError, OSError):
            reply = None
        sent.append((genuine, message, reply))


def wait_for_reply(sent: list[Attempt], code: int, number: int, product: Product) -> None:
    """Wait until so many more attempts have met with a reply of this code."""
    before = len(sent)
    wait_for(
        lambda: sum(reply is not None and reply.code == code for *_, reply in sent[before:]) >= number,
        f"{number} replies of {code}",
        context=product.log,
    )


def test_kill_during_a_stream_of_messages(own_product: Product) -> None:
    """Killed and started again under load: every accepted message arrives marked, no forgery is accepted."""
    product, lab = own_product, own_product.lab
    partner = lab.client_context(lab.identities[WOODGROVE])
    sent: list[Attempt] = []
    over = threading.Event()
    with ThreadPoolExecutor() as streams:
        running = [streams.submit(attempt, lab, partner, over, sent) for _ in range(3)]
        try:
            for _ in range(4):
                wait_for_reply(sent, 250, 3, product)
                product.kill()
                wait_for_reply(sent, 451, 1, product)
                product.serve()
        finally:
            over.set()
        for stream in running:
            stream.result()
    accepted = [message for _, message, reply in sent if reply is not None and reply.code == 250]
    assert all(genuine for genuine, _, reply in sent if reply is not None and reply.code == 250)

    def arrived() -> dict[str, bytes]:
        texts = {found[1].decode(): text for text in lab.contoso.mailbox() if (found := MARK.search(text))}
        return texts if all(message.mark in texts for message in accepted) else {}

    texts = wait_for(arrived, "all accepted messages to arrive", context=product.log)
    for message in accepted:
        (mark,) = header_lines(texts[message.mark], "X-Domain-Secure")
        assert "ref=0000" not in mark
    refused = [
        reply.code for genuine, _, reply in sent if genuine and reply is not None and reply.code != 250
    ]
    assert set(refused) <= {451, 421}, "good mail of a partner is deferred, never refused"
    message, reply = send(lab, WOODGROVE_SENDER, own_certificate=True)
    assert reply.code == 250
    assert header_lines(lab.contoso.wait_for_delivery(message.mark), "X-Domain-Secure")


def test_daemon_down_defers_everything_by_default(own_product: Product) -> None:
    """``when_down = "defer-all"``: everybody gets 451, and everything flows again afterwards."""
    own_product.stop()
    for sender in (WOODGROVE_SENDER, EVIL_SENDER):
        assert send(own_product.lab, sender)[1].code == 451
    own_product.serve()
    assert send(own_product.lab, EVIL_SENDER)[1].code == 250
    assert send(own_product.lab, WOODGROVE_SENDER, own_certificate=True)[1].code == 250


def test_nobody_gets_in_by_a_session_held_over_a_restart(own_product: Product) -> None:
    """With the former ``defer-listed`` too: what claims a listed domain in its header alone is deferred."""
    product, lab = own_product, own_product.lab
    product.write(product.text() + '\n[inbound]\nwhen_down = "defer-listed"\n')
    product.settle()
    product.command("attach")
    with lab.connect(lab.contoso, ADDRESSES[EVIL]) as held:
        forged = compose(WOODGROVE_SENDER, RECIPIENT)
        for command in (f"MAIL FROM:<{EVIL_SENDER}>", f"RCPT TO:<{RECIPIENT}>"):
            assert held.command(command).code == 250
        product.kill()
        assert held.command("DATA").code in {354, 451}
        product.serve()
    product.stop()
    with lab.connect(lab.contoso, ADDRESSES[EVIL]) as lasting:
        assert lasting.message(EVIL_SENDER, RECIPIENT, forged.content).code in {421, 451}
        product.serve()
        assert lasting.message(EVIL_SENDER, RECIPIENT, forged.content).code in {421, 451}
    assert send(lab, EVIL_SENDER, author=WOODGROVE_SENDER)[1].code == 530
    assert not lab.contoso.mailbox()


def test_a_bad_configuration_changes_nothing(own_product: Product) -> None:
    """The last good state stays in force, log, metric and status say so, and a mended file is taken up."""
    product, lab = own_product, own_product.lab
    successful = "domain_secure_config_last_reload_successful"
    good = product.text()
    product.write(good.replace(f'"{WOODGROVE}"', '"co.uk"', 1))
    wait_for(lambda: product.metrics()[successful] == 0, "a refusal", context=product.log)
    assert " configuration-rejected " in product.log()
    assert send(lab, WOODGROVE_SENDER)[1].code == 530
    done = product.command("status", check=False)
    assert done.returncode == 1
    assert "co.uk" in done.stdout
    assert f"{CONFIGURATION}:" in done.stdout, "it names file and line"
    product.write(good)
    wait_for(
        lambda: product.metrics()[successful] == 1, "the mended file to be taken up", context=product.log
    )
    wait_for(
        lambda: product.command("status", check=False).returncode == 0,
        "status to be well",
        context=product.log,
    )


def test_a_change_takes_effect_without_restart(own_product: Product) -> None:
    """A domain that is added is judged, and one that is removed is not, while the daemon runs."""
    product, lab = own_product, own_product.lab
    assert send(lab, EVIL_SENDER)[1].code == 250
    product.command("receive", "add", EVIL)
    wait_for(
        lambda: send(lab, EVIL_SENDER)[1].code == 530, "the added domain to be judged", context=product.log
    )
    product.command("receive", "remove", EVIL)
    wait_for(
        lambda: send(lab, EVIL_SENDER)[1].code == 250, "the removed domain to be free", context=product.log
    )


def test_sighup_reloads_and_the_milter_goes_on(own_product: Product) -> None:
    """SIGHUP reads the configuration anew, and ends nothing."""
    own_product.settle()
    assert send(own_product.lab, WOODGROVE_SENDER, own_certificate=True)[1].code == 250


def test_stop_is_clean(own_product: Product) -> None:
    """SIGTERM ends the daemon with status 0 and removes its sockets."""
    assert own_product.stop() == 0
    folder = own_product.lab.contoso.outside(own_product.lab.contoso.layout.queue / "domain-secure")
    assert list(folder.iterdir()) == []


def test_observe_and_tag_let_in_and_mark(own_product: Product) -> None:
    """``observe`` and ``on_failure = "tag"`` refuse nothing and mark the failure, never a pass."""
    product, lab = own_product, own_product.lab
    product.command("partner", "set", WOODGROVE, "mode=observe")
    outcome: dict[str, Message] = {}

    def let_in() -> bool:
        outcome["message"], reply = send(lab, WOODGROVE_SENDER, FORGED_MARK)
        return reply.code == 250

    wait_for(let_in, "observe mode to be in force", context=product.log)
    delivered = lab.contoso.wait_for_delivery(outcome["message"].mark)
    (mark,) = header_lines(delivered, "X-Domain-Secure")
    assert mark.startswith(f"fail ({WOODGROVE}; no-tls; none) by mail.{CONTOSO}; ref=")
    (result,) = header_lines(delivered, "Authentication-Results")
    assert "x-domain-secure=fail" in result
    assert "pass" not in result


def test_smtplib_agrees(product: Product) -> None:
    """An ordinary client library sees the same reply (a second witness beside the laboratory's client)."""
    lab = product.lab
    with lab.namespaces.network():
        client = smtplib.SMTP(lab.contoso.address, 25, "client.test", source_address=(ADDRESSES[EVIL], 0))
    with client, pytest.raises(smtplib.SMTPDataError) as refused:
        client.sendmail(WOODGROVE_SENDER, [RECIPIENT], compose(WOODGROVE_SENDER, RECIPIENT).content)
    assert refused.value.smtp_code == 530
