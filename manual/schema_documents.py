"""The keys of the document of each command that changes something, or tells of certificates and lists."""

from schema_parts import (
    COUNT,
    FILES,
    FINDING,
    LEVELS,
    LINES,
    NUMBER,
    OWN_CERTIFICATE,
    SHOWN_CERTIFICATE,
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

IN_FORCE = described(YES_NO, "whether mail goes by it; absent where nobody waited for it")
#: What a command that waits adds; all of it may be absent.
WAITED: dict[str, Schema] = {
    "in_force": IN_FORCE,
    "revision": COUNT,
    "late": {"type": "object", "additionalProperties": TEXT},
    "silent": many(TEXT),
    "doubled": many(TEXT),
    "live_nodes": COUNT,
}
BYPASS: dict[str, Schema] = {
    "domain": TEXT,
    "direction": one_of("receive", "send", "both"),
    "start": TIME,
    "end": TIME,
    "by": TEXT,
    "reason": TEXT,
    "ended_by": maybe(TEXT),
}
BYPASSES = many(thing(**BYPASS, in_30_days=COUNT))
_LIST_CHANGE = thing(
    WAITED,
    list=word("direction"),
    added=many(TEXT),
    removed=many(TEXT),
    unchanged=many(TEXT),
    written=FILES,
    **WAITED,
)
_PLACE: dict[str, Schema] = {
    "config_directory": TEXT,
    "changed": described(many(TEXT), "files; with --dry-run those that would be"),
    "reloaded": YES_NO,
}
_PENDING = thing(
    domain=TEXT,
    client=TEXT,
    sha256=TEXT,
    spki_sha256=maybe(TEXT),
    first_seen=TIME,
    last_seen=TIME,
    count=COUNT,
    methods=many(word("method")),
    settle=TEXT,
)
PENDING = many(_PENDING)

_PROMOTION: dict[str, Schema] = {
    "since": TIME,
    "until": TIME,
    "clean": YES_NO,
    "passed": COUNT,
    "failures": many(
        thing(
            verdict=word("verdict"),
            detail=TEXT,
            count=COUNT,
            last=TIME,
            forgery=YES_NO,
            mends=many(TEXT),
            not_known=many(TEXT),
        )
    ),
    "down": many(thing(since=TIME, until=TIME)),
    "unknown": many(TEXT),
}
WAITING = thing(domain=TEXT, days=COUNT, messages=COUNT, by=TEXT, asked=TIME, done=maybe(TIME))
PROMOTE: dict[str, Schema] = {
    "promote": thing(
        (*WAITED, *_PROMOTION, "written", "domain", "mode", "waiting", "done"),
        domain=TEXT,
        mode=word("mode"),
        waiting=many(WAITING),
        done=many(WAITING),
        written=FILES,
        **_PROMOTION,
        **WAITED,
    )
}

LISTS: dict[str, Schema] = {
    f"{name} {action}": schema
    for name in ("receive", "send")
    for action, schema in {
        "add": _LIST_CHANGE,
        "remove": _LIST_CHANGE,
        "set": _LIST_CHANGE,
        "confirm": thing(list=word("direction"), domains=many(TEXT)),
        "list": thing(list=word("direction"), domains=many(TEXT), revision=maybe(COUNT)),
    }.items()
}

PARTNER: dict[str, Schema] = {
    "partner show": thing(
        domain=TEXT,
        receive=maybe(TEXT),
        send=maybe(TEXT),
        rule=TEXT,
        names=many(TEXT),
        receive_names=many(TEXT),
        send_names=many(TEXT),
        methods=many(word("method")),
        require=many(word("condition")),
        send_method=word("send_method"),
        mode=word("mode"),
        pins=described(many(TEXT), "those that count at present"),
        timed_pins=many(TEXT),
        agreement_key=maybe(TEXT),
        agreement_issued=maybe(TIME),
        agreement_until=maybe(TIME),
        bypass=maybe(thing(**BYPASS, in_30_days=COUNT)),
        bypasses_problem=maybe(TEXT),
        minimum_tls=TEXT,
        mx=many(TEXT),
        via=maybe(TEXT),
        servername=maybe(TEXT),
        send_ca_file=maybe(TEXT),
        certificates=maybe(many(TEXT)),
        certificate_details=maybe(many({"type": "object"})),
        distrusted=many(TEXT),
        certificates_problem=maybe(TEXT),
        onboarding=described(
            maybe(
                thing(
                    begun=TIME,
                    by=TEXT,
                    directions=many(word("direction")),
                    steps=many(thing(step=word("onboarding_step"), done=YES_NO, since=maybe(TIME))),
                    found=TEXT,
                )
            ),
            "how far `partner add` came with it; null where that did not begin",
        ),
        onboarding_problem=maybe(TEXT),
    ),
    "partner set": thing(WAITED, domain=TEXT, written=FILES, **WAITED),
    "partner pin": thing(WAITED, domain=TEXT, written=FILES, **WAITED),
    "partner bypass": thing(
        (*BYPASS, "in_30_days", "bypasses", "former", "in_force"),
        **BYPASS,
        in_30_days=COUNT,
        bypasses=BYPASSES,
        former=many(thing(**BYPASS)),
        in_force=IN_FORCE,
    ),
    "partner list": thing(
        partners=many(
            thing(
                domain=TEXT,
                receive=YES_NO,
                send=YES_NO,
                mode=word("mode"),
                methods=many(word("method")),
                send_method=word("send_method"),
                pins=many(TEXT),
                rule=TEXT,
            )
        )
    ),
    "partner reset": thing(WAITED, domain=TEXT, written=FILES, **WAITED),
    "partner unpin": thing(WAITED, domain=TEXT, written=FILES, **WAITED),
    "partner remove": thing(
        WAITED, domain=TEXT, removed_from=many(word("direction")), written=FILES, **WAITED
    ),
    "partner cert add": thing(
        domain=TEXT,
        **SHOWN_CERTIFICATE,
        chain=many(TEXT),
        would_pass=YES_NO,
        method=maybe(word("method")),
        verdict=word("verdict"),
        detail=TEXT,
        steps=many(thing(what=TEXT, command=maybe(TEXT))),
    ),
    "partner cert list": thing(
        domain=TEXT,
        certificates=many(
            thing(
                thumbprint=TEXT,
                sha256=TEXT,
                spki_sha256=TEXT,
                subject=TEXT,
                names=many(TEXT),
                issuer=TEXT,
                not_before=TIME,
                not_after=TIME,
                is_past=YES_NO,
                distrusted=many(TEXT),
                imported=YES_NO,
                first_seen=TIME,
                last_seen=TIME,
                sources=many(TEXT),
            )
        ),
        distrusted=many(TEXT),
    ),
    "partner cert distrust": thing(WAITED, pins=many(TEXT), written=FILES, **WAITED),
    "partner cert undistrust": thing(WAITED, pins=many(TEXT), written=FILES, **WAITED),
    "partner cert remove": thing(domain=TEXT, thumbprint=TEXT, sha256=TEXT),
    "pending": thing(pending=PENDING),
}

POSTFIX: dict[str, Schema] = {
    "generate": thing(
        ("tables", "reloaded", "differences"),
        tables=many(thing(table=word("table"), path=TEXT, type=TEXT, lines=COUNT, changed=YES_NO)),
        reloaded=YES_NO,
        differences=described(many(thing(table=word("table"), path=TEXT, diff=LINES)), "with --check"),
    ),
    "give-up": thing(
        give_up_seconds=maybe(NUMBER),
        returned=many(thing(queue_id=TEXT, domains=many(TEXT), arrival=TIME, reason=TEXT)),
    ),
    "attach": thing(
        ("services", "findings"),
        **_PLACE,
        services=many(TEXT),
        findings=described(many(FINDING), "of the questions to Postfix where mail goes now"),
    ),
    "detach": thing(places=many(thing(**_PLACE))),
    "socket-folder": thing(folder=TEXT),
    "setup": thing(
        steps=many(
            thing(
                step=word("setup_step"),
                outcome=one_of("done", "already", "not-done"),
                what=TEXT,
                undo=maybe(TEXT),
                said=LINES,
            )
        ),
        undo=many(TEXT),
        problem=maybe(thing(what=TEXT, where=TEXT, fix=TEXT)),
    ),
}

_WRITTEN = {"certificates": TEXT, "written": FILES}
CERTIFICATES: dict[str, Schema] = {
    "cert request": thing(
        identifier=TEXT,
        subject=TEXT,
        names=many(TEXT),
        key_type=TEXT,
        exportable=YES_NO,
        request=described(TEXT, "PKCS#10 in PEM"),
        written=FILES,
    ),
    "cert import": thing(
        ("changed", "not_proved"),
        **OWN_CERTIFICATE,
        is_new=YES_NO,
        answers=maybe(TEXT),
        left_out=many(TEXT),
        watched=maybe(TEXT),
        changed=YES_NO,
        not_proved=many(TEXT),
    ),
    "cert refresh": thing(
        ("places", "unconfirmed", "forgotten"),
        places=many(thing(path=TEXT, outcome=word("watch_outcome"), detail=TEXT)),
        unconfirmed=many(TEXT),
        forgotten=TEXT,
    ),
    "cert enable": thing(thumbprint=TEXT, changed=YES_NO, services=many(TEXT), not_proved=many(TEXT)),
    "cert export": thing(thumbprint=TEXT, written=FILES),
    "cert list": thing(
        certificates=many(thing(**OWN_CERTIFICATE)),
        requests=many(
            thing(
                identifier=TEXT,
                friendly_name=TEXT,
                subject=TEXT,
                names=many(TEXT),
                made=TIME,
                exportable=YES_NO,
                renews=maybe(TEXT),
            )
        ),
        watched=many(
            thing(path=TEXT, sha256=TEXT, standing=maybe(word("watch_standing")), detail=maybe(TEXT))
        ),
        unconfirmed=many(TEXT),
    ),
    "cert show": thing(**OWN_CERTIFICATE),
    "cert remove": thing(thumbprint=TEXT),
    "cert ca init": thing(root=TEXT, domains=many(TEXT), not_after=TIME, folder=TEXT, **_WRITTEN),
    "cert ca issue": thing(thumbprint=TEXT, sha256=TEXT, names=many(TEXT), not_after=TIME, **_WRITTEN),
    "cert ca revoke": thing(
        revoked=many(thing(thumbprint=TEXT, names=many(TEXT))),
        list=thing(path=TEXT, number=COUNT, days=COUNT),
    ),
    "cert ca list": thing(
        root=TEXT,
        domains=many(TEXT),
        not_after=TIME,
        issued=many(
            thing(thumbprint=TEXT, sha256=TEXT, names=many(TEXT), not_after=TIME, revoked=maybe(TIME))
        ),
    ),
    "cert revocation refresh": thing(
        locations=many(
            thing(
                url=TEXT,
                kind=TEXT,
                certificate=TEXT,
                result=one_of("fetched", "failed"),
                detail=maybe(TEXT),
                fix=maybe(TEXT),
                until=maybe(TIME),
            )
        )
    ),
}

LOG_LEVELS: dict[str, Schema] = {"log receive": LEVELS, "log send": LEVELS}
