"""The keys of the document of each command that looks at mail, Postfix, the daemon or the history."""

from domain_secure.commands.report.verification import Outcome as VerifyOutcome

from schema_connectors import CONNECTOR
from schema_documents import BYPASS, BYPASSES, PENDING, WAITING
from schema_parts import (
    CERTIFICATE,
    COUNT,
    COUNTERS,
    COUNTS,
    FINDING,
    INTEGER,
    LEVELS,
    LINES,
    NUMBER,
    OUTCOME,
    TEXT,
    TIME,
    TLSA,
    YES_NO,
    Schema,
    by_name,
    described,
    many,
    maybe,
    one_of,
    thing,
    word,
)
from schema_records import DECISION_FINDING, FOR_PARTNER, OPEN, RECORD

_TOTALS: dict[str, Schema] = {
    "received": COUNTERS,
    "sent": COUNTERS,
    "reasons": by_name(COUNTERS),
    "methods": COUNTERS,
    "tls_received": COUNTERS,
    "tls_sent": COUNTERS,
    "days": by_name(COUNTERS),
}
_LATEST = thing(success=maybe(OUTCOME), failure=maybe(OUTCOME), outcomes=many(OPEN))
_ENDS = {"ends": TIME, "days_left": INTEGER}
_SERVER = thing(
    ("mutual",),
    host=maybe(TEXT),
    address=TEXT,
    port=COUNT,
    preference=maybe(INTEGER),
    verdict={"anyOf": [word("failure_reason"), {"const": "good"}]},
    detail=TEXT,
    tls_version=maybe(TEXT),
    cipher=maybe(TEXT),
    certificate_requested=maybe(YES_NO),
    remark=maybe(TEXT),
    chain=many(CERTIFICATE),
    names=many(TEXT),
    certificate=maybe(TEXT),
    public_key=maybe(TEXT),
    path=maybe(thing(outcome=word("path"), detail=TEXT)),
    distrusted=many(TEXT),
    name=maybe(TEXT),
    tlsa=thing(records=many(TEXT), match=maybe(TEXT), failures=LINES),
    mutual=thing(verdict=word("mutual"), sessions=by_name(OPEN)),
)
#: What was found at the servers of one domain.
PROBED = thing(
    domain=TEXT,
    listed=thing(receive=YES_NO, send=YES_NO),
    verdict=word("probe_outcome"),
    detail=TEXT,
    send_method=word("send_method"),
    servers=many(_SERVER),
    failures=LINES,
    mta_sts=maybe(
        thing(
            problem=maybe(TEXT),
            mode=maybe(word("sts_mode")),
            mx=many(TEXT),
            not_covered=many(TEXT),
        )
    ),
    receiving=maybe(
        thing(
            verdict=word("verdict"),
            method=maybe(word("method")),
            detail=TEXT,
            revocation=word("revocation_status"),
            revocation_detail=maybe(TEXT),
        )
    ),
    suggestion=maybe(thing(commands=many(TEXT), weakens=maybe({}))),
)
#: Since when the counters count; a restart of the daemon changes nothing.
_SINCE = thing(receive=maybe(TIME), send=maybe(TIME))
_DAEMON = thing(
    (
        "healthy",
        "unwell",
        "version",
        "pid",
        "configuration_in_force",
        "tables_problem",
        "self_proof",
        "postfix_log",
    ),
    problem=described(maybe(TEXT), "why it does not answer; the other keys are absent then"),
    healthy=YES_NO,
    unwell=by_name(TEXT),
    version=TEXT,
    pid=COUNT,
    configuration_in_force=one_of("as on disk", "last good"),
    tables_problem=maybe(TEXT),
    self_proof=maybe(thing(standing=maybe(word("self_proof")), detail=maybe(TEXT))),
    postfix_log=maybe(thing(standing=word("log_standing"), detail=maybe(TEXT))),
)
_STATUS = thing(
    node=TEXT,
    fleet=maybe(
        thing(node=TEXT, revision=COUNT, store_last_answered=maybe(TIME), problem=maybe(TEXT)),
    ),
    configuration=thing(path=TEXT, problem=maybe(TEXT), readable=YES_NO),
    daemon=_DAEMON,
    connectors=many(thing(**CONNECTOR)),
    connectors_problem=maybe(TEXT),
    domains=many(
        thing(
            domain=TEXT,
            receive=YES_NO,
            send=YES_NO,
            mode=word("mode"),
            counters=COUNTERS,
            counts=COUNTS,
            latest=thing(receive=_LATEST, send=_LATEST),
            asks_for_our_certificate=one_of("yes", "never", "sometimes", "unknown"),
            waiting=maybe(COUNT),
            partner_refusals=COUNT,
        )
    ),
    domains_listed=COUNT,
    promotions=maybe(many(WAITING)),
    bypasses=maybe(BYPASSES),
    bypasses_problem=maybe(TEXT),
    not_in_force=maybe(TEXT),
    pending_certificates=maybe(COUNT),
    pending=PENDING,
    pending_problem=maybe(TEXT),
    certificates=many(thing(role=TEXT, name=TEXT, expiry=word("expiry"), **_ENDS)),
    renewals=many(thing(path=TEXT, standing=TEXT, detail=maybe(TEXT), fix=maybe(TEXT))),
    renewals_problem=maybe(TEXT),
    revocation_lists=many(thing(issuer=TEXT, **_ENDS)),
    agreements=many(thing(domain=TEXT, until=TIME, ended=YES_NO, timed_pins=many(TEXT))),
    protocol_log=maybe(thing(receive=LEVELS, send=LEVELS)),
    protocol_log_problem=maybe(TEXT),
    log_lag_seconds=maybe(NUMBER),
    counted_since=_SINCE,
    history_problem=maybe(TEXT),
)
#: ``status --fleet``
_FLEET_COUNTERS = thing(
    domains=many(thing(domain=TEXT, counters=COUNTERS, counts=COUNTS)),
    others=COUNTERS,
    others_counts=COUNTS,
    nodes=many(thing(node=TEXT, counters=COUNTERS, counts=COUNTS)),
    total=COUNTERS,
    total_counts=COUNTS,
    missing_nodes=many(TEXT),
)

#: With --out the file alone is named, and --verify tells of another report.
_REPORT = (
    "written", "since", "until", "made", "host", "history_begins", "not_known", "configurations", "bypasses",
    "chain", "totals", "partners", "file", "outcome", "report",
)  # fmt: skip

ANSWERS: dict[str, Schema] = {
    "check": thing(
        findings=many(FINDING),
        lookups=many(thing(domain=TEXT, transport=TEXT, nexthop=TEXT, route=TEXT, policy=TEXT)),
        counts={**COUNTERS, "propertyNames": word("severity")},
        not_looked_at=many(thing(what=TEXT, why=TEXT)),
    ),
    "config test": thing(
        path=TEXT, findings=many(thing(severity=word("severity"), what=TEXT, where=TEXT, fix=TEXT))
    ),
    "help": described(thing(), "what there is to read is in said"),
    "probe": thing(domains=many(PROBED)),
    "explain": thing(
        verdict=word("verdict"),
        effect=word("effect"),
        reply=maybe(TEXT),
        findings=many(thing(**DECISION_FINDING, names=many(TEXT), not_asked=by_name(TEXT))),
        certificate=maybe(
            thing(
                certificate=TEXT,
                public_key=TEXT,
                names=many(thing(name=TEXT, kind=TEXT, matches=maybe(TEXT))),
                common_name=maybe(TEXT),
                common_name_counts=YES_NO,
                path=word("path"),
                path_detail=TEXT,
                chain=many(CERTIFICATE),
                revocation=word("revocation_status"),
                revocation_mode=word("revocation_mode"),
                revocation_detail=maybe(TEXT),
            )
        ),
        tlsa=TLSA,
    ),
    "log show": described(
        thing(
            ("partner", "not_told"),
            records=many({"oneOf": [*RECORD["oneOf"], *FOR_PARTNER]}),
            partner=described(TEXT, "with --for-partner"),
            not_told=described(COUNT, "with --for-partner: records that name it, and are not its own"),
        ),
        "with --follow each record is a line of its own",
    ),
    "report": thing(
        _REPORT,
        written=described(many(TEXT), "with --out, and then alone: the file that has the report"),
        since=TIME,
        until=TIME,
        made=TIME,
        host=TEXT,
        history_begins=maybe(TIME),
        bypasses=many(thing(**BYPASS)),
        not_known=many(thing(what=TEXT, since=maybe(TIME), until=maybe(TIME))),
        configurations=many(thing(since=maybe(TIME), revision=maybe(TEXT), files=by_name({}))),
        chain=described(OPEN, "where the report stands among those made before it"),
        file=TEXT,
        outcome=one_of(*VerifyOutcome),
        report=described(maybe(OPEN), "with --verify: what the chain has of it"),
        totals=thing(**_TOTALS),
        partners=many(
            thing(
                domain=TEXT,
                **_TOTALS,
                latest=many(
                    thing(
                        direction=word("direction"),
                        success=YES_NO,
                        time=TIME,
                        exact=YES_NO,
                        outcome=TEXT,
                        detail=TEXT,
                        queue_id=maybe(TEXT),
                    )
                ),
                certificates=many(
                    thing(
                        fingerprint=TEXT,
                        direction=word("direction"),
                        first_seen=TIME,
                        last_seen=TIME,
                        passed=COUNT,
                        failed=COUNT,
                        new=YES_NO,
                        distrusted=YES_NO,
                        content=maybe(CERTIFICATE),
                    )
                ),
            )
        ),
    ),
    "whatif": thing(
        configuration=TEXT,
        since=TIME,
        until=maybe(TIME),
        judged=COUNT,
        same=COUNT,
        unreadable=COUNT,
        limits=LINES,
        changes=many(
            thing(
                domain=TEXT,
                former=thing(verdict=word("verdict"), effect=word("effect")),
                present=thing(verdict=word("verdict"), effect=word("effect")),
                other_end=YES_NO,
                detail=TEXT,
                not_known=LINES,
                count=COUNT,
                messages=many(thing(queue_id=maybe(TEXT), time=TIME, client=TEXT)),
            )
        ),
    ),
    "suggest": thing(
        since=TIME,
        domains_seen=COUNT,
        relayhost=maybe(TEXT),
        proposed=many(
            thing(
                domain=TEXT,
                readiness=word("readiness"),
                messages=COUNT,
                verified=COUNT,
                trusted=COUNT,
                encrypted=COUNT,
                asked_for_our_certificate=COUNT,
                did_not_ask_for_our_certificate=COUNT,
                failed_sessions=COUNT,
                servers=many(TEXT),
                last=maybe(TIME),
                commands=many(TEXT),
            )
        ),
    ),
    "status": {"if": {"required": ["total"]}, "then": _FLEET_COUNTERS, "else": _STATUS},
    "top": thing(
        node=TEXT,
        time=TIME,
        daemon_problem=maybe(TEXT),
        configuration_problem=maybe(TEXT),
        state=word("state"),
        summary=TEXT,
        counted_since=_SINCE,
        partners=many(
            thing(
                domain=TEXT,
                state=word("state"),
                per_minute=maybe(NUMBER),
                counters=COUNTERS,
                counts=COUNTS,
                waiting=maybe(COUNT),
                last_failure=maybe(thing(time=TIME, ago=TEXT, outcome=TEXT)),
            )
        ),
    ),
}
