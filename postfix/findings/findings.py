"""What the doctor reports: one finding is one cause, with its proof and its fix.

Owns: the record and its order.
Invariant: ``word`` is stable, for scripts; the other texts are for people and may change.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum, unique


@unique
class Severity(StrEnum):
    """How bad it is: mail is unprotected or stuck; it may become so; it is worth knowing; nobody knows."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    NOT_LOOKED_AT = "not-looked-at"  #: the answer is missing, and may be any of the others


NOT_LOOKED_AT = "not-looked-at"  #: the one word of that severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it ought to be."""

    severity: Severity
    word: str  #: what is wrong, as one stable word
    what: str  #: the cause, in one clause
    proof: str  #: the value found, or the look-up made with its answer
    fix: str  #: an imperative

    @classmethod
    def error(cls, word: str, what: str, proof: str, fix: str) -> "Finding":
        """Return a finding that must be mended."""
        return cls(Severity.ERROR, word, what, proof, fix)

    @classmethod
    def warning(cls, word: str, what: str, proof: str, fix: str) -> "Finding":
        """Return a finding that should be mended."""
        return cls(Severity.WARNING, word, what, proof, fix)

    @classmethod
    def note(cls, word: str, what: str, proof: str, fix: str) -> "Finding":
        """Return a finding that may be meant."""
        return cls(Severity.NOTE, word, what, proof, fix)

    @classmethod
    def not_looked_at(cls, what: str, why: str, fix: str) -> "Finding":
        """Return what stands for checks that were not made.

        *what* names the thing that could not be looked at, such as ``the daemon's sockets``; *why* what was
        in the way, with its place; *fix* how it can be looked at.
        """
        return cls(Severity.NOT_LOOKED_AT, NOT_LOOKED_AT, what, why, fix)


def document_of(finding: Finding) -> dict[str, str]:
    """Return a finding as plain values with stable keys."""
    return {
        "severity": finding.severity.value,
        "word": finding.word,
        "what": finding.what,
        "proof": finding.proof,
        "fix": finding.fix,
    }


@dataclass(frozen=True, slots=True)
class Lookup:
    """What Postfix's own tables say of the mail for one domain, as it was looked up."""

    domain: str
    transport: str
    nexthop: str
    route: str  #: the setting or the entry that decides on the route
    policy: str  #: the entry that decides on TLS, or where none was found


@dataclass(frozen=True, slots=True)
class Examination:
    """All that one run of the doctor found."""

    findings: tuple[Finding, ...]
    lookups: tuple[Lookup, ...] = ()  #: of the one domain that was asked about

    def with_findings(self, findings: Iterable[Finding]) -> "Examination":
        """Return the examination with more findings, errors first."""
        order = list(Severity)
        together = sorted((*self.findings, *findings), key=lambda finding: order.index(finding.severity))
        return replace(self, findings=tuple(together))

    def count(self, severity: Severity) -> int:
        """Return how many findings are as bad as *severity*."""
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def not_looked_at(self) -> tuple[Finding, ...]:
        """Return what could not be looked at."""
        return tuple(one for one in self.findings if one.severity is Severity.NOT_LOOKED_AT)

    @property
    def has_errors(self) -> bool:
        """Tell whether anything must be mended."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)
