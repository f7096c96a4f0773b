"""Take a configuration file apart into what a fleet shares and what stays with the node, and back together.

Owns: that step on text, so that comments stay with the keys they belong to.
Must not know: the store.
Invariant: both halves are read again by the parser before anything is written (callers do).
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from domain_secure.policy.configuration.configuration import StoreType
from domain_secure.policy.configuration.settings import PARTNER
from domain_secure.policy.configuration.shared_policy import LISTS, POLICY, list_file, overrides
from domain_secure.policy.configuration.shared_settings import NODE, is_shared, leaves
from domain_secure.policy.toml import toml_edit
from domain_secure.policy.toml.toml_lines import Keys

_TYPE: Keys = ("store", "type")


@dataclass(frozen=True, slots=True)
class Halves:
    """One configuration file, taken apart."""

    local: bytes
    texts: Mapping[str, bytes]  #: of the fleet: the shared document and the long lists


def apart(content: bytes, folder: Path, read: Callable[[Path], bytes]) -> Halves:
    """Return what stays here, with the store switched to etcd, and what the fleet shares; raises OSError.

    *content* must be valid TOML.
    """
    text = content.decode()
    document = tomllib.loads(text)
    keys = [keys for keys, _ in leaves(document)]
    local = _without(text, [one for one in keys if is_shared(one)])
    shared = _without(text, [one for one in keys if not is_shared(one)])
    texts: dict[str, bytes] = {}
    for name in LISTS:
        file = document.get(name, {}).get("domains_file")
        if file is not None:
            texts[name] = read(folder / file)
            shared = toml_edit.set_value(shared, (name, "domains_file"), list_file(name))
    local = toml_edit.set_value(local, _TYPE, StoreType.ETCD.value)
    return Halves(local.encode(), {POLICY: shared.encode(), **texts})


def together(local: bytes, texts: Mapping[str, bytes], node: str) -> dict[str, bytes]:
    """Return the files of a machine that stands alone, by name; that of the configuration is "".

    The rules of this node alone become the partners' rules; those of other nodes are left behind.
    """
    own, shared = local.decode(), texts[POLICY].decode()
    document = tomllib.loads(shared)
    for domain, values in overrides(document).get(node, {}).items():
        for key, value in values.items():
            shared = toml_edit.set_value(shared, (PARTNER, domain, key), value)
    shared = _without(shared, [(NODE,)] if NODE in document else [])
    # A table that both have must be written once.
    tables = tomllib.loads(own).keys()
    moved = [(keys, value) for keys, value in leaves(document) if len(keys) > 1 and keys[0] in tables]
    kept = {keys for keys, _ in leaves(tomllib.loads(own))}
    for keys, value in moved:
        if keys not in kept:
            own = toml_edit.set_value(own, keys, value)
    shared = _without(shared, [keys for keys, _ in moved])
    own = toml_edit.set_value(own, _TYPE, StoreType.FILE.value)
    lists = {list_file(name): texts[name] for name in LISTS if name in texts}
    return {"": f"{shared.rstrip()}\n\n{own.lstrip()}".encode(), **lists}


def _without(text: str, removed: list[Keys]) -> str:
    """Return *text* without these keys, and without the tables that are empty then."""
    if not removed:
        return text
    document: Any = tomlkit.parse(text)
    for keys in removed:
        table = document
        for key in keys[:-1]:
            table = table[key]
        del table[keys[-1]]
        if len(keys) > 1 and not table:
            del document[keys[0]]
    return tomlkit.dumps(document)
