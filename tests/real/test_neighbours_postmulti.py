"""A second instance of Postfix, made with postmulti, by which the first one sends: docs/two-instances.md."""

import re
from collections.abc import Iterator

import pytest

from lab.followed import HOME, Followed
from lab.laboratory import AUTHORITY_FILE, CERTIFICATES, CONTOSO, WOODGROVE
from lab.neighbours import Neighbour
from lab.product import COMMAND, Product
from lab.traffic import Traffic
from lab.waiting import wait_for

pytestmark = pytest.mark.real

DOCUMENT = "two-instances.md"
MAKE, BACK = "Two instances of Postfix on one machine", "Back to one"
SECOND = "/etc/postfix-out"
CONFIGURATION = "/etc/domain-secure/postfix-out.toml"
#: What is made below /var/lib is for the laboratory alone; what is mounted there stays.
PRIVATE_STATE = """
mkdir -p /run/lab/var-lib/upper /run/lab/var-lib/work /run/lab/var-lib/postfix
mount --bind /var/lib/postfix /run/lab/var-lib/postfix
cd /run/lab/var-lib
mount -t overlay overlay -o lowerdir=/var/lib,upperdir=$PWD/upper,workdir=$PWD/work /var/lib
mount --bind /run/lab/var-lib/postfix /var/lib/postfix
"""
STARTED = f"""
postconf -c {SECOND} -e maillog_file=/var/log/mail.log 'maillog_file_prefixes=/var, /run' smtp_tls_loglevel=1
mkdir -p /var/spool/postfix-out/etc
cp /etc/resolv.conf /etc/hosts /etc/services /etc/nsswitch.conf /var/spool/postfix-out/etc
postmulti -i postfix-out -p start
install -d -o root -g postfix -m 2750 /var/spool/postfix-out/domain-secure
"""


@pytest.fixture(scope="module")
def second(product: Product) -> Neighbour:
    """Return the daemon of the second instance, which does not run yet."""
    product.lab.namespaces.run("sh", "-e", "-c", PRIVATE_STATE)
    product.lab.namespaces.run("cp", AUTHORITY_FILE, "/etc/domain-secure/authority.pem")
    return Neighbour(
        product.lab.namespaces,
        (str(COMMAND), "--config", CONFIGURATION, "serve"),
        user="root",
        folders=(),
        ports=("9798",),
        is_root=True,
    )


@pytest.fixture(scope="module")
def traffic(product: Product, second: Neighbour) -> Iterator[Traffic]:
    """Follow the document, return the mail of a Contoso with two instances, and go back to one."""
    run = product.lab.namespaces.run
    traffic = Traffic(product)
    units = "domain-secure@postfix-out.socket domain-secure@postfix-out domain-secure-check@postfix-out.timer"
    followed = Followed(
        product,
        units={
            "enable --now postfix@out": lambda: run("sh", "-e", "-c", STARTED),
            f"enable --now {units}": second.start,
            f"disable --now {units}": second.stop,
            "disable --now postfix@out": lambda: run("postmulti", "-i", "postfix-out", "-p", "stop"),
        },
        meanwhile={
            "our certificate with its key lies here": lambda: run(
                "cp", CERTIFICATES / f"{CONTOSO}.pem", HOME / "mail.pem"
            ),
            "one of us writes to the partner": traffic.we_write,
            "mail flows both ways": traffic.flows,
        },
    )
    followed.follow(DOCUMENT, MAKE)
    yield traffic
    followed.follow(DOCUMENT, BACK)


def deliveries(log: str) -> list[str]:
    """Return the queue ids of the deliveries in what a daemon printed."""
    return re.findall(r"(?m) delivery .*\bqueue_id=(\w+)", log)


def test_mail_flows_both_ways(traffic: Traffic) -> None:
    """The first instance judges what comes in, and the second sends over verified TLS."""
    traffic.partner_writes()
    traffic.stranger_writes()
    traffic.forgers_are_refused()
    traffic.one_session_has_several()
    traffic.we_write()


def test_each_counts_its_own_deliveries(traffic: Traffic, second: Neighbour) -> None:
    """Both log to one file, and both list the partner: a message counts where it was sent."""
    product = traffic.product

    def queue_id() -> str:
        """Let one of ours write, and return the name of the message where it was sent."""
        before = len(product.lab.contoso.log())
        traffic.we_write()
        return product.lab.contoso.wait_for_log(r"domain-secure/smtp\[\d+\]: (\w+): to=<", after=before)[1]

    product.command("send", "add", WOODGROVE)
    by_first = queue_id()
    product.wait_for_log(f"queue_id={by_first} ")
    product.command("send", "remove", WOODGROVE)
    by_second = queue_id()
    wait_for(lambda: by_second in deliveries(second.output()), "the second daemon to count the message")
    # It reads in order, so that it has passed over the other one by now.
    assert by_first not in deliveries(second.output())
    assert deliveries(product.log()) == [by_first]
