"""What stands in a fleet's store, and what a server that calls itself one answers."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from domain_secure.fleet.node.ahead import nodes_ahead
from domain_secure.fleet.node.reports import Report, read_reports, summed
from domain_secure.fleet.node.shared_book import read_chain
from domain_secure.fleet.store.client import Etcd
from domain_secure.fleet.store.repository import Repository
from domain_secure.policy.configuration.configuration import Store, StoreType
from domain_secure.policy.revisions import chunks
from domain_secure.policy.revisions.lineage import Demands, step
from domain_secure.policy.revisions.revision import Envelope
from domain_secure.policy.revocation.revocation_store import RevocationStore
from domain_secure.policy.terms.problems import Problem

from attack.fuzzing.target import Fault, Take, Target

_PREFIX = "/domain-secure/"
_NAME = f"{'0' * 40}.statement"
_DEMANDS = Demands()


@contextmanager
def _values(folder: Path) -> Iterator[Take]:
    store = RevocationStore(folder / "revocation")

    def take(octets: bytes) -> None:
        digest = chunks.digest(octets)
        read_chain(digest, octets)
        store.take_from_another(_NAME, octets)
        with suppress(ValueError):
            report = Report.parse(octets)
            json.dumps(report.octets().decode())
            if Report.parse(report.octets()) is None:
                raise Fault("a report is not read as it was written")
            report.missing(3)
        with suppress(ValueError):
            chunks.read_index(octets)
        if b"".join(chunks.split(octets)) != octets:
            raise Fault("chunks are not the text")
        with suppress(ValueError):
            envelope = Envelope.parse(octets)
            if Envelope.parse(envelope.octets()).revision.digest != envelope.revision.digest:
                raise Fault("a revision is not read as it was written")
            envelope.is_signed_by([envelope.key] if envelope.key else [])
            step(envelope, None, [], _DEMANDS, None)

    yield take


class _Gateway(BaseHTTPRequestHandler):
    """Answers each request with what an input says: as the answer, or as a value in a good one."""

    says = b""
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one segment: half of one would wait for a receipt

    def do_POST(self) -> None:
        """Answer one."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = self.says if self.says.startswith((b"{", b"[")) else _answer(request, self.says)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""
        del format, args


def _answer(request: dict[str, Any], value: bytes) -> bytes:
    found = []
    for operation in request.get("success", ()):
        wanted = operation.get("request_range")
        if wanted is None:
            continue
        key = base64.b64decode(wanted["key"]).decode()
        named = f"{key}edge1/report" if key.endswith("nodes/") else key
        one = {"key": base64.b64encode(named.encode()).decode(), "mod_revision": "7"}
        if not wanted.get("keys_only"):
            one["value"] = base64.b64encode(value).decode()
        found.append({"response_range": {"kvs": [one]}})
    header = {"revision": "7", "cluster_id": "1"}
    return json.dumps({"succeeded": True, "header": header, "responses": found}).encode()


@contextmanager
def _answers(folder: Path) -> Iterator[Take]:
    del folder
    handler = type("_Bound", (_Gateway,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True, name="gateway").start()
    endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    repository = Repository(Etcd(Store(type=StoreType.ETCD, endpoints=(endpoint,))), _PREFIX)

    def take(octets: bytes) -> None:
        handler.says = octets
        with suppress(Problem):
            head, history = repository.head_and_history(1)
            for one in (head.envelope, *history):
                if one is not None:
                    repository.texts(one, {})
        with suppress(Problem):
            summed(read_reports(repository))
        with suppress(Problem):
            nodes_ahead(repository, _DEMANDS)
        with suppress(Problem):
            repository.machines("edge1")

    try:
        yield take
    finally:
        server.shutdown()
        server.server_close()


TARGETS = (
    Target("store-values", _values, 256 * 1024, 3.0, (b",", b"{", b"[", b"\n")),
    Target("store-answers", _answers, 256 * 1024, 4.0, (b",", b"{", b"[")),
)
