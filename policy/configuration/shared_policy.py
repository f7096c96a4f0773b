"""What a fleet shares, as text, and how it joins with the file of one node.

Owns: the shared document and its long lists as values, and the merge of two parsed documents into one.
Must not know: where the shared text comes from (``fleet_cache`` on disk, an editor, the store).
Invariant: a key in the wrong document is a fault and not a choice; of the few that both may have, the
node's own counts.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domain_secure.policy.terms.domain import InvalidDomainError, parse_entry
from domain_secure.policy.toml.faults import Faults
from domain_secure.policy.toml.toml_lines import Keys

from .settings import PARTNER
from .shared_settings import NODE, is_shared, leaves, may_be_shared

POLICY = "policy"  #: the name of the shared document among the texts of a revision
LISTS = ("receive", "send")  #: the names of the long lists among them


@dataclass(frozen=True, slots=True)
class SharedPolicy:
    """One state of what the fleet shares."""

    text: bytes  #: TOML, only shared keys
    lists: Mapping[str, bytes] = field(default_factory=dict)  #: by name: what ``domains_file`` stands for
    revision: int | None = None  #: of the fleet; None while it has none yet
    where: Path = Path("the fleet's policy")  #: what errors name

    @property
    def texts(self) -> dict[str, bytes]:
        """Return all parts by their names."""
        return {POLICY: self.text, **self.lists}


def list_file(name: str) -> str:
    """Return what ``domains_file`` says in a shared document whose list *name* is long."""
    return f"{name}.domains"


def merged(local: dict[str, Any], shared: dict[str, Any], node: str, faults: Faults) -> dict[str, Any]:
    """Return one document of a node's own keys and the fleet's, with the fleet's rules for this node on top.

    A key in the wrong document is added to *faults*.
    """
    for keys, _ in leaves(local):
        if is_shared(keys):
            faults.add_own(keys, "this is shared by the fleet", _BELONGS_TO_FLEET)
    for keys, _ in leaves(shared):
        if not may_be_shared(keys):
            faults.add_shared(keys, "this belongs to each node", "write it into the node's own file")
    together: dict[str, Any] = {}
    for keys, value in leaves(shared):
        if may_be_shared(keys) and keys != (NODE,):
            _put(together, keys, value)
    for keys, value in leaves(local):
        if not is_shared(keys):
            _put(together, keys, value)
    _override(together, shared.get(NODE, {}), node, faults)
    return together


_BELONGS_TO_FLEET = (
    "remove it here; `domain-secure receive`, `send`, `partner` and `fleet set` change it on every node"
)


def _put(document: dict[str, Any], keys: Keys, value: Any) -> None:
    table = document
    for key in keys[:-1]:
        table = table.setdefault(key, {})
    table[keys[-1]] = deepcopy(value)


def _override(document: dict[str, Any], nodes: Any, node: str, faults: Faults) -> None:
    """Put the partner keys that the fleet sets for this node over those it sets for all."""
    if not isinstance(nodes, dict) or not all(isinstance(table, dict) for table in nodes.values()):
        faults.add_shared(
            (NODE,), "this must be a table of tables", f'write [{NODE}."NODE".{PARTNER}."DOMAIN"]'
        )
        return
    for name, table in nodes.items():
        for key in table.keys() - {PARTNER}:
            faults.add_shared((NODE, name, key), "unknown key", f"write {PARTNER}, or remove it")
    rules = nodes.get(node, {}).get(PARTNER, {})
    if not isinstance(rules, dict):
        faults.add_shared((NODE, node, PARTNER), "this must be a table", "write a table for each partner")
        return
    for domain, values in rules.items():
        partners = document.setdefault(PARTNER, {})
        table = partners.setdefault(_spelling(partners, domain), {})
        if isinstance(table, dict) and isinstance(values, dict):
            table.update(values)
        else:
            faults.add_shared(
                (NODE, node, PARTNER, domain), "this must be a table", "write KEY = VALUE in it"
            )


def overrides(shared: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the rules that hold on single nodes: by node, then by partner."""
    nodes = shared.get(NODE, {})
    return {name: dict(table.get(PARTNER, {})) for name, table in nodes.items()}


def _spelling(partners: Mapping[str, Any], domain: str) -> str:
    """Return the key of *partners* that stands for *domain*, or *domain* itself where there is none."""
    try:
        entry = parse_entry(domain)
        return next((key for key in partners if parse_entry(key) == entry), domain)
    except InvalidDomainError:
        return domain  # told where the table is read
