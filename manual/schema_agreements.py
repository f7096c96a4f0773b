"""The keys of the documents about what partners announce to each other."""

from schema_parts import (
    FILES,
    SHOWN_CERTIFICATE,
    TEXT,
    TIME,
    Schema,
    described,
    many,
    maybe,
    one_of,
    thing,
    word,
)

_AGREEMENT: dict[str, Schema] = {
    "domains": many(TEXT),
    "issued": TIME,
    "valid_until": TIME,
    "signing_key": TEXT,
    "fingerprint": TEXT,
    "keys": many(
        thing(
            spki_sha256=TEXT,
            certificate_sha256=maybe(TEXT),
            shown_as=many(one_of("server", "client")),
            **{"from": maybe(TIME), "until": maybe(TIME)},
        )
    ),
    "server_names": many(TEXT),
    "client_names": many(TEXT),
    "mx": many(TEXT),
    "authorities": many(thing(subject=TEXT, certificate_sha256=TEXT)),
    "contacts": many(TEXT),
}
_COMPARED: dict[str, Schema] = {
    "agreement": thing(**_AGREEMENT),
    "proposals": many(
        thing(
            domain=TEXT,
            changes=many(thing(key=TEXT, present=many(TEXT), agreed=many(TEXT), remark=maybe(TEXT))),
            remarks=described(many(TEXT), "what there is to know besides; for people, may change"),
            command=described(maybe(TEXT), "accepts all of it; null: nothing is to be changed"),
        )
    ),
}
AGREEMENTS: dict[str, Schema] = {
    "agreement export": thing(**_AGREEMENT, written=FILES),
    "agreement import": thing(**_COMPARED, written=FILES),
    "agreement diff": thing(**_COMPARED),
}

_CERTIFICATE = thing(
    **SHOWN_CERTIFICATE,
    authorities=many(thing(subject=TEXT, sha256=TEXT)),
)
_PINS: dict[str, Schema] = {"pins": many(TEXT), "timed_pins": many(TEXT)}
INVITATION: dict[str, Schema] = {
    "partner invite": thing(
        partner=TEXT,
        made=TIME,
        node=TEXT,
        our_domains=many(TEXT),
        mx=many(TEXT),
        contacts=many(TEXT),
        server_certificates=many(_CERTIFICATE),
        client_certificates=many(_CERTIFICATE),
        next_keys=many(thing(spki_sha256=TEXT, sha256=maybe(TEXT), names=many(TEXT))),
        tlsa=many(thing(name=TEXT, data=TEXT, standing=one_of("published", "absent", "unknown"))),
        receive=described(
            maybe(
                thing(
                    entry=TEXT,
                    mode=word("mode"),
                    minimum_tls=TEXT,
                    methods=many(word("method")),
                    names=many(TEXT),
                    require=many(word("condition")),
                    on_failure=one_of("reject", "defer", "tag"),
                    **_PINS,
                )
            ),
            "what is demanded of mail from the partner; null: it is not listed",
        ),
        send=described(
            maybe(
                thing(
                    entry=TEXT,
                    minimum_tls=TEXT,
                    method=word("send_method"),
                    names=many(TEXT),
                    mx=many(TEXT),
                    **_PINS,
                )
            ),
            "the same of mail to the partner",
        ),
        commands=many(thing(key=TEXT, command=TEXT)),
        reflector=maybe(TEXT),
        mark=TEXT,
        agreement_fingerprint=maybe(TEXT),
        unknown=described(many(thing(what=TEXT, why=TEXT)), "what could not be learnt, and why"),
        written=FILES,
    )
}
