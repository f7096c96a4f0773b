"""The daemon killed again and again under its own unit, and every message counted at both ends.

Run on a booted machine that the scenarios may set up:

    killed.py TIMES

Prints a JSON document: seconds until everybody got a right answer again after each kill, and how many
messages there were, were lost, wrong, or refused for good though they are nobody's on a list.
"""

import json
import re
import smtplib
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import uuid4

from booted_machine import OTHER, PARTNER, UNIT, Machine, run, submit, wait_for

SETTLED_SECONDS = 3.0
PATIENCE = 60.0
#: Who sends: the domain of the author, whether with the partner's certificate.
CALLERS = {"partner": (PARTNER, True), "other": (OTHER, False), "forger": (PARTNER, False)}


class Answer(NamedTuple):
    """What became of one message."""

    caller: str
    mark: str
    began: float
    ended: float
    code: int  #: 0 where the connection ended

    @property
    def is_right(self) -> bool:
        """Tell whether it is what this caller is to get."""
        return 500 <= self.code < 600 if self.caller == "forger" else self.code == 250


@dataclass
class Callers:
    """One client of each kind that sends message after message, each in a session of its own."""

    machine: Machine
    over: threading.Event = field(default_factory=threading.Event)
    answers: list[Answer] = field(default_factory=list)

    def send(self, caller: str) -> None:
        """Send until told to stop."""
        domain, certified = CALLERS[caller]
        while not self.over.is_set():
            began, mark, code = time.monotonic(), str(uuid4()), 0
            try:
                with self.machine.session(certified=certified) as client:
                    code = submit(client, domain, mark)
            except smtplib.SMTPResponseException as error:
                code = error.smtp_code
            except (smtplib.SMTPException, OSError):
                code = 0
            self.answers.append(Answer(caller, mark, began, time.monotonic(), code))

    def recovery(self, since: float) -> float | None:
        """Return when each caller had a right answer to what it began since then; None where not all had."""
        first: dict[str, float] = {}
        for one in self.answers:
            if one.began >= since and one.is_right:
                first.setdefault(one.caller, one.ended)
        return max(first.values()) - since if len(first) == len(CALLERS) else None

    def last_failure(self, since: float) -> float:
        """Return how long after that time somebody got what was not right, to what was begun since."""
        return max(
            (one.ended - since for one in self.answers if one.began >= since and not one.is_right),
            default=0.0,
        )


def strike(callers: Callers) -> float | None:
    """Kill the daemon; return the seconds until everybody was served again, and stayed so."""
    run("systemctl", "kill", "--signal=KILL", "--kill-whom=main", UNIT)
    since = time.monotonic()
    try:
        wait_for(lambda: callers.recovery(since) is not None, "everybody to be served again", PATIENCE)
    except AssertionError:
        return None
    found = callers.recovery(since)
    callers.over.wait(SETTLED_SECONDS)
    return max(found or 0.0, callers.last_failure(since))


def count(machine: Machine, answers: list[Answer]) -> dict[str, int]:
    """Wait until all that was taken over has arrived, and hold what was answered against what arrived."""
    taken = {one.mark for one in answers if one.code == 250}
    mailbox = machine.mailbox

    def arrived() -> dict[str, str]:
        """Return the header of each message, by its mark."""
        text = mailbox.read_text(errors="replace") if mailbox.exists() else ""
        headers = (part.partition("\n\n")[0] for part in re.split(r"(?m)^From ", text))
        return {
            found[1]: header for header in headers if (found := re.search(r"(?m)^Subject: (\S+)$", header))
        }

    def all_there() -> bool:
        run("postqueue", "-f")
        return taken <= arrived().keys()

    try:
        wait_for(all_there, "what was taken over to arrive", PATIENCE)
    except AssertionError:
        print(f"missing: {sorted(taken - arrived().keys())}", file=sys.stderr)
    there = arrived()
    secured = {mark for mark, header in there.items() if f"X-Domain-Secure: pass ({PARTNER};" in header}
    by_caller = {caller: {one.mark for one in answers if one.caller == caller} for caller in CALLERS}
    wrong = (by_caller["forger"] & there.keys()) | (secured - by_caller["partner"])
    wrong |= (by_caller["partner"] & taken & there.keys()) - secured
    good = [one for one in answers if one.caller != "forger"]
    return {
        "messages": len(answers),
        "lost": len(taken - there.keys()),
        "wrong": len(wrong) + sum(one.code == 250 for one in answers if one.caller == "forger"),
        "refused": sum(500 <= one.code < 600 for one in good),
        "deferred": sum(400 <= one.code < 500 for one in good),
        "broken_off": sum(one.code == 0 for one in good),
    }


def main() -> None:
    """Kill, and print."""
    with Machine.set_up() as machine:
        machine.wait_until_it_answers()
        callers = Callers(machine)
        threads = [threading.Thread(target=callers.send, args=(caller,)) for caller in CALLERS]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        try:
            wait_for(lambda: callers.recovery(began) is not None, "mail to flow before any kill", PATIENCE)
            recoveries = [strike(callers) for _ in range(int(sys.argv[1]))]
        finally:
            callers.over.set()
            for thread in threads:
                thread.join()
        print(json.dumps({"recoveries": recoveries, **count(machine, callers.answers)}))


if __name__ == "__main__":
    main()
