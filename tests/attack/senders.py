"""Many messages over few sessions, several at a time, and an account of what became of each.

Owns: how one odd message is sent, and what counts as its answer.
Must not know: what the product makes of it.
"""

import random
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

from .message_families import Forgery
from lab.laboratory import CONTOSO, Lab
from lab.postfix_host import PostfixHost
from lab.smtp_client import Dialogue, Reply
from lab.waiting import wait_for

RECIPIENT = f"user@{CONTOSO}"
HEADER = b"X-Attack"  #: the first field of each message has the word by which it is found again
AT_A_TIME = 6
_QUEUE_SECONDS = 300.0

#: What Postfix does against clients like these would end each session after some twenty refusals.
PATIENT = {
    "smtpd_hard_error_limit": "1000000",
    "smtpd_soft_error_limit": "1000000",
    "smtpd_junk_command_limit": "1000000",
    "smtpd_client_connection_count_limit": "0",
    "in_flow_delay": "0",
    # As before these settings came: what is odd reaches the product as it was sent.
    "smtpd_forbid_bare_newline": "no",
    "cleanup_replace_stray_cr_lf": "no",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends: a name for people, an address of the laboratory, and TLS if any."""

    name: str
    source: str
    tls: ssl.SSLContext | None = None


@dataclass(slots=True)
class Sent:
    """One message and its answer; None where there was none."""

    caller: Caller
    forgery: Forgery
    reply: Reply | None = None
    word: str = field(default_factory=lambda: uuid4().hex)
    later: list[Reply] = field(default_factory=list)  #: answers to what was hidden in it

    @property
    def content(self) -> bytes:
        """Return what is sent."""
        return HEADER + b": " + self.word.encode() + b"\r\n" + self.forgery.content

    @property
    def is_accepted(self) -> bool:
        """Tell whether the server took it."""
        return self.reply is not None and self.reply.is_positive


class Session:
    """A session that is opened again when it ends."""

    def __init__(self, lab: Lab, host: PostfixHost, caller: Caller) -> None:
        self._lab, self._host, self._caller = lab, host, caller
        self._dialogue: Dialogue | None = None

    def send(self, sent: Sent, choose: random.Random) -> None:
        """Send one message, and note the answer."""
        try:
            dialogue = self._dialogue = self._dialogue or self._open()
            sent.reply = self._begun(dialogue, sent) or self._transfer(dialogue, sent, choose)
        except (EOFError, OSError, ValueError):
            # The server has hung up: it does so after 421, and then that is the answer.
            last = self._dialogue.last if self._dialogue and self._dialogue.replies else None
            sent.reply = sent.reply or (last if last and last.code == 421 else None)
            self.close()
        if sent.reply is not None and sent.reply.code == 421:
            self.close()

    def close(self) -> None:
        """End the session."""
        if self._dialogue is not None:
            self._dialogue.connection.close()
            self._dialogue = None

    def _open(self) -> Dialogue:
        dialogue = self._lab.connect(self._host, self._caller.source)
        if self._caller.tls is not None:
            dialogue.starttls(self._caller.tls)
        return dialogue

    @staticmethod
    def _begun(dialogue: Dialogue, sent: Sent) -> Reply | None:
        """Name sender and recipient; return a refusal, or None."""
        forgery = sent.forgery
        argument = forgery.mail_argument or f"<{forgery.sender}>"
        steps = (" ".join((f"MAIL FROM:{argument}", *forgery.parameters)), f"RCPT TO:<{RECIPIENT}>")
        for step in steps:
            reply = dialogue.command(step)
            if not reply.is_positive:
                dialogue.command("RSET")
                return reply
        return None

    def _transfer(self, dialogue: Dialogue, sent: Sent, choose: random.Random) -> Reply:
        if sent.forgery.is_raw:
            return self._raw(dialogue, sent)
        if choose.random() < 0.25:
            reply = dialogue.bdat(sent.content, chunk=choose.choice((50, 700, 4096)))
        else:
            reply = dialogue.data(sent.content)
        if not reply.is_positive:
            dialogue.command("RSET")
        return reply

    def _raw(self, dialogue: Dialogue, sent: Sent) -> Reply:
        """Send the content as it is, and hear all that is answered until the end of the session."""
        reply = dialogue.command("DATA")
        if not reply.is_positive:
            return reply
        dialogue.send_raw(sent.content + b"\r\n.\r\nQUIT\r\n")
        reply = dialogue.expect("end of message")
        sent.reply = reply
        with suppress(EOFError, OSError):
            while True:
                sent.later.append(dialogue.expect("what was hidden"))
        self.close()
        return reply


def send_all(
    lab: Lab, host: PostfixHost, batches: Sequence[tuple[Caller, Sequence[Forgery]]], seed: int
) -> list[Sent]:
    """Send the messages of each caller over sessions of his, several callers at a time."""

    def run(number: int, caller: Caller, forgeries: Sequence[Forgery]) -> list[Sent]:
        choose, session = random.Random(seed + number), Session(lab, host, caller)
        every = [Sent(caller, forgery) for forgery in forgeries]
        for sent in every:
            session.send(sent, choose)
        session.close()
        return every

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        running = [pool.submit(run, number, *batch) for number, batch in enumerate(batches)]
        return [sent for one in running for sent in one.result()]


def all_delivered(host: PostfixHost) -> list[bytes]:
    """Wait until nothing is queued, and return all that was delivered."""
    wait_for(
        lambda: not host.queue(),
        "an empty queue",
        deadline=_QUEUE_SECONDS,
        context=lambda: f"{len(host.queue())} queued\n{host.log()[-2000:]}",
    )
    return host.mailbox()


def by_word(delivered: Sequence[bytes]) -> dict[str, list[bytes]]:
    """Return the delivered messages by the word in their header; those without one under nothing."""
    found: dict[str, list[bytes]] = {}
    for content in delivered:
        lines = content.partition(b"\n\n")[0].splitlines()
        words = [line for line in lines if line.startswith(HEADER + b": ")]
        found.setdefault(words[0].partition(b": ")[2].decode() if words else "", []).append(content)
    return found
