"""Tables that were away and are there again: Postfix goes by them soon, and nobody has to reload it."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.laboratory import ADDRESSES, CONTOSO, EVIL
from lab.messages import compose
from lab.path_unit import PathUnit
from lab.product import STATE, Product
from lab.waiting import wait_for

pytestmark = pytest.mark.real

SENDER, RECIPIENT = f"mallory@{EVIL}", f"user@{CONTOSO}"


@contextmanager
def away(product: Product) -> Iterator[None]:
    """Take the state folder away, after which Postfix starts anew, and put it back at the end."""
    folder = product.lab.namespaces.outside(STATE)
    elsewhere = folder.with_name("elsewhere")
    folder.rename(elsewhere)
    try:
        product.host.reload()
        yield
    finally:
        elsewhere.rename(folder)


def reply(product: Product) -> int:
    """Return what a stranger's message is told."""
    message = compose(SENDER, RECIPIENT)
    return product.lab.send(
        product.host, message, source=ADDRESSES[EVIL], sender=SENDER, recipient=RECIPIENT
    ).code


def words(product: Product) -> list[str]:
    """Return what `check` finds, by the words."""
    document = json.loads(product.command("check", "--json", check=False).stdout)
    return [finding["word"] for finding in document["findings"]]


def test_mail_flows_again_by_itself(own_product: Product) -> None:
    """The daemon has seen it and asks; root's unit reloads Postfix once, and until then it is told."""
    with away(own_product):
        assert reply(own_product) == 451
        manager = own_product.host.queue_manager
        own_product.wait_for_log(" tables-taken-away ")
    own_product.wait_for_log(" tables-put-back ")
    assert "tables-unavailable" in words(own_product)
    assert "may have started while tables were away" in own_product.command("status", check=False).stdout
    with PathUnit(own_product) as unit:
        wait_for(lambda: reply(own_product) == 250, "mail to flow again", context=own_product.host.log)
    assert own_product.host.queue_manager != manager
    assert unit.runs == 1
    assert "tables-unavailable" not in words(own_product)
    assert "reloaded" not in own_product.command("generate").stdout


@pytest.mark.parametrize("are_deleted", [False, True], ids=["put-back", "made-again"])
def test_a_daemon_that_was_not_there_comes_to_know_it(own_product: Product, are_deleted: bool) -> None:
    """It ran neither when the tables went nor when they came: Postfix's log says so, or the making does."""
    own_product.stop()
    before = len(own_product.host.log())
    with away(own_product):
        # Without a milter each session is told to come later, whatever the tables say.
        assert reply(own_product) == 451
        own_product.host.wait_for_log(r"error: open \S+/maps/", after=before)
        manager = own_product.host.queue_manager
    if are_deleted:
        shutil.rmtree(own_product.lab.namespaces.outside(STATE) / "maps")
    with PathUnit(own_product):
        own_product.serve()
        wait_for(
            lambda: own_product.host.queue_manager not in {None, manager},
            "root to reload Postfix",
            context=own_product.log,
        )
        wait_for(lambda: reply(own_product) == 250, "mail to flow again", context=own_product.host.log)
