"""What the schemas of ``--json`` are made of: kinds of values, and the words of our own enumerations.

The words come from the code and from the tables that document it, so that a schema cannot name others.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from domain_secure.commands.probe.probe_document import Outcome as ProbeOutcome
from domain_secure.commands.setup.plan import Name as SetupStep
from domain_secure.commands.terminal.counter_names import WORDS as COUNTER_NAMES
from domain_secure.fleet.node.reports import NodeState
from domain_secure.milter.page.status_view import State
from domain_secure.milter.proof.self_proof import Standing as ProofStanding
from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.certificates.expiry import Expiry, word_of
from domain_secure.policy.certificates.purposes import Purpose
from domain_secure.policy.certificates.trust import Revocation
from domain_secure.policy.configuration.configuration import Condition, LogLevel, Method, Mode, SendMethod
from domain_secure.policy.decision.verdict import Effect, Verdict
from domain_secure.policy.onboarding.steps import Standing as OnboardingStanding
from domain_secure.policy.onboarding.steps import Step as OnboardingStep
from domain_secure.policy.own.watched_certificates import Outcome as WatchOutcome
from domain_secure.policy.own.watched_certificates import Standing as WatchStanding
from domain_secure.policy.record.decision_document import BYPASS
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.sending.delivery import DeliveryStatus, FailureReason
from domain_secure.policy.sending.delivery_counts import LogStanding
from domain_secure.policy.sending.mta_sts import StsMode
from domain_secure.policy.sending.mutual_proof import Mutual
from domain_secure.policy.sending.promised_route import Unverified
from domain_secure.policy.sending.send_candidates import Readiness
from domain_secure.policy.terms.direction import Direction
from domain_secure.postfix.findings.domain_security import State as ConnectorState
from domain_secure.postfix.findings.findings import Severity
from domain_secure.postfix.tables.tables import Table

Schema = dict[str, Any]

_FINDINGS = Path(__file__).parents[1] / "docs" / "findings.md"


def _findings() -> list[str]:
    """Return the words of findings, from the table that is compared with the code."""
    table = _FINDINGS.read_text(encoding="utf-8").partition("## From the trap")[0]
    return re.findall(r"^\| `([a-z-]+)` \| ", table, re.MULTILINE)


#: The published words, by the name of their list.
WORDS: dict[str, list[str]] = {
    "verdict": [one.word for one in Verdict],
    "effect": list(Effect),
    "method": list(Method),
    "condition": list(Condition),
    "attempt": [*Method, *Condition],
    "mode": list(Mode),
    "mode_applied": [*Mode, BYPASS],
    "send_method": list(SendMethod),
    "direction": list(Direction),
    "severity": list(Severity),
    "finding": _findings(),
    "delivery_status": list(DeliveryStatus),
    "failure_reason": [one.word for one in FailureReason],
    "unverified": list(Unverified),
    "log_level": list(LogLevel),
    "connector_state": list(ConnectorState),
    "log_standing": list(LogStanding),
    "state": [one.word for one in State],
    "self_proof": list(ProofStanding),
    "path": list(PathOutcome),
    "purpose": list(Purpose),
    "revocation_mode": list(Revocation),
    "revocation_status": list(RevocationStatus),
    "probe_outcome": list(ProbeOutcome),
    "mutual": list(Mutual),
    "sts_mode": list(StsMode),
    "readiness": list(Readiness),
    "setup_step": list(SetupStep),
    "onboarding_step": list(OnboardingStep),
    "onboarding_standing": list(OnboardingStanding),
    "node_state": list(NodeState),
    "watch_outcome": list(WatchOutcome),
    "watch_standing": list(WatchStanding),
    "table": list(Table),
    "expiry": [word_of(one) for one in Expiry],
    "counter": list(COUNTER_NAMES.values()),
}

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
INTEGER: Schema = {"type": "integer"}
YES_NO: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time"}
#: Texts for people, which may change.
LINES: Schema = {"type": "array", "items": TEXT}


def word(name: str) -> Schema:
    """Return one of the published words of a list."""
    if name not in WORDS:
        raise KeyError(name)
    return {"$ref": f"#/$defs/{name}"}


def one_of(*words: str) -> Schema:
    """Return one of a few words that are no enumeration of the program's."""
    return {"enum": list(words)}


def maybe(schema: Schema) -> Schema:
    """Return a value that is null where there is none, or where it is not known."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: Schema) -> Schema:
    """Return a list of such values."""
    return {"type": "array", "items": schema}


def by_name(schema: Schema) -> Schema:
    """Return an object whose keys are names, such as domains."""
    return {"type": "object", "additionalProperties": schema}


def described(schema: Schema, text: str) -> Schema:
    """Return a value with a word about it."""
    return {**schema, "description": text}


def thing(optional: Iterable[str] = (), **keys: Schema) -> Schema:
    """Return an object with these keys, of which some may be absent."""
    left_out = set(optional)
    return {"type": "object", "properties": keys, "required": [key for key in keys if key not in left_out]}


CERTIFICATE = thing(
    subject=TEXT,
    issuer=TEXT,
    names=many(TEXT),
    not_before=TIME,
    not_after=TIME,
    certificate=TEXT,
    public_key=TEXT,
)
FINDING = thing(severity=word("severity"), word=word("finding"), what=TEXT, proof=TEXT, fix=TEXT)
TLSA = by_name(thing(records=many(TEXT), failures=LINES))
COUNTERS = by_name(COUNT)
COUNTS: Schema = {**COUNTERS, "propertyNames": word("counter")}
OUTCOME = thing(time=TIME, outcome=TEXT, detail=TEXT, queue_id=maybe(TEXT))
FILES = described(many(TEXT), "what was written; in a fleet the revision")
LEVELS = thing(
    configured=word("log_level"),
    temporary=many(thing(level=word("log_level"), domains=many(TEXT), until=TIME)),
)
OWN_CERTIFICATE: dict[str, Schema] = {
    "thumbprint": TEXT,
    "sha256": TEXT,
    "friendly_name": TEXT,
    "subject": TEXT,
    "names": many(TEXT),
    "issuer": TEXT,
    "not_before": TIME,
    "not_after": TIME,
    "days_left": INTEGER,
    "purposes": many(word("purpose")),
    "key_type": TEXT,
    "exportable": YES_NO,
    "services": many(TEXT),
    "spki_sha256": TEXT,
    "tlsa": TEXT,
    "chain": many(thing(subject=TEXT, not_after=TIME)),
}
#: What is told of a certificate that its owner shows or hands over, by both digests.
SHOWN_CERTIFICATE: dict[str, Schema] = {
    "subject": TEXT,
    "names": many(TEXT),
    "issuer": TEXT,
    "not_before": TIME,
    "not_after": TIME,
    "sha256": TEXT,
    "spki_sha256": TEXT,
}
