"""Write a JSON Schema (draft 2020-12) for the document of each command, and one with all lists of words.

``python manual/schemas.py FOLDER`` writes them; ``docs/schema`` holds what it writes, and a test compares.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from domain_secure.commands.terminal.documents import VERSION

from schema_agreements import AGREEMENTS, INVITATION
from schema_answers import ANSWERS
from schema_connectors import CONNECTORS
from schema_documents import CERTIFICATES, LISTS, LOG_LEVELS, PARTNER, POSTFIX, PROMOTE
from schema_fleet import FLEET
from schema_imports import IMPORTS
from schema_onboarding import ONBOARDING
from schema_parts import LINES, TEXT, WORDS, Schema, described, maybe, thing
from schema_records import RECORD

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_IDENTIFIER = "urn:postfix-domain-secure:json:{version}:{name}"

DOCUMENTS: dict[str, Schema] = {
    **LISTS,
    **PROMOTE,
    **PARTNER,
    **ONBOARDING,
    **POSTFIX,
    **CONNECTORS,
    **CERTIFICATES,
    **FLEET,
    **LOG_LEVELS,
    **IMPORTS,
    **AGREEMENTS,
    **INVITATION,
    **ANSWERS,
}


def schemas() -> dict[str, Schema]:
    """Return each schema by the name of its file."""
    found = {f"{name.replace(' ', '-')}.json": _whole(name, keys) for name, keys in DOCUMENTS.items()}
    found["log-show-follow.json"] = _line()
    found["words.json"] = _named("words", "the words of every list") | {
        "$defs": {name: {"enum": words} for name, words in WORDS.items()}
    }
    return found


def _whole(name: str, keys: Schema) -> Schema:
    """Return the schema of a command's document: its own keys are there unless there is an error."""
    head = _head(name)["properties"]
    return _named(name, f"domain-secure {name} --json") | {
        "type": "object",
        "properties": head | keys.get("properties", {}),
        "required": list(head),
        "if": {"properties": {"error": {"type": "null"}}},
        # What was found out before it went wrong is there all the same.
        "then": {"required": keys["required"]} if "required" in keys else keys,
        "$defs": _used(keys),
    }


def _head(name: str) -> Schema:
    """Return the keys of every document."""
    return thing(
        version={"const": VERSION},
        command={"const": name},
        exit_status={"type": "integer", "minimum": 0, "maximum": 255},
        error=maybe(thing(what=TEXT, where=TEXT, fix=TEXT)),
        said=described(LINES, "what a person would have read besides; for people, may change"),
        notes=described(LINES, "warnings, which standard error has as well; for people, may change"),
    )


def _line() -> Schema:
    head: dict[str, Schema] = {"version": {"const": VERSION}, "command": {"const": "log show"}}
    return _named("log-show-follow", "a line of domain-secure log show --follow --json") | {
        "type": "object",
        "properties": head,
        "required": list(head),
        # The last line is about what went wrong, where something did.
        "if": {"required": ["error"]},
        "then": _head("log show"),
        "else": RECORD,
        "$defs": _used(RECORD),
    }


def _named(name: str, title: str) -> Schema:
    identifier = _IDENTIFIER.format(version=VERSION, name=name.replace(" ", "-"))
    return {"$schema": _DIALECT, "$id": identifier, "title": title}


def _used(schema: Any) -> Schema:
    names = sorted({reference.removeprefix("#/$defs/") for reference in _references(schema)})
    return {name: {"enum": WORDS[name]} for name in names}


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"]
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def main(folder: Path) -> None:
    """Write every schema into *folder*, and take away what is none any more."""
    made = schemas()
    folder.mkdir(parents=True, exist_ok=True)
    for file in set(folder.glob("*.json")):
        if file.name not in made:
            file.unlink()
    for name, schema in made.items():
        text = json.dumps(schema, indent=1, ensure_ascii=False)
        (folder / name).write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
