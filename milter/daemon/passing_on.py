"""What one process of the daemon leaves to the next: sessions, and what Postfix said of their messages.

Owns: its form in the service manager's descriptor store, where nobody but the manager and the daemon gets at
it.  The policy listener hears of a message at DATA and the milter decides at its end; a session that moves
on in between must find there what was heard here.
"""

import json
import os
import socket
from contextlib import suppress

from domain_secure.milter.session.delegation import DelegatedFacts
from domain_secure.milter.session.joined import RecentRequests
from domain_secure.milter.session.policy_listener import PolicyListener
from domain_secure.policy.terms.kept_json import parse_json

from .activation import InheritedSockets, drop, pass_on
from .milter_listener import MilterListener
from .milter_packets import Negotiated

_NO_REQUESTS = (ValueError, TypeError, KeyError, AttributeError, OverflowError)
_FRESH, _ASKING, _REQUESTS = "fresh", "asking", "requests"


def leave_session(name: str, connection: socket.socket) -> None:
    """Leave a milter session, between two messages."""
    pass_on(name, connection.fileno())


def leave_fresh(connection: socket.socket) -> None:
    """Leave a connection that has not begun to negotiate."""
    pass_on(_FRESH, connection.fileno())


def leave_asking(connection: socket.socket) -> None:
    """Leave a connection of the policy listener."""
    pass_on(_ASKING, connection.fileno())


def leave_requests(requests: RecentRequests) -> None:
    """Leave what Postfix said of messages that have not ended."""
    waiting = [{"age": age, **facts._asdict()} for age, facts in requests.waiting()]
    if waiting:
        with os.fdopen(os.memfd_create(_REQUESTS), "wb") as file:
            file.write(json.dumps(waiting).encode())
            file.flush()
            pass_on(_REQUESTS, file.fileno())


def take_up_requests(inherited: InheritedSockets, requests: RecentRequests) -> None:
    """Take up what Postfix said to the earlier process; before anybody is asked.

    What an earlier version left in another form is no evidence, and its messages are deferred.
    """
    for number in _taken(inherited, _REQUESTS):
        with os.fdopen(number, "rb") as file, suppress(*_NO_REQUESTS):
            file.seek(0)
            for one in parse_json(file.read()):
                requests.restore(float(one.pop("age")), DelegatedFacts(**one))


def take_up_connections(inherited: InheritedSockets, milter: MilterListener, policy: PolicyListener) -> None:
    """Go on with the connections of the earlier process; once both listeners run."""
    for number in _taken(inherited, _ASKING):
        policy.adopt(socket.socket(fileno=number))
    for number in _taken(inherited, _FRESH):
        milter.adopt(socket.socket(fileno=number), None)
    for name in sorted({name for name, _ in inherited.passed_on}):
        former = Negotiated.of(name)
        for number in _taken(inherited, name):
            if former is None:
                os.close(number)
            else:
                milter.adopt(socket.socket(fileno=number), former)


def _taken(inherited: InheritedSockets, name: str) -> list[int]:
    """Return the descriptors left under *name*, which the service manager keeps no longer."""
    numbers = [number for each, number in inherited.passed_on if each == name]
    inherited.passed_on = [one for one in inherited.passed_on if one[0] != name]
    if numbers:
        drop(name)
    return numbers
