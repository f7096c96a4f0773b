"""``domain-secure fleet set``: shared keys that are no list and of no partner."""

import argparse

from domain_secure.commands.terminal.common import add_to_document, already_so, fleet_store
from domain_secure.policy.configuration.settings import PARTNER, SECTIONS, Setting, settings_of
from domain_secure.policy.configuration.shared_settings import may_be_shared
from domain_secure.policy.editing.draft import Draft, Written
from domain_secure.policy.editing.editing import told
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.toml import toml_edit
from domain_secure.policy.toml.toml_lines import Keys

from .fleet_wait import waited

_OF_LISTS = frozenset({"domains", "domains_file"})


def settable() -> dict[str, tuple[Keys, Setting]]:
    """Return the shared settings that have no command of their own, by their dotted names."""
    found: dict[str, tuple[Keys, Setting]] = {}
    for section in ("", *SECTIONS):
        for key, setting in settings_of(section).items():
            keys = (section, key) if section else (key,)
            if section != PARTNER and key not in _OF_LISTS and may_be_shared(keys):
                found[".".join(keys)] = (keys, setting)
    return found


def run_set(arguments: argparse.Namespace) -> ExitStatus:
    """Set shared keys on every node."""
    values = [_parsed(argument) for argument in arguments.values]

    def change(draft: Draft) -> tuple[Written, ...]:
        for keys, value in values:
            if value is None:
                draft.edit(lambda text, keys=keys: toml_edit.remove_key(text, keys))  # type: ignore[misc]
            else:
                draft.edit(lambda text, keys=keys, value=value: toml_edit.set_value(text, keys, value))  # type: ignore[misc]
        return draft.write(lambda _: True)

    store = fleet_store(arguments)
    written = store.edit(change, told("fleet set", arguments.values))
    add_to_document({"written": list(map(str, written))})
    if written:
        print(f"written: {', '.join(map(str, written))}")
    else:
        already_so(" ".join(arguments.values))
    return waited(arguments, store)


def _parsed(argument: str) -> tuple[Keys, str | list[str] | None]:
    name, equals, value = argument.partition("=")
    known = settable()
    if not equals or name.strip() not in known:
        raise Problem(
            "this is not KEY=VALUE of a shared key", repr(argument), f"write one of {', '.join(known)}"
        )
    keys, setting = known[name.strip()]
    if not value.strip():
        return keys, None
    written = [one.strip() for one in value.split(",")] if setting.kind.element else value.strip()
    try:
        setting.kind.parse(written)
    except ValueError as error:
        raise Problem(str(error), argument, f"write {setting.kind.allowed}") from error
    return keys, written
