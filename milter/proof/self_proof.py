"""At start, every hour and after changes: does Postfix ask us, and does a wrong certificate not pass?

Owns: the sessions with our own smtpd, what follows from their answers, and when the next ones are held.
Must not know: where smtpd listens, and whether attach has connected it; whoever composes the daemon passes
that in.
Invariants: "proved" needs both, a right certificate that passes, and a wrong one and none at all that do not;
what could not be tried is unknown, and never proved, nor is what was proved before something it rests on
changed.  Nothing is ever delivered: no message is sent through a
Postfix that is not attached, none is given to one that did not tell us of its MAIL, and the daemon answers
every other canary with a refusal.
Sources: RFC 5321; RFC 3207; POSTSCREEN_README, which has a client wait before it may speak.
"""

import smtplib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum, unique
from pathlib import Path
from tempfile import TemporaryDirectory

from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.policy.authority.stranger_certificate import stranger_pem
from domain_secure.policy.certificates.certificate import read_certificates
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.problems import Problem

from . import events
from .canary import DOMAIN, Canaries, passed
from .door import Door, DoorClient, told, unchecked_context

_SECONDS = 30.0
# What went wrong may be mended, or may have been a restart.
_AGAIN_SECONDS = 60.0
# How long attach and detach may go unnoticed; a look costs one system call or two.
_LOOK_SECONDS = 5.0
_MESSAGE = (
    b"Subject: self-proof of domain-secure\r\n\r\n"
    b"This message tests whether Postfix asks domain-secure. If you can read it, Postfix did not.\r\n"
)

# Three sessions, each of which may be slow.
_TRIAL_SECONDS = 300.0


@unique
class Standing(StrEnum):
    """What is known."""

    PROVED = "proved"
    FAILED = "failed"
    UNKNOWN = "unknown"  #: it could not be tried
    NOT_ATTACHED = "not-attached"  #: Postfix does not ask us, and is not meant to


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one trial."""

    standing: Standing
    detail: str  #: one clause


_NOT_ATTACHED = Finding(
    Standing.NOT_ATTACHED, "Postfix is not connected to the daemon: see domain-secure attach"
)


@dataclass(frozen=True, slots=True)
class OwnPostfix:
    """What is known of the Postfix that a configuration names.

    *door* returns where our smtpd listens, None where there is none; it may raise Problem.  *is_attached*
    tells whether attach has connected that Postfix to us, *rests_on* returns what changes with anything that
    decides on a canary; both raise nothing.
    """

    door: Callable[[Configuration], Door | None]
    is_attached: Callable[[Configuration], bool]
    rests_on: Callable[[Configuration], object]


class SelfProof:
    """Tries it by itself while the daemon runs."""

    def __init__(
        self,
        configuration: Callable[[], Configuration],
        postfix: OwnPostfix,
        canaries: Canaries,
        metrics: Metrics,
        log: Callable[[Event], None],
    ) -> None:
        self._rests_on = postfix.rests_on
        self._configuration = configuration
        self._door = postfix.door
        self._is_attached = postfix.is_attached
        self._canaries = canaries
        self._metrics = metrics
        self._log = log
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin; returns without waiting."""
        threading.Thread(target=self._run, name="self-proof", daemon=True).start()

    def stop(self) -> None:
        """End soon; returns without waiting."""
        self._stop.set()

    def _run(self) -> None:
        former: Standing | None = None
        has_changed = False
        while not self._stop.is_set():
            configuration = self._configuration()
            if not configuration.self_proof or not configuration.receive:
                self._metrics.self_proof.clear()
                self._stop.wait(_AGAIN_SECONDS)
                continue
            self._metrics.self_proof.expect(_TRIAL_SECONDS)
            if former is Standing.NOT_ATTACHED and self._is_attached(configuration):
                # The processes that began before still have the former settings.
                self._stop.wait(_LOOK_SECONDS)
            ground = self._rests_on(configuration)
            finding = self.try_it()
            self._metrics.self_proof.found(
                finding.standing, finding.detail, configuration.self_proof_interval + _TRIAL_SECONDS
            )
            if finding.standing is not former or finding.standing is Standing.FAILED:
                self._log(events.self_proof(finding.standing, finding.detail))
            former = finding.standing
            # What changed may be in force in Postfix only some time later.
            proved = finding.standing is Standing.PROVED and not has_changed
            has_changed = self._wait(
                configuration.self_proof_interval if proved else _AGAIN_SECONDS,
                ground,
                was_attached=finding.standing is not Standing.NOT_ATTACHED,
            )

    def _wait(self, seconds: float, ground: object, *, was_attached: bool) -> bool:
        """Wait for the next trial, which is due at once after attach and detach, and after a change.

        Returns whether it is because of one.
        """
        due = time.monotonic() + seconds
        while (left := due - time.monotonic()) > 0 and not self._stop.wait(min(left, _LOOK_SECONDS)):
            configuration = self._configuration()
            if (
                self._is_attached(configuration) is not was_attached
                or self._rests_on(configuration) != ground
            ):
                self._metrics.self_proof.outdated(_TRIAL_SECONDS)
                return True
        return False

    def try_it(self) -> Finding:
        """Hold the sessions and return what follows; raises nothing."""
        configuration = self._configuration()
        if not self._is_attached(configuration):
            return _NOT_ATTACHED
        try:
            door = self._door(configuration)
            if door is None:
                return Finding(Standing.UNKNOWN, "Postfix has no smtpd on port 25")
            with TemporaryDirectory(prefix="domain-secure-") as folder:
                finding = self._tried(door, Path(folder))
            finding = replace(finding, detail=f"{_named(door)}: {finding.detail}")
        except Problem as problem:
            return Finding(Standing.UNKNOWN, str(problem))
        except (OSError, smtplib.SMTPException) as error:
            return Finding(Standing.UNKNOWN, f"our own port 25 cannot be tried: {told(error)}")
        # It may have been detached while it was tried.
        return finding if self._is_attached(configuration) else _NOT_ATTACHED

    def _tried(self, door: Door, folder: Path) -> Finding:
        right, wrong = (self._certificate(folder, name) for name in ("right", "wrong"))
        (certificate,) = read_certificates(right.read_bytes())
        pin = certificate.certificate_pin
        for what, shown, expected in (
            ("the right certificate", right, True),
            ("a wrong certificate", wrong, False),
            ("no certificate", None, False),
        ):
            code, text = self._answer(door, shown, pin)
            would_pass = passed(text)
            if code < 400:
                return Finding(Standing.FAILED, f"with {what} smtpd takes a message without asking us")
            if would_pass is None:
                return Finding(Standing.UNKNOWN, f"with {what} Postfix answered {code} {text[:200]}")
            if would_pass is not expected:
                said = "would be let in" if would_pass else f"would not be let in: {text[:200]}"
                return Finding(Standing.FAILED, f"a message with {what} {said}")
        return Finding(Standing.PROVED, "a right certificate passes, a wrong one and none do not")

    @staticmethod
    def _certificate(folder: Path, name: str) -> Path:
        file = folder / f"{name}.pem"
        file.touch(mode=0o600)
        file.write_bytes(stranger_pem(Domain(f"{name}.{DOMAIN}"), datetime.now(UTC)))
        return file

    def _answer(self, door: Door, shown: Path | None, pin: Pin) -> tuple[int, str]:
        """Return the deciding reply to one canary: the first refusal, or that to the message.

        A Postfix that has not told us of MAIL by then gets no message: it would deliver it.
        """
        context = unchecked_context()
        if shown is not None:
            context.load_cert_chain(shown)
        with (
            self._canaries.sent(pin) as reverse_path,
            DoorClient(door, DOMAIN, _SECONDS) as client,
        ):
            client.starttls(context=context)
            client.ehlo()
            code, text = client.mail(reverse_path)
            if code < 400:
                code, text = client.rcpt("postmaster")
            if code < 400 and self._canaries.is_noticed(reverse_path):
                code, text = client.data(_MESSAGE)
            return code, text.decode("ascii", "replace")


def _named(door: Door) -> str:
    """Return what was tried, for a person, and what was not."""
    others = f", and not {', '.join(door.others)}" if door.others else ""
    return f"{door.name}{' by the PROXY protocol' if door.is_behind_proxy else ''}{others}"
