"""Edit the table of one partner in the configuration file.

Owns: the step from ``KEY=VALUE`` to a key of that table.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import toml_edit
from .configuration import Configuration
from .domain import Entry, parse_entry
from .draft import Draft, open_draft
from .editing import parse_entries
from .pin import Pin
from .problems import Problem
from .settings import PARTNER, settings_of

Written = str | list[str]


def set_values(path: Path, domain: str, values: Mapping[str, str]) -> tuple[Path, ...]:
    """Set keys of a partner; the elements of a list are separated by commas, "" takes a key out again.

    Returns the files that were written; raises Problem and OSError.
    """
    (entry,) = parse_entries([domain])
    written = {key: _written(key, value) for key, value in values.items()}
    with open_draft(path, create=True) as draft:
        table = _table(draft, entry, domain)
        for key, value in written.items():
            _set(draft, (PARTNER, table, key), value)
        return draft.write(lambda new: _holds(new, entry, written))


def add_pins(path: Path, domain: str, pins: Sequence[Pin]) -> tuple[Path, ...]:
    """Append pins to a partner, those that are not there yet.

    Returns the files that were written; raises Problem and OSError.
    """
    (entry,) = parse_entries([domain])
    with open_draft(path, create=True) as draft:
        former = draft.former.partners.get(entry)
        present: frozenset[Pin] = former.pins if former else frozenset()
        added = [str(pin) for pin in dict.fromkeys(pins) if pin not in present]
        keys = (PARTNER, _table(draft, entry, domain), "pins")
        draft.edit(lambda text: toml_edit.edit_list(text, keys, lambda _: True, added))
        return draft.write(lambda new: new.partners[entry].pins == present | set(pins))


def _written(key: str, value: str) -> Written | None:
    """Return what goes into the file, checked; None stands for no such key."""
    known = settings_of(PARTNER)
    if key not in known:
        raise Problem("unknown key of a partner", key, f"write one of {', '.join(known)}")
    kind = known[key].kind
    if not value:
        return None
    written: Written = [element.strip() for element in value.split(",")] if kind.element else value
    try:
        kind.parse(written)
    except ValueError as error:
        fix = f"write {(kind.element or kind).allowed}" + (", separated by commas" if kind.element else "")
        raise Problem(str(error), f"{key}={value}", fix) from error
    return written


def _set(draft: Draft, keys: tuple[str, ...], value: Written | None) -> None:
    if value is None:
        draft.edit(lambda text: toml_edit.remove_key(text, keys))
    else:
        draft.edit(lambda text: toml_edit.set_value(text, keys, value))


def _table(draft: Draft, entry: Entry, domain: str) -> str:
    """Return the spelling of the partner's table in the file, or *domain* when there is none yet."""
    tables = tomllib.loads(draft.text).get(PARTNER, {})
    return next((table for table in tables if parse_entry(table) == entry), domain)


def _holds(configuration: Configuration, entry: Entry, written: Mapping[str, Written | None]) -> bool:
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
