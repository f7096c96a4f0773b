"""The keys of what is told of one message, delivery or session."""

from domain_secure.policy.decision.attribution import Attribution
from domain_secure.policy.record.partner_facts import SENT, SESSION

from schema_parts import (
    CERTIFICATE,
    COUNT,
    LINES,
    NUMBER,
    TEXT,
    TIME,
    YES_NO,
    Schema,
    described,
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
    "mode": word("mode_applied"),
    "detail": TEXT,
    "attempts": ATTEMPTS,
}
_OF_A_CLAIM = ("claimed", "claimed_in", "verdict", "method", "mode", "detail")
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

_PARTNER_HEAD: dict[str, Schema] = {
    "time": TIME,
    "direction": word("direction"),
    "reference": described(TEXT, "our queue id, which replies name as [ref …]"),
}
_PARTNER_SESSION = thing(
    **_PARTNER_HEAD,
    kind={"const": SESSION},
    client=described(
        maybe(thing(address=TEXT, port=maybe(TEXT))), "null where it is not surely the partner's"
    ),
    tls=maybe(TEXT),
    cipher=maybe(TEXT),
    certificate=maybe(TEXT),
    public_key=maybe(TEXT),
    effect=word("effect"),
    reply=described(maybe(TEXT), "null as well where it was about another domain"),
    claims=many(thing(**{key: DECISION_FINDING[key] for key in _OF_A_CLAIM})),
)
_PARTNER_DELIVERY = thing(
    **_PARTNER_HEAD,
    kind={"const": SENT},
    server=described(maybe(TEXT), "null where it has not proved to be the partner's"),
    outcome=described(TEXT, "a delivery's status, or the reason why a session failed"),
    detail=described(maybe(TEXT), "the words of the partner's server, or what was wrong with its session"),
    verified=YES_NO,
    mutual=YES_NO,
    tls=maybe(TEXT),
)
#: With --for-partner.
FOR_PARTNER: list[Schema] = [_PARTNER_SESSION, _PARTNER_DELIVERY]
