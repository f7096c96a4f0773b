"""Where in the configuration's file a doubtful setting stands, for findings about a valid configuration."""

import tomllib

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.configuration.settings import PARTNER
from domain_secure.policy.terms.domain import Entry, InvalidDomainError, parse_entry
from domain_secure.policy.toml.toml_lines import Keys, dotted, locate


def place(configuration: Configuration, *keys: str) -> str:
    """Return ``file:line: key`` of a setting, without the line where it stands elsewhere than in the file.

    So it is on a node of a fleet, and where the file cannot be read (any more).
    """
    try:
        text = configuration.path.read_text(encoding="utf-8")
        written = _as_written(tomllib.loads(text), keys)
        line = locate(text).of(written)
    except (OSError, ValueError, RecursionError):
        written, line = keys, None
    where = str(configuration.path) if line is None else f"{configuration.path}:{line}"
    return f"{where}: {dotted(written)}"


def _as_written(document: dict[str, object], keys: Keys) -> Keys:
    """Return *keys* with the partner's domain in the spelling that the file has."""
    tables = document.get(PARTNER)
    if keys[0] != PARTNER or len(keys) < 2 or not isinstance(tables, dict):
        return keys
    found = next((table for table in tables if _is_about(table, Entry(keys[1]))), keys[1])
    return (PARTNER, found, *keys[2:])


def _is_about(table: str, entry: Entry) -> bool:
    try:
        return parse_entry(table) == entry
    except InvalidDomainError:
        return False
