"""A list that vanishes from its files lets no forged mail in, and says so wherever somebody looks."""

import threading
from pathlib import Path

import pytest

from lab.laboratory import ADDRESSES, CONTOSO, EVIL, WOODGROVE, Lab
from lab.messages import compose
from lab.namespaces import LabError
from lab.product import CONFIGURATION, STATE, Product
from lab.waiting import wait_for

pytestmark = pytest.mark.real

RECIPIENT = f"user@{CONTOSO}"
SENDER = f"admin@{WOODGROVE}"
OTHERS = [f"d{number}.test" for number in range(19)]


def forged(lab: Lab) -> int:
    """Send a message that claims to be Woodgrove's, without a certificate; return the code of the reply."""
    message = compose(SENDER, RECIPIENT)
    return lab.send(lab.contoso, message, source=ADDRESSES[EVIL], sender=SENDER, recipient=RECIPIENT).code


def files(product: Product) -> tuple[Path, Path]:
    """Return the configuration file and that of the receive list, as the host sees them."""
    configuration = product.lab.namespaces.outside(CONFIGURATION)
    return configuration, configuration.with_name("receive.domains")


def in_place(path: Path, content: str) -> None:
    """Write a file as an editor of little care or a generator does: the same file, truncated first."""
    with path.open("w") as stream:
        stream.write(content)


def is_held_back(product: Product) -> bool:
    """Tell whether the daemon holds a list back."""
    return product.health()["configuration"]["reason"] == "list-vanished"


def test_an_emptied_configuration_opens_no_door(own_product: Product) -> None:
    """Truncated to a comment: refused as before, told everywhere, and after a restart and by generate too."""
    product, lab = own_product, own_product.lab
    configuration, _ = files(product)
    whole = configuration.read_text()
    assert forged(lab) in {530, 550}
    in_place(configuration, f'[paths]\nstate = "{STATE}"\n')
    wait_for(lambda: is_held_back(product), "the emptied list to be held back", context=product.log)
    for _ in range(2):
        assert forged(lab) in {530, 550}
        assert "list-vanished" in product.log()
        samples = product.metrics()
        assert samples['domain_secure_list_vanished{list="receive"}'] == 1
        assert samples["domain_secure_config_last_reload_successful"] == 0
        status = product.command("status", check=False)
        assert "vanished" in status.stdout
        assert status.returncode == 1
        assert "[list-vanished]" in product.command("check", check=False).stdout
        product.stop()
        product.serve()
    with pytest.raises(LabError, match="send list has vanished"):
        product.command("generate")
    assert WOODGROVE in (lab.namespaces.outside(STATE) / "maps" / "tls_policy").read_text()
    in_place(configuration, whole)
    wait_for(lambda: not is_held_back(product), "the list that came back", context=product.log)
    assert forged(lab) in {530, 550}
    product.change("receive", "set", "--none")
    assert forged(lab) == 250


def test_a_list_that_a_generator_writes_in_place_stays_whole(own_product: Product) -> None:
    """While a generator truncates and fills the file again and again, no forged message gets in."""
    product, lab = own_product, own_product.lab
    _, generated = files(product)
    lines = [*OTHERS, WOODGROVE]
    in_place(generated, "\n".join(lines))
    single = f'domains = ["{WOODGROVE}"]'
    assert product.text().index(single) < product.text().index("[send]")
    product.write(product.text().replace(single, f'domains_file = "{generated.name}"', 1))
    product.settle()
    over = threading.Event()

    def generate() -> None:
        while not over.is_set():
            with generated.open("w") as stream:
                for line in lines:
                    stream.write(f"{line}\n")
                    stream.flush()
                    over.wait(0.02)

    generator = threading.Thread(target=generate)
    generator.start()
    try:
        assert {forged(lab) for _ in range(20)} <= {530, 550}
    finally:
        over.set()
        generator.join()
