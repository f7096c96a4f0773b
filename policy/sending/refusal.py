"""Whether a server that says no says it because of who we are: our certificate, or what stands for it.

Owns: the codes, the words and the alerts that mean so.
Must not know: where a reply or an alert was read.
Invariant: a word counts only in what the server says itself: addresses, which senders choose, are left out.
Sources: RFC 3463 section 3.8 (X.7.5, X.7.10), RFC 7372 section 3.1 (X.7.22), RFC 3207 section 4 (530); RFC
8446 section 6.2 and OpenSSL's words for the alerts; docs/replies.md for ours.  Exchange and Exchange Online:
530 5.7.x, 454 4.7.5, 5.7.51.  Sendmail's rulesets for TLS: 403 4.7.0, 503 5.7.0.  Postfix with
smtpd_tls_req_ccert: 421 4.7.1.
"""

import re

from .delivery import FailureReason

# With several lines each begins with the codes, and Postfix logs them one behind the other.
_CODES = re.compile(r"(?P<code>[45]\d\d)(?:[ -](?P<status>[45]\.\d{1,3}\.\d{1,3})(?!\S))?")
_SECURITY = re.compile(r"[45]\.7\.\d+")
_SURELY = frozenset({"7.5", "7.10", "7.51"})
_OF_SENDMAIL = frozenset({"403", "503"})
_ADDRESS = re.compile(r"<[^<>]*>|\S*@\S*")
# What else X.7.5 is used for: judging the message.
_OF_THE_MESSAGE = re.compile(r"\b(?:dmarc|spf|dkim|arc|s/mime|openpgp)\b", re.IGNORECASE)
_CERTIFICATE = re.compile(r"\bcertificates?\b", re.IGNORECASE)
_NO_SIGNATURE = re.compile(r"\(no-signature\)")
_OUR_WORDS = re.compile(
    r"\((?:no-tls|weak-tls|no-certificate|untrusted|name-mismatch|expired|revoked|distrusted|unknown-certificate"
    r"|revocation-unknown|dates-unknown|not-set-up|no-evidence|internal-error)\) \[ref "
)
_ALERT = re.compile(
    r"alert (?:bad|unsupported|revoked|expired|unknown) certificate"
    r"|alert certificate (?:unknown|revoked|expired|required)|alert unknown ca|alert access denied"
)


def refusal_reason(reply: str) -> FailureReason | None:
    """Return why a server refuses us, by its reply; None where it does not say that it is about who we are.

    *reply* begins with the code.
    """
    codes = _CODES.match(reply)
    if codes is None:
        return None
    code, status = codes["code"], codes["status"] or ""
    said = _ADDRESS.sub("", reply)
    is_ours = _OUR_WORDS.search(said) is not None
    if _NO_SIGNATURE.search(said) and status.endswith(".7.22"):
        return FailureReason.NO_SIGNATURE
    if _OF_THE_MESSAGE.search(said) and not is_ours:
        return None
    is_security = _SECURITY.fullmatch(status) is not None
    if (
        is_ours
        or code == "530"
        or status[2:] in _SURELY
        or (code in _OF_SENDMAIL and is_security)
        or ((is_security or not status) and _CERTIFICATE.search(said))
    ):
        return FailureReason.CLIENT_CERTIFICATE
    return None


def is_certificate_alert(text: str) -> bool:
    """Tell whether a TLS alert, in OpenSSL's words, says that our certificate was not accepted."""
    return _ALERT.search(text) is not None
