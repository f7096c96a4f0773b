"""What the store refused or failed to do, in the operator's terms.

Owns: the translation of etcd's and TLS's words.
Source: etcd's ``api/v3rpc/rpctypes`` error texts, google.golang.org/grpc/codes.
"""

from datetime import UTC, datetime
from enum import StrEnum, unique
from pathlib import Path

from domain_secure.policy.configuration.configuration import Store
from domain_secure.policy.terms.problems import ExitStatus, Problem


@unique
class Kind(StrEnum):
    """What a caller may want to do something about."""

    UNREACHABLE = "unreachable"  #: nobody answered, or nobody who may
    DENIED = "denied"  #: the user, the password or the role
    FULL = "full"
    NO_LEASE = "no-lease"  #: the lease has ended
    UNUSABLE = "unusable"  #: what stands in the store is not what we wrote
    OTHER = "other"


class StoreProblem(Problem):
    """A Problem with the store; nothing was changed by what raised it, unless it says so."""

    def __init__(self, kind: Kind, what: str, where: str, fix: str) -> None:
        super().__init__(what, where, fix, ExitStatus.NO_ANSWER)
        self.kind = kind


def unreachable(detail: str, store: Store) -> StoreProblem:
    """Return the problem of a store where no server answered; *detail* is what the last one did."""
    where = f"store.endpoints = {', '.join(store.endpoints)}"
    lower = detail.lower()
    # With TLS 1.3 a server refuses our certificate by closing the connection, with or without a word.
    if store.cert_file is not None and (end := _ended(store.cert_file)):
        return StoreProblem(
            Kind.UNREACHABLE,
            f"the certificate that this node shows to etcd ended on {end:%Y-%m-%d}",
            f"store.cert_file = {store.cert_file}",
            "renew it, and name the new one",
        )
    if "alert" in lower and "certificate" in lower:
        what = f"etcd does not accept the certificate of this node ({_clause(detail)})"
        return StoreProblem(
            Kind.UNREACHABLE, what, f"store.cert_file = {store.cert_file}", "renew it, and name the new one"
        )
    if "certificate verify failed" in lower or "certificate_verify_failed" in lower:
        what = f"the certificate of etcd is not accepted here ({_clause(detail)})"
        fix = "renew it on the server, or name its authority"
        return StoreProblem(Kind.UNREACHABLE, what, f"store.ca_file = {store.ca_file}; {where}", fix)
    fix = "see that a majority of the servers runs and can be reached; nodes go on with the policy they have"
    return StoreProblem(Kind.UNREACHABLE, f"the store does not answer ({_clause(detail)})", where, fix)


def refused(message: str, store: Store) -> StoreProblem:
    """Return the problem of a request that etcd answered with an error."""
    lower = message.lower()
    if "authentication failed" in lower or "user name is empty" in lower or "invalid auth token" in lower:
        return StoreProblem(
            Kind.DENIED,
            f"etcd does not accept the user or the password ({_clause(message)})",
            f"store.username = {store.username}, store.password_file = {store.password_file}",
            "set the password in etcd (`etcdctl user passwd`) and in that file alike",
        )
    if "commonname of client" in lower:
        return StoreProblem(
            Kind.DENIED,
            "etcd takes no certificate with a common name from clients of its gateway",
            f"store.cert_file = {store.cert_file}",
            "issue one without, with a DNS name alone (docs/fleet.md)",
        )
    if "permission denied" in lower:
        return StoreProblem(
            Kind.DENIED,
            f"etcd does not let {store.username or 'this node'} do that",
            f"store.username = {store.username}",
            "use a user who may, or grant the role (docs/fleet.md)",
        )
    if "database space exceeded" in lower:
        return StoreProblem(
            Kind.FULL,
            "the quota of etcd is used up, and it takes no changes",
            "etcd",
            "run `etcdctl compact`, `etcdctl defrag` and `etcdctl alarm disarm` (docs/fleet.md)",
        )
    fix = "see the log of etcd"
    if "lease not found" in lower:
        return StoreProblem(Kind.NO_LEASE, "the lease of a report has ended", "etcd", fix)
    return StoreProblem(Kind.OTHER, f"etcd refuses ({_clause(message)})", ", ".join(store.endpoints), fix)


def unusable(what: str, key: str) -> StoreProblem:
    """Return the problem of a key whose value is not what it must be."""
    fix = "`domain-secure fleet log` names good revisions, `fleet revert` brings one back; nodes keep theirs"
    return StoreProblem(Kind.UNUSABLE, what, key, fix)


def _ended(path: Path) -> datetime | None:
    """Return when a certificate ended; None where it has not, or cannot be read."""
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415 - for bad news alone

    try:
        end = load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None
    return end if end < datetime.now(UTC) else None


def _clause(text: str) -> str:
    """Return the part of a nested error that says something: the innermost reason, of bounded length."""
    inner = text.replace("etcdserver: ", "")
    for opening in ("NewConnectionError(", "ConnectTimeoutError(", "SSLError("):
        if opening in inner:
            inner = inner[inner.rindex(opening) + len(opening) :].split(": ", 1)[-1]
    return inner.strip(" '\")(")[:200]
