"""Take out of a partner's table what was put there: pins, or all of it; in a file or in a fleet's store."""

import tomllib
from collections.abc import Callable, Mapping, Sequence

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.settings import PARTNER
from domain_secure.policy.configuration.shared_settings import NODE
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.timed_pin import TimedPin
from domain_secure.policy.toml import toml_edit
from domain_secure.policy.toml.toml_lines import Keys

from .draft import Draft, Written
from .editing import parse_entries, told
from .partner_editing import Check, no_check, remove_empty, table_name
from .policy_store import PolicyStore

_LISTS: Mapping[str, Callable[[str], Pin]] = {
    "pins": Pin.parse,
    "timed_pins": lambda written: TimedPin.parse(written).pin,
}


def remove_pins(
    store: PolicyStore, domain: str, pins: Sequence[Pin], check: Check = no_check
) -> tuple[Written, ...]:
    """Take pins out of a partner's table, whether they have a time or not; those not there change nothing.

    Returns what was written; raises Problem and OSError.
    """
    (entry,) = parse_entries([domain])
    doomed = frozenset(pins)

    def change(draft: Draft) -> tuple[Written, ...]:
        check(draft.former)
        for table in _tables(draft, entry):
            for name, pin_of in _LISTS.items():
                _take_out(draft, (*table, name), lambda written, of=pin_of: of(written) not in doomed)  # type: ignore[misc]
            if table[0] == PARTNER:
                remove_empty(draft, table)
        return draft.write(lambda new: entry not in new.partners or doomed.isdisjoint(_all(new, entry)))

    return store.edit(change, told(f"partner unpin {domain}", [str(pin) for pin in pins]), create=False)


def remove_rule(store: PolicyStore, domain: str) -> tuple[Written, ...]:
    """Take a partner's table out, with what single nodes of a fleet have of their own.

    Returns what was written, nothing where there is no table; raises Problem and OSError.
    """
    (entry,) = parse_entries([domain])

    def change(draft: Draft) -> tuple[Written, ...]:
        for table in _tables(draft, entry):
            draft.edit(lambda text, table=table: toml_edit.remove_key(text, table))  # type: ignore[misc]
        return draft.write(lambda new: entry not in new.partners)

    return store.edit(change, f"partner remove {domain}", create=False)


def _tables(draft: Draft, entry: Entry) -> tuple[Keys, ...]:
    """Return the tables there are of a partner: the one of all nodes, and those of single ones."""
    document = tomllib.loads(draft.text)
    above: tuple[Keys, ...] = ((PARTNER,), *((NODE, node, PARTNER) for node in document.get(NODE, {})))
    found = ((*keys, table_name(document, keys, entry, "")) for keys in above)
    return tuple(keys for keys in found if keys[-1])


def _all(configuration: Configuration, entry: Entry) -> frozenset[Pin]:
    rule = configuration.partners[entry]
    return rule.pins | {timed.pin for timed in rule.timed_pins}


def _take_out(draft: Draft, keys: Keys, keep: Callable[[str], bool]) -> None:
    present = _value(tomllib.loads(draft.text), keys)
    if present and not any(map(keep, present)):
        draft.edit(lambda text: toml_edit.remove_key(text, keys))
    else:
        draft.edit(lambda text: toml_edit.edit_list(text, keys, keep, ()))


def _value(document: dict[str, object], keys: Keys) -> list[str]:
    found: object = document
    for key in keys:
        found = found.get(key, {}) if isinstance(found, dict) else {}
    return found if isinstance(found, list) else []
