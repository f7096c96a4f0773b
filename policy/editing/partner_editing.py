"""Edit the table of one partner, in a file or in the store of a fleet.

Owns: the step from ``KEY=VALUE`` to a key of that table.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.setting_kinds import PIN
from domain_secure.policy.configuration.settings import PARTNER, settings_of
from domain_secure.policy.configuration.shared_settings import NODE
from domain_secure.policy.terms.domain import Entry, parse_entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.terms.spelled_digest import pin_of
from domain_secure.policy.toml import toml_edit
from domain_secure.policy.toml.toml_lines import Keys

from .draft import Draft, Written
from .editing import parse_entries, told
from .gateway_recipe import GATEWAY, with_recipe
from .policy_store import PolicyStore

Value = str | list[str]


Check = Callable[[Configuration], object]  #: raises Problem where what holds now forbids the edit


def no_check(_: Configuration) -> None:
    """Forbid nothing."""


def set_values(
    store: PolicyStore,
    domain: str,
    values: Mapping[str, str],
    nodes: Sequence[str] = (),
    check: Check = no_check,
) -> tuple[Written, ...]:
    """Set keys of a partner; the elements of a list are separated by commas, "" takes a key out again.

    ``gateway`` stands for the keys of a recipe (`gateway_recipe`).
    With *nodes* the keys hold on these nodes of the fleet alone; without, what single nodes had of their own
    for these keys ends.  Returns what was written; raises Problem and OSError.
    """
    (entry,) = parse_entries([domain])
    new = {key: written_value(key, value) for key, value in with_recipe(values).items()}

    def change(draft: Draft) -> tuple[Written, ...]:
        check(draft.former)
        document = tomllib.loads(draft.text)
        if nodes:
            for node in nodes:
                above = (NODE, node, PARTNER)
                _set_all(draft, (*above, table_name(document, above, entry, domain)), new)
            return draft.write(lambda _: True)
        for node in document.get(NODE, {}):
            above = (NODE, node, PARTNER)
            _set_all(draft, (*above, table_name(document, above, entry, domain)), dict.fromkeys(new))
        table = (PARTNER, table_name(document, (PARTNER,), entry, domain))
        _set_all(draft, table, new)
        remove_empty(draft, table)
        return draft.write(lambda found: _holds(found, entry, new))

    where = f" on {', '.join(nodes)}" if nodes else ""
    pairs = [f"{key}={value}" for key, value in values.items()]
    return store.edit(change, told(f"partner set {domain}", pairs) + where)


def add_pins(
    store: PolicyStore, domain: str, pins: Sequence[Pin], check: Check = no_check
) -> tuple[Written, ...]:
    """Append pins to a partner, those that are not there yet.

    Returns what was written; raises Problem and OSError.  A pin that has a time counts in that time alone, so
    it is a Problem to append it.
    """
    (entry,) = parse_entries([domain])

    def change(draft: Draft) -> tuple[Written, ...]:
        check(draft.former)
        former = draft.former.partners.get(entry)
        for timed in former.timed_pins if former else ():
            if timed.pin in pins:
                raise Problem(
                    f"this pin counts {timed.told_time} alone",
                    f'partner."{entry}".timed_pins: {timed.pin}',
                    f"for it to count always, take its time away first: "
                    f"domain-secure partner unpin {domain} {timed.pin}",
                )
        present: frozenset[Pin] = former.pins if former else frozenset()
        added = [str(pin) for pin in dict.fromkeys(pins) if pin not in present]
        table = table_name(tomllib.loads(draft.text), (PARTNER,), entry, domain)
        draft.edit(lambda text: toml_edit.edit_list(text, (PARTNER, table, "pins"), lambda _: True, added))
        return draft.write(lambda new: new.partners[entry].pins == present | set(pins))

    return store.edit(change, told(f"partner pin {domain}", [str(pin) for pin in pins]))


def written_value(key: str, value: str) -> Value | None:
    """Return what goes into the file, checked; None stands for no such key.  Raises Problem."""
    known = settings_of(PARTNER)
    if key not in known:
        raise Problem("unknown key of a partner", key, f"write one of {', '.join((*known, GATEWAY))}")
    kind = known[key].kind
    if not value:
        return None
    written: Value = [element.strip() for element in value.split(",")] if kind.element else value
    try:
        if kind.element is PIN:
            # Written as every release reads them.
            written = [str(pin_of(element)) for element in written]
        kind.parse(written)
    except ValueError as error:
        fix = f"write {(kind.element or kind).allowed}" + (", separated by commas" if kind.element else "")
        raise Problem(str(error), f"{key}={value}", fix) from error
    return written


def _set_all(draft: Draft, table: Keys, values: Mapping[str, Value | None]) -> None:
    for key, value in values.items():
        _set(draft, (*table, key), value)


def remove_empty(draft: Draft, table: Keys) -> None:
    """Take out a partner's table in which nothing is left, or the rule would stay for ever.

    Unless somebody wrote a comment in it: `toml_edit` cannot tell whose that is.
    """
    if tomllib.loads(draft.text).get(PARTNER, {}).get(table[-1]) != {}:
        return
    kept = draft.text.count("#")
    shorter = toml_edit.remove_key(draft.text, table)
    if shorter.count("#") == kept:
        draft.text = shorter


def _set(draft: Draft, keys: Keys, value: Value | None) -> None:
    if value is None:
        draft.edit(lambda text: toml_edit.remove_key(text, keys))
    else:
        draft.edit(lambda text: toml_edit.set_value(text, keys, value))


def table_name(document: dict[str, Any], above: Keys, entry: Entry, domain: str) -> str:
    """Return the spelling of the partner's table below *above*, or *domain* when there is none yet."""
    tables = document
    for key in above:
        tables = tables.get(key, {})
    return next((table for table in tables if parse_entry(table) == entry), domain)


def _holds(configuration: Configuration, entry: Entry, written: Mapping[str, Value | None]) -> bool:
    set_keys = {key: value for key, value in written.items() if value is not None}
    partner = configuration.partners.get(entry)
    if partner is None:
        return not set_keys
    known = settings_of(PARTNER)
    for key, value in set_keys.items():
        present, wanted = getattr(partner, key), known[key].kind.parse(value)
        if present != (frozenset(wanted) if isinstance(present, frozenset) else wanted):
            return False
    return True
