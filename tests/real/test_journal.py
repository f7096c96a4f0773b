"""The outbound counters where Postfix logs to systemd's journal: a real journald, a real journalctl."""

import re
from collections.abc import Iterator

import pytest

from lab.laboratory import CONTOSO, WOODGROVE, Lab
from lab.messages import compose
from lab.namespaces import Namespaces
from lab.product import USER, Product
from lab.waiting import wait_for

pytestmark = pytest.mark.real

SENDER, RECIPIENT = f"user@{CONTOSO}", f"admin@{WOODGROVE}"
SENT = f'domain_secure_messages_sent_total{{domain="{WOODGROVE}"}}'
JOURNALD = "/lib/systemd/systemd-journald"
SOCKET = "/run/systemd/journal/dev-log"

# A /dev of its own, so that syslog(3) finds the journal of the laboratory and not the host's; and the folder
# of the journal as systemd-tmpfiles(8) makes it.
_PREPARE = f"""
mkdir /run/lab/dev
mount --rbind /dev /run/lab/dev
mount -t tmpfs -o mode=755 dev /dev
for node in /run/lab/dev/*; do
    [ "$node" = /run/lab/dev/log ] || ln -s "$node" /dev/
done
ln -s {SOCKET} /dev/log
mkdir -p /run/systemd /run/log/journal
chgrp systemd-journal /run/log/journal
chmod 2755 /run/log/journal
"""


@pytest.fixture
def journal(own_lab: Lab) -> Iterator[Namespaces]:
    """Let Contoso's Postfix log to a journal."""
    inside = own_lab.namespaces
    inside.run("sh", "-ec", _PREPARE)
    journald = inside.start(JOURNALD, output=inside.outside("/run/lab/journald.log"))
    wait_for(inside.outside(SOCKET).exists, "the journal to listen")
    own_lab.contoso.configure(maillog_file="")
    # A file that is there would be taken for the log.
    inside.run("postfix", "stop")
    inside.outside(own_lab.contoso.layout.log).unlink()
    inside.run("postfix", "start")
    yield inside
    assert journald.is_running, inside.outside("/run/lab/journald.log").read_text()


def deliver(lab: Lab) -> None:
    """Send a message, see it arrive, and the journal have it: only then is it of the past."""
    message = compose(SENDER, RECIPIENT)
    with lab.connect(lab.contoso, "127.0.0.1") as dialogue:
        reply = dialogue.message(SENDER, RECIPIENT, message.content)
        dialogue.quit()
    queued = re.search(r"queued as (\w+)", str(reply))
    assert queued, str(reply)
    lab.woodgrove.wait_for_delivery(message.mark)
    wait_for(
        lambda: re.search(rf"{queued[1]}: to=.*status=sent", logged(lab.namespaces)),
        "the delivery in the journal",
        context=lambda: logged(lab.namespaces),
    )


def logged(inside: Namespaces) -> str:
    """Return what the journal has of mail."""
    return inside.run("journalctl", "--no-pager", "--facility=mail", "--lines=30").stdout


def test_counted_from_the_journal(journal: Namespaces, own_lab: Lab) -> None:
    """Each message once: those of before the first start not, those while nobody reads afterwards."""
    lab = own_lab
    product = Product(lab)
    journal.run("usermod", "--append", "--groups", "systemd-journal", USER)
    product.command("send", "add", WOODGROVE)
    product.attach("--no-receive")
    deliver(lab)
    product.serve()
    assert "log-followed log=journal" in product.log()
    for number in (1, 2):
        deliver(lab)
        wait_for(
            lambda: product.metrics().get(SENT) == number,  # noqa: B023 - asked at once
            f"{number} messages to be counted",
            context=lambda: f"{product.metrics()}\n{product.log()}\n{logged(journal)}",
        )
    product.kill()
    deliver(lab)
    journal.run("journalctl", "--rotate")
    deliver(lab)
    product.serve()
    wait_for(
        lambda: product.metrics().get(SENT) == 4,
        "4 messages to be counted",
        context=lambda: f"{product.metrics()}\n{product.log()}\n{logged(journal)}",
    )
    assert "log-lines-lost" not in product.log()
    assert product.metrics()["domain_secure_log_lines_unknown_total"] == 0


def test_lines_of_others_do_not_count(journal: Namespaces, own_lab: Lab) -> None:
    """Whoever may write into the journal may write as ``postfix/smtp``; the journal knows who it was."""
    product = Product(own_lab)
    journal.run("usermod", "--append", "--groups", "systemd-journal", USER)
    product.command("send", "add", WOODGROVE)
    product.attach("--no-receive")
    product.serve()
    relay = f"mail.{WOODGROVE}[198.51.100.20]:25"
    status = f"to=<{RECIPIENT}>, relay={relay}, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)"
    for number in range(3):
        line = f"10B773{number}: {status}"
        journal.run(
            "setpriv", "--reuid=65534", "--clear-groups",
            "logger", "--priority=mail.info", "--tag=postfix/domain-secure/smtp", f"--id=77{number}", line,
        )  # fmt: skip
    wait_for(lambda: "10B7732" in logged(journal), "the lines in the journal")
    product.wait_for_log("log-lines-foreign")
    deliver(own_lab)
    wait_for(
        lambda: product.metrics().get(SENT) == 1,
        "one message to be counted",
        context=lambda: f"{product.metrics()}\n{product.log()}\n{logged(journal)}",
    )
    unverified = SENT.replace("sent_total", "sent_unverified_total")
    assert not product.metrics().get(unverified)
