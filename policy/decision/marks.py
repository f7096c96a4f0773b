"""The marks on a message: what we add, and what we take away because only we may write it.

Owns: the two header fields of DESIGN section 2.
Must not know: how header fields are added or removed.

Invariant: a pass mark is made only for a message whose verdict is pass for each listed domain it claims.
Sources: RFC 8601 sections 2.2 and 5 (Authentication-Results), RFC 2045 section 5.1 (token).
"""

import re
import unicodedata
from collections.abc import Iterable

from domain_secure.policy.claims.address import unfold, without_comments

from .decision import Decision, Finding
from .verdict import Effect, Verdict

MARK = "X-Domain-Secure"
AUTHENTICATION_RESULTS = "Authentication-Results"
_METHOD = "x-domain-secure"  #: RFC 8601 section 2.7.7: local methods begin with "x-"

# value = token / quoted-string                                                      RFC 2045 section 5.1
# token = 1*<any CHAR except SPACE, CTLs, or tspecials>
_TOKEN = re.compile(r'[^\x00-\x20\x7f-\x9f()<>@,;:\\"/\[\]?=]+')

_UNSEEN = re.compile(r'[\x00-\x20\x7f-\xa0"\\]+')


def mark_headers(
    decision: Decision, host: str, authserv_id: str, reference: str
) -> tuple[tuple[str, str], ...]:
    """Return the header fields (name, body) that tell the recipient what was found; none where nothing was.

    *host* is our own name, *reference* the queue id.  Of a message that was let in although it failed, only
    the failures are told: a pass beside them would be taken for the message's.
    """
    findings = _told(decision)
    if not findings:
        return ()
    tls_version = _tls_version(decision)
    ending = f"by {host or 'unknown'}; ref={reference or 'unknown'}"
    marks = (
        (MARK, f"{finding.verdict.result} ({domain}; {_how(finding)}; {tls_version}) {ending}{_by(finding)}")
        for domain, finding in findings.items()
    )
    results = (_result(finding, tls_version) for finding in findings.values())
    body = "; ".join((_value(authserv_id), *results))
    return (*marks, (AUTHENTICATION_RESULTS, body))


def _told(decision: Decision) -> dict[str, Finding]:
    """Return the findings to be told, by claimed domain."""
    if decision.effect is not Effect.ACCEPT:
        return {}
    failed = [finding for finding in decision.findings if finding.verdict.is_failure]
    passed = all(finding.verdict is Verdict.PASS for finding in decision.findings)
    told: Iterable[Finding] = failed or (decision.findings if passed else ())
    return {finding.claim.domain: finding for finding in told}


def _tls_version(decision: Decision) -> str:
    if decision.session is None:
        return "unknown"
    version = decision.session.tls_version
    return "none" if version is None else str(version)


def _by(finding: Finding) -> str:
    return "; bypass" if finding.is_bypassed else ""


def _how(finding: Finding) -> str:
    return str(finding.method) if finding.method is not None else finding.verdict.word


def _result(finding: Finding, tls_version: str) -> str:
    """Return the resinfo of one domain.

    resinfo = [CFWS] ";" methodspec [CFWS reasonspec] [CFWS 1*propspec]                   RFC 8601 section 2.2
    """
    domain, result = finding.claim.domain, f"{_METHOD}={finding.verdict.result}"
    if finding.method is not None:
        return f"{result} header.d={domain} policy.method={finding.method} policy.tls={tls_version}"
    bypass = " policy.bypass=yes" if finding.is_bypassed else ""
    return f'{result} reason="{finding.verdict.word}" header.d={domain} policy.tls={tls_version}{bypass}'


def _value(text: str) -> str:
    if _TOKEN.fullmatch(text):
        return text
    escaped = re.sub(r'(["\\])', r"\\\1", text)
    return f'"{escaped}"'


def is_forged_mark(name: str, value: bytes) -> bool:
    """Tell whether a header field of an arriving message pretends to be a mark of ours.

    A result of our own method is one whoever it is said to be from: users look for the method, there may be
    several edges, and a name can be written in many ways.  Results about other methods stay.
    """
    folded_name = name.strip().lower()
    if folded_name == MARK.lower():
        return True
    if folded_name != AUTHENTICATION_RESULTS.lower():
        return False
    text = _folded(value)
    return _METHOD in text or _METHOD in _squeezed(text)


def _folded(value: bytes) -> str:
    """Return the field as a lenient reader compares it: unfolded, in compatible characters of one case."""
    text = unfold(value.decode(errors="replace"))
    if text.isascii():
        return text.lower()
    seen = (character for character in text if unicodedata.category(character) != "Cf")
    return unicodedata.normalize("NFKC", "".join(seen)).casefold()


def _squeezed(text: str) -> str:
    """Return *text* without comments, and without all that a reader may pass over."""
    return _UNSEEN.sub("", without_comments(text))
