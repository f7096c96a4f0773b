"""Which settings a fleet shares, and which belong to one node.

Owns: that division alone.  Shared is what decides about mail; never shared are private keys, local paths,
sockets, addresses, and what depends on where a node stands.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from domain_secure.policy.toml.toml_lines import Keys

from .settings import PARTNER, SECTIONS, settings_of

NODE = "node"  #: the table, in a shared document only, of rules that hold on one node

_SHARED_SECTIONS = frozenset({"receive", "send", PARTNER})
_SHARED_KEYS = frozenset(
    {
        ("mode",),
        ("trust", "client_purpose"),
        ("trust", "revocation"),
        ("trust", "common_name"),
        ("trust", "distrusted"),
        ("inbound", "trusted_relay_certificates"),
    }
)
# A fleet may say it for all nodes; a node's own file says otherwise.
_EITHER_KEYS = frozenset({("inbound", "authserv_id"), ("inbound", "help_url")})


def is_shared(keys: Keys) -> bool:
    """Tell whether a key, written as a path of tables, is the fleet's and not a node's."""
    return bool(keys) and (keys[0] in _SHARED_SECTIONS or keys[0] == NODE or keys in _SHARED_KEYS)


def may_be_shared(keys: Keys) -> bool:
    """Tell whether a fleet may set a key: one that is its own, or one that a node's own file may set anew."""
    return is_shared(keys) or keys in _EITHER_KEYS


def leaves(document: Mapping[str, Any]) -> Iterator[tuple[Keys, Any]]:
    """Yield each setting of a document and its value; a partner's table is one setting of the fleet."""
    for section, table in document.items():
        if section in {PARTNER, NODE} or not isinstance(table, dict):
            yield (section,), table
        else:
            yield from (((section, key), value) for key, value in table.items())


def known_keys() -> frozenset[str]:
    """Return every shared setting this version can apply, dotted; a partner's keys by ``partner.KEY``."""
    known = {key for section in ("", *SECTIONS) for key in _dotted(section)}
    return frozenset(known)


def used_keys(document: Mapping[str, Any]) -> frozenset[str]:
    """Return every setting a shared document uses, as `known_keys` writes them."""
    used: set[str] = set()
    for keys, value in leaves(document):
        if keys == (NODE,):
            for table in value.values():
                used |= used_keys(table)
        elif keys == (PARTNER,):
            used |= {f"{PARTNER}.{key}" for table in value.values() for key in table}
        else:
            used.add(".".join(keys))
    return frozenset(used)


def _dotted(section: str) -> Iterator[str]:
    for key in settings_of(section):
        keys = (section, key) if section else (key,)
        if may_be_shared(keys):
            yield ".".join(keys)
