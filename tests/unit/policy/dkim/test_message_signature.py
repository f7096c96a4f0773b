"""Who signs for whom."""

import pytest

from domain_secure.policy.dkim.message_signature import is_aligned
from domain_secure.policy.terms.domain import Domain, Entry


@pytest.mark.parametrize(
    ("signer", "claimed", "entry", "expected"),
    [
        ("woodgrovebank.test", "woodgrovebank.test", "woodgrovebank.test", True),
        ("mail.woodgrovebank.test", "woodgrovebank.test", "woodgrovebank.test", False),
        ("test", "woodgrovebank.test", "woodgrovebank.test", False),
        ("grovebank.test", "woodgrovebank.test", "woodgrovebank.test", False),
        ("fabrikam.test", "a.b.fabrikam.test", "*.fabrikam.test", True),
        ("b.fabrikam.test", "a.b.fabrikam.test", "*.fabrikam.test", True),
        ("c.fabrikam.test", "a.b.fabrikam.test", "*.fabrikam.test", False),
        ("fabrikam.test", "b.fabrikam.test", "b.fabrikam.test", False),
    ],
)
def test_alignment(signer: str, claimed: str, entry: str, expected: bool) -> None:
    """Itself and what lies under it, as far up as the list entry reaches."""
    assert is_aligned(Domain(signer), Domain(claimed), Entry(entry)) is expected
