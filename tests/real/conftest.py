"""The laboratory as fixtures.  One for each module; a test that spoils it asks for one of its own."""

from collections.abc import Iterator

import pytest

from lab.laboratory import WOODGROVE, Lab
from lab.product import Product


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Three mail servers without the product."""
    with Lab() as made:
        yield made


@pytest.fixture
def own_lab() -> Iterator[Lab]:
    """Three mail servers without the product, for one test alone."""
    with Lab() as made:
        yield made


@pytest.fixture(scope="module")
def product(lab: Lab) -> Product:
    """The product on Contoso's Postfix: attached, serving, with Woodgrove on both lists."""
    return set_up(lab)


@pytest.fixture
def own_product(own_lab: Lab) -> Product:
    """The same for one test alone."""
    return set_up(own_lab)


def set_up(lab: Lab) -> Product:
    """Install the product on Contoso's Postfix as an administrator would."""
    made = Product(lab)
    made.install(WOODGROVE)
    return made
