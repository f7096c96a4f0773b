"""What a person asks of ``partner add``, out of its arguments.

Owns: which arguments stand for which keys, and that somebody can be asked, or need not be.
"""

import argparse
import sys
from dataclasses import dataclass
from typing import Any

from domain_secure.policy.configuration.settings import PARTNER, settings_of
from domain_secure.policy.editing.editing import parse_entries
from domain_secure.policy.editing.gateway_recipe import GATEWAY
from domain_secure.policy.onboarding.steps import Step
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.terms.spelled_digest import pin_of
from domain_secure.policy.terms.suggestions import did_you_mean, nearest

_MODE, _PINS = "mode", "pins"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for."""

    entry: Entry
    spelling: str  #: as the person wrote it
    directions: frozenset[Direction]  #: empty: nothing was said
    values: dict[str, str]  #: as for ``partner set``
    pins: tuple[Pin, ...]
    last: Step
    can_ask: bool
    forced: bool

    @property
    def only_looks(self) -> bool:
        """Tell whether nothing is to be changed."""
        return self.last is Step.PROBE

    def reaches(self, step: Step) -> bool:
        """Tell whether a step is not behind the last one that is asked for."""
        order = tuple(Step)
        return order.index(step) <= order.index(self.last)


def wish_of(arguments: argparse.Namespace) -> Wish:
    """Return what is asked for; raises Problem."""
    ((entry, spelling),) = parse_entries([arguments.domain]).items()
    can_ask = sys.stdin.isatty() and not arguments.yes and not arguments.json
    last = Step(arguments.step) if arguments.step else Step.ENFORCE if can_ask else Step.SEND
    if not (can_ask or arguments.yes or last is Step.PROBE):
        raise Problem(
            "nobody can be asked, and nothing was changed",
            f"partner add {arguments.domain}",
            "add --yes, or --step probe to look alone",
        )
    directions = frozenset(
        one for one, wanted in zip(Direction, (arguments.receive, arguments.send), strict=True) if wanted
    )
    return Wish(
        entry,
        spelling,
        directions,
        _values(arguments),
        tuple(map(_pin, arguments.pin)),
        last,
        can_ask=can_ask,
        forced=arguments.force,
    )


def _values(arguments: Any) -> dict[str, str]:
    values: dict[str, str] = {}
    for written in arguments.set:
        key, equals, value = written.partition("=")
        if not equals:
            raise Problem(
                "this is not KEY=VALUE", repr(written), "write for example mx=mail.woodgrovebank.test"
            )
        values[key.strip()] = value.strip()
    known = [key for key in (*settings_of(PARTNER), GATEWAY) if key not in {_MODE, _PINS}]
    for key in values:
        if key in {_MODE, _PINS}:
            instead = "--step observe or --step enforce" if key == _MODE else "--pin"
            raise Problem("this key follows from the steps", f"--set {key}=…", f"use {instead}")
        if key not in known:
            near = did_you_mean(nearest(key, known))
            raise Problem(
                f"unknown key of a partner{near}", f"--set {key}=…", f"write one of {', '.join(known)}"
            )
    if arguments.names is not None:
        values["names"] = arguments.names
    if arguments.method is not None:
        values["send_method"] = arguments.method
    return values


def _pin(written: str) -> Pin:
    try:
        return pin_of(written)
    except ValueError as error:
        raise Problem(str(error), f"--pin {written}", "write sha256:DIGEST or spki-sha256:DIGEST") from error
