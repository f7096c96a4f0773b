"""What it costs to write a decision down: lines and history, normal and verbose, beside a bare insertion.

Owns: the records, the batches, the clock.
Must not know: Postfix, the milter protocol.
"""

import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from configurations import make_configuration

from domain_secure.milter.record.history_keeper import HistoryKeeper
from domain_secure.milter.record.protocol_log import ProtocolLog
from domain_secure.policy.certificates.certificate import read_certificates
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.certificates.trust import ClientPurpose
from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.configuration.configuration import DEFAULT_RETENTION, LogLevel
from domain_secure.policy.decision.decision import decide
from domain_secure.policy.decision.evidence import Evidence, KnownCertificate, Session
from domain_secure.policy.record.decision_record import DecisionRecord
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.terms.domain import Domain, Entry
from domain_secure.policy.terms.lists import DomainList
from domain_secure.policy.terms.tls import TlsVersion

from .measurement import Measurement
from lab.certificates import Authority

PART = "records"
_PARTNER = "woodgrovebank.test"
_ROUNDS = 7
_BATCH = 50


def measure(records: int) -> list[Measurement]:
    """Return microseconds a record for each level, with so many records a round."""
    record = _record()
    cases: tuple[tuple[str, Callable[[Path], None]], ...] = (
        ("bare insertion", lambda path: _insert(path, records)),
        ("normal", lambda path: _write(path, record, LogLevel.NORMAL, records)),
        ("everything verbose", lambda path: _write(path, record, LogLevel.VERBOSE, records)),
    )
    rounds = [[_microseconds(run, records) for _, run in cases] for _ in range(_ROUNDS)]
    reference, *rest = (
        Measurement(PART, what, "µs", values)
        for (what, _), values in zip(cases, zip(*rounds, strict=True), strict=True)
    )
    return [reference, *(one.against(reference) for one in rest)]


def _microseconds(run: Callable[[Path], None], records: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        run(Path(folder))
        return (time.perf_counter() - started) / records * 1e6


def _write(folder: Path, record: DecisionRecord, level: LogLevel, records: int) -> None:
    """Write as the daemon's recorder does, with lines that are made and then thrown away."""
    lost: list[int] = []
    keeper = HistoryKeeper(
        folder / "history.sqlite", lambda *_: level, lambda: DEFAULT_RETENTION, lambda _: None, lost.append
    )
    log = ProtocolLog(lambda *_: level, lambda event: void(str(event)))
    for start in range(0, records, _BATCH):
        batch = [replace(record, queue_id=f"Q{start + number}") for number in range(_BATCH)]
        log.consume(batch)
        keeper.consume(batch)
    keeper.close()
    if lost:
        raise RuntimeError("records were lost, so that nothing was measured")


def void(_: str) -> None:
    """Throw a line away."""


def _insert(folder: Path, records: int) -> None:
    """Insert as many rows of two columns in as many transactions, the least that any history costs."""
    with closing(sqlite3.connect(folder / "bare.sqlite", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("CREATE TABLE record (number INTEGER PRIMARY KEY, document TEXT)")
        for start in range(0, records, _BATCH):
            connection.execute("BEGIN IMMEDIATE")
            rows = [(start + number, "x" * 1000) for number in range(_BATCH)]
            connection.executemany("INSERT INTO record VALUES (?, ?)", rows)
            connection.execute("COMMIT")


def _record() -> DecisionRecord:
    """Return the record of a message that passed by its certificate, with a chain of two."""
    authority = Authority.create("Bench CA")
    issued = authority.issue(f"mail.{_PARTNER}", dns_names=(f"mail.{_PARTNER}",))
    chain = read_certificates(issued.certificate_pem + authority.certificate_pem)
    now = datetime.now(UTC)
    anchors = TrustAnchors.load(authority.certificate_pem)
    path = validate(chain[0], chain[1:], anchors, ClientPurpose.ACCEPT_SERVER, now)
    known = KnownCertificate(chain[0], path, RevocationStatus.GOOD, chain[1:], "not revoked")
    session = Session(
        TlsVersion.TLS_1_3,
        "TLS_AES_256_GCM_SHA384",
        chain[0].certificate_pin,
        chain[0].public_key_pin,
        None,
        None,
    )
    evidence = Evidence(session, known)
    claims = [Claim(Entry(_PARTNER), Domain(_PARTNER), "envelope,from")]
    configuration = make_configuration(receive=DomainList.of(_PARTNER))
    decision = replace(decide(claims, evidence, configuration, now), evidence=evidence)
    return DecisionRecord(now, "Q", "192.0.2.7", "41034", decision, None, 0.002)
