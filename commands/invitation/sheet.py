"""The sheet in one language: which facts stand where, and in which words.

Must not know: the form it gets on paper or on a screen (``forms``), and where the facts come from.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from domain_secure.policy.configuration.configuration import Mode, SendMethod
from domain_secure.policy.terms.timed_pin import TimedPin, time_text

from .facts import ABSENT, PUBLISHED, UNKNOWN
from .words import Words

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A few sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """A label and its values; a value is copied as it is: a name, a digest, a record."""

    label: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A command to be typed, and what it is for."""

    purpose: str
    text: str


Block = Paragraph | Row | Command


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The whole."""

    language: str
    title: str
    introduction: tuple[str, ...]
    sections: tuple[Section, ...]


def sheet_of(facts: Facts, words: Words) -> Sheet:
    """Return the sheet that tells *facts* in these *words*."""
    partner = facts["partner"]
    ours = facts["our_domains"][0] if facts["our_domains"] else facts["node"]
    parts = {
        "section_ours": _ours(facts, words),
        "section_server": _certificates(facts, "server_certificates", words),
        "section_client": _certificates(facts, "client_certificates", words),
        "section_next": _next(facts, words),
        "section_tlsa": _tlsa(facts, words),
        "section_receive": _receive(facts, words),
        "section_send": _send(facts, words),
        "section_test": _test(facts, words),
        "section_users": _users(facts, words),
        "section_agreement": _agreement(facts, words),
        "section_unknown": _unknown(facts, words),
    }
    return Sheet(
        language=str(words.language),
        title=words("title", ours=ours, partner=partner),
        introduction=(
            words("intro", partner=partner),
            words("made", time=facts["made"], node=facts["node"]),
        ),
        sections=tuple(Section(words(key), tuple(blocks)) for key, blocks in parts.items()),
    )


def _row(words: Words, key: str, values: Iterable[str], otherwise: str = "none") -> Row:
    return Row(words(key), tuple(values) or (words(otherwise),))


def _ours(facts: Facts, words: Words) -> Iterator[Block]:
    yield _row(words, "our_domains", facts["our_domains"], "unknown")
    yield _row(words, "mx", facts["mx"], "unknown")
    yield _row(words, "contacts", facts["contacts"], "unknown")


def _is_unknown(facts: Facts, what: str) -> bool:
    return any(one["what"] == what for one in facts["unknown"])


def _certificates(facts: Facts, key: str, words: Words) -> Iterator[Block]:
    if not facts[key]:
        yield Paragraph(words("unknown_here" if _is_unknown(facts, "certificates") else "none_shown"))
    for one in facts[key]:
        valid = words("valid_time", begins=one["not_before"], ends=one["not_after"])
        yield _row(words, "subject", filter(None, (one["subject"],)))
        yield _row(words, "names", one["names"])
        yield _row(words, "issuer", (one["issuer"],))
        yield _row(words, "valid", (valid,))
        yield _row(words, "certificate_digest", (one["sha256"],))
        yield _row(words, "key_digest", (one["spki_sha256"],))
        above = (f"{authority['subject']} ({authority['sha256']})" for authority in one["authorities"])
        yield _row(words, "authorities", above, "no_authorities")


def _next(facts: Facts, words: Words) -> Iterator[Block]:
    if not facts["next_keys"]:
        yield Paragraph(words("unknown_here" if _is_unknown(facts, "next_keys") else "no_next"))
        return
    yield Paragraph(words("next_intro"))
    for one in facts["next_keys"]:
        yield _row(words, "key_digest", (one["spki_sha256"],))
        if one["sha256"]:
            yield _row(words, "certificate_digest", (one["sha256"],))
        yield _row(words, "next_names", one["names"])


def _tlsa(facts: Facts, words: Words) -> Iterator[Block]:
    if not facts["tlsa"]:
        yield Paragraph(words("no_tlsa"))
        return
    told = {PUBLISHED: "tlsa_published", ABSENT: "tlsa_absent", UNKNOWN: "tlsa_unknown"}
    yield Paragraph(words("tlsa_intro"))
    for standing, key in told.items():
        records = [one for one in facts["tlsa"] if one["standing"] == standing]
        if records:
            yield Row(words(key), tuple(f"{one['name']} IN TLSA {one['data']}" for one in records))


def _pins(rule: Facts, words: Words) -> Iterator[Block]:
    yield _row(words, "pins", rule["pins"], "no_pins")
    if rule["timed_pins"]:
        yield _row(words, "timed_pins", [_timed(one, words) for one in rule["timed_pins"]])


def _timed(written: str, words: Words) -> str:
    """Return a pin and its time in the language of the sheet."""
    timed = TimedPin.parse(written)
    begins, ends = (moment and time_text(moment) for moment in (timed.begins, timed.ends))
    if begins and ends:
        told = words("valid_time", begins=begins, ends=ends)
    else:
        told = words("begin_time", begins=begins) if begins else words("end_time", ends=ends or "")
    return f"{timed.pin} ({told})"


def _receive(facts: Facts, words: Words) -> Iterator[Block]:
    rule = facts["receive"]
    if rule is None:
        yield Paragraph(words("receive_not_listed", partner=facts["partner"]))
        return
    observed = rule["mode"] == Mode.OBSERVE
    if observed:
        yield Paragraph(words("receive_observed", entry=rule["entry"]))
    else:
        yield Paragraph(words("receive_enforced", entry=rule["entry"], tls=rule["minimum_tls"]))
    yield _row(words, "receive_ways", (words(f"way_{method}") for method in rule["methods"]))
    yield _row(words, "receive_names", rule["names"])
    yield from _pins(rule, words)
    for condition in rule["require"]:
        yield Paragraph(words(f"require_{condition}"))
    if not observed:
        yield _row(words, "failure", (words(f"failure_{rule['on_failure']}"),))


def _send(facts: Facts, words: Words) -> Iterator[Block]:
    rule = facts["send"]
    if rule is None:
        yield Paragraph(words("send_not_listed", partner=facts["partner"]))
        return
    yield Paragraph(words("send_intro", entry=rule["entry"], tls=rule["minimum_tls"]))
    by_host = rule["method"] == SendMethod.PKIX and rule["mx"]
    yield _row(words, "send_way", (words("send_pkix_mx" if by_host else f"send_{rule['method']}"),))
    if rule["method"] == SendMethod.PIN:
        yield from _pins(rule, words)
    elif rule["method"] == SendMethod.PKIX:
        yield _row(words, "send_names", rule["mx"] or rule["names"])


def _test(facts: Facts, words: Words) -> Iterator[Block]:
    if facts["commands"]:
        yield Paragraph(words("test_intro"))
        yield from (Command(words(one["key"]), one["command"]) for one in facts["commands"])
    else:
        yield Paragraph(words("no_test"))
    if facts["reflector"]:
        yield Paragraph(words("reflector", address=facts["reflector"]))
    else:
        yield Paragraph(words("no_reflector"))


def _users(facts: Facts, words: Words) -> Iterator[Block]:
    yield Paragraph(words("users_ours", partner=facts["partner"]))
    yield _row(words, "mark", (facts["mark"],))
    yield Paragraph(words("users_yours"))


def _agreement(facts: Facts, words: Words) -> Iterator[Block]:
    yield Paragraph(words("agreement_intro"))
    known = filter(None, (facts["agreement_fingerprint"],))
    otherwise = "unknown" if _is_unknown(facts, "agreement") else "no_agreement"
    yield _row(words, "agreement_fingerprint", known, otherwise)


def _unknown(facts: Facts, words: Words) -> Iterator[Block]:
    if not facts["unknown"]:
        yield Paragraph(words("all_known"))
        return
    yield Paragraph(words("unknown_intro"))
    # Why is for us: it names files and servers of ours.
    missing = dict.fromkeys(one["what"] for one in facts["unknown"])
    yield _row(words, "unknown_list", (words(f"unknown_{what}") for what in missing))
