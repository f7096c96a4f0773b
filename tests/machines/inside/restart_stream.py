"""Mail in a stream while the daemon is restarted: how many messages a second, and what was answered.

Run on a booted machine that the scenarios may set up:

    restart_stream.py [--restarts N] [--messages M] [--kill]

Prints a line for each second, and at the end the replies by code.  Ends with status 1 where any message was
answered otherwise than 250.
"""

import argparse
import smtplib
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from booted_machine import OTHER, PARTNER, UNIT, Machine, run, submit

STREAMS = 4
BETWEEN_SECONDS = 5.0


@dataclass
class Stream:
    """Clients that send one message after the other until told to stop."""

    machine: Machine
    messages: int  #: in one session, before the next one begins
    stopped: threading.Event = field(default_factory=threading.Event)
    answers: list[tuple[float, int, float]] = field(default_factory=list)  #: when, code, seconds it took

    def run(self, number: int) -> None:
        """Send until stopped; half of the clients are the partner, with its certificate."""
        certified = number % 2 == 0
        while not self.stopped.is_set():
            try:
                with self.machine.session(certified=certified) as client:
                    for _ in range(self.messages):
                        if not self.stopped.is_set():
                            self._send(client, PARTNER if certified else OTHER)
            except (smtplib.SMTPException, OSError) as error:
                self.answers.append((time.monotonic(), getattr(error, "smtp_code", 0), 0.0))

    def _send(self, client: smtplib.SMTP, domain: str) -> None:
        began = time.monotonic()
        code = submit(client, domain)
        self.answers.append((time.monotonic(), code, time.monotonic() - began))
        if code != 250:
            raise smtplib.SMTPServerDisconnected


def restarts(machine: Machine, number: int, messages: int, *, kill: bool) -> Stream:
    """Restart the daemon *number* times under a stream of mail, and return what was answered."""
    stream = Stream(machine, messages)
    clients = [threading.Thread(target=stream.run, args=(each,)) for each in range(STREAMS)]
    for client in clients:
        client.start()
    try:
        for _ in range(number):
            stream.stopped.wait(BETWEEN_SECONDS)
            if kill:
                run("systemctl", "kill", "--signal=KILL", "--kill-whom=main", UNIT)
            else:
                run("systemctl", "restart", UNIT)
        stream.stopped.wait(BETWEEN_SECONDS)
    finally:
        stream.stopped.set()
        for client in clients:
            client.join()
    return stream


def report(stream: Stream) -> None:
    """Print messages a second, and the replies by code."""
    first = min(moment for moment, _, _ in stream.answers)
    seconds = Counter(int(moment - first) for moment, code, _ in stream.answers if code == 250)
    for second in range(max(seconds) + 1):
        print(f"{second:4d} s {seconds[second]:5d} messages")
    codes = Counter(code for _, code, _ in stream.answers)
    print("replies:", ", ".join(f"{code} {number} times" for code, number in sorted(codes.items())))
    print(f"longest wait for a reply: {max(took for _, _, took in stream.answers):.1f} s")


def main() -> int:
    """Run the stream."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--restarts", type=int, default=3)
    parser.add_argument("--messages", type=int, default=1, help="in each session")
    parser.add_argument("--kill", action="store_true", help="kill the daemon instead")
    arguments = parser.parse_args()
    with Machine.set_up() as machine:
        machine.wait_until_it_answers()
        stream = restarts(machine, arguments.restarts, arguments.messages, kill=arguments.kill)
    report(stream)
    return int(any(code != 250 for _, code, _ in stream.answers))


if __name__ == "__main__":
    sys.exit(main())
