"""The metrics of the reflector: what became of letters, and of the answers to them."""

from prometheus_client import CollectorRegistry, Counter

from domain_secure.policy.reflector.reason import Reason


class ReflectorMetrics:
    """Counters that begin with 0 for each outcome, so that none appears out of nothing."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._letters = Counter(
            "domain_secure_reflector_letters",
            "Letters to the reflector, by what became of them: answered, or why not.",
            ("outcome",),
            registry=registry,
        )
        self._answers = Counter(
            "domain_secure_reflector_answers",
            "Answers of the reflector that our own Postfix took (sent), or did not (failed).",
            ("outcome",),
            registry=registry,
        )
        for reason in Reason:
            self._letters.labels(reason)
        for outcome in ("sent", "failed"):
            self._answers.labels(outcome)

    def letter(self, reason: Reason) -> None:
        """Count one letter."""
        self._letters.labels(reason).inc()

    def answer(self, *, sent: bool) -> None:
        """Count one answer."""
        self._answers.labels("sent" if sent else "failed").inc()
