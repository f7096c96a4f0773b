"""``promote --when-clean``: a partner waits until its days are clean, and is enforced then.

Owns: who waits, and what is told of it.  ``domain-secure-promote.timer`` asks every hour, as root: the daemon
may not change the configuration.
"""

import argparse
import logging
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

from domain_secure.commands.terminal.common import (
    add_to_document,
    already_so,
    belongs_to_fleet,
    note,
    print_table,
)
from domain_secure.policy.configuration.configuration import Configuration, Mode
from domain_secure.policy.editing.person import who
from domain_secure.policy.promotion.waiting import Waiting, edited, every, waiting
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import ExitStatus, Problem
from domain_secure.policy.terms.time_words import parse_span

from .enforcing import enforce, judged
from .judgement_text import judgement_lines

_DAY = timedelta(days=1)


def wait(configuration: Configuration, entry: Entry, time: str, messages: int) -> ExitStatus:
    """Let a partner wait; raises Problem."""
    try:
        days = parse_span(time) / _DAY
    except ValueError as error:
        raise Problem(str(error), "--when-clean", "write for example 14d") from error
    if days != int(days) or days > configuration.history.days:
        raise Problem(
            f"{time} is not whole days, of which records are kept for {configuration.history.days}",
            "--when-clean",
            "write for example 14d, and see [history] days",
        )
    asked = datetime.now(UTC).isoformat(timespec="seconds")
    new = Waiting(entry, int(days), messages, who(), asked)
    with edited(configuration.state) as known:
        former = next((one for one in known if one.domain == entry and one.done is None), None)
        if former and (former.days, former.messages) == (new.days, new.messages):
            already_so(f"{entry} waits for {former.days} clean days since {former.asked}, for {former.by}")
            add_to_document({"waiting": [asdict(former)]})
            return ExitStatus.DONE
        known[:] = [one for one in known if one is not former] + [new]
    add_to_document({"waiting": [asdict(new)]})
    print(
        f"{entry} waits for a clean time of {new.days}d, with {messages} messages that passed, to be enforced"
    )
    _, judgement = judged(configuration, entry, new.days, messages)
    if not judgement.is_clean:
        print(f"not yet: `domain-secure promote {entry} --days {new.days}` tells what speaks against it")
    note("domain-secure-promote.timer looks every hour; without systemd run `domain-secure promote --due`")
    if belongs_to_fleet(configuration.path):
        note("it goes by what this node has seen, and is then in force on all")
    return ExitStatus.DONE


def cancel(configuration: Configuration, entry: Entry) -> ExitStatus:
    """Let a partner wait no longer."""
    if entry not in {one.domain for one in waiting(configuration.state)}:
        already_so(f"{entry} waits for nothing")
        return ExitStatus.DONE
    with edited(configuration.state) as known:
        known[:] = [one for one in known if one.domain != entry or one.done is not None]
    print(f"{entry} waits no longer, and stays observed")
    return ExitStatus.DONE


def show(configuration: Configuration) -> ExitStatus:
    """Print who waits, and who was enforced by that."""
    known = every(configuration.state)
    waits = [one for one in known if one.done is None]
    done = [one for one in known if one.done is not None]
    add_to_document({"waiting": list(map(asdict, waits)), "done": list(map(asdict, done))})
    if not known:
        print("nobody waits to be enforced; see `domain-secure promote DOMAIN --when-clean 14d`")
        return ExitStatus.DONE
    rows = [(one.domain, one.days, one.messages, one.by, one.asked, one.done or "waits") for one in known]
    print_table(("domain", "clean days", "messages", "by", "asked", "enforced"), rows)
    return ExitStatus.DONE


def promote_due(arguments: argparse.Namespace, configuration: Configuration) -> ExitStatus:
    """Enforce each that waited for what is so by now; what goes wrong with one leaves the others."""
    status = ExitStatus.DONE
    for one in waiting(configuration.state):
        try:
            _promote(arguments, configuration, one)
        except Problem as problem:
            status = ExitStatus.DIFFERENCE
            print(not_promoted_event(one.domain, str(problem)))
    return status


def _promote(arguments: argparse.Namespace, configuration: Configuration, one: Waiting) -> None:
    if one.domain not in configuration.receive:
        raise Problem(f"{one.domain} is on the receive list no more", "promote", "give --cancel")
    if configuration.partner(one.domain).mode is Mode.OBSERVE:
        watched, judgement = judged(configuration, one.domain, one.days, one.messages)
        for line in judgement_lines(watched, judgement):
            print(line)
        if not judgement.is_clean:
            return
        enforce(arguments, configuration, one.domain)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with edited(configuration.state) as known:
        known[:] = [replace(other, done=now) if other == one else other for other in known]
    print(promoted_event(one))


def promoted_event(one: Waiting) -> Event:
    """Return the line for a partner that is enforced from now on, because its days were clean."""
    return Event.of(logging.WARNING, "promoted", domain=one.domain, days=one.days, by=one.by, asked=one.asked)


def not_promoted_event(domain: str, detail: str) -> Event:
    """Return the line for a partner that could not be enforced; it goes on waiting."""
    return Event.of(logging.ERROR, "not-promoted", domain=domain, detail=detail)
