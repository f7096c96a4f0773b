"""The keys of what an import proposes."""

from domain_secure.commands.importing.command import SOURCES

from schema_parts import COUNT, FILES, TEXT, Schema, described, many, thing, word

_PLACED: dict[str, Schema] = {"file": TEXT, "line": COUNT}
_PROPOSAL = thing(
    receive=many(TEXT),
    send=many(TEXT),
    partners=many(
        thing(
            domain=TEXT,
            keys={"type": "object", "additionalProperties": {"anyOf": [TEXT, many(TEXT)]}},
        )
    ),
    log={"type": "object", "additionalProperties": word("log_level")},
    mode=word("mode"),
    configuration=described(TEXT, "the proposal in TOML"),
    left_out=described(
        many(thing(**_PLACED, what=TEXT, reason=TEXT)), "what has no equivalent, or not the same one"
    ),
    about_something_else=many(thing(**_PLACED, name=TEXT, of=TEXT)),
    commands=described(many(TEXT), "do the same to a configuration that is there already"),
    steps=many(thing(command=TEXT, why=TEXT)),
    written=FILES,
)
IMPORTS: dict[str, Schema] = {f"import {source}": _PROPOSAL for source in SOURCES}
