"""etcd's words in the operator's terms."""

from pathlib import Path

import pytest

from domain_secure.fleet.store.problems import Kind, refused, unreachable
from domain_secure.policy.configuration.configuration import Store
from domain_secure.policy.terms.problems import ExitStatus

STORE = Store(
    endpoints=("https://e1:2379",), ca_file=Path("/ca.pem"), cert_file=Path("/me.pem"), username="edge1"
)


@pytest.mark.parametrize(
    ("detail", "said", "where"),
    [
        (
            "HTTPSConnectionPool(host='e1', port=2379): Max retries exceeded with url: /v3/kv/txn",
            "the store does not answer",
            "https://e1:2379",
        ),
        (
            "SSLError(SSLCertVerificationError(1, 'certificate verify failed: certificate has expired'))",
            "certificate has expired",
            "/ca.pem",
        ),
        (
            "[SSL: SSLV3_ALERT_BAD_CERTIFICATE] sslv3 alert bad certificate",
            "certificate of this node",
            "/me.pem",
        ),
    ],
)
def test_unreachable(detail: str, said: str, where: str) -> None:
    """Who is not there, whose certificate has ended, and who refuses ours are told apart."""
    problem = unreachable(detail, STORE)
    assert said in problem.what
    assert where in problem.where
    assert (problem.kind, problem.status) == (Kind.UNREACHABLE, ExitStatus.NO_ANSWER)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("etcdserver: authentication failed, invalid user ID or password", Kind.DENIED),
        ("etcdserver: user name is empty", Kind.DENIED),
        ("etcdserver: permission denied", Kind.DENIED),
        ("etcdserver: requested lease not found", Kind.NO_LEASE),
        ("CommonName of client sending a request against gateway will be ignored", Kind.DENIED),
        ("etcdserver: mvcc: database space exceeded", Kind.FULL),
        ("etcdserver: too many operations in txn request", Kind.OTHER),
    ],
)
def test_refused(message: str, kind: Kind) -> None:
    """What etcd refuses is told with what to do about it."""
    problem = refused(message, STORE)
    assert problem.kind is kind
    assert problem.fix
