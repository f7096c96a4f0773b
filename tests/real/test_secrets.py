"""Keys, tokens and passphrases of known bytes are nowhere but where they were put."""

import pytest
from static import fleet_secrets, secrets

pytestmark = pytest.mark.real


def test_secrets_stay_where_they_were_put() -> None:
    """Not in arguments, environments, output, logs, pages, core files, or files that others may read."""
    assert [one for one in secrets.measure(quick=True) if not one.held] == []


def test_passwords_of_nodes_stay_in_their_files() -> None:
    """Nor what etcd gives for them, whether they are right or wrong."""
    assert [one for one in fleet_secrets.measure(quick=True) if not one.held] == []
