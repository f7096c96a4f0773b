"""What commands answer with ``--json``, as tests take it: held against its published schema each time."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

SCHEMAS = Path(__file__).parents[1] / "docs" / "schema"
_PARTS = ("then", "else", "oneOf", "allOf")
HEAD = ("version", "command", "exit_status", "error", "said", "notes")


def body(text: str) -> dict[str, Any]:
    """Return the keys of a command's own, of its document as it was printed."""
    document = checked(text)
    assert tuple(key for key in document if key in HEAD) == HEAD
    return {key: value for key, value in document.items() if key not in HEAD}


def checked(text: str) -> dict[str, Any]:
    """Return the document that is the whole of *text*, once its schema has nothing against it."""
    document: dict[str, Any] = json.loads(text, parse_constant=_no_number)
    faults = [
        f"{_place(one)}: {one.message[-300:]}"
        for one in _validator(document["command"]).iter_errors(document)
    ]
    assert not faults, "\n".join(faults)
    return document


def published(text: str) -> None:
    """Assert that a document fits its schema as it is published, which leaves room for more keys."""
    document = json.loads(text, parse_constant=_no_number)
    schema = json.loads((SCHEMAS / f"{document['command'].replace(' ', '-')}.json").read_text())
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(document)


def checked_line(text: str) -> dict[str, Any]:
    """Return the document that is one line of ``log show --follow --json``."""
    document: dict[str, Any] = json.loads(text, parse_constant=_no_number)
    faults = [one.message for one in _validator("log show follow").iter_errors(document)]
    assert not faults, "\n".join(faults)
    return document


def closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema that takes no key it does not name: published ones leave room for new keys."""
    top = {key: value for key, value in schema.items() if key not in _PARTS}
    return {**_closed(top), **{key: _open_parts(schema[key]) for key in _PARTS if key in schema}}


def _open_parts(part: Any) -> Any:
    """Close what is inside, and not what shares its keys with the whole."""
    if isinstance(part, list):
        return [_open_parts(one) for one in part]
    found = {
        key: _closed_keys(value) if key == "properties" else value
        for key, value in part.items()
        if key not in _PARTS
    }
    return found | {key: _open_parts(part[key]) for key in _PARTS if key in part}


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    # A condition asks for one key, whatever else there is.
    found = {key: value if key == "if" else _closed(value) for key, value in schema.items()}
    if "properties" in schema:
        found |= {"properties": _closed_keys(schema["properties"]), "unevaluatedProperties": False}
    return found


def _closed_keys(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _closed(value) for key, value in properties.items()}


@cache
def _validator(command: str) -> Any:
    path = SCHEMAS / f"{command.replace(' ', '-')}.json"
    return jsonschema_rs.Draft202012Validator(closed(json.loads(path.read_text())), validate_formats=True)


def _place(error: Any) -> str:
    return "/".join(map(str, error.instance_path)) or "the document"


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")
