"""What happened to one message: the one record that log, metrics, history and reports read.

Owns: the frozen facts of a decision, taken once at the end of the message.
Must not know: how a line is worded, where anything is written, Postfix.
Invariant: it holds no content of the message, no header beyond the claimed domains, and no local part of an
address; what is not in here cannot reach a log.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain_secure.policy.decision.attribution import Attribution
from domain_secure.policy.decision.decision import Decision
from domain_secure.policy.decision.evidence import Session
from domain_secure.policy.decision.reply import Reply
from domain_secure.policy.terms.domain import Entry


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One message that claims a listed domain, judged."""

    time: datetime  #: aware, UTC
    queue_id: str
    client_address: str
    client_port: str
    decision: Decision  #: claims, session, every method tried, verdict, effect
    reply: Reply | None  #: None: the message was let in
    seconds: float  #: from the end of the message to the decision, waiting for evidence included
    attributions: Mapping[Entry, Attribution] = field(default_factory=dict)  #: whose it was, where not proved
    server_address: str = ""  #: at which the client found us
    server_port: str = ""

    @property
    def client(self) -> str:
        """Return the client as the log shows it."""
        return f"[{self.client_address}]:{self.client_port}"

    @property
    def session(self) -> Session | None:
        """Return the session; None where it could not be seen, or was not looked at."""
        return self.decision.session

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Return the claimed list entries, each once."""
        return tuple(dict.fromkeys(finding.claim.entry for finding in self.decision.findings))
