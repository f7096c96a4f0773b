"""What is taken away while the daemon runs comes back by itself within seconds, and is told meanwhile."""

import shutil

import pytest

from lab.laboratory import ADDRESSES, CONTOSO, EVIL, WOODGROVE, Lab
from lab.messages import compose
from lab.product import STATE, USER, Product
from lab.waiting import wait_for

pytestmark = pytest.mark.real

SENDER, RECIPIENT = f"admin@{WOODGROVE}", f"user@{CONTOSO}"


def code(lab: Lab, *, own_certificate: bool) -> int:
    """Send a message in Woodgrove's name; return the code of the reply."""
    tls = lab.client_context(lab.identities[WOODGROVE]) if own_certificate else None
    message = compose(SENDER, RECIPIENT)
    return lab.send(
        lab.contoso, message, source=ADDRESSES[EVIL], sender=SENDER, recipient=RECIPIENT, tls=tls
    ).code


def unwell(product: Product) -> set[str]:
    """Return the parts that health says do not work."""
    health = product.health()
    found = {name for name, part in health["parts"].items() if not part["ok"]}
    assert health["healthy"] is not bool(found)
    return found


def test_every_part_is_told(own_product: Product) -> None:
    """Health has all parts, each asked; metric and health say the same."""
    assert set(own_product.health()["parts"]) == {
        "milter",
        "policy",
        "tables",
        "book",
        "history",
        "log",
        "http",
        "selfproof",
        "configuration",
    }
    assert not unwell(own_product)
    samples = own_product.metrics()
    assert all(
        samples[f'domain_secure_healthy{{part="{part}"}}'] == 1 for part in own_product.health()["parts"]
    )


def test_what_was_in_the_state_folder_is_made_again(own_product: Product) -> None:
    """All files deleted: tables and book are there again, and mail flows both ways."""
    product, lab = own_product, own_product.lab
    state = lab.namespaces.outside(STATE)
    product.settle()
    wait_for((state / "imported-certificates.json").exists, "the copy", context=product.log)
    before = (state / "maps" / "tls_policy").read_text()
    for entry in state.iterdir():
        if entry.name in {"attach", "keys"} or entry.name.startswith("attach"):
            continue
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    wait_for(
        lambda: (state / "maps" / "tls_policy").exists() and not unwell(product),
        "the tables to be made again",
        context=product.log,
    )
    assert (state / "maps" / "tls_policy").read_text() == before
    # This table is the first to be there; as long as Postfix lacks another one it answers 451.
    wait_for(lambda: code(lab, own_certificate=False) in {530, 550}, "an answer", context=product.log)
    product.wait_for_log(" book-put-back imported=1")
    assert code(lab, own_certificate=True) == 250


def test_a_state_folder_that_only_root_can_make_is_told(own_product: Product) -> None:
    """Health says so with the command; after the command all is well by itself."""
    product, lab = own_product, own_product.lab
    product.settle()
    shutil.rmtree(lab.namespaces.outside(STATE))
    wait_for(lambda: {"book", "tables"} <= unwell(product), "the loss to be told", context=product.log)
    status = product.command("status", check=False)
    assert status.returncode == 1
    assert "install -d" in status.stdout
    assert product.metrics()['domain_secure_healthy{part="tables"}'] == 0
    lab.namespaces.run("install", "-d", "-o", USER, "-g", USER, "-m", "755", STATE)
    wait_for(lambda: not unwell(product), "all parts to be well", context=product.log)
    assert (lab.namespaces.outside(STATE) / "maps" / "transport").exists()


def test_a_book_of_noise_makes_way(own_product: Product) -> None:
    """Overwritten in place: set aside loudly, imports put back, and the partner's mail is let in."""
    product, lab = own_product, own_product.lab
    assert code(lab, own_certificate=True) == 250
    book = lab.namespaces.outside(STATE) / "certificates.sqlite"
    wait_for(lambda: book.with_name("imported-certificates.json").exists(), "the copy", context=product.log)
    book.write_bytes(b"\x17" * book.stat().st_size)
    product.wait_for_log(" book-put-back imported=1")
    assert book.with_name("certificates.sqlite.set-aside").exists()
    assert code(lab, own_certificate=True) == 250
    assert not unwell(product)


def test_a_socket_that_was_removed_is_bound_again(own_product: Product) -> None:
    """Either socket, and both: mail flows again without anybody's help."""
    product, lab = own_product, own_product.lab
    sockets = lab.contoso.layout.queue / "domain-secure"
    for names in (["milter"], ["policy"], ["milter", "policy"]):
        files = [lab.namespaces.outside(sockets / name) for name in names]
        for file in files:
            file.unlink()
        wait_for(
            lambda files=files: all(file.is_socket() for file in files),  # type: ignore[misc]
            "the sockets to be bound again",
            context=product.log,
        )
        assert code(lab, own_certificate=True) == 250
        assert code(lab, own_certificate=False) in {530, 550}
    wait_for(lambda: not unwell(product), "all parts to be well", context=product.log)
