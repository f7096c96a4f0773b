"""What a fleet shares and what it does not."""

import tomllib

from domain_secure.policy.configuration.settings import SETTINGS
from domain_secure.policy.configuration.shared_settings import is_shared, known_keys, used_keys


def test_nothing_of_one_machine_is_shared() -> None:
    """No path, socket, address, password or key file of a node, and nothing of [store], is ever shared."""
    shared = {
        (setting.section, setting.key)
        for setting in SETTINGS
        if is_shared((setting.section, setting.key) if setting.section else (setting.key,))
    }
    assert not {section for section, _ in shared} & {"store", "paths", "postfix", "milter", "policy_service"}
    assert {key for section, key in shared if section == "trust"} == {
        "client_purpose",
        "common_name",
        "distrusted",
        "revocation",
    }
    assert {("", "mode"), ("receive", "domains"), ("send", "domains"), ("partner", "pins")} <= shared


def test_used_keys_are_known_ones() -> None:
    """The keys a document uses are named as those a version knows, rules of single nodes included."""
    document = tomllib.loads(
        'mode = "observe"\n[receive]\ndomains = []\n[partner."a.test"]\nnames = ["b"]\n'
        '[node.edge1.partner."a.test"]\npins = []\nnew = 1\n'
    )
    used = used_keys(document)
    assert used == {"mode", "receive.domains", "partner.names", "partner.pins", "partner.new"}
    assert used - known_keys() == {"partner.new"}
