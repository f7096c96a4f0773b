"""The two doors to Postfix, milter and policy listener, opened, moved and closed together.

Owns: which sockets they stand on, that the service manager holds these while the daemon is away, and the
order in which they close: nothing of a message that has begun is lost, and nobody new is refused.
Must not know: what is asked at them.
"""

import socket
from collections.abc import Callable, Mapping

from domain_secure.milter.session.callbacks import Callbacks
from domain_secure.milter.session.inbound import Inbound
from domain_secure.milter.session.joined import RecentRequests
from domain_secure.milter.session.open_sessions import OpenSessions, Patience
from domain_secure.milter.session.policy_listener import PolicyListener
from domain_secure.policy.terms.event import Event

from . import events
from .activation import InheritedSockets, keep, keeps
from .answering import milter_fault, policy_fault
from .descriptors import most_sessions, use_all_allowed
from .milter_listener import MilterListener
from .passing_on import (
    leave_asking,
    leave_fresh,
    leave_requests,
    leave_session,
    take_up_connections,
    take_up_requests,
)
from .sockets import Endpoint, listen
from .surroundings import Endpoints
from .watchdog import Question

# Postfix waits for an answer to a new session for 30 s (milter_command_timeout); the rest of the end and the
# next start have to fit in as well.  Who goes on for longer is deferred with its next message.
HELD = Patience(limit=15.0, idle=5.0)
# Who comes while the doors are closed is refused, if nobody holds the sockets.
_NOT_HELD = Patience(limit=5.0, idle=0.0)


class Doors:
    """Both listeners at *endpoints*; raises Problem where one cannot listen."""

    def __init__(
        self,
        endpoints: Endpoints,
        inherited: InheritedSockets,
        inbound: Inbound,
        requests: RecentRequests,
        log: Callable[[Event], None],
        ended: Callable[[], None],
    ) -> None:
        self._endpoints = endpoints
        self._inherited = inherited
        self._requests = requests
        self._log = log
        self._sessions = OpenSessions()
        self._not_held: set[Endpoint] = set()  #: whose sockets go when we go
        use_all_allowed()
        self._most = most_sessions()
        self._was_full = False
        policy = self._socket("policy", endpoints.policy, inherited)
        milter = self._socket("milter", endpoints.milter, inherited)
        for where in inherited.unused():
            log(events.socket_unused(where))
        self._policy = PolicyListener(policy, inbound.delegated, log, self._most, ended)
        self._milter = MilterListener(
            milter,
            lambda: Callbacks(inbound, self._sessions),
            log,
            ended,
            self._is_full,
        )

    def _socket(self, name: str, endpoint: Endpoint, inherited: InheritedSockets) -> socket.socket:
        return inherited.listening_at(endpoint) or self._bind(name, endpoint)

    def _bind(self, name: str, endpoint: Endpoint) -> socket.socket:
        listening = listen(endpoint)
        if not keep(name, listening):
            self._not_held.add(endpoint)
        return listening

    def open(self) -> None:
        """Begin to serve."""
        take_up_requests(self._inherited, self._requests)
        self._policy.start()
        self._milter.start()
        take_up_connections(self._inherited, self._milter, self._policy)

    def _is_full(self, beginning: int) -> bool:
        """Tell whether no session fits in any more; the first time after there was room it is logged."""
        is_full = len(self._sessions) + beginning >= self._most
        if is_full and not self._was_full:
            self._log(events.sessions_full(self._most))
        self._was_full = is_full
        return is_full

    @property
    def sessions(self) -> Mapping[str, int]:
        """Return how many sessions are open, and how many may be."""
        return {"open": len(self._sessions), "limit": self._most}

    def bind_again(self) -> tuple[Endpoint, ...]:
        """Listen anew where the file of a socket has gone, and return where; raises Problem.

        Sessions that are open go on.
        """
        again = []
        for name, endpoint, door in (
            ("policy", self._endpoints.policy, self._policy),
            ("milter", self._endpoints.milter, self._milter),
        ):
            if endpoint.path is not None and not endpoint.path.is_socket():
                door.move_to(self._bind(name, endpoint))
                again.append(endpoint)
        return tuple(again)

    @property
    def questions(self) -> dict[str, Question]:
        """Return how to ask each door whether it answers."""
        return {
            "milter": lambda seconds: milter_fault(self._endpoints.milter, seconds),
            "policy": lambda seconds: policy_fault(self._endpoints.policy, seconds),
        }

    @property
    def fault(self) -> str | None:
        """Return why a door has closed by itself, or None."""
        if self._milter.is_alive and self._policy.is_alive:
            return None
        return f"a listener ended by itself ({self._milter.error or self._policy.error})"

    def close(self) -> None:
        """Accept no more, let messages in progress come to their end, and then hang up or pass on.

        Where the service manager keeps what is passed on, sessions go on in the next process.
        """
        fresh = self._milter.stop_accepting()
        if keeps():
            for connection in fresh:
                leave_fresh(connection)
            self._pass_sessions_on()
            self._policy.leave(leave_asking)
            leave_requests(self._requests)
            left = self._sessions.wait_for_end(Patience(0.0, 0.0))
        else:
            left = self._sessions.wait_for_end(_NOT_HELD if self._not_held else HELD)
        for connection in fresh:
            connection.close()
        if left.in_message or left.between:
            self._log(events.sessions_left(left.in_message, left.between))
        self._milter.stop()
        self._policy.stop()
        for endpoint in self._not_held:
            if endpoint.path is not None:
                endpoint.path.unlink(missing_ok=True)

    def _pass_sessions_on(self) -> None:
        # The policy listener goes on meanwhile: both doors must hear of a message that ends here.
        self._milter.leave(leave_session)
        self._sessions.wait_for_end(HELD)
