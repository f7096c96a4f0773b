"""rspamd as a milter behind ours and in front of it: what docs/proxies-and-filters.md has, and its limits."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.files import put
from lab.followed import Followed
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, WOODGROVE
from lab.messages import compose, header_lines
from lab.neighbours import Neighbour, rspamd
from lab.product import Product
from lab.story import PARTNER_SENDER, RECIPIENT, RESULTS
from lab.traffic import STRANGER, Traffic
from lab.waiting import wait_for

pytestmark = pytest.mark.real

DOCUMENT, HEADING = "proxies-and-filters.md", "rspamd"
LOG = Path("/var/log/rspamd/rspamd.log")
ORDER = re.compile(rb"(\{ unix:domain-secure/milter[^}]*\}),\s*(inet:127\.0\.0\.1:11332)")
SYMBOL = "DOMAIN_SECURE(-10.00)"


@pytest.fixture(scope="module")
def filtering(product: Product) -> Neighbour:
    """Return rspamd."""
    return rspamd(product.lab.namespaces)


@pytest.fixture(scope="module")
def traffic(product: Product, filtering: Neighbour) -> Iterator[Traffic]:
    """Follow the document, return the mail of a Contoso with rspamd, and go back."""
    traffic = Traffic(product)
    followed = Followed(
        product,
        units={"restart rspamd": filtering.restart},
        meanwhile={
            "the filter listens at 11332": lambda: None,
            "the partner writes by rspamd": lambda: saw_the_mark(product, traffic.partner_writes()),
            "mail flows both ways": traffic.flows,
        },
    )
    followed.follow(DOCUMENT, HEADING)
    yield traffic
    followed.go_back(DOCUMENT, HEADING)


def symbols(product: Product, delivered: bytes) -> str:
    """Return rspamd's line about a message, with what it found in it."""
    (identifier,) = header_lines(delivered, "Message-ID")
    pattern = re.compile(rf"rspamd_task_write_log: id: {re.escape(identifier)},.*")
    path = product.lab.namespaces.outside(LOG)
    return wait_for(
        lambda: pattern.search(path.read_text(errors="replace")),
        f"rspamd's line about {identifier}",
        context=lambda: path.read_text(errors="replace")[-3000:],
    ).group()


def saw_the_mark(product: Product, delivered: bytes) -> None:
    """See that the mark counted."""
    assert SYMBOL in symbols(product, delivered)


def test_mail_flows_both_ways(traffic: Traffic) -> None:
    """What is proved passes, what is forged is refused with its reason, with rspamd as without it."""
    traffic.flows()
    traffic.one_session_has_several()


def test_a_forged_mark_does_not_count(traffic: Traffic) -> None:
    """rspamd sees a message as we leave it."""
    found = symbols(traffic.product, traffic.stranger_writes())
    assert "DOMAIN_SECURE" not in found


@contextmanager
def settings(product: Product, filtering: Neighbour, name: str, text: str) -> Iterator[None]:
    """Let a file of rspamd's have this content, for as long as the block runs."""
    path = product.lab.namespaces.outside(Path("/etc/rspamd") / name)
    path.write_text(text)
    filtering.restart()
    yield
    path.unlink()
    filtering.restart()


def test_its_own_results_take_the_place_of_ours(traffic: Traffic, filtering: Neighbour) -> None:
    """The document says so, and that the other mark stays."""
    product = traffic.product
    use = 'use = ["authentication-results"];\n'
    with settings(product, filtering, "local.d/milter_headers.conf", use):
        less = Traffic(product, keeps_results=False)
        delivered = less.partner_writes()
        (theirs,) = header_lines(delivered, RESULTS)
        assert theirs.startswith(f"mail.{CONTOSO};")
        less.stranger_writes()


@pytest.fixture
def in_front(product: Product, traffic: Traffic) -> Iterator[Product]:
    """Let somebody put rspamd in front of ours."""
    del traffic
    lab = product.lab
    path = lab.namespaces.outside(lab.contoso.layout.configuration / "master.cf")
    before = path.read_bytes()
    text, number = ORDER.subn(rb"\2, \1", before)
    assert number == 1
    put(path, text)
    lab.contoso.reload()
    yield product
    put(path, before)
    lab.contoso.reload()


def test_in_front_of_ours_it_believes_anybody(in_front: Product, traffic: Traffic) -> None:
    """Check says so; what is judged and what is delivered are as they should be."""
    assert "[earlier-milter]" in in_front.command("check", check=False).stdout
    assert SYMBOL in symbols(in_front, traffic.stranger_writes())
    traffic.flows()


def test_results_under_our_name_in_front_of_ours(
    in_front: Product, traffic: Traffic, filtering: Neighbour
) -> None:
    """Others' methods stay, and our own result is added to them."""
    use = 'use = ["authentication-results"];\n'
    with settings(in_front, filtering, "local.d/milter_headers.conf", use):
        delivered = traffic.partner_writes()
        assert any("dkim=none" in value for value in header_lines(delivered, RESULTS))


REWRITE = """\
rspamd_config:register_symbol({
  name = "REWRITE", type = "postfilter",
  callback = function(task)
    task:set_milter_reply({
      remove_headers = { From = 1 },
      add_headers = { From = { value = "%s", order = 1 } },
    })
  end
})
"""


def test_an_author_that_it_makes_up_in_front_of_ours_is_judged(
    in_front: Product, traffic: Traffic, filtering: Neighbour
) -> None:
    """What is judged is the message as it will be delivered."""
    lab = in_front.lab
    with settings(in_front, filtering, "rspamd.local.lua", REWRITE % f"<{PARTNER_SENDER}>"):
        message = compose(STRANGER, RECIPIENT)
        with traffic.session(lab.identities[EVIL], source=ADDRESSES[EVIL]) as dialogue:
            reply = dialogue.message(STRANGER, RECIPIENT, message.content)
    assert (reply.code, reply.status) == (550, "5.7.5"), reply
    assert "(name-mismatch)" in reply.text


def test_an_author_that_it_makes_up_behind_ours_has_no_mark(
    product: Product, traffic: Traffic, filtering: Neighbour
) -> None:
    """Check has said that such a milter may change fields."""
    lab = product.lab
    assert "[later-milter]" in product.command("check", check=False).stdout
    with settings(product, filtering, "rspamd.local.lua", REWRITE % f"<{PARTNER_SENDER}>"):
        message = compose(STRANGER, RECIPIENT)
        with traffic.session(lab.identities[EVIL], source=ADDRESSES[EVIL]) as dialogue:
            assert dialogue.message(STRANGER, RECIPIENT, message.content).code == 250
        delivered = lab.contoso.wait_for_delivery(message.mark)
    assert header_lines(delivered, "From") == [f"<{PARTNER_SENDER}>"]
    traffic.assert_unmarked(delivered)


REFUSE = """\
rspamd_config:register_symbol({
  name = "REFUSE", type = "prefilter",
  callback = function(task) task:set_pre_result("reject", "not today") end
})
"""


def test_what_it_refuses_behind_ours_we_let_in(traffic: Traffic, filtering: Neighbour) -> None:
    """The partner reads its reply, and the record has what we decided."""
    product = traffic.product
    counter = f'domain_secure_messages_received_total{{domain="{WOODGROVE}"}}'
    before = product.metrics()[counter]
    with (
        settings(product, filtering, "rspamd.local.lua", REFUSE),
        traffic.session(product.lab.identities[WOODGROVE]) as dialogue,
    ):
        reply = dialogue.message(PARTNER_SENDER, RECIPIENT, compose(PARTNER_SENDER, RECIPIENT).content)
    assert (reply.code, reply.text.endswith("not today")) == (554, True), reply
    assert product.metrics()[counter] == before + 1
