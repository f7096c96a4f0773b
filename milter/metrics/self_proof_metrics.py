"""The metric of the self-proof, and what it rests on.

Invariant: what was proved is proved for a while only, and not after something that it rests on has changed.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Gauge

_PROVED, _FAILED, STALE, NOT_TRIED = "proved", "failed", "stale", "not-tried"


@dataclass(frozen=True, slots=True)
class ProofStanding:
    """What is known of our own port 25 at one moment."""

    standing: str | None = None  #: of ``self_proof.Standing``, or ``stale``, ``not-tried``; None: off
    detail: str = ""  #: what was tried, and what came of it
    tried: datetime | None = None  #: when the last trial ended
    fault: str | None = None  #: what is wrong with it, where something is


@dataclass(frozen=True, slots=True)
class _Trial:
    standing: str
    detail: str
    tried: datetime | None
    due: float  #: a time of ``time.monotonic``: the next trial is over then
    outdated: datetime | None = None  #: when something that it rests on changed


class SelfProofMetrics:
    """The last finding; NaN in the metric while nothing is known.  Safe from many threads."""

    def __init__(self, registry: CollectorRegistry, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._trial: _Trial | None = None
        Gauge(
            "domain_secure_selfproof",
            "1 when a canary message with a right certificate passed and wrong ones did not, at the last "
            "trial on our own port 25; 0 when Postfix lets in what it should not, or the reverse; NaN when "
            "it could not be tried, was tried too long ago or before a change, is off, or Postfix is not "
            "attached.",
            registry=registry,
        ).set_function(lambda: {_PROVED: 1.0, _FAILED: 0.0}.get(self.present.standing or "", math.nan))
        Gauge(
            "domain_secure_selfproof_timestamp_seconds",
            "When the last trial of our own port 25 ended, whatever came of it; NaN before the first.",
            registry=registry,
        ).set_function(lambda: tried.timestamp() if (tried := self.present.tried) else math.nan)

    @property
    def present(self) -> ProofStanding:
        """Return what is known now."""
        with self._lock:
            trial = self._trial
        if trial is None:
            return ProofStanding()
        is_late = self._monotonic() > trial.due
        if trial.standing == NOT_TRIED or (not is_late and trial.outdated is None):
            fault = trial.detail if trial.standing == _FAILED else None
            if is_late:
                fault = "our own port 25 was not tried in all the time"
            return ProofStanding(trial.standing, trial.detail, trial.tried, fault)
        why = f"no trial since {trial.tried:%Y-%m-%d %H:%M:%S} UTC"
        if trial.outdated is not None:
            why = f"{why}, and at {trial.outdated:%H:%M:%S} something it rests on changed"
        detail = f"{why}; then it was {trial.standing}: {trial.detail}"
        is_fault = is_late or trial.standing == _FAILED
        return ProofStanding(STALE, detail, trial.tried, detail if is_fault else None)

    def clear(self) -> None:
        """Nothing is tried."""
        with self._lock:
            self._trial = None

    def expect(self, lasts: float) -> None:
        """Take it that a first trial will be over within *lasts* seconds."""
        with self._lock:
            if self._trial is None:
                self._trial = _Trial(NOT_TRIED, "not tried yet", None, self._monotonic() + lasts)

    def found(self, standing: str, detail: str, lasts: float) -> None:
        """Take the outcome of a trial: ``proved``, ``failed``, ``unknown``, ``not-attached``.

        Within *lasts* seconds there will be another.
        """
        with self._lock:
            self._trial = _Trial(standing, detail, datetime.now(UTC), self._monotonic() + lasts)

    def outdated(self, lasts: float) -> None:
        """Take it that what the last trial rests on changed; the next one is over within *lasts* seconds."""
        with self._lock:
            if self._trial is not None and self._trial.outdated is None:
                due = min(self._trial.due, self._monotonic() + lasts)
                former = self._trial
                self._trial = _Trial(former.standing, former.detail, former.tried, due, datetime.now(UTC))
