"""Thousands of sessions that could be taken for each other, on two real instances of Postfix with one daemon.

Source addresses and ports are few and used again at once, at both instances at a time; a proxy tells by
XCLIENT or the PROXY protocol that a client is where another one really is.  Each session has a certificate of
its own or none, and several messages: whole, in chunks, taken back, broken off.  Meanwhile the daemon is
stopped, killed and told to read its configuration, and Postfix is reloaded.
An oracle knows which certificate each session showed, and looks for it in the line about each message.
"""

import random
import re
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address

from .senders import PATIENT, all_delivered
from lab.certificates import self_signed
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, FABRIKAM, WOODGROVE, Lab
from lab.messages import Message, compose, header_lines
from lab.postfix_host import PostfixHost
from lab.product import Product
from lab.second_edge import SECOND_ADDRESS, second_host
from lab.smtp_client import Dialogue, Reply
from lab.waiting import DEADLINE, wait_for
from promises import Part, Promise

PART = "mix-ups"

_SEED = 5321
_AT_A_TIME = 6
_RECIPIENT, _SENDER = f"user@{CONTOSO}", f"admin@{WOODGROVE}"
_OTHER_SENDER = f"mallory@{EVIL}"
_PLACES = (ADDRESSES[WOODGROVE], ADDRESSES[EVIL])  #: from where sessions come
_PORTS = range(40_000, 40_016)  #: few, so that they are used again at once
_PROXY = ADDRESSES[FABRIKAM]  #: who may tell where a client is
_PROXY_PORT = 2525
_STRANGERS = 10  #: with a certificate of their own each
_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"  #: of the PROXY protocol, version 2
_DECISION = re.compile(
    r"^.*\bdecision verdict=(\S+) .*\bqueue_id=(\w+) client=\[([^]]+)\]:(\d+) .*\bcertificate=(\S+)",
    re.MULTILINE,
)
_QUEUE_ID = re.compile(r"(?:queued as|\[ref) (\w+)")
_PATIENT = 0.95  #: of the sessions begin while the daemon is there
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Identity:
    """What a client shows; *certificate* is as the log names it."""

    tls: ssl.SSLContext | None
    certificate: str
    is_partner: bool = False


@dataclass(slots=True)
class Ended:
    """A message that came to its end, or whose client went before the answer."""

    identity: Identity
    client: tuple[str, int]
    claims: bool
    mark: str
    reply: Reply | None = None

    @property
    def queue_id(self) -> str:
        """Return the queue id that the client was told."""
        found = _QUEUE_ID.search(self.reply.text) if self.reply else None
        return found[1] if found else ""


class Ports:
    """Source addresses with their ports, each at one instance for one session at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: set[tuple[str, str, int]] = set()

    def take(self, server: str, choose: random.Random) -> tuple[str, int]:
        """Return a place that is free at this server, preferably one in use at the other."""
        with self._lock:
            elsewhere = [(place, port) for where, place, port in self._used if where != server]
            every = [*elsewhere * 2, *((place, port) for place in _PLACES for port in _PORTS)]
            free = [one for one in every if (server, *one) not in self._used]
            taken = choose.choice(free)
            self._used.add((server, *taken))
            return taken

    def give_back(self, server: str, place: tuple[str, int]) -> None:
        """Let others have it."""
        with self._lock:
            self._used.discard((server, *place))


@dataclass
class Crowd:
    """All sessions, and what they saw."""

    lab: Lab
    hosts: Sequence[PostfixHost]
    identities: Sequence[Identity]
    ports: Ports = field(default_factory=Ports)
    ended: list[Ended] = field(default_factory=list)
    sessions: int = 0
    unopened: int = 0
    daemon_is_there: threading.Event = field(default_factory=threading.Event)

    def run(self, number: int, seed: int) -> None:
        """Hold so many sessions, one after the other."""
        choose = random.Random(seed)
        for _ in range(number):
            if choose.random() < _PATIENT:
                self.daemon_is_there.wait()
            host = choose.choice(self.hosts)
            place = self.ports.take(host.address, choose)
            try:
                self._session(host, place, choose)
                self.sessions += 1
            except (EOFError, OSError, ValueError):
                # Broken off by a restart, or the port was not free yet.
                self.unopened += 1
            finally:
                self.ports.give_back(host.address, place)

    def _session(self, host: PostfixHost, place: tuple[str, int], choose: random.Random) -> None:
        identity = choose.choice(self.identities)
        way = choose.choice((_direct, _direct, _by_xclient, _by_proxy))
        connection, client = way(self.lab, host, place)
        with Dialogue(connection) as dialogue:
            dialogue.greeting()
            dialogue.ehlo()
            if way is _by_xclient and choose.random() < 0.5:
                client = _told(dialogue, place, client)
            if identity.tls is not None:
                dialogue.starttls(identity.tls, ehlo=choose.random() < 0.8)
            for _ in range(choose.randint(1, 5)):
                if way is _by_xclient and choose.random() < 0.7:
                    client = _told(dialogue, (choose.choice(_PLACES), choose.choice(_PORTS)), client)
                reply = self._message(dialogue, identity, client, choose)
                if reply is None or reply.code == 421 or (400 <= reply.code < 500 and choose.random() < 0.8):
                    break
            # A reset leaves no connection behind that would keep the port.
            linger = struct.pack("ii", 1, 0)
            with suppress(OSError):
                dialogue.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def _message(
        self, dialogue: Dialogue, identity: Identity, client: tuple[str, int], choose: random.Random
    ) -> Reply | None:
        """Begin one message, and end it one way or the other; None where the session is over."""
        claims = choose.random() < 0.85
        sender = _SENDER if claims else _OTHER_SENDER
        message = compose(sender, _RECIPIENT)
        for step in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{_RECIPIENT}>"):
            reply = dialogue.command(step)
            if not reply.is_positive:
                return reply
        if (kind := choose.randrange(10)) < 3:
            return _taken_back(dialogue, message, kind)
        ended = Ended(identity, client, claims, message.mark)
        if kind == 3:
            _broken_off(dialogue, message, choose)
            self.ended.append(ended)
            return None
        try:
            if kind < 6:
                ended.reply = dialogue.bdat(message.content, chunk=choose.choice((30, 100, 1000)))
            else:
                ended.reply = dialogue.data(message.content)
        finally:
            self.ended.append(ended)
        return ended.reply


def _taken_back(dialogue: Dialogue, message: Message, kind: int) -> Reply:
    """Take a message back after RCPT, or once Postfix has asked about it."""
    if kind:
        dialogue.send_raw(f"BDAT 20\r\n{message.content[:20].decode()}".encode())
        dialogue.expect("BDAT")
    return dialogue.command(("RSET", "RSET", "EHLO client.test")[kind])


def _broken_off(dialogue: Dialogue, message: Message, choose: random.Random) -> None:
    """Go away in the middle, or before the answer."""
    if choose.random() < 0.5:
        dialogue.command("DATA")
        dialogue.send_raw(message.content[:40])
    else:
        dialogue.send_raw(f"BDAT {len(message.content)} LAST\r\n".encode() + message.content)


def _connected(lab: Lab, source: tuple[str, int], target: tuple[str, int]) -> socket.socket:
    with lab.namespaces.network():
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.settimeout(DEADLINE)
        connection.bind(source)
        connection.connect(target)
    except BaseException:
        connection.close()
        raise
    return connection


_Way = Callable[[Lab, PostfixHost, tuple[str, int]], tuple[socket.socket, tuple[str, int]]]


def _direct(lab: Lab, host: PostfixHost, place: tuple[str, int]) -> tuple[socket.socket, tuple[str, int]]:
    return _connected(lab, place, (host.address, 25)), place


def _by_xclient(lab: Lab, host: PostfixHost, place: tuple[str, int]) -> tuple[socket.socket, tuple[str, int]]:
    """Come as a proxy, which has yet to tell who the client is."""
    del place
    connection = _connected(lab, (_PROXY, 0), (host.address, 25))
    return connection, connection.getsockname()


def _by_proxy(lab: Lab, host: PostfixHost, place: tuple[str, int]) -> tuple[socket.socket, tuple[str, int]]:
    """Come as a proxy that says, in either version, that the client is at this place, and found port 25."""
    connection = _connected(lab, (_PROXY, 0), (host.address, _PROXY_PORT))
    if place[1] % 2:
        told = f"PROXY TCP4 {place[0]} {host.address} {place[1]} 25\r\n".encode()
    else:
        addresses = ip_address(place[0]).packed + ip_address(host.address).packed
        told = _SIGNATURE + b"\x21\x11\x00\x0c" + addresses + struct.pack("!HH", place[1], 25)
    connection.sendall(told)
    return connection, place


def _told(dialogue: Dialogue, client: tuple[str, int], former: tuple[str, int]) -> tuple[str, int]:
    """Tell who the client is, and return who it is for Postfix now."""
    reply = dialogue.command(f"XCLIENT NAME=[UNAVAILABLE] ADDR={client[0]} PORT={client[1]}")
    dialogue.ehlo()
    return client if reply.is_positive else former


def measure(quick: bool) -> list[Promise]:
    """Let the crowd in, disturb it, and look for one another's certificates."""
    sessions = 150 if quick else 5_000
    with Lab() as lab:
        product, hosts = _two_instances(lab)
        crowd = Crowd(lab, hosts, _identities(product))
        crowd.daemon_is_there.set()
        troubles = _Troubles(product, hosts)
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            running = [
                pool.submit(crowd.run, sessions // _AT_A_TIME, _SEED + number) for number in range(_AT_A_TIME)
            ]
            troubles.make(lambda: sum(one.done() for one in running) * 2 > len(running), crowd, sessions)
            for one in running:
                one.result()
        delivered = [content for host in hosts for content in all_delivered(host)]
        log = product.log()
    return _promises(crowd, delivered, log, troubles)


class _Troubles:
    """What happens to the daemon and to Postfix meanwhile, each in turn after so many sessions."""

    def __init__(self, product: Product, hosts: Sequence[PostfixHost]) -> None:
        self._product, self._hosts = product, hosts
        self.made: Counter[str] = Counter()

    def make(self, is_over: Callable[[], bool], crowd: Crowd, sessions: int) -> None:
        """Make trouble until the crowd has gone."""
        kinds = (self._restart, self._reload_daemon, self._kill, self._reload_postfix)
        step = max(20, sessions // 60)
        for number in range(1, sessions // step):
            due = number * step
            wait_for(
                lambda due=due: is_over() or crowd.sessions + crowd.unopened >= due,
                "the crowd to go on",
                deadline=10 * DEADLINE,
            )
            if is_over():
                return
            kind = kinds[number % len(kinds)]
            if kind in (self._restart, self._kill):
                crowd.daemon_is_there.clear()
            try:
                kind()
            finally:
                crowd.daemon_is_there.set()

    def _restart(self) -> None:
        self._product.stop()
        self._product.serve()
        self.made["restarts"] += 1

    def _kill(self) -> None:
        self._product.kill()
        self._product.serve()
        self.made["kills"] += 1

    def _reload_daemon(self) -> None:
        self._product.reload()
        self.made["reloads of the daemon"] += 1

    def _reload_postfix(self) -> None:
        for host in self._hosts:
            host.namespaces.run("postfix", "-c", host.layout.configuration, "reload")
        self.made["reloads of Postfix"] += 1


def _two_instances(lab: Lab) -> tuple[Product, list[PostfixHost]]:
    """Return the daemon and both instances, each of which takes XCLIENT and PROXY from the proxy."""
    lab.namespaces.add_address(SECOND_ADDRESS)
    product, second = Product(lab), second_host(lab)
    sockets = lab.contoso.layout.queue / "domain-secure"
    asked = {
        "smtpd_milters": f"unix:{sockets}/milter",
        "smtpd_data_restrictions": f"check_policy_service unix:{sockets}/policy",
        "smtpd_tls_ask_ccert": "yes",
        "smtpd_tls_fingerprint_digest": "sha256",
    }
    service = f"{_PROXY_PORT}/inet"
    for host in (lab.contoso, second):
        run, folder = lab.namespaces.run, host.layout.configuration
        run("postconf", "-c", folder, "-M", f"{service}={_PROXY_PORT} inet n - n - - smtpd")
        run("postconf", "-c", folder, "-P", f"{service}/smtpd_upstream_proxy_protocol=haproxy")
        host.configure(**PATIENT, smtpd_authorized_xclient_hosts=_PROXY)
    second.namespaces.run("postconf", "-c", second.layout.configuration, "-F", "smtp/inet/chroot=n")
    second.configure(**asked)
    lab.contoso.reload()
    second.start()
    product.command("receive", "add", WOODGROVE)
    product.command(
        "partner", "cert", "add", WOODGROVE, lab.certificate_file(lab.identities[WOODGROVE], "his")
    )
    product.attach("--service", "smtp/inet", "--service", service)
    product.serve()
    return product, [lab.contoso, second]


def _identities(product: Product) -> list[Identity]:
    lab = product.lab
    partner = lab.identities[WOODGROVE]
    found = [Identity(None, "-"), Identity(lab.client_context(None), "-")]
    found += [Identity(lab.client_context(partner), f"sha256:{partner.fingerprint}", is_partner=True)] * 5
    for number in range(_STRANGERS):
        issue = lab.authority.issue if number % 2 else self_signed
        issued = issue(WOODGROVE, dns_names=(f"stranger{number}.test",))
        path = lab.certificate_file(issued, f"stranger{number}")
        product.command("partner", "cert", "add", "--force", EVIL, path)
        found.append(Identity(lab.client_context(issued), f"sha256:{issued.fingerprint}"))
    return found


def _promises(crowd: Crowd, delivered: list[bytes], log: str, troubles: _Troubles) -> list[Promise]:
    lines = {(found[2], found[3], int(found[4])): found for found in _DECISION.finditer(log)}
    mixed_up, compared = [], 0
    for one in crowd.ended:
        line = lines.get((one.queue_id, *one.client))
        if line is not None and line[5] != "-":
            compared += 1
            if line[5] != one.identity.certificate:
                mixed_up.append(f"{one.identity.certificate} showed itself: {line[0]}")
    let_in = [one for one in crowd.ended if one.reply is not None and one.reply.code == 250]
    forged = [str(one) for one in let_in if one.claims and not one.identity.is_partner]
    refused = [
        str(one.reply)
        for one in crowd.ended
        if one.reply is not None and one.reply.code >= 500 and (one.identity.is_partner or not one.claims)
    ]
    there = {
        mark: content
        for content in delivered
        for mark in re.findall(r"Message-ID: <(\w+)@", content.decode())
    }
    marked = {mark: len(header_lines(content, "X-Domain-Secure")) for mark, content in there.items()}
    false_marks = [
        one.mark
        for one in crowd.ended
        if marked.get(one.mark, 0) > int(one.claims and one.identity.is_partner)
    ]
    lost = [one.mark for one in let_in if one.mark not in there]
    unmarked = [one.mark for one in let_in if one.claims and not marked.get(one.mark)]
    made = ", ".join(f"{number} {what}" for what, number in troubles.made.items())
    wanted = (crowd.sessions + crowd.unopened) * 9 // 10
    good = sum(one.claims and one.identity.is_partner for one in let_in)
    return [
        Promise(PART, "sessions held", f">= {wanted}", f"{crowd.sessions}, {made}", crowd.sessions >= wanted),
        Promise(
            PART,
            "messages whose certificate in the log was compared with the session's",
            f">= {crowd.sessions // 2}",
            str(compared),
            compared >= crowd.sessions // 2,
        ),
        _counted("messages with the evidence of another session", mixed_up),
        _counted("messages in the partner's name let in without his certificate", forged),
        _counted("messages with a mark that is not theirs", false_marks),
        _counted(f"messages of the partner's let in, {good} of them, without a mark", unmarked),
        _counted("messages of the partner's, or of nobody's concern, refused for good", refused),
        _counted("messages taken and then gone", lost),
        _counted("faults that the daemon tells of", re.findall(r".*(?:internal-error|Traceback).*", log)),
    ]


def _counted(what: str, those: Sequence[str]) -> Promise:
    return Promise(
        PART, what, "0", str(len(those)), not those, "\n".join(one[:600] for one in those[:_SHOWN])
    )


PARTS = {PART: Part(measure)}
