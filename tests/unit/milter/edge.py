"""An Inbound with real files around it."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from domain_secure.milter.knowledge.knowledge import CertificateKnowledge
from domain_secure.milter.knowledge.live_configuration import LiveConfiguration
from domain_secure.milter.metrics.metrics import Metrics
from domain_secure.milter.record.protocol_log import ProtocolLog
from domain_secure.milter.session.delegation import DelegatedFacts
from domain_secure.milter.session.inbound import Inbound
from domain_secure.milter.session.joined import RecentRequests
from domain_secure.milter.session.macros import MilterFacts
from domain_secure.milter.session.outcome import Outcome
from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.certificates.certificate import read_certificates
from domain_secure.policy.configuration.reading import load
from domain_secure.policy.record.decision_record import DecisionRecord
from domain_secure.policy.record.log_levels import LogLevels, configured_levels
from domain_secure.policy.record.observed import direction_of, entries_of
from domain_secure.policy.terms.event import Event

from lab.certificates import Authority
from unit.policy.builders import NOW

CIPHER = "TLS_AES_256_GCM_SHA384"


class Edge:
    """An Inbound with real files around it, and what it logged."""

    def __init__(self, folder: Path, settings: str = "", *, entries: str = '"woodgrovebank.test"') -> None:
        self.authority = Authority.create("Lab CA")
        (folder / "ca.pem").write_bytes(self.authority.certificate_pem)
        path = folder / "domain-secure.toml"
        path.write_text(
            f"{settings}\n[receive]\ndomains = [{entries}]\n"
            f'[trust]\nca_file = "{folder}/ca.pem"\n[paths]\nstate = "{folder}"\n'
        )
        self.logged: list[Event] = []
        self.records: list[DecisionRecord] = []
        self.book = CertificateBook(folder / "certificates.sqlite")
        self.requests = RecentRequests(lambda: 0.0)
        self.metrics = Metrics()
        self.live = LiveConfiguration(load, path, self.logged.append, lambda _old, _new: None)
        self.inbound = Inbound(
            lambda: self.live.current,
            self.requests,
            CertificateKnowledge(self.book),
            self.metrics,
            self.logged.append,
            self._observed,
        )

    def _observed(self, record: DecisionRecord) -> None:
        self.records.append(record)
        levels = LogLevels(configured_levels(self.live.current.configuration))
        level = levels.level(direction_of(record), entries_of(record), NOW)
        ProtocolLog(lambda _: level, self.logged.append).consume([record])

    def message(
        self,
        reverse_path: str,
        *headers: tuple[str, bytes],
        fingerprint: str | None = None,
        tls: bool = True,
        client: str = "127.0.0.3",
        authenticated: bool = False,
    ) -> Outcome:
        """Pass one message through, as Postfix would describe it."""
        version, cipher = ("TLSv1.3", CIPHER) if tls else (None, None)
        facts = MilterFacts(
            client, "40001", version, cipher, None, None, authenticated, "", "mx1.contoso.test"
        )
        self.requests.remember(
            DelegatedFacts(client, "40001", "Q1", version, cipher, fingerprint, fingerprint, None, None)
        )
        transaction = self.inbound.begin(facts, reverse_path)
        for name, value in headers:
            if name.lower() in {"from", "sender", "resent-from"}:
                transaction.note_author(name, value)
            elif name.lower() in {"x-domain-secure", "authentication-results"}:
                transaction.note_mark(name, value)
            if b"\r" in value:
                transaction.note_hidden_fields(value)
        outcome = self.inbound.end_at_once(transaction, "Q1")
        return self.inbound.end(transaction, "Q1") if outcome is None else outcome

    def know(self, *dns_names: str) -> str:
        """Put a certificate with these names into the book; returns its fingerprint as Postfix shows it."""
        issued = self.authority.issue(common_name=dns_names[0], dns_names=dns_names)
        chain = read_certificates(issued.certificate_pem)
        self.book.add(chain, "import", "woodgrovebank.test", datetime.now(UTC))
        return hashlib.sha256(chain[0].der).hexdigest().upper()
