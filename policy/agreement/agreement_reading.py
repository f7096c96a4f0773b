"""From the parsed document of an agreement to its values: what may stand there, and how much of it.

Owns: the limits, and the words for what is wrong.
Must not know: signatures and files.
Invariant: nothing is passed over; a key that nobody knows is a Problem, as it may say what matters.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from domain_secure.policy.terms.domain import Domain, is_public_suffix, parse_domain, parse_entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.printable import printable
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.terms.timed_pin import parse_time

from .agreement import ROLES, Agreement, AnnouncedKey, Authority

FORMAT = "domain-secure agreement 1"

_LONGEST = 300  #: characters of one text
_MOST = {"domains": 100, "keys": 50, "authorities": 50, "contacts": 20}
_MOST_NAMES = 200
_FIX = "ask the partner for a file that `domain-secure agreement export` of this release wrote"

T = TypeVar("T")
Read = Callable[[object], T]


def agreement_of(document: Mapping[str, Any], where: str) -> Agreement:
    """Return what a document says; raises Problem with the key that is wrong."""
    if document.get("format") != FORMAT:
        raise _wrong(where, "format", f"it is not {FORMAT!r}")
    known = {"format", "domains", "issued", "valid_until", "server_names", "client_names", "mx"}
    _refuse_others(document, known | {"contacts", "keys", "authorities"}, where)
    agreement = Agreement(
        domains=_many(document, "domains", _domain, where, least=1),
        issued=_one(document, "issued", _time, where),
        valid_until=_one(document, "valid_until", _time, where),
        keys=_many(document, "keys", lambda value: _key(value, where), where, least=1),
        server_names=_many(document, "server_names", _certificate_name, where),
        client_names=_many(document, "client_names", _certificate_name, where),
        mx=_many(document, "mx", _host, where),
        authorities=_many(document, "authorities", lambda value: _authority(value, where), where),
        contacts=_many(document, "contacts", _text, where),
    )
    if agreement.valid_until <= agreement.issued:
        raise _wrong(where, "valid_until", "it ends before it was issued")
    if len({one.public_key for one in agreement.keys}) < len(agreement.keys):
        raise _wrong(where, "keys", "a key stands there twice")
    return agreement


def _wrong(where: str, key: str, what: str) -> Problem:
    return Problem(what, f"{where}: {key}", _FIX)


def _refuse_others(table: Mapping[str, object], known: Collection[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise _wrong(where, _shown(key), "this key is not known here")


def _one(table: Mapping[str, object], key: str, read: Read[T], where: str) -> T:
    if key not in table:
        raise _wrong(where, key, "it is missing")
    try:
        return read(table[key])
    except ValueError as error:
        raise _wrong(where, key, str(error)) from error


def _many(
    table: Mapping[str, object], key: str, read: Read[T], where: str, *, least: int = 0
) -> tuple[T, ...]:
    found = table.get(key, [])
    most = _MOST.get(key, _MOST_NAMES)
    if not isinstance(found, list) or not least <= len(found) <= most:
        raise _wrong(where, key, f"it is not a list of {least} to {most}")
    try:
        return tuple(dict.fromkeys(read(one) for one in found))
    except ValueError as error:
        raise _wrong(where, key, str(error)) from error


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > _LONGEST or not value.isprintable():
        raise ValueError(f"{_shown(value)} is not a text of 1 to {_LONGEST} printable characters")
    return value


def _domain(value: object) -> Domain:
    entry = parse_entry(_text(value))
    if entry.startswith("*."):
        raise ValueError(f"{_shown(value)} stands for other domains, and is none")
    return Domain(entry)


def _host(value: object) -> str:
    return parse_domain(_text(value))


def _certificate_name(value: object) -> str:
    """Return a name as certificates have it; one for everybody's hosts is no partner's."""
    written = _text(value)
    wildcard = "*." if written.startswith("*.") else ""
    name = parse_domain(written.removeprefix("*."))
    if is_public_suffix(name):
        raise ValueError(f"{_shown(value)} is a public suffix: it is no name of one organisation")
    return f"{wildcard}{name}"


def _time(value: object) -> datetime:
    moment = value if isinstance(value, datetime) else parse_time(_text(value))
    if moment.tzinfo is None:
        raise ValueError(f"{_shown(value)} is a time without a zone")
    try:
        return moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError as error:
        raise ValueError(f"{_shown(value)} is not a time") from error


def _digest(kind: Callable[[str], Pin]) -> Read[Pin]:
    return lambda value: kind(_text(value))


def _table(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{_shown(value)} is not a table")  # noqa: TRY004 - one error type for every bad value
    return value


def _key(value: object, where: str) -> AnnouncedKey:
    table, place = _table(value), f"{where}: keys"
    _refuse_others(table, {"spki_sha256", "certificate_sha256", "shown_as", "from", "until"}, place)
    times = {name: _one(table, name, _time, place) for name in ("from", "until") if name in table}
    found = AnnouncedKey(
        public_key=_one(table, "spki_sha256", _digest(Pin.public_key), place),
        shown_as=_many(table, "shown_as", _role, place, least=1),
        certificate=(
            _one(table, "certificate_sha256", _digest(Pin.certificate), place)
            if "certificate_sha256" in table
            else None
        ),
        begins=times.get("from"),
        ends=times.get("until"),
    )
    if found.begins and found.ends and found.begins >= found.ends:
        raise _wrong(place, "until", "it ends before it begins")
    return found


def _role(value: object) -> str:
    if value not in ROLES:
        raise ValueError(f"{_shown(value)} is not one of {', '.join(ROLES)}")
    return str(value)


def _authority(value: object, where: str) -> Authority:
    table, place = _table(value), f"{where}: authorities"
    _refuse_others(table, {"subject", "certificate_sha256"}, place)
    return Authority(
        _one(table, "subject", _text, place),
        _one(table, "certificate_sha256", _digest(Pin.certificate), place),
    )


def _shown(value: object) -> str:
    """Return a value for a message: printable, and not for ever."""
    text = repr(value) if isinstance(value, str | int | float | bool) else f"a {type(value).__name__}"
    shown = printable(text)
    return shown if len(shown) <= 80 else f"{shown[:79]}…"
