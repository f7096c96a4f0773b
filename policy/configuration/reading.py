"""Read the configuration file into one valid, frozen Configuration.

Owns: the order of checks.  What may stand behind a key is ``settings``'s part.
Invariant: all or nothing; a Problem names file, line and key, and nothing of the file is in force then.
Source: DESIGN section 5; TOML 1.0.0.
"""

import errno
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from domain_secure.policy.bypass.bypass import Bypass
from domain_secure.policy.bypass.bypass_file import BypassFile
from domain_secure.policy.files.known_time import KnownTime
from domain_secure.policy.terms.domain import Entry, InvalidDomainError, entry_base, parse_entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.problems import NoPermission, Problem
from domain_secure.policy.terms.suggestions import nearest
from domain_secure.policy.toml.faults import Faults
from domain_secure.policy.toml.toml_lines import Keys, dotted

from .configuration import (
    Configuration,
    Mode,
    Partner,
    StoreType,
)
from .domains_file import read_entries
from .fleet_cache import FleetCache
from .kind import ElementsError
from .pins_in_force import with_pins_at
from .sections import from_sections
from .setting_kinds import ENTRY
from .settings import PARTNER, SECTIONS, Setting, settings_of
from .shared_policy import SharedPolicy, list_file, merged
from .shared_settings import is_shared
from .web_access import check_web_access

ReadFile = Callable[[Path], bytes]


def read_file(path: Path) -> bytes:
    """Return the content of a file; raises OSError."""
    return path.read_bytes()


def load(path: Path, read: ReadFile = read_file) -> Configuration:
    """Return the configuration in the file *path*; raises Problem when anything in it is wrong.

    *read* yields the content of that file, and of the ``domains_file`` of each list.  Of pins that count
    for a time those are in force that count now, by the latest time that is known to have been: each
    command, and what root's own units run, goes by it as the daemon does.
    """
    parsed = parse(read_configuration(path, read), path, read)
    return with_pins_at(parsed, KnownTime.of_state(parsed.state).after(datetime.now(UTC)))


def read_configuration(path: Path, read: ReadFile = read_file) -> bytes:
    """Return the content of the configuration file; raises Problem when it cannot be read."""
    try:
        return read(path)
    except FileNotFoundError as error:
        fix = "create it with `domain-secure receive add DOMAIN`, or name another file with --config"
        raise Problem("there is no configuration yet", str(path), fix) from error
    except PermissionError as error:
        raise NoPermission("no permission to read the configuration", str(path)) from error
    except OSError as error:
        what = f"cannot read the configuration ({error.strerror})"
        raise Problem(what, str(path), "name a readable file with --config") from error


def parse(
    content: bytes, path: Path, read: ReadFile = read_file, shared: SharedPolicy | None = None
) -> Configuration:
    """Return the configuration that *content* would be if it stood in *path*; raises Problem.

    *read* yields the content of the ``domains_file`` of each list.  On a node of a fleet *shared* joins in;
    where it is None, what the node holds of it on disk does.
    """
    text = _decode(content, path)
    document = parse_toml(text, path)
    if not is_fleet_node(document):
        return _configuration(document, Faults(path, text), read)
    cache = FleetCache(state_folder(document, path))
    if shared is None:
        try:
            shared = cache.read()[1]
        except Problem:
            parse(content, path, read, SharedPolicy(b""))  # a fault in this file is to be told first
            raise
    shared_text = _decode(shared.text, shared.where)
    faults = Faults(path, text, (shared.where, shared_text), is_shared)
    document = merged(document, parse_toml(shared_text, shared.where), node_of(document), faults)
    lists = {path.parent / list_file(name): octets for name, octets in shared.lists.items()}
    configuration = _configuration(document, faults, lambda file: _long_list(lists, file))
    return replace(configuration, revision=shared.revision, files=(path, cache.watched))


def is_fleet_node(document: dict[str, Any]) -> bool:
    """Tell whether a document is that of a node of a fleet; whether it is valid is not asked."""
    store = document.get("store")
    return isinstance(store, dict) and store.get("type") == StoreType.ETCD


def node_of(document: dict[str, Any]) -> str:
    """Return the name of the node whose file *document* is."""
    return str(document["store"].get("node") or os.uname().nodename)


def state_folder(document: dict[str, Any], path: Path) -> Path:
    """Return ``paths.state`` of a document that may be wrong elsewhere."""
    setting = settings_of("paths")["state"]
    table = document.get("paths")
    try:
        found: Path = (
            setting.kind.parse(table["state"]) if isinstance(table, dict) else setting.default_value()
        )
    except (KeyError, ValueError):
        found = setting.default_value()
    return path.parent / found


def _long_list(lists: Mapping[Path, bytes], file: Path) -> bytes:
    if file not in lists:
        raise FileNotFoundError(errno.ENOENT, "the fleet's policy has no such list", str(file))
    return lists[file]


def _configuration(document: dict[str, Any], faults: Faults, read: ReadFile) -> Configuration:
    path = faults.path
    for key in document.keys() - {*SECTIONS, *settings_of("")}:
        faults.add((key,), "unknown key", _suggestion(key, (*SECTIONS, *settings_of(""))))
    general = {key: value for key, value in document.items() if key in settings_of("")}
    values = {"": _values("", general, (), faults)}
    for section in SECTIONS:
        if section != PARTNER:
            values[section] = _values(section, document.get(section, {}), (section,), faults)
    partners = _partners(document.get(PARTNER, {}), values[""]["mode"], faults)
    receive, receive_file = _domain_list("receive", values, read, faults)
    send, send_file = _domain_list("send", values, read, faults)
    trust = document.get("trust", {})
    if isinstance(trust, dict) and "ca_file" in trust:
        _check_readable(
            path.parent / values["trust"]["ca_file"], faults, ("trust", "ca_file"), "a readable PEM file"
        )
    for index, name in enumerate(values["trust"]["crl_files"]):
        keys = ("trust", "crl_files")
        _check_readable(path.parent / name, faults, keys, "a readable revocation list", index)
    store = values["store"]
    if store["type"] is StoreType.ETCD and not store["endpoints"]:
        faults.add(
            ("store", "endpoints"), "no etcd server is named", 'write endpoints = ["https://HOST:2379"]'
        )
    if (store["username"] is None) != (store["password_file"] is None):
        faults.add(
            ("store", "username"), "a user and no password", "set username and password_file, or neither"
        )
    if store["require_signature"] and not store["trusted_keys"]:
        fix = "add one with `domain-secure fleet trust KEY`"
        faults.add(("store", "require_signature"), "signatures are required and no key is trusted", fix)
    authorities = _partners_authorities(path.parent, partners, faults)
    check_web_access(values["metrics"], faults)
    faults.raise_first()
    sections = from_sections(path.parent, values, document)
    return Configuration(
        path=path,
        receive=receive,
        send=send,
        partners=MappingProxyType(partners),
        files=(path, *receive_file, *send_file, *authorities),
        bypasses=_bypasses(sections["state"]),
        **sections,
    )


def _bypasses(state: Path) -> tuple[Bypass, ...]:
    """Return what lets mail through unproved; what cannot be read lets nothing through, and is a finding."""
    try:
        return BypassFile(state).in_force()
    except (Problem, OSError):
        return ()


def _decode(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Problem("the file is not UTF-8", f"{path}:{line}", "save it as UTF-8") from error


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """Return the parsed text; raises Problem with the line."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # ValueError is wider than TOMLDecodeError: an integer may have more digits than int() takes.
        what, at, place = str(error).partition(" (at ")
        line = re.match(r"line (\d+)", place)
        where = f"{path}:{line[1]}" if line else f"{path}:{text.count(chr(10)) + 1}" if at else str(path)
        raise Problem(f"the file is not valid TOML ({what})", where, "correct the syntax") from error


def _suggestion(key: str, known: Iterable[str]) -> str:
    close = nearest(key, known)
    return f"write {close}, or remove it" if close else f"remove it; known are {', '.join(known)}"


def _values(section: str, table: object, keys: Keys, faults: Faults) -> dict[str, Any]:
    """Return the value of each setting of a section, the default where *table* does not name it."""
    known = settings_of(section)
    values = {key: setting.default_value() for key, setting in known.items()}
    if not isinstance(table, dict):
        faults.add(keys, "this must be a table", f"write [{dotted(keys)}] on a line of its own")
        return values
    for key, written in table.items():
        if key in known:
            values[key] = _value(known[key], written, (*keys, key), faults)
        else:
            faults.add((*keys, key), "unknown key", _suggestion(key, known))
    return values


def _value(setting: Setting, written: object, keys: Keys, faults: Faults) -> Any:
    try:
        return setting.kind.parse(written)
    except ElementsError as error:
        element = setting.kind.element or setting.kind
        for index, what in error.faults:
            faults.add(keys, what, f"write {element.allowed}", index)
    except ValueError as error:
        faults.add(keys, str(error), f"write {setting.kind.allowed}")
    return setting.default_value()


def _partners(tables: object, mode: Mode, faults: Faults) -> dict[Entry, Partner]:
    if not isinstance(tables, dict):
        faults.add((PARTNER,), "this must be a table", f'write [{PARTNER}."DOMAIN"] on a line of its own')
        return {}
    partners: dict[Entry, Partner] = {}
    for written, table in tables.items():
        keys = (PARTNER, written)
        values = _values(PARTNER, table, keys, faults)
        try:
            entry = parse_entry(written)
        except InvalidDomainError as error:
            faults.add(keys, str(error), f"write {ENTRY.allowed}")
            continue
        if entry in partners:
            faults.add(keys, f"there is another table for {entry}", "join the two tables")
        values["names"] = values["names"] or (entry_base(entry),)
        values["mode"] = values["mode"] or mode
        values["pins"] = frozenset(values["pins"])
        if values["send_ca_file"] is not None:
            values["send_ca_file"] = faults.path.parent / values["send_ca_file"]
        partners[entry] = Partner(entry=entry, **values)
    return partners


def _domain_list(
    section: str, values: dict[str, dict[str, Any]], read: ReadFile, faults: Faults
) -> tuple[DomainList, tuple[Path, ...]]:
    """Return a list, and the file it was partly read from."""
    entries = values[section]["domains"]
    name = values[section]["domains_file"]
    if name is None:
        return DomainList(entries), ()
    file = faults.path.parent / name
    try:
        more, wrong = read_entries(read(file))
    except OSError as error:
        reason = f"cannot read {file} ({error.strerror})"
        faults.add((section, "domains_file"), reason, "make it a readable file, or remove the key")
        return DomainList(entries), ()
    for line, what in wrong:
        faults.add_elsewhere(Problem(what, f"{file}:{line}", f"write {ENTRY.allowed}"))
    return DomainList(entries, more), (file,)


def _partners_authorities(
    folder: Path, partners: Mapping[Entry, Partner], faults: Faults
) -> tuple[Path, ...]:
    """Return the files of authorities that partners have for themselves."""
    found = {entry: partner.send_ca_file for entry, partner in partners.items() if partner.send_ca_file}
    for entry, file in found.items():
        _check_readable(folder / file, faults, (PARTNER, entry, "send_ca_file"), "a readable PEM file")
    return tuple(dict.fromkeys(found.values()))


def _check_readable(
    file: Path, faults: Faults, keys: Keys, what_instead: str, index: int | None = None
) -> None:
    try:
        # Opening a pipe would wait for whoever writes into it.
        if not stat.S_ISREG(file.stat().st_mode):
            faults.add(keys, f"{file} is not a file", f"name {what_instead}", index)
            return
        with file.open("rb") as stream:
            stream.read(1)
    except OSError as error:
        what = f"cannot read {file} ({error.strerror})"
        fix = "run this as root, or " if isinstance(error, PermissionError) else ""
        faults.add(keys, what, f"{fix}name {what_instead}", index)
