"""Whether one delivery was over verified TLS, as promised, by its status line and the session it claimed.

Owns: which trace counts for what.
Must not know: whose lines they are (``client_process``), and what is promised (``promised_route``).
Source: Postfix's smtp.h for ``tls=``, which tells of the very delivery from 3.11 on.
"""

from domain_secure.policy.sending.promised_route import Promise, Route, Unverified, broken_by
from domain_secure.postfix.log_lines.log_line import Status
from domain_secure.postfix.log_lines.peer_name import host_of
from domain_secure.postfix.log_lines.tls_summary import is_verified, level_of, tls_of

from .client_process import Established


def verification(
    status: Status, session: Established | None, service: str, promise: Promise | None
) -> Unverified | None:
    """Return why a delivery was not verified as promised, or None where it was.

    *service* is the one that delivered, by its name in the log, "" where that is not told; without a
    *promise* any verified TLS will do.
    """
    level = status.attributes.get("tls")
    tls = tls_of(session.summary) if session else None
    if not is_verified(level, tls):
        if promise is not None and promise.is_bypassed:
            return Unverified.BYPASS
        return Unverified.NOT_VERIFIED if tls else Unverified.NO_TLS
    if promise is None:
        return None
    matched = session.matched if session else {}
    return broken_by(Route(service, host_of(status.relay), level_of(level), matched), promise)
