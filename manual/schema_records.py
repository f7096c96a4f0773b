"""The keys of what is told of one message, delivery or session."""

from domain_secure.policy.decision.attribution import Attribution

from schema_parts import (
    CERTIFICATE,
    COUNT,
    LINES,
    NUMBER,
    TEXT,
    TIME,
    YES_NO,
    Schema,
    many,
    maybe,
    one_of,
    thing,
    word,
)

OPEN: Schema = {"type": "object"}
ATTEMPTS = many(thing(method=word("attempt"), verdict=word("verdict"), detail=TEXT))
DECISION_FINDING: dict[str, Schema] = {
    "domain": TEXT,
    "claimed": TEXT,
    "claimed_in": TEXT,
    "verdict": word("verdict"),
    "method": maybe(word("method")),
    "mode": word("mode"),
    "detail": TEXT,
    "attempts": ATTEMPTS,
}
_RECORD_HEAD: dict[str, Schema] = {
    "number": COUNT,
    "time": TIME,
    "direction": word("direction"),
    "queue_id": maybe(TEXT),
}
_DECISION = thing(
    ("certificates", "signatures"),
    **_RECORD_HEAD,
    kind={"const": "decision"},
    client=thing(address=TEXT, port=maybe(TEXT)),
    verdict=word("verdict"),
    effect=word("effect"),
    reply=maybe(TEXT),
    seconds=NUMBER,
    session=maybe(OPEN),
    known_certificate=maybe(OPEN),
    tlsa=maybe(OPEN),
    signatures=maybe(many(OPEN)),
    findings=many(
        thing(
            ("attempts", "attribution"),
            **DECISION_FINDING,
            attribution=maybe(one_of(*Attribution)),
        )
    ),
    certificates=many(CERTIFICATE),
)
_DELIVERY = thing(
    ("lines",),
    **_RECORD_HEAD,
    kind={"const": "delivery"},
    domain=TEXT,
    recipient_domain=TEXT,
    relay=maybe(TEXT),
    status=word("delivery_status"),
    dsn=maybe(TEXT),
    reply=TEXT,
    verified=YES_NO,
    unverified=maybe(word("unverified")),
    mutual=YES_NO,
    tls=maybe(OPEN),
    lines=LINES,
)
_FAILURE = thing(
    ("lines",),
    **_RECORD_HEAD,
    kind={"const": "session-failure"},
    domain=TEXT,
    relay=maybe(TEXT),
    reason=word("failure_reason"),
    security=YES_NO,
    detail=TEXT,
    lines=LINES,
)
RECORD: Schema = {"oneOf": [_DECISION, _DELIVERY, _FAILURE]}
