"""From observe to enforce by what real Postfix and a real partner did."""

import json

import pytest

from lab.days import let_days_pass
from lab.laboratory import CONTOSO, WOODGROVE, Lab
from lab.messages import compose
from lab.product import Product
from lab.story import NOBODY
from lab.waiting import wait_for

pytestmark = pytest.mark.real

AUTHOR, OURS = f"anna@{WOODGROVE}", f"user@{CONTOSO}"
ONE_DAY = ("promote", WOODGROVE, "--days", "1", "--messages", "2")


def write(lab: Lab, number: int) -> None:
    """Let Woodgrove's own Postfix send so many messages."""
    for _ in range(number):
        message = compose(AUTHOR, OURS)
        lab.submit(lab.woodgrove, message, sender=AUTHOR, recipient=OURS)
        lab.contoso.wait_for_delivery(message.mark)


def forge(lab: Lab) -> int:
    """Send mail in Woodgrove's name in the clear, from nobody's machine; return the reply code."""
    return lab.send(lab.contoso, compose(AUTHOR, OURS), source=NOBODY, sender=AUTHOR, recipient=OURS).code


def recorded(product: Product, number: int) -> None:
    """Wait until so many messages stand in the history."""
    wait_for(
        lambda: (
            len(json.loads(product.command("log", "show", "receive", "--json").stdout)["records"]) >= number
        ),
        f"{number} records",
    )


def test_enforced_once_the_days_are_clean(own_product: Product) -> None:
    """Too little watched is said; forgeries are no obstacle; then it is enforced, and they are refused."""
    lab = own_product.lab
    own_product.command("partner", "set", WOODGROVE, "mode=observe")
    write(lab, 1)
    recorded(own_product, 1)
    early = own_product.command(*ONE_DAY, check=False)
    assert early.returncode == 1
    assert "not known to be clean" in early.stdout
    assert "not watched from" in early.stdout
    write(lab, 2)
    assert forge(lab) == 250
    recorded(own_product, 4)
    let_days_pass(own_product, 1)
    waits = own_product.command("promote", WOODGROVE, "--when-clean", "1d", "--messages", "2")
    assert "waits for a clean time of 1d" in waits.stdout
    assert WOODGROVE in own_product.command("status", check=False).stdout
    due = own_product.command("promote", "--due")
    assert f"promoted domain={WOODGROVE} days=1" in due.stdout, due.stdout
    assert forge(lab) == 530
    assert own_product.health()["observing"] == []
    assert json.loads(own_product.command("promote", "--json").stdout)["waiting"] == []
    assert "already so" in own_product.command(*ONE_DAY).stdout


def test_a_failure_of_his_is_named(own_product: Product) -> None:
    """His own mail that would be refused keeps him observed, with what would mend it; --even-so does not."""
    lab = own_product.lab
    own_product.command("partner", "set", WOODGROVE, "mode=observe", "names=other.test")
    write(lab, 1)
    recorded(own_product, 1)
    done = own_product.command(*ONE_DAY, check=False)
    assert done.returncode == 1
    assert "1 would be refused (name-mismatch)" in done.stdout
    assert "to mend it: ask the partner for a certificate for other.test" in done.stdout
    document = json.loads(own_product.command(*ONE_DAY, "--json", check=False).stdout)
    assert [one["verdict"] for one in document["failures"]] == ["name-mismatch"]
    own_product.command("partner", "reset", WOODGROVE, "names")
    assert "would be refused" not in own_product.command(*ONE_DAY, check=False).stdout
    assert "in force" in own_product.command(*ONE_DAY, "--even-so").stdout
    assert forge(lab) == 530
