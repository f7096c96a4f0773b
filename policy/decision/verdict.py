"""Every verdict, and all that follows from it: one row each (DESIGN section 2).

Sources: RFC 3463 and RFC 5321 section 4.2 for the codes, RFC 7372 section 3.1 (X.7.22, no signature that
matches the author), RFC 8601 section 2.7 for the result words.
"""

from enum import Enum, StrEnum, unique

from domain_secure.policy.configuration.configuration import OnFailure


@unique
class Effect(StrEnum):
    """What happens to the message."""

    NONE = "none"  #: as if we were not there, apart from forged marks
    ACCEPT = "accept"  #: let in and marked
    DEFER = "defer"
    REJECT = "reject"


@unique
class Verdict(Enum):
    """The verdicts in order of precedence: with several listed domains in one message, the last one speaks.

    word: the stable reason in replies, log lines, metrics and marks.
    status: reply code and enhanced status code; None where nothing is replied.
    result: the word in our marks (RFC 8601).
    """

    NONE = ("none", None, "none")
    EXEMPT = ("exempt", None, "none")
    PASS = ("pass", None, "pass")
    UNKNOWN_CERTIFICATE = ("unknown-certificate", "451 4.7.5", "temperror")
    REVOCATION_UNKNOWN = ("revocation-unknown", "451 4.7.5", "temperror")
    DATES_UNKNOWN = ("dates-unknown", "451 4.7.5", "temperror")
    NOT_SET_UP = ("not-set-up", "451 4.7.5", "temperror")
    NO_EVIDENCE = ("no-evidence", "451 4.7.5", "temperror")
    NO_SIGNATURE = ("no-signature", "550 5.7.22", "fail")
    NAME_MISMATCH = ("name-mismatch", "550 5.7.5", "fail")
    EXPIRED = ("expired", "550 5.7.5", "fail")
    REVOKED = ("revoked", "550 5.7.5", "fail")
    UNTRUSTED = ("untrusted", "550 5.7.5", "fail")
    DISTRUSTED = ("distrusted", "550 5.7.5", "fail")
    NO_CERTIFICATE = ("no-certificate", "550 5.7.5", "fail")
    WEAK_TLS = ("weak-tls", "550 5.7.10", "fail")
    NO_TLS = ("no-tls", "530 5.7.10", "fail")
    INTERNAL_ERROR = ("internal-error", "451 4.7.5", "temperror")

    def __init__(self, word: str, status: str | None, result: str) -> None:
        self.word = word
        self.status = status
        self.result = result

    @property
    def is_failure(self) -> bool:
        """Tell whether a listed domain was claimed and not proved."""
        return self.status is not None

    @property
    def is_temporary(self) -> bool:
        """Tell whether we do not know, rather than know that it is wrong."""
        return self.result == "temperror"

    def effect(self, on_failure: OnFailure) -> Effect:
        """Return what an enforced verdict does to the message."""
        if self is Verdict.PASS:
            return Effect.ACCEPT
        if not self.is_failure:
            return Effect.NONE
        if on_failure is OnFailure.TAG:
            return Effect.ACCEPT
        if self.is_temporary or (on_failure is OnFailure.DEFER and self is not Verdict.NO_TLS):
            return Effect.DEFER
        return Effect.REJECT

    def reply_status(self, effect: Effect) -> tuple[str, str]:
        """Return reply code and enhanced status code, softened to 4xx when the *effect* is to defer.

        Raises ValueError for a verdict that is not replied to.
        """
        if self.status is None:
            raise ValueError(f"{self.word} is not replied to")
        code, enhanced = self.status.split()
        return ("451", f"4{enhanced[1:]}") if effect is Effect.DEFER else (code, enhanced)
