"""The join of evidence and session, against a model of all that Postfix and its clients may do to it.

Owns: the model.  Two instances of Postfix ask one daemon; they give the same queue ids, and clients reuse
addresses and ports, also at both at the same time.  Clients show any certificate, begin, take back, break
off, and change who they are by XCLIENT; the daemon is killed, or passes on what it heard.
The daemon's side is real: grammar of both protocols, callbacks, memory, decision.
Whoever stands at the wheel is hypothesis, which looks for the shortest way to a mix-up.
"""

import json
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from domain_secure.milter.knowledge.knowledge import CertificateKnowledge
from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.milter.session.callbacks import Callbacks
from domain_secure.milter.session.conversation import Conversation
from domain_secure.milter.session.delegation import DelegatedFacts, RequestReader
from domain_secure.milter.session.inbound import Inbound
from domain_secure.milter.session.joined import RecentRequests
from domain_secure.milter.session.milter_protocol import packet
from domain_secure.policy.record.decision_record import DecisionRecord

from promises import Part, Promise
from unit.milter.answers import Answers
from unit.milter.edge import CIPHER, Edge

PART = "mix-ups-model"

# What Postfix 3.7 offers.
_OFFER = b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff"
_NOTHING_SAID = {b"", packet(b"c")}
_SERVERS = ("192.0.2.10", "192.0.2.11")
_CLIENTS = ("198.51.100.20", "203.0.113.66")
_PORTS = ("40001", "40002")
_QUEUE_IDS = ("1A", "1B", "1C")
_PARTNER, _STRANGER = "woodgrovebank.test", "evil.test"
_MARK = "X-Domain-Secure"
_MOST_REQUESTS = 12  #: few, so that the bound is reached
_AGE = 3600.0
_TOO_OLD = 4000.0


@dataclass(frozen=True, slots=True)
class Identity:
    """What a client shows; the *fingerprint* as Postfix says it is None in the clear, empty without any."""

    name: str
    fingerprint: str | None
    subject: str = ""

    @property
    def macros(self) -> dict[str, str]:
        """Return the TLS macros of a MAIL."""
        if self.fingerprint is None:
            return {}
        said = {"{tls_version}": "TLSv1.3", "{cipher}": CIPHER}
        return said | ({"{cert_subject}": self.subject, "{cert_issuer}": "Lab CA"} if self.subject else {})

    @property
    def attributes(self) -> dict[str, str]:
        """Return the TLS attributes of a delegation request."""
        tls = self.fingerprint is not None
        return {
            "encryption_protocol": "TLSv1.3" if tls else "",
            "encryption_cipher": CIPHER if tls else "",
            "ccert_fingerprint": self.fingerprint or "",
            "ccert_pubkey_fingerprint": self.fingerprint or "",
            "ccert_subject": self.subject,
            "ccert_issuer": "Lab CA" if self.subject else "",
        }


@cache
def _edge() -> tuple[Edge, tuple[Identity, ...], tempfile.TemporaryDirectory[str]]:
    folder = tempfile.TemporaryDirectory()
    edge = Edge(Path(folder.name))
    colons = [_colons(edge.know(name)) for name in (_PARTNER, _STRANGER)]
    identities = (
        Identity("the partner", colons[0], _PARTNER),
        # The same common name, so that the two doors' hints agree, and the certificate is another's.
        Identity("a stranger who is named as the partner", colons[1], _PARTNER),
        Identity("a stranger nobody knows", _colons("AB" * 32)),
        Identity("somebody without a certificate", ""),
        Identity("somebody in the clear", None),
    )
    return edge, identities, folder


def _colons(digits: str) -> str:
    return ":".join(digits[start : start + 2] for start in range(0, len(digits), 2))


class Daemon:
    """One process of the daemon."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        edge = _edge()[0]
        self.records: list[DecisionRecord] = []
        self.requests = RecentRequests(monotonic, entry_limit=_MOST_REQUESTS)
        self.inbound = Inbound(
            lambda: edge.live.current,
            self.requests,
            CertificateKnowledge(edge.book),
            Metrics(),
            lambda _: None,
            self.records.append,
        )
        self.is_alive = True
        #: what must be known at the end of its message, with the time at which it was said
        self.heard: OrderedDict[tuple[str, ...], float] = OrderedDict()

    def hear(self, octets: bytes, reader: RequestReader, now: float) -> None:
        """Take in a part of a delegation request."""
        for facts in reader.feed(octets):
            self.inbound.delegated(facts)
            self.note(facts.key, now)

    def note(self, key: tuple[str, ...], now: float) -> None:
        """Note, for the model, that a request was heard."""
        self.heard.pop(key, None)
        self.heard[key] = now


@dataclass
class Connection:
    """One session with one instance of Postfix, and the daemon that it talks to."""

    server: str
    real: tuple[str, str]  #: client address and port of the connection
    told: tuple[str, str]  #: as an XCLIENT has it, else the same
    identity: Identity
    daemon: Daemon
    queue_id: str = ""
    in_message: bool = False
    was_asked: bool = False  #: whether Postfix went on after DATA
    conversation: Conversation = field(init=False)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Begin a milter session."""
        self.conversation = Conversation(Callbacks(self.daemon.inbound))
        assert self.conversation.negotiate(_OFFER) is not None

    @property
    def key(self) -> tuple[str, ...]:
        """Return the name of its message."""
        return (self.server, "25", *self.told, self.queue_id)

    def begin(self) -> None:
        """Say MAIL."""
        self._say(self._macros_for(b"M") + packet(b"M", f"<a@{_PARTNER}>".encode() + b"\0"))

    def end(self) -> Answers:
        """Say that the message, which is the partner's by its author, has ended; return what is answered."""
        self._say(packet(b"L", f"From\0a@{_PARTNER}".encode() + b"\0"))
        self._say(self._macros_for(b"E") + packet(b"E"))
        assert self.conversation.at_end_of_message
        answers = Answers.of(self.conversation.finish_at_once() or self.conversation.finish())
        self.conversation.finished()
        return answers

    def take_back(self) -> None:
        """Say that the message will not end."""
        self._say(packet(b"A"))

    def close(self) -> None:
        """End the milter session."""
        self._say(packet(b"Q"))
        self.conversation.close()

    def _say(self, octets: bytes) -> None:
        assert self.conversation.feed(octets) in _NOTHING_SAID

    def _macros_for(self, event: bytes) -> bytes:
        said = "".join(f"{name}\0{value}\0" for name, value in self._macros().items())
        return packet(b"D", event + said.encode())

    def _macros(self) -> dict[str, str]:
        said = {"{client_addr}": self.told[0], "{client_port}": self.told[1], "i": self.queue_id}
        said |= {"{daemon_addr}": self.server, "{daemon_port}": "25", "j": "mx1.contoso.test"}
        return said | self.identity.macros

    def request(self) -> bytes:
        """Return the delegation request of its DATA."""
        said = {
            "request": "smtpd_access_policy",
            "protocol_state": "DATA",
            "client_address": self.told[0],
            "client_port": self.told[1],
            "queue_id": self.queue_id,
            "server_address": self.server,
            "server_port": "25",
        }
        said |= self.identity.attributes
        return "".join(f"{name}={value}\n" for name, value in said.items()).encode() + b"\n"


_Caller = tuple[str, tuple[str, str], int]
_CALLERS = st.tuples(
    st.sampled_from(_SERVERS),
    st.tuples(st.sampled_from(_CLIENTS), st.sampled_from(_PORTS)),
    st.integers(0, 4),
)


class MixUps(RuleBasedStateMachine):
    """Everything that may happen around the join; at each end of a message the evidence is its own."""

    judged = 0  #: ends of messages, over all examples
    proved = 0  #: those of them with evidence

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.daemon = Daemon(lambda: self.now)
        self.connections: list[Connection] = []
        self.readers = {server: RequestReader() for server in _SERVERS}

    @initialize(callers=st.lists(_CALLERS, min_size=2, max_size=6))
    def begin(self, callers: list[_Caller]) -> None:
        """Some are in the middle of a message."""
        for caller in callers:
            self.arrive(caller)

    @rule(caller=_CALLERS)
    def arrive(self, caller: _Caller) -> None:
        """Somebody comes, and goes on as far as to DATA."""
        self.connect(caller)
        self._mail(self.connections[-1], asks=True)

    @rule(caller=_CALLERS)
    def connect(self, caller: _Caller) -> None:
        """Open a session, with TLS or without; at the other instance the same port may be in use."""
        server, client, who = caller
        for former in [one for one in self.connections if (one.server, one.real) == (server, client)]:
            self._hang_up(former)
        self.connections.append(Connection(server, client, client, _edge()[1][who], self.daemon))

    @precondition(lambda self: self._idle())
    @rule(which=st.integers(0, 7), asks=st.integers(0, 3))
    def mail(self, which: int, asks: int) -> None:
        """MAIL and RCPT, and mostly DATA: the message has a queue id, which is free on this instance."""
        self._mail(_chosen(self._idle(), which), asks=asks > 0)

    def _mail(self, one: Connection, *, asks: bool) -> None:
        if one.in_message:
            return
        used = {other.queue_id for other in self.connections if other.server == one.server}
        free = [queue_id for queue_id in _QUEUE_IDS if queue_id not in used]
        if free:
            one.queue_id, one.in_message, one.was_asked = free[0], True, False
            one.begin()
            if asks:
                self._ask(one, 1)
                one.was_asked = True

    @precondition(lambda self: self._in_message())
    @rule(which=st.integers(0, 7), cut=st.integers(1, 200), goes_on=st.booleans())
    def data(self, which: int, cut: int, goes_on: bool) -> None:
        """DATA: Postfix asks, in one write or two, once or again; another restriction may refuse it then."""
        one = _chosen(self._in_message(), which)
        self._ask(one, cut)
        one.was_asked = goes_on

    @precondition(lambda self: self._asked())
    @rule(which=st.integers(0, 7))
    def end_of_message(self, which: int) -> None:
        """The end of the message, which says that it is the partner's: whose evidence is there?"""
        one = _chosen(self._asked(), which)
        one.daemon.records.clear()
        answers = one.end()
        (record,) = one.daemon.records
        self._compare(one, record, answers)
        self._end_message(one)

    @precondition(lambda self: self._in_message())
    @rule(which=st.integers(0, 7))
    def reset(self, which: int) -> None:
        """RSET, or EHLO: the message is taken back, whether Postfix has asked about it or not."""
        one = _chosen(self._in_message(), which)
        one.take_back()
        self._end_message(one)

    @precondition(lambda self: self.connections)
    @rule(which=st.integers(0, 7))
    def disconnect(self, which: int) -> None:
        """The client goes, also in the middle of a message; address, port and queue id are free again."""
        self._hang_up(_chosen(self.connections, which))

    def _hang_up(self, one: Connection) -> None:
        one.take_back()
        one.close()
        self.connections.remove(one)

    @precondition(lambda self: self._idle())
    @rule(
        which=st.integers(0, 7), client=st.tuples(st.sampled_from(_CLIENTS), st.sampled_from((*_PORTS, "0")))
    )
    def xclient(self, which: int, client: tuple[str, str]) -> None:
        """A proxy says who the client is, also somebody who is there himself; Postfix begins anew."""
        one = _chosen(self._idle(), which)
        one.close()
        one.told = client
        one.open()

    @rule(passes_on=st.booleans(), luck=st.integers(0, 5))
    def restart(self, passes_on: bool, luck: int) -> None:
        """The daemon is killed, or passes on what it heard, and its sessions between two messages."""
        if luck:
            return
        former, self.daemon = self.daemon, Daemon(lambda: self.now)
        self.readers = {server: RequestReader() for server in _SERVERS}
        if not passes_on:
            # To what is open Postfix answers 451 until its end.
            former.is_alive = False
            self.connections = [one for one in self.connections if one.daemon.is_alive]
            return
        left = json.dumps([{"age": age, **facts._asdict()} for age, facts in former.requests.waiting()])
        for said in json.loads(left):
            age = said.pop("age")
            self.daemon.requests.restore(age, DelegatedFacts(**said))
        self.daemon.heard.update(former.heard)
        for one in self.connections:
            if not one.in_message and one.daemon is former:
                one.daemon = self.daemon
                one.open()

    @rule(seconds=st.sampled_from((1.0, _AGE / 2, _TOO_OLD)))
    def wait(self, seconds: float) -> None:
        """Time goes by."""
        self.now += seconds

    def _idle(self) -> list[Connection]:
        return [one for one in self.connections if not one.in_message]

    def _in_message(self) -> list[Connection]:
        return [one for one in self.connections if one.in_message]

    def _asked(self) -> list[Connection]:
        return [one for one in self.connections if one.in_message and one.was_asked]

    def _ask(self, one: Connection, cut: int) -> None:
        octets, reader = one.request(), self.readers[one.server]
        for part in (octets[:cut], octets[cut:]):
            self.daemon.hear(part, reader, self.now)

    @staticmethod
    def _end_message(one: Connection) -> None:
        one.in_message, one.queue_id, one.was_asked = False, "", False

    def _compare(self, one: Connection, record: DecisionRecord, answers: Answers) -> None:
        is_let_in = answers.last == b"c"
        type(self).judged += 1
        who, session = one.identity, record.session
        pins = {pin.digest for pin in session.pins} if session else set()
        own = {who.fingerprint.replace(":", "").lower()} if who.fingerprint else set()
        assert pins <= own, f"{who.name} has the evidence of somebody else"
        assert session is None or (session.tls_version is None) == (who.fingerprint is None)
        assert not is_let_in or who.fingerprint == _edge()[1][0].fingerprint, f"{who.name} was let in"
        assert (_MARK in dict(answers.added)) == is_let_in
        heard = one.daemon.heard.pop(one.key, None)
        if session is not None:
            type(self).proved += 1
        elif heard is not None:
            # Nothing but the two bounds may lose what was said: too old, or too many others since.
            later = sum(moment >= heard for moment in one.daemon.heard.values())
            assert self.now - heard > _AGE or later >= _MOST_REQUESTS, f"{who.name} lost its own evidence"


def _chosen(connections: list[Connection], which: int) -> Connection:
    return connections[which % len(connections)]


def measure(quick: bool) -> list[Promise]:
    """Let hypothesis look for a mix-up."""
    examples, steps = (60, 40) if quick else (800, 60)
    MixUps.judged = MixUps.proved = 0
    wanted = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    needed = ""
    try:
        run_state_machine_as_test(MixUps, settings=wanted)
    except AssertionError as error:
        needed = "\n".join((str(error), *getattr(error, "__notes__", ())))
    mixed_up = int(bool(needed))
    judged = f"{mixed_up} in {MixUps.judged} messages of {examples} histories of {steps} steps"
    enough = MixUps.proved >= examples // 4
    return [
        Promise(PART, "messages judged by another session's evidence", "0", judged, not mixed_up, needed),
        Promise(
            PART,
            "messages that had evidence, so that the question was asked",
            f">= {examples // 4}",
            str(MixUps.proved),
            enough,
        ),
    ]


PARTS = {PART: Part(measure)}
