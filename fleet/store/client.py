"""Ask etcd: fail-over between its servers, log-in, transactions, leases and the watch of one key.

Owns: the use of etcd3gw, which speaks etcd's JSON gateway.  Its own watcher ends without a word when the
stream breaks and cannot log in, so both are here.
Must not know: what the keys mean.
Invariant: a request is sent to each server at most once; what has failed may have been done all the same, and
callers compare before they repeat.
Source: etcd's api/etcdserverpb/rpc.proto; etcd.io/docs "gRPC gateway": keys and values are base64.
"""

import base64
import random
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from domain_secure.policy.configuration.configuration import Store
from domain_secure.policy.terms.kept_json import parse_json
from domain_secure.policy.terms.problems import Problem

from .answers import Answer, read_answer
from .problems import StoreProblem, refused, unreachable, unusable

try:
    import requests
    from etcd3gw.client import Etcd3Client
    from etcd3gw.exceptions import ConnectionFailedError, ConnectionTimeoutError, Etcd3Exception
except ModuleNotFoundError as error:
    raise Problem(
        "the part for fleets is not installed",
        f"Python module {error.name}",
        "install the package postfix-domain-secure[fleet], or the Debian package, which has it",
    ) from error

# TCP and TLS.  Who gives up soon makes a server that all nodes of a fleet come back to begin in vain.
CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 5.0
# A log-in costs etcd a tenth of a second of processor (bcrypt), and after its restart all nodes of a fleet
# need one at once.  Who gives up sooner and asks anew makes it compute in vain, and nobody ever gets in.
_LOG_IN_SECONDS = 60.0
_UNAUTHENTICATED = "invalid auth token"
#: Words of a server that cannot serve now, while another one may.
_ELSEWHERE = ("no leader", "timed out", "unavailable", "server stopped", "not healthy", "too many requests")


def encode(text: str | bytes) -> str:
    """Return base64 as the gateway wants it."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def end_of(prefix: str) -> str:
    """Return the end of the range of all keys that begin with *prefix*."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def put(key: str, value: bytes, lease: str | None = None) -> dict[str, Any]:
    """Return the operation that writes a key."""
    request = {"key": encode(key), "value": encode(value)}
    return {"request_put": request | ({"lease": lease} if lease else {})}


def get(key: str, end: str | None = None, *, keys_only: bool = False, limit: int = 0) -> dict[str, Any]:
    """Return the operation that reads a key, or the keys up to *end*."""
    request: dict[str, Any] = {"key": encode(key), "keys_only": keys_only, "limit": limit}
    return {"request_range": request | ({"range_end": encode(end)} if end else {})}


def get_newer(prefix: str, revision: int, limit: int) -> dict[str, Any]:
    """Return the operation that names the keys changed since *revision* of etcd, the oldest change first."""
    operation = get(prefix, end_of(prefix), keys_only=True, limit=limit)
    operation["request_range"] |= {
        "min_mod_revision": str(revision + 1),
        "sort_target": "MOD",
        "sort_order": "ASCEND",
    }
    return operation


def delete(key: str, end: str | None = None) -> dict[str, Any]:
    """Return the operation that removes a key, or the keys up to *end*."""
    return {"request_delete_range": {"key": encode(key)} | ({"range_end": encode(end)} if end else {})}


def modified_at(key: str, revision: int) -> dict[str, Any]:
    """Return the condition that a key was last changed at *revision*; 0: that it does not exist."""
    return {"key": encode(key), "target": "MOD", "result": "EQUAL", "mod_revision": str(revision)}


@dataclass(slots=True)
class LogIn:
    """What a log-in gave, for all connections of one user; safe from many threads."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: str | None = None

    def forget(self, token: str | None) -> None:
        """Have the next one log in, unless somebody has done so since *token* was given."""
        with self.lock:
            if self.token == token:
                self.token = None


class Etcd:
    """One user's connection to the servers of a store; for one thread at a time.

    Connections that share a *log_in* log in once.
    """

    def __init__(self, store: Store, log_in: LogIn | None = None) -> None:
        self.log_in = log_in or LogIn()
        self._store = store
        self._session = _session(store)
        self._servers = [_server(endpoint, self._session) for endpoint in store.endpoints]
        # Each node begins elsewhere, so that the servers share the load.
        self._turn = random.randrange(len(self._servers))  # noqa: S311 - not a secret
        self._token: str | None = None

    def transaction(
        self, *operations: Mapping[str, Any], compare: tuple[Mapping[str, Any], ...] = ()
    ) -> Answer:
        """Do the operations if all of *compare* holds; raises StoreProblem."""
        said = self._ask("/kv/txn", {"compare": compare, "success": operations})
        with self._understood("/kv/txn"):
            answer = read_answer(said)
            asked = sum("request_range" in one for one in operations)
            # Nothing is done where a condition does not hold, and without a condition everything is.
            if not (answer.succeeded or compare) or len(answer.ranges) != asked * answer.succeeded:
                raise ValueError("it does not say what was asked")
        return answer

    def grant(self, seconds: int) -> str:
        """Return a new lease."""
        answer = self._ask("/lease/grant", {"TTL": str(seconds)})
        with self._understood("/lease/grant"):
            return str(answer["ID"])

    def keep_alive(self, lease: str) -> bool:
        """Renew a lease; returns False where it has ended."""
        answer = self._ask("/lease/keepalive", {"ID": lease})
        with self._understood("/lease/keepalive"):
            return int(answer.get("result", {}).get("TTL", 0)) > 0

    def revoke(self, lease: str) -> None:
        """End a lease, and with it the keys under it."""
        self._ask("/lease/revoke", {"ID": lease})

    def watch(self, key: str, seconds: float) -> Iterator[None]:
        """Yield once when the watch of a key is set, and after each change of it.

        Returns after *seconds* without a word, or when the server ends it; raises StoreProblem.
        """
        server = self._servers[self._turn % len(self._servers)]
        try:
            self._log_in()
            with self._session.post(
                server.get_url("/watch"),
                json={"create_request": {"key": encode(key)}},
                stream=True,
                timeout=(CONNECT_SECONDS, seconds),
            ) as stream:
                if stream.status_code != requests.codes["ok"]:
                    raise self._refused(stream.text)
                for line in stream.iter_lines(chunk_size=65_536):
                    with self._understood("/watch"):
                        result = parse_json(line).get("result", {}) if line else {}
                        is_over, is_news = (
                            result.get("canceled"),
                            result.get("created") or result.get("events"),
                        )
                    if is_over:
                        return
                    if is_news:
                        yield None
        except requests.exceptions.ReadTimeout:
            return
        except Etcd3Exception as error:
            self._turn += 1
            raise self._refused(_message(error)) from error
        except (requests.exceptions.RequestException, OSError, ValueError) as error:
            self._turn += 1
            if "Read timed out" in str(error):  # requests calls a silent stream a connection error
                return
            raise unreachable(str(error), self._store) from error

    def _ask(self, path: str, payload: Mapping[str, Any]) -> Any:
        """Return the answer of the first server that gives one; raises StoreProblem."""
        problem: StoreProblem | None = None
        left, may_log_in_anew = len(self._servers), True
        while left:
            server = self._servers[self._turn % len(self._servers)]
            try:
                self._log_in()
                return server.post(server.get_url(path), json=payload)
            except (
                Etcd3Exception,
                requests.exceptions.RequestException,
                ValueError,
                RecursionError,
            ) as error:
                message = _message(error)
                is_aged = _UNAUTHENTICATED in message and self._store.username is not None
                if not is_aged and not _is_of_the_server_alone(error, message):
                    raise self._refused(message) from error
                # The server was started anew, or the token has aged.  One that was restored from a snapshot
                # makes everybody wait whose token is younger than what it knows, without an answer.
                self._log_out()
                if is_aged and may_log_in_anew:
                    may_log_in_anew = False
                else:
                    left -= 1
                    self._turn += 1
                problem = unreachable(message, self._store)
        raise problem or unreachable("no server is named", self._store)

    @contextmanager
    def _understood(self, where: str) -> Iterator[None]:
        """Take an answer that is none of etcd's for no answer; raises StoreProblem."""
        try:
            yield
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            what = f"what answers there does not speak as etcd does ({type(error).__name__}: {error})"
            raise unusable(what, f"{', '.join(self._store.endpoints)}: {where}") from error

    def _log_in(self) -> None:
        if self._store.username is None:
            return
        with self.log_in.lock:
            if self.log_in.token is None:
                self.log_in.token = self._authenticate()
            self._token = self.log_in.token
        self._session.headers["Authorization"] = self._token

    def _authenticate(self) -> str:
        """Return what etcd gives for name and password."""
        endpoint = self._store.endpoints[self._turn % len(self._servers)]
        server = _server(endpoint, self._session, _LOG_IN_SECONDS)
        self._session.headers.pop("Authorization", None)
        answer = server.post(
            server.get_url("/auth/authenticate"),
            json={"name": self._store.username, "password": _password(self._store.password_file)},
        )
        return str(answer["token"])

    def _log_out(self) -> None:
        self.log_in.forget(self._token)

    def _refused(self, message: str) -> StoreProblem:
        if _UNAUTHENTICATED in message:
            self._log_out()
        return refused(_text_of(message), self._store)


def _session(store: Store) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # neither a proxy nor ~/.netrc of whoever runs this
    session.verify = str(store.ca_file) if store.ca_file else True
    if store.cert_file:
        session.cert = (str(store.cert_file), str(store.key_file or store.cert_file))
    for path in (store.ca_file, store.cert_file, store.key_file):
        if path is not None:
            _check_readable(path)
    return session


def _server(endpoint: str, session: requests.Session, seconds: float = _ANSWER_SECONDS) -> Etcd3Client:
    parts = urlsplit(endpoint)
    return Etcd3Client(
        parts.hostname or "localhost",
        parts.port or 2379,
        parts.scheme,
        timeout=(CONNECT_SECONDS, seconds),  # type: ignore[arg-type]  # handed on to requests
        api_path="/v3/",
        session=session,
    )


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb") as stream:
            stream.read(1)
    except OSError as error:
        raise Problem(
            f"cannot read it ({error.strerror})", str(path), "see the settings of [store]"
        ) from error


def _password(path: Path | None) -> str:
    if path is None:
        return ""
    _check_readable(path)
    return path.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")


def _message(error: Exception) -> str:
    detail = getattr(error, "detail_text", None)
    return _text_of(detail) if detail else str(error)


def _text_of(text: str) -> str:
    """Return what the JSON of an error says, or the text itself."""
    try:
        document = parse_json(text)
        return str(document.get("message") or document.get("error") or text)
    except (ValueError, AttributeError):
        return text


def _is_of_the_server_alone(error: Exception, message: str) -> bool:
    """Tell whether another server may do what this one did not."""
    if not isinstance(error, Etcd3Exception):
        return True  # requests says that it could not ask, or what came back is not JSON
    if isinstance(error, ConnectionFailedError | ConnectionTimeoutError):
        return True
    return any(word in message for word in _ELSEWHERE)
