"""The load: partners, forgers and strangers who write to Contoso for as long as a fault is looked at.

Each stream sends one message after another, and each again until it is taken or refused for good.  What a
connection broke off in the middle is sent again as well, as RFC 5321 section 4.5.3.2 has it.
"""

import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from .ledger import Kind, Ledger, Sent
from lab.laboratory import ADDRESSES, CONTOSO, EVIL, NOBODY, WOODGROVE, Lab
from lab.messages import Message, compose
from lab.smtp_client import Dialogue, Reply
from lab.story import FORGED_MARKS
from lab.waiting import DEADLINE

RECIPIENT = f"user@{CONTOSO}"
PARTNER, STRANGER = f"admin@{WOODGROVE}", f"mallory@{EVIL}"
_PACE = 0.1  #: seconds between two tries of a stream
_FRESH = 12  #: sessions at once that look for the first right answer
_A_SESSION = 4  #: messages of a session that lasts


@dataclass(frozen=True, slots=True)
class Sender:
    """One who writes: from where, in whose name, and with which certificate."""

    kind: Kind
    source: str
    envelope: str
    author: str
    tls: ssl.SSLContext | None
    lasts: bool = False  #: several messages a session

    def compose(self) -> Message:
        """Return a new message, with marks of its own making."""
        return compose(self.author, RECIPIENT, *FORGED_MARKS)


def senders(lab: Lab) -> tuple[Sender, ...]:
    """Return everybody: the partner in short sessions and long ones, forgers of each sort, a stranger."""
    own, evil = (lab.client_context(lab.identities[domain]) for domain in (WOODGROVE, EVIL))
    partner = Sender(Kind.PARTNER, ADDRESSES[WOODGROVE], PARTNER, PARTNER, own)
    # From where a mail server answers, which shows whose certificate it is.
    forger = Sender(Kind.FORGER, ADDRESSES[EVIL], PARTNER, PARTNER, evil)
    stranger = Sender(Kind.STRANGER, ADDRESSES[EVIL], STRANGER, STRANGER, None)
    return (
        partner,
        replace(partner, lasts=True),
        forger,
        replace(forger, source=NOBODY, tls=None, lasts=True),
        replace(forger, envelope=STRANGER, tls=lab.client_context(None)),
        stranger,
        replace(stranger, tls=evil, lasts=True),
    )


class Load:
    """Streams of messages to Contoso, noted in a ledger."""

    def __init__(self, lab: Lab, everybody: tuple[Sender, ...]) -> None:
        self.ledger = Ledger()
        self._lab = lab
        #: each in a box of its own, since he may show another certificate
        self._everybody = [[sender] for sender in everybody]
        self._over = threading.Event()
        self._is_abandoned = False
        self._pool: ThreadPoolExecutor | None = None
        self._streams: list[Future[None]] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send for as long as the block runs, and then until each stream is done with its last message."""
        with ThreadPoolExecutor(len(self._everybody) + 1) as pool:
            self._pool = pool
            self._streams = [pool.submit(self._stream, box, self._over) for box in self._everybody]
            try:
                yield
            except BaseException:
                self._is_abandoned = True
                raise
            finally:
                self._over.set()
            for stream in self._streams:
                stream.result()

    def join(self, sender: Sender) -> None:
        """Let somebody else write as well from now on; the load is running."""
        assert self._pool is not None
        self._streams.append(self._pool.submit(self._stream, [sender], self._over))

    def show(self, kind: Kind, tls: ssl.SSLContext) -> None:
        """Let everybody of a kind show another certificate from the next session on."""
        for senders_now in self._everybody:
            if senders_now[0].kind is kind:
                senders_now[0] = replace(senders_now[0], tls=tls)

    def recovery(self, ended: float, deadline: float = DEADLINE) -> float | None:
        """Return the seconds from *ended*, a monotonic time, until everybody got a right answer.

        Fresh sessions are opened until then: the streams' own may hang in what was before.
        """
        kinds = {box[0].kind: box[0] for box in reversed(self._everybody)}
        pool = ThreadPoolExecutor(_FRESH)
        tries: list[Future[None]] = []
        try:
            while time.monotonic() - ended < deadline:
                first = {kind: self.ledger.first_good(kind, ended) for kind in kinds}
                if all(when is not None for when in first.values()):
                    return max(when for when in first.values() if when is not None) - ended
                if sum(not one.done() for one in tries) < _FRESH - len(kinds):
                    tries += [
                        pool.submit(self._once, sender)
                        for kind, sender in kinds.items()
                        if first[kind] is None
                    ]
                time.sleep(_PACE * 2)
        finally:
            pool.shutdown()
        return None

    def _once(self, sender: Sender) -> None:
        self._deliver(sender, sender.compose())

    def _stream(self, box: list[Sender], over: threading.Event) -> None:
        while not over.is_set():
            (sender,) = box
            if sender.lasts:
                self._session(sender)
            else:
                self._deliver(sender, sender.compose())
            over.wait(_PACE)

    def _session(self, sender: Sender) -> None:
        """Send several messages in one session; what it does not get rid of goes out by itself."""
        left: list[tuple[Message, Sent]] = []
        began = time.monotonic()
        with suppress(EOFError, OSError), self._connected(sender) as dialogue:
            for _ in range(_A_SESSION):
                message = sender.compose()
                sent = self.ledger.open(sender.kind, message.mark)
                left.append((message, sent))
                code = self._tell(sent, dialogue, sender, message, began)
                if sent.is_done:
                    left.pop()
                if code is None or code == 421 or self._over.is_set():
                    break
                if dialogue.command("RSET").code != 250:
                    break
        for message, _ in left:
            self._deliver(sender, message)

    def _deliver(self, sender: Sender, message: Message) -> None:
        """Send a message until it is taken or refused for good, or until nobody can wait any longer."""
        sent = self.ledger.open(sender.kind, message.mark)
        end = time.monotonic() + 2 * DEADLINE
        while (began := time.monotonic()) < end:
            try:
                with self._connected(sender) as dialogue:
                    self._tell(sent, dialogue, sender, message, began)
            except (EOFError, OSError):
                self.ledger.told(sent, None, began)
            if sent.is_done or self._is_abandoned:
                return
            time.sleep(_PACE * 2)

    def _tell(
        self, sent: Sent, dialogue: Dialogue, sender: Sender, message: Message, began: float
    ) -> int | None:
        try:
            reply: Reply | None = dialogue.message(sender.envelope, RECIPIENT, message.content)
        except (EOFError, OSError):
            reply = None
        code = reply.code if reply is not None else None
        self.ledger.told(sent, code, began)
        return code

    def _connected(self, sender: Sender) -> Dialogue:
        dialogue = self._lab.connect(self._lab.contoso, sender.source)
        try:
            if sender.tls is not None:
                dialogue.starttls(sender.tls)
                _require_tls(dialogue)
        except BaseException:
            dialogue.connection.close()
            raise
        return dialogue


def _require_tls(dialogue: Dialogue) -> None:
    if not isinstance(dialogue.connection, ssl.SSLSocket):
        raise EOFError("no TLS now")  # noqa: TRY004 - the server's doing
