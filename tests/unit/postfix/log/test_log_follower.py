"""The follower as a whole, on real files: what it counts, tells, survives."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from configurations import make_configuration, make_partner

from domain_secure.policy.bypass.bypass import Bypass
from domain_secure.policy.configuration.configuration import Configuration, SendMethod
from domain_secure.policy.sending.delivery import Delivery, DeliveryEvent, FailureReason
from domain_secure.policy.sending.delivery_counts import LogStanding, OutboundProgress
from domain_secure.policy.sending.promised_route import Promise
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.log import log_follower
from domain_secure.postfix.log.log_follower import LogFollower, SendList, Surroundings
from domain_secure.postfix.log.log_location import LogLocation

from lab.waiting import wait_for
from unit.postfix.log_lines import Log


class Following:
    """A follower with ears on every side."""

    def __init__(self, folder: Path) -> None:
        self.configuration = make_configuration(folder / "state", send=DomainList.of("woodgrovebank.test"))
        self.path = folder / "mail.log"
        self.path.touch()
        self.progress: list[OutboundProgress] = []
        self.events: list[DeliveryEvent] = []
        self.log: list[Event] = []
        self.moved = False
        self.faulty = False
        self.follower: LogFollower | None = None

    def locate(self, _: Configuration) -> LogLocation:
        """Say where the log is."""
        if not self.path.parent.exists():
            raise Problem("nowhere", "here", "make it")
        return LogLocation(self.path, "mail", frozenset({"postfix"}), "test")

    def _has_moved(self) -> bool:
        moved, self.moved = self.moved, False
        return moved

    def _observe(self, event: DeliveryEvent) -> None:
        self.events.append(event)
        if self.faulty:
            raise RuntimeError("an observer's fault")

    def start(self) -> None:
        """Start, and wait until the log is followed."""
        before = len(self.progress)
        self.follower = LogFollower(
            Surroundings(
                lambda: self.configuration,
                self.locate,
                self._has_moved,
                self.progress.append,
                (self._observe,),
                self.log.append,
            )
        )
        self.follower.start()
        wait_for(lambda: any(one.at_end for one in self.progress[before:]), "the end of the log")

    def stop(self) -> None:
        """Stop, and wait for it."""
        if self.follower:
            self.follower.stop()
            self.follower._thread.join()

    def write(self, log: Log) -> None:
        """Log lines."""
        with self.path.open("ab") as stream:
            stream.write(b"".join(line + b"\n" for line in log.lines))

    def sums(self) -> dict[str, int]:
        """Return what is published now."""
        return {f"{key.counter} {key.reason}".strip(): value for key, value in self.progress[-1].sums.items()}

    def wait_for(self, **sums: int) -> None:
        """Wait for counters."""
        wait_for(lambda: self.sums() == sums, str(sums), context=lambda: f"{self.sums()} {self.log}")

    def words(self) -> list[str]:
        """Return which events were logged."""
        return [event.word for event in self.log]


@pytest.fixture
def following(tmp_path: Path) -> Iterator[Following]:
    """Return a follower that was not started yet."""
    made = Following(tmp_path)
    yield made
    made.stop()


def delivered(queue_id: str) -> Log:
    """Return a verified delivery of now."""
    log = Log()
    log.tls()
    log.status(queue_id)
    return log


def test_lines_become_sums_and_are_told(following: Following) -> None:
    """Published and told to the observer, in this order."""
    following.start()
    following.write(delivered("10B773D"))
    following.wait_for(sent=1, mutual=1)
    wait_for(lambda: following.events, "the observer to hear")
    (event,) = following.events
    assert isinstance(event, Delivery)
    assert following.words() == ["log-followed"]


def docker(line: str) -> str:
    """Return a line as Docker's json-file driver keeps it."""
    return json.dumps({"log": f"{line}\n", "stream": "stdout", "time": line.split(" ", maxsplit=1)[0]})


def structured(line: str, program: str | None = None) -> str:
    """Return a line as RFC 5424 has it."""
    stamp, host, tag, message = line.split(" ", 3)
    name, _, process = tag.rstrip("]:").partition("[")
    return f"<22>1 {stamp} {host} {program or name} {process} - - {message}"


FORMS: dict[str, Callable[[str], str]] = {
    "rsyslog": lambda line: line,
    "without a colon": lambda line: line.replace("+00:00", "+0000", 1),
    "a blank for the T": lambda line: line.replace("T", " ", 1).replace("+00:00", "", 1),
    "traditional": lambda line: line.replace("2026-11-25T", "Nov 25 ", 1).replace("+00:00", "", 1),
    "Greek": lambda line: line.replace("2026-11-25T", "Νοε 25 ", 1).replace("+00:00", "", 1),
    "priority": lambda line: f"<22>{line}",
    "Busybox": lambda line: line.replace(" mail ", " mail mail.info ", 1),
    "RFC 5424": structured,
    "RFC 5424 of rsyslog": lambda line: structured(line, "postfix"),
    "Docker": docker,
    "CRI": lambda line: f"{line.split(' ')[0]} stdout F {line}",
    "docker logs --timestamps": lambda line: f"{line.split(' ')[0]} {line}",
    "docker compose logs": lambda line: f"mail-1  | {line}",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_counted(following: Following, form: str) -> None:
    """The same deliveries give the same sums, whoever wrote the log; and the log is said to be followed."""
    following.start()
    log = delivered("10B773D")
    log.removed()
    log.deferred("TLS is required, but was not offered by host mail.woodgrovebank.test[198.51.100.20]")
    lines = [FORMS[form](line.decode()) for line in log.lines]
    with following.path.open("a") as stream:
        stream.writelines(f"{line}\n" for line in lines)
    following.wait_for(**{"sent": 1, "mutual": 1, "failure no-tls": 1})
    wait_for(lambda: following.progress[-1].standing is LogStanding.FOLLOWED, "the log to be followed")
    assert following.progress[-1].unknown_lines == 0


def test_a_form_that_is_not_known_is_told(following: Following) -> None:
    """Not as a log that is followed, once in the log, and with what it looks like."""
    following.start()
    with following.path.open("a") as stream:
        stream.writelines(f"Nov 25 19:23:1{second} [postfix/smtp] x\n" for second in range(3))
    wait_for(
        lambda: following.progress[-1].standing is LogStanding.NOT_UNDERSTOOD, "the log not to be understood"
    )
    assert "[postfix/smtp" in following.progress[-1].detail
    assert following.progress[-1].strange == 3
    assert following.words() == ["log-followed", "log-not-understood"]


def test_nothing_is_said_of_the_log_where_nothing_is_sent(following: Following) -> None:
    """Who only receives needs no log."""
    following.configuration = make_configuration(following.path.parent / "state")
    following.start()
    with following.path.open("a") as stream:
        stream.write("Nov 25 19:23:15 [postfix/smtp] x\n")
    wait_for(lambda: following.progress[-1].strange, "the line to be read")
    assert following.progress[-1].standing is LogStanding.UNKNOWN
    assert following.words() == ["log-followed"]


def test_a_restart_counts_what_came_meanwhile_once(following: Following) -> None:
    """In the middle of a delivery too: the session before, the status line after."""
    following.start()
    log = delivered("10B773D")
    following.write(log)
    following.wait_for(sent=1, mutual=1)
    begun = Log()
    begun.tls()
    following.write(begun)
    wait_for(lambda: following.progress[-1].lines == 3, "the lines to be read")
    following.stop()
    rest = Log()
    rest.status("20B773D")
    following.write(rest)
    following.start()
    following.wait_for(sent=2, mutual=2)
    following.stop()
    following.start()
    following.wait_for(sent=2, mutual=2)


def test_mail_past_the_policy_is_logged_loudly(following: Following) -> None:
    """As a warning, with Postfix's own line."""
    following.start()
    log = Log()
    log.line("Host offered STARTTLS: [x]")
    log.second = 60
    log.status()
    following.write(log)
    following.wait_for(unverified=1)
    wait_for(lambda: "sent-unverified" in following.words(), "the warning")
    assert "status=sent" in str(following.log[-1])


def test_an_observers_fault_is_its_own(following: Following) -> None:
    """It is logged, and the counting goes on."""
    following.start()
    following.faulty = True
    following.write(delivered("10B773D"))
    following.write(delivered("20B773D"))
    following.wait_for(sent=2, mutual=2)
    wait_for(lambda: following.words().count("internal-error") == 2, "both faults to be logged")


def test_what_is_no_longer_listed_is_not_shown_and_not_forgotten(following: Following) -> None:
    """A domain that returns to the list has its sums again."""
    following.start()
    following.write(delivered("10B773D"))
    following.wait_for(sent=1, mutual=1)
    former = following.configuration
    following.configuration = make_configuration(former.state, send=DomainList.of("fabrikam.test"))
    following.wait_for()
    following.write(delivered("20B773D"))
    wait_for(lambda: following.progress[-1].lines == 4, "the lines to be read")
    following.configuration = former
    following.wait_for(sent=1, mutual=1)


def test_a_log_that_moves_is_followed(following: Following, tmp_path: Path) -> None:
    """After a change of main.cf, without a restart; the gap is named."""
    following.start()
    following.path = tmp_path / "other.log"
    following.path.touch()
    following.moved = True
    wait_for(lambda: following.words().count("log-followed") == 2, "the other log")
    following.write(delivered("10B773D"))
    following.wait_for(sent=1, mutual=1)
    assert "log-lines-lost" in following.words()


def test_a_problem_is_logged_once_and_tried_again(
    following: Following, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the log can be read; nothing is published as up to date before."""
    monkeypatch.setattr(log_follower, "_RETRY_SECONDS", 0.01)
    following.path = tmp_path / "folder" / "mail.log"
    follower = LogFollower(
        Surroundings(
            lambda: following.configuration,
            following.locate,
            lambda: False,
            following.progress.append,
            (),
            following.log.append,
        )
    )
    follower.start()
    wait_for(lambda: len(following.progress) > 3, "several attempts")
    assert following.words() == ["log-not-followed"]
    assert not any(one.at_end for one in following.progress)
    following.path.parent.mkdir()
    wait_for(lambda: following.progress[-1].at_end, "the log to be followed")
    follower.stop()
    follower._thread.join()


def test_a_promise_is_that_of_the_configuration_in_force() -> None:
    """A bypass, or a rule that changes, counts for the very next delivery."""
    entry = Entry("woodgrovebank.test")
    current = make_configuration(send=DomainList.of(entry))
    send_list = SendList(lambda: current)
    for _ in range(2):
        assert send_list.promise(entry, "ours") == Promise(current.partner(entry), "ours")
    assert send_list.promise(entry, "another").service == "another"
    current = replace(current, direct=False, partners={entry: make_partner(entry, mx=(Domain("mx.test"),))})
    assert send_list.promise(entry, "ours") == Promise(current.partners[entry], "")
    now = datetime.now(UTC)
    bypass = Bypass(entry, (Direction.SEND,), now, now + timedelta(hours=1), "anna", "tonight")
    current = replace(current, bypasses=(bypass,))
    assert send_list.promise(entry, "ours").is_bypassed


def test_the_send_list_in_force_decides() -> None:
    """Wildcards, U-labels and literals as everywhere; what no match means is by the partner's rule."""
    rule = make_partner("bücher.test".encode("idna").decode(), send_method=SendMethod.DANE)
    configuration = make_configuration(
        send=DomainList.of(rule.entry, "*.fabrikam.test"), partners={rule.entry: rule}
    )
    find = SendList(lambda: configuration)
    assert find.find("BÜCHER.test") == (rule.entry, rule.entry)
    assert find.find("a.fabrikam.test") == ("a.fabrikam.test", "*.fabrikam.test")
    assert [find.find(name) for name in ("fabrikam.test", "[192.0.2.1]", "", "evil.test")] == [None] * 4
    assert find.unmatched(rule.entry) is FailureReason.DANE
