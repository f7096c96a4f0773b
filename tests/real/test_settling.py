"""How the other tests wait for a change of the configuration: the daemon really has it in force then."""

import pytest

from lab.laboratory import WOODGROVE, Lab
from lab.namespaces import LabError
from lab.product import STATE, Product

pytestmark = pytest.mark.real


def listing(number: int) -> str:
    """Return a configuration with so many domains on each list."""
    domains = [WOODGROVE, *(f"d{one}.test" for one in range(1, number))]
    return f"[receive]\ndomains = {domains}\n[send]\ndomains = {domains}\n"


def test_what_is_on_disk_is_in_force(product: Product) -> None:
    """Right after another change, of which the daemon may be hearing at that moment; the tables follow."""
    policies = product.lab.namespaces.outside(STATE / "maps" / "tls_policy")
    for number in range(2, 12):
        product.configure(listing(50 + number))
        product.reconfigure(listing(number))
        configuration = product.health()["configuration"]
        assert (configuration["receive_domains"], configuration["send_domains"]) == (number, number)
        assert len(policies.read_text().splitlines()) == number


def test_what_is_refused_is_not_waited_for(product: Product) -> None:
    """It is an error of the test, and the daemon's words are told."""
    product.reconfigure(listing(2))
    with pytest.raises(LabError, match=r"co\.uk"):
        product.reconfigure(listing(2).replace("d1.test", "co.uk"))
    product.reconfigure(listing(3))
    assert product.health()["configuration"]["receive_domains"] == 3


def test_reload_is_over_when_it_says_so(lab: Lab) -> None:
    """Whoever connects to Postfix afterwards meets nobody who has read the former files."""
    issued = [lab.certificate_for(WOODGROVE) for _ in range(2)]
    for number in range(10):
        lab.present(lab.woodgrove, issued[number % 2])
        with lab.connect(lab.woodgrove, lab.evil.address) as dialogue:
            dialogue.starttls(lab.client_context(None))
            shown = dialogue.connection.getpeercert(binary_form=True)  # type: ignore[attr-defined]
            dialogue.quit()
        assert shown == issued[number % 2].der
